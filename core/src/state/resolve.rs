//! File, target and user: who wins, for every partition that is known.

use std::collections::{BTreeMap, BTreeSet};

use dstream_abi::{Bookmark, CommitRecord, Error, ReplicationMethod, SelectedStream};

use super::{Authority, Edit, Entry, PartitionState, Result, State, StateError};
use crate::commit::{Protocol, SeededBug};

/// What is known before a run reads anything.
#[derive(Clone, Copy, Debug)]
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
    /// For [`Selection::complete`](dstream_abi::Selection::complete).
    pub complete: BTreeMap<String, Bookmark>,
    pub(super) known: BTreeMap<String, Known>,
    pub(super) streams: BTreeMap<String, Following>,
    pub(super) fingerprint: BTreeMap<String, String>,
    /// Hand edits that may still be pending for a partition nobody has heard of.
    pub(super) edits: Vec<Edit>,
    /// Partitions that file or target know, also those that are not selected.
    ids: BTreeSet<String>,
    pub(super) notices: Vec<String>,
}

/// How a selected stream is kept up to date.
#[derive(Clone, Debug)]
pub(super) struct Following {
    pub(super) method: ReplicationMethod,
    pub(super) key: Option<String>,
}

/// A partition that file or target know.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// What is stored where it counts: in the target, or in the file when the target keeps no records.
    pub(super) stored: Option<Entry>,
    pub(super) verdict: Verdict,
}

/// Who won.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// From the start, because of this hand edit or because the user wants it.
    StartOver { edit: Option<String> },
    /// Where the user set it.
    Set { edit: String, bookmark: Bookmark },
    /// Where it is.
    GoOn(PartitionState),
}

/// Decides who wins: what the user edited by hand, once; then the target's record; then the file.
///
/// # Errors
/// `Unusable`: file and target contradict each other, or the bookmark has lost its meaning. `Other`: a hand edit that
/// cannot be meant.
pub fn resolve(question: &Question<'_>) -> Result<Resolution> {
    let mut resolution = Resolution {
        bookmarks: BTreeMap::new(),
        complete: BTreeMap::new(),
        known: BTreeMap::new(),
        streams: question
            .streams
            .iter()
            .map(|stream| {
                let following =
                    Following { method: stream.replication_method, key: stream.replication_key.clone() };
                (stream.name.clone(), following)
            })
            .collect(),
        fingerprint: question.fingerprint.clone(),
        edits: question.state.map(|state| state.edits.clone()).unwrap_or_default(),
        ids: BTreeSet::new(),
        notices: Vec::new(),
    };
    if question.full_refresh {
        // What was set by hand is used up, as if it had been cleared.
        resolution.edits.iter_mut().for_each(|edit| edit.bookmark = None);
    }
    resolution.check_file(question)?;
    let nothing = BTreeMap::new();
    let file = question.state.map_or(&nothing, |state| &state.bookmarks);
    let mut records = BTreeMap::new();
    for record in question.records.iter().filter(|_| question.transactional) {
        records.insert(record.key.clone(), Entry::from_record(record)?);
    }
    resolution.ids = records.keys().chain(file.keys()).cloned().collect();
    for id in &resolution.ids.clone() {
        let pair = Pair { id, record: records.get(id), file: file.get(id) };
        let entry = pair.record.or(pair.file);
        let is_selected =
            |entry: &Entry| entry.state.streams.iter().any(|name| resolution.streams.contains_key(name));
        if entry.is_some_and(is_selected) {
            let known = resolution.decide(question, &pair)?;
            resolution.known.insert(id.clone(), known);
        }
    }
    resolution.give_bookmarks();
    Ok(resolution)
}

/// What target and file say of one partition.
struct Pair<'a> {
    id: &'a str,
    record: Option<&'a Entry>,
    file: Option<&'a Entry>,
}

impl Resolution {
    fn check_file(&mut self, question: &Question<'_>) -> Result<()> {
        let Some(state) = question.state else { return Ok(()) };
        if !state.pipeline.is_empty() && state.pipeline != question.pipeline {
            return Err(StateError::Unusable(
                Error::config(format!(
                    "the state file belongs to pipeline `{}`, this is `{}`",
                    state.pipeline, question.pipeline
                ))
                .hint("give every pipeline a state file of its own"),
            ));
        }
        let copied = state.authority == Authority::Target && !state.bookmarks.is_empty();
        if !question.transactional && copied {
            self.notices.push(
                "the target keeps no records: the state file decides now, and what it lagged behind comes twice".into(),
            );
        }
        Ok(())
    }

    fn decide(&mut self, question: &Question<'_>, pair: &Pair<'_>) -> Result<Known> {
        let stored = if question.transactional { pair.record } else { pair.file };
        let carried = stored.and_then(|entry| entry.state.edit.clone());
        let streams = pair.record.or(pair.file).map_or(&[][..], |entry| &entry.state.streams);
        let edit = self.newest_edit(pair.id, streams).cloned();
        let is_applied = |edit: &&Edit| {
            let mut entries = pair.record.iter().chain(&pair.file);
            entries.any(|entry| entry.state.edit.as_ref() == Some(&edit.id))
        };
        let pending = edit.as_ref().filter(|edit| !is_applied(edit));
        let verdict = if question.state.is_none() {
            Verdict::StartOver { edit: carried }
        } else if question.full_refresh {
            self.notices.push(format!("`{}`: starts over, as asked with `--full-refresh`", pair.id));
            Verdict::StartOver { edit: pending.map(|edit| edit.id.clone()).or(carried) }
        } else if let Some(edit) = pending {
            self.by_hand(pair.id, streams, edit)?
        } else {
            self.by_record(question, pair)?
        };
        Ok(Known { stored: stored.cloned(), verdict })
    }

    /// What the user edited wins, once: the commit stores the edit's id.
    pub(super) fn by_hand(&mut self, id: &str, streams: &[String], edit: &Edit) -> Result<Verdict> {
        let Some(bookmark) = edit.bookmark.clone() else {
            self.notices.push(format!("`{id}`: starts over, because its bookmark was cleared by hand"));
            return Ok(Verdict::StartOver { edit: Some(edit.id.clone()) });
        };
        let following = streams.iter().find_map(|name| self.streams.get(name));
        if following.is_some_and(|following| following.method == ReplicationMethod::FullTable) {
            return Err(StateError::Other(
                Error::config(format!(
                    "the bookmark of `{id}` was set by hand, and FULL_TABLE reads everything"
                ))
                .stream(streams.first().cloned().unwrap_or_default())
                .hint("clear it with `dstreams state clear`, or choose INCREMENTAL in the catalog"),
            ));
        }
        self.notices.push(format!("`{id}`: goes on from the bookmark that was set by hand"));
        Ok(Verdict::Set { edit: edit.id.clone(), bookmark })
    }

    fn by_record(&mut self, question: &Question<'_>, pair: &Pair<'_>) -> Result<Verdict> {
        let trusts_file = !question.transactional || question.protocol.has(SeededBug::StateBeforeData);
        let entry = match (pair.record, pair.file) {
            (_, Some(file)) if trusts_file => file,
            (record, Some(file)) if is_behind(record, file) => return Err(behind(pair.id, record, file)),
            (Some(record), file) => {
                if file.is_none_or(|file| file.sequence < record.sequence) {
                    self.notices.push(format!(
                        "`{}`: the target is ahead of the state file and wins (commit {}, the file has {})",
                        pair.id,
                        record.sequence,
                        file.map_or("none".to_string(), |file| file.sequence.to_string())
                    ));
                }
                record
            }
            // Without a record, `is_behind` holds for every file.
            (None, _) => return Ok(Verdict::StartOver { edit: None }),
        };
        self.check_meaning(pair.id, &entry.state)?;
        Ok(Verdict::GoOn(entry.state.clone()))
    }

    /// The bookmark still means what it meant.
    fn check_meaning(&self, id: &str, state: &PartitionState) -> Result<()> {
        let Some(now) = state.streams.iter().find_map(|name| self.streams.get(name)) else { return Ok(()) };
        let starts_over = now.method == ReplicationMethod::FullTable && state.complete;
        let none = String::from("none");
        let changed = if now.method != state.method {
            Some(("replication method".to_string(), state.method.to_string(), now.method.to_string()))
        } else if now.method != ReplicationMethod::FullTable && now.key != state.replication_key {
            let (was, is) = (state.replication_key.as_ref(), now.key.as_ref());
            Some(("replication key".to_string(), was.unwrap_or(&none).clone(), is.unwrap_or(&none).clone()))
        } else {
            let mut fields = state.fingerprint.iter().filter(|_| !starts_over);
            fields.find_map(|(name, was)| {
                let is = self.fingerprint.get(name).filter(|is| *is != was)?;
                Some((name.clone(), was.clone(), is.clone()))
            })
        };
        let Some((what, was, is)) = changed else { return Ok(()) };
        let stream = state.streams.first().cloned().unwrap_or_default();
        Err(StateError::Unusable(
            Error::config(format!(
                "the bookmark of `{id}` has lost its meaning: the {what} was `{was}` and is now `{is}`"
            ))
            .hint(format!("change it back, or start over with `--full-refresh --streams {stream}`"))
            .stream(stream),
        ))
    }

    pub(super) fn newest_edit(&self, id: &str, streams: &[String]) -> Option<&Edit> {
        let is_for_another = |edit: &Edit| {
            let scope = edit.stream.as_deref().filter(|_| edit.bookmark.is_some());
            scope.is_some_and(|scope| scope != id && self.ids.contains(scope))
        };
        self.edits.iter().rev().find(|edit| edit.covers(id, streams) && !is_for_another(edit))
    }

    fn give_bookmarks(&mut self) {
        let newest = self.newest_generations();
        for (id, known) in &self.known {
            let bookmark = match &known.verdict {
                Verdict::StartOver { .. } => None,
                Verdict::Set { bookmark, .. } => Some(bookmark.clone()),
                // What is complete of a full table starts over; what is of an older generation as well.
                Verdict::GoOn(state) => {
                    let is_full = state.method == ReplicationMethod::FullTable && state.complete;
                    let is_newest =
                        state.streams.iter().all(|name| newest.get(name) == Some(&state.generation));
                    let bookmark = state.bookmark.clone().filter(|_| is_newest);
                    if is_full {
                        self.complete.extend(bookmark.map(|bookmark| (id.clone(), bookmark)));
                        continue;
                    }
                    bookmark
                }
            };
            self.bookmarks.extend(bookmark.map(|bookmark| (id.clone(), bookmark)));
        }
        for edit in &self.edits {
            // A bookmark set for a stream that was never read.
            let (Some(stream), Some(bookmark)) = (&edit.stream, &edit.bookmark) else { continue };
            let is_known =
                self.known.iter().any(|(id, known)| edit.covers(id, known.streams()) || id == stream);
            if self.streams.contains_key(stream) && !is_known {
                self.bookmarks.insert(stream.clone(), bookmark.clone());
            }
        }
    }

    /// The newest stored generation of every stream.
    pub(super) fn newest_generations(&self) -> BTreeMap<String, u64> {
        let mut newest = BTreeMap::new();
        for stored in self.known.values().filter_map(|known| known.stored.as_ref()) {
            for name in &stored.state.streams {
                let generation = newest.entry(name.clone()).or_insert(0);
                *generation = stored.state.generation.max(*generation);
            }
        }
        newest
    }
}

impl Known {
    pub(super) fn streams(&self) -> &[String] {
        self.stored.as_ref().map_or(&[], |entry| &entry.state.streams)
    }
}

/// The file knows of a commit that the target does not have.
fn is_behind(record: Option<&Entry>, file: &Entry) -> bool {
    let Some(record) = record else { return true };
    let mark = |entry: &Entry| (entry.state.generation, entry.state.rows_total, entry.state.complete);
    file.sequence > record.sequence || (file.sequence == record.sequence && mark(file) != mark(record))
}

fn behind(id: &str, record: Option<&Entry>, file: &Entry) -> StateError {
    let message = match record {
        Some(record) if record.sequence == file.sequence => {
            format!("the target's record of `{id}` and the state file differ at commit {}", file.sequence)
        }
        Some(record) => format!(
            "the target is older than the state file: `{id}` is at commit {} there and at {} in the file",
            record.sequence, file.sequence
        ),
        None => format!(
            "the target is older than the state file: it has no record of `{id}`, the file is at commit {}",
            file.sequence
        ),
    };
    StateError::Unusable(Error::config(message).hint(
        "if the target was emptied or restored on purpose, go on from its own records with a new state file, or load \
         again after `dstreams state clear FILE`",
    ))
}
