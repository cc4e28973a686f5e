//! File, target and user: who wins, and where every partition starts.

use std::collections::{BTreeMap, BTreeSet};

use dstream_abi::{Bookmark, CommitRecord, Partition, SelectedStream};

use super::{Entry, PartitionState, Result, State};
use crate::commit::Protocol;

/// What is known before a run reads anything.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The pipeline's identity.
    pub pipeline: &'a str,
    /// The state file's content; a missing file is an empty one. `None`: the user gave no file, start from the
    /// beginning.
    pub state: Option<&'a State>,
    /// What `begin` answered.
    pub records: &'a [CommitRecord],
    /// The target's manifest says so.
    pub transactional: bool,
    /// The user asked to start over.
    pub full_refresh: bool,
    /// What is selected.
    pub streams: &'a [SelectedStream],
    /// What else must not change for a bookmark to keep its meaning, by name.
    pub fingerprint: &'a BTreeMap<String, String>,
    /// That of the machine.
    pub protocol: Protocol,
}

/// The answer, as far as it can be given before the tap plans.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// For [`Selection::bookmarks`](dstream_abi::Selection::bookmarks).
    pub bookmarks: BTreeMap<String, Bookmark>,
}

/// Where every lane starts.
#[derive(Clone, Debug)]
pub struct Starts {
    /// In the order of the partitions.
    pub lanes: Vec<Start>,
    /// What the user is told.
    pub notices: Vec<String>,
}

/// Where one lane starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Start {
    /// The partition's id.
    pub partition: String,
    /// What is stored of it now, whatever the start makes of it.
    pub stored: Option<Entry>,
    /// Sequence that is stored now; the next commit is one more.
    pub sequence: u64,
    /// Where to read on, the generation, and what else the next commit goes on from.
    pub state: PartitionState,
    /// Those of its streams of which part of this generation is committed already.
    pub resumed: BTreeSet<String>,
    /// Its part of the generation is complete: nothing is to be read.
    pub complete: bool,
}

/// Decides who wins: what the user edited by hand, once; then the target's record; then the file.
///
/// # Errors
/// `Unusable`: file and target contradict each other, or the bookmark has lost its meaning. `Other`: a hand edit that
/// cannot be meant.
pub fn resolve(question: &Question<'_>) -> Result<Resolution> {
    let _ = question;
    Ok(Resolution { bookmarks: BTreeMap::new() })
}

impl Resolution {
    /// Where the partitions of the tap's plan start.
    ///
    /// # Errors
    /// As [`resolve`].
    pub fn starts(&self, partitions: &[Partition]) -> Result<Starts> {
        let _ = partitions;
        Ok(Starts { lanes: Vec::new(), notices: Vec::new() })
    }
}
