//! One entry of a pipeline's log: a file of two lines, the entry and the hash of its bytes.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::state::{Change, State};
use crate::store::Step;
use dstream_sdk::{Error, Result};

const VERSION: u32 = 1;

/// What was committed with one number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) version: u32,
    pub(crate) pipeline: String,
    pub(crate) number: u64,
    /// The hash of the entry before it; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<String>,
    pub(crate) content: Content,
    /// What is to be done to files before there may be a next entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) steps: Vec<Step>,
}

/// The whole state, or what is different from the entry before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Content {
    State(Box<State>),
    Change(Box<Change>),
}

/// An entry as it lies in its file.
pub(crate) struct Written {
    pub(crate) bytes: Vec<u8>,
    pub(crate) hash: String,
}

impl Entry {
    pub(crate) fn new(
        pipeline: &str,
        number: u64,
        previous: Option<&str>,
        content: Content,
        steps: Vec<Step>,
    ) -> Entry {
        let previous = previous.map(str::to_owned);
        Entry { version: VERSION, pipeline: pipeline.to_owned(), number, previous, content, steps }
    }

    pub(crate) fn to_bytes(&self) -> Result<Written> {
        let mut bytes = serde_json::to_vec(self)
            .map_err(|error| Error::bug(format!("an entry of the log is no JSON: {error}")))?;
        let hash = hash(&bytes);
        bytes.extend_from_slice(format!("\n{{\"sha256\":\"{hash}\"}}\n").as_bytes());
        Ok(Written { bytes, hash })
    }

    /// The entry and its hash. `shown` is its file, in messages.
    ///
    /// # Errors
    /// `BookmarkLost`: it is not as it was written.
    pub(crate) fn from_bytes(
        bytes: &[u8],
        pipeline: &str,
        number: u64,
        shown: &str,
    ) -> Result<(Entry, String)> {
        let damaged = |what: &str| {
            Error::bookmark_lost(format!("`{shown}` is damaged: {what}")).hint(
                "put it back from a copy; without it nobody knows what was written, so choose another folder or \
                 pipeline to begin anew",
            )
        };
        let at = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(|| damaged("it is cut short"))?;
        let (json, rest) = bytes.split_at(at);
        let hash = hash(json);
        if rest != format!("\n{{\"sha256\":\"{hash}\"}}\n").as_bytes() {
            return Err(damaged("its bytes do not have the hash that it ends in"));
        }
        let entry: Entry = serde_json::from_slice(json)
            .map_err(|_| damaged("it is no entry of this version of the plugin"))?;
        if entry.version != VERSION {
            return Err(Error::unsupported(format!(
                "`{shown}` has the version {}, this plugin knows {VERSION}",
                entry.version
            ))
            .hint("use a newer version of the plugin"));
        }
        if entry.pipeline != pipeline || entry.number != number {
            return Err(damaged("it is the entry of another pipeline or number"));
        }
        Ok((entry, hash))
    }
}

/// An entry, read and written again; `None`: it is none.
#[cfg(feature = "fuzzing")]
pub(crate) fn rewritten(bytes: &[u8]) -> Option<Vec<u8>> {
    let (json, _) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n')?);
    let known: Entry = serde_json::from_slice(json).ok()?;
    let (entry, _) = Entry::from_bytes(bytes, &known.pipeline, known.number, "entry").ok()?;
    entry.to_bytes().ok().map(|written| written.bytes)
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
