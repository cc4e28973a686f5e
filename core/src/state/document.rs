//! The file's content and its checksum.

use std::collections::BTreeMap;

use dstream_abi::Bookmark;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Entry, Result};

/// Who decides when file and target differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The target keeps records; the file is a copy and may lag behind.
    #[default]
    Target,
    /// The target keeps none: the file is all there is.
    File,
}

/// A change made by hand: the next run applies it, once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edit {
    /// Random.
    pub id: String,
    /// A stream or a partition id; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Where to read on; `None`: from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bookmark: Option<Bookmark>,
    /// When it was made; for the reader's eye only.
    pub made_at: String,
}

/// All bookmarks of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The pipeline's identity; empty: no run has used it yet.
    pub pipeline: String,
    /// The run that wrote it.
    pub run: String,
    /// When; for the reader's eye only.
    pub written_at: String,
    /// Who decides.
    pub authority: Authority,
    /// By partition id.
    pub bookmarks: BTreeMap<String, Entry>,
    /// Changes made by hand, oldest first.
    pub edits: Vec<Edit>,
}

impl State {
    /// Takes over what was committed; of two entries the one with the higher sequence stays.
    pub fn absorb(&mut self, entries: impl IntoIterator<Item = (String, Entry)>) {
        let _ = entries;
    }

    /// The JSON without its checksum: the value of a Singer STATE message.
    pub fn to_value(&self) -> Value {
        Value::Null
    }

    /// The state in a Singer STATE message.
    ///
    /// # Errors
    /// `Unusable`: it is something else.
    pub fn from_value(value: Value) -> Result<State> {
        let _ = value;
        Ok(State::default())
    }
}
