//! What is known of one partition.

use std::collections::BTreeMap;

use dstream_abi::{Bookmark, CommitRecord, Error, ReplicationMethod};
use serde::{Deserialize, Serialize};

use super::{Result, StateError};

/// How far one partition is: the value of its commit record, and its entry in the state file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PartitionState {
    /// The streams it delivers.
    pub streams: Vec<String>,
    /// How they are kept up to date.
    pub method: ReplicationMethod,
    /// The column they follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_key: Option<String>,
    /// Where to read on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bookmark: Option<Bookmark>,
    /// Number of this copy of the streams: rises when they are read from the start again.
    pub generation: u64,
    /// It was read to its end.
    pub complete: bool,
    /// Rows committed in this generation.
    pub rows_total: u64,
    /// The last hand edit that was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<String>,
    /// What else must not change for the bookmark to keep its meaning, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fingerprint: BTreeMap<String, String>,
}

/// A partition's state with its sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Number of the commit that made it.
    pub sequence: u64,
    /// How far it is.
    #[serde(flatten)]
    pub state: PartitionState,
}

impl Entry {
    /// What the target has on record.
    ///
    /// # Errors
    /// `Unusable`: the record was written by something else, or by a newer version.
    pub fn from_record(record: &CommitRecord) -> Result<Entry> {
        let state = PartitionState::deserialize(&record.value).map_err(|error| {
            StateError::Unusable(
                Error::config(format!(
                    "the target's record of partition `{}` cannot be read: {error}",
                    record.key
                ))
                .hint("use the version of dstreams that wrote it, or start over with `--full-refresh`"),
            )
        })?;
        Ok(Entry { sequence: record.sequence, state })
    }

    /// The record for the target.
    pub fn to_record(&self, partition: &str) -> CommitRecord {
        CommitRecord {
            key: partition.to_string(),
            sequence: self.sequence,
            value: serde_json::to_value(&self.state)
                .expect("strings, numbers and JSON values always have a JSON form"),
        }
    }
}
