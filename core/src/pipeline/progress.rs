//! What a display and the report want to know, counted while the run goes on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one stream.
#[derive(Debug, Default)]
pub struct StreamProgress {
    read_rows: AtomicU64,
    read_bytes: AtomicU64,
    committed_rows: AtomicU64,
}

impl StreamProgress {
    /// Records that the tap handed out; what was read again after a failure counts again.
    pub fn read_rows(&self) -> u64 {
        self.read_rows.load(Ordering::Relaxed)
    }

    /// Bytes read from the source, or bytes of the batches where the tap does not count.
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }

    /// Records that are durable in the target.
    pub fn committed_rows(&self) -> u64 {
        self.committed_rows.load(Ordering::Relaxed)
    }

    pub(crate) fn add_read(&self, rows: u64, bytes: u64) {
        self.read_rows.fetch_add(rows, Ordering::Relaxed);
        self.read_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_committed(&self, rows: u64) {
        self.committed_rows.fetch_add(rows, Ordering::Relaxed);
    }
}

/// Counters of every stream of a run.
#[derive(Debug, Default)]
pub struct Progress(BTreeMap<String, StreamProgress>);

impl Progress {
    /// Counters for `streams`.
    pub fn new<'a>(streams: impl IntoIterator<Item = &'a str>) -> Progress {
        Progress(streams.into_iter().map(|name| (name.to_owned(), StreamProgress::default())).collect())
    }

    /// Every stream with its counters, by name.
    pub fn streams(&self) -> impl Iterator<Item = (&str, &StreamProgress)> {
        self.0.iter().map(|(name, counters)| (name.as_str(), counters))
    }

    /// The counters of one stream.
    pub fn stream(&self, name: &str) -> Option<&StreamProgress> {
        self.0.get(name)
    }
}
