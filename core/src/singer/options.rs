//! How an input is taken, and what came of it.

use dstream_abi::Pipeline;
use std::time::Duration;

/// How an input is taken.
#[derive(Clone, Debug)]
pub struct IngestOptions {
    /// Who writes.
    pub pipeline: Pipeline,
    /// The key of the record that holds the state.
    pub record_key: String,
    /// Bytes that each writer may hold between calls.
    pub buffer_bytes: u64,
    /// A STATE is committed once this many records are uncommitted,
    pub commit_rows: u64,
    /// or this many bytes of records,
    pub commit_bytes: u64,
    /// or this long after the last commit, or when the input falls silent behind it.
    pub commit_every: Duration,
}

impl IngestOptions {
    /// The defaults: a commit every second, every 100,000 records or every 64 MiB, at the next STATE.
    pub fn new(pipeline: Pipeline) -> IngestOptions {
        IngestOptions {
            pipeline,
            record_key: "singer".to_owned(),
            buffer_bytes: 64 << 20,
            commit_rows: 100_000,
            commit_bytes: 64 << 20,
            commit_every: Duration::from_secs(1),
        }
    }
}

/// What was taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ingested {
    /// Committed records by stream, in the order in which the streams came.
    pub streams: Vec<(String, u64)>,
    /// Commits.
    pub commits: u64,
}
