//! What host and target say to each other about tables, windows and records. These documents cross as JSON.

use serde::{Deserialize, Serialize};

use crate::ReplicationMethod;

/// How rows enter a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteMode {
    /// Every record becomes a row.
    Append,
    /// A record replaces the row with its key; the newest of a window wins.
    Upsert,
    /// The stream's records are built aside and take the table's place when they are complete.
    Overwrite,
}

impl std::fmt::Display for WriteMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            WriteMode::Append => "append",
            WriteMode::Upsert => "upsert",
            WriteMode::Overwrite => "overwrite",
        })
    }
}

/// Who writes: the question to `begin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline {
    /// The same in every run of the pipeline.
    pub pipeline: String,
    /// This run: unique.
    pub run: String,
}

/// What is durable: the answer of `begin`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    /// Rises with every `begin` of the pipeline; a commit names it and fails once it is no longer the newest.
    pub epoch: u64,
    /// The committed records; empty where the target keeps none.
    #[serde(default)]
    pub records: Vec<CommitRecord>,
    /// What the target would have windows be, where the user did not say; `None`: as the host sees fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowWish>,
}

/// When windows end that suit a target: each becomes a file, say, or a statement. A window ends at the first checkpoint
/// that reaches one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowWish {
    /// Records.
    pub rows: u64,
    /// Bytes of batches.
    pub bytes: u64,
    /// Seconds since the first record.
    pub seconds: u64,
}

/// One durable fact of the host: how far a partition is. The target stores it with the data and reads none of it but
/// `key` and `sequence`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommitRecord {
    /// Unique within the pipeline.
    pub key: String,
    /// One more than that of the record it replaces; 1 for the first.
    pub sequence: u64,
    /// The host's.
    pub value: serde_json::Value,
}

/// Where and how one stream is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamPlan {
    /// The stream's name.
    pub stream: String,
    /// The table's name, unquoted, as the user wants to see it.
    pub table: String,
    /// How rows enter it.
    pub write_mode: WriteMode,
    /// The user named the write mode: a table that this pipeline did not make may be written to.
    #[serde(default)]
    pub write_mode_is_explicit: bool,
    /// Columns that identify a record; not empty for upsert.
    pub key_properties: Vec<String>,
    /// How the stream is kept up to date.
    pub replication_method: ReplicationMethod,
    /// Number of this copy of the stream: rises when it is read from the start again. With `overwrite` the rows of a
    /// generation are built aside until `publish`.
    pub generation: u64,
    /// Part of this generation is committed already: go on with what was built aside.
    pub resumed: bool,
}

/// Everything a target needs to open a writer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WriteRequest {
    /// Which pipeline.
    pub pipeline: String,
    /// The epoch of this run.
    pub epoch: u64,
    /// The partition whose records it writes.
    pub partition: String,
    /// The streams, in the order of the partition; calls name them by index.
    pub streams: Vec<StreamPlan>,
    /// Bytes of batches that the writer may hold between calls. What is more it must hand on.
    pub buffer_bytes: u64,
}

/// The answer of `prepare`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    /// Records in the window as the target counted them. The host compares.
    pub rows: u64,
    /// What `commit` needs to find them; the host hands it on as it is.
    #[serde(default)]
    pub message: serde_json::Value,
}

/// One prepared window within a commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommitWindow {
    /// The number given to `prepare`: unique within the run.
    pub window: u64,
    /// The partition of the writer.
    pub partition: String,
    /// What `prepare` answered.
    pub prepared: Prepared,
}

/// A window and records that become visible together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// Which pipeline.
    pub pipeline: String,
    /// The epoch of this run.
    pub epoch: u64,
    /// The window; none where records or a publication are all there is. Never two: each writer may have a transaction
    /// of its own.
    pub windows: Vec<CommitWindow>,
    /// The records to store.
    pub records: Vec<CommitRecord>,
    /// Streams whose generation is complete with this commit: what was built aside takes the table's place.
    #[serde(default)]
    pub publish: Vec<StreamPlan>,
}
