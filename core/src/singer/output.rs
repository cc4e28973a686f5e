//! What the targets that print have in common: the fence, the sequence of records, and what a broken output means.

use dstream_abi::{Commit, CommitRecord, Error, Result};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::io;

/// The commits of a target that keeps nothing beyond its own life.
#[derive(Default)]
pub(crate) struct Ledger {
    epoch: u64,
    sequences: HashMap<String, u64>,
}

impl Ledger {
    /// Fences what began before.
    pub(crate) fn begin(&mut self) -> u64 {
        self.epoch += 1;
        // A new run learns of no record here: its state says where sequences begin.
        self.sequences.clear();
        self.epoch
    }

    pub(crate) fn check_epoch(&self, epoch: u64) -> Result<()> {
        if epoch == self.epoch {
            return Ok(());
        }
        Err(Error::fenced(format!("run {epoch} of the pipeline ended when run {} began", self.epoch)))
    }

    /// The records of a commit that are new.
    pub(crate) fn accept(&self, commit: &Commit) -> Result<Vec<CommitRecord>> {
        self.check_epoch(commit.epoch)?;
        let mut new = Vec::new();
        for record in &commit.records {
            // Whoever keeps the state counts on from there: the first sequence of a key is taken as it comes.
            let first = record.sequence.saturating_sub(1);
            let stored = self.sequences.get(&record.key).copied().unwrap_or(first);
            if stored == record.sequence {
                continue;
            }
            if stored + 1 != record.sequence {
                return Err(Error::bug(format!(
                    "record {} of `{}` was to be committed after record {stored}",
                    record.sequence, record.key
                )));
            }
            new.push(record.clone());
        }
        Ok(new)
    }

    /// They are out.
    pub(crate) fn stored(&mut self, records: &[CommitRecord]) {
        for record in records {
            self.sequences.insert(record.key.clone(), record.sequence);
        }
    }
}

/// Enters the records into a state as Singer tools know it: `{"bookmarks": {…}}`.
pub(crate) fn merge_bookmarks(state: &mut Map<String, Value>, records: &[CommitRecord]) {
    let bookmarks = state.entry("bookmarks").or_insert_with(|| json!({}));
    if !bookmarks.is_object() {
        *bookmarks = json!({});
    }
    for record in records {
        bookmarks[&record.key] = record.value.clone();
    }
}

/// Where a target prints. After a write that failed nothing is written any more: what is out may end within a message.
pub(crate) struct Output<W> {
    inner: W,
    is_broken: bool,
}

impl<W: io::Write> Output<W> {
    pub(crate) fn new(inner: W) -> Output<W> {
        Output { inner, is_broken: false }
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.attempt(|inner| inner.write_all(bytes))
    }

    pub(crate) fn flush(&mut self) -> Result<()> {
        self.attempt(io::Write::flush)
    }

    fn attempt(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) -> Result<()> {
        if self.is_broken {
            // Whoever wrote when it failed tells why; here it is a consequence.
            return Err(Error::cancelled("the output failed before and cannot be continued"));
        }
        write(&mut self.inner).map_err(|error| {
            self.is_broken = true;
            output_error(&error)
        })
    }
}

/// The error of a write that failed: who must act. Never `Unavailable`, for what is out cannot be written again.
fn output_error(error: &io::Error) -> Error {
    match error.kind() {
        // Nobody to blame: `dstreams tap | head` is done when `head` is.
        io::ErrorKind::BrokenPipe => Error::cancelled("the output was closed by its reader")
            .hint("what reads the messages ended first: look at its own error"),
        io::ErrorKind::PermissionDenied => Error::denied(format!("the output cannot be written: {error}")),
        _ => Error::resource(format!("the output cannot be written: {error}"))
            .hint("see that there is room where it is written to, then run again"),
    }
}
