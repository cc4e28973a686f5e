//! How a window ends: at its checkpoint, at the end of the partition, at the user's limit, before an error.

use dstream_abi::{Error, ErrorKind, ReplicationMethod, WriteMode};
use tracing::{debug, warn};

use super::load::{Held, Loaded, Loader, tap_error, target_error};
use super::run::LaneError;
use crate::commit::{Action, Event};

impl Loader<'_> {
    /// The reader has nothing more.
    pub(super) fn end(&mut self) -> Result<Loaded, LaneError> {
        let is_uncovered =
            self.window.is_uncovered || self.held.iter().any(|held| matches!(held, Held::Batch { .. }));
        let needs_checkpoint =
            self.job.streams.iter().any(|stream| stream.replication_method != ReplicationMethod::FullTable);
        if is_uncovered && needs_checkpoint {
            let error = Error::bug("the tap ended without a checkpoint after its last record")
                .hint("report it to the maker of the tap; `catalog set … --replication-method FULL_TABLE` reads without bookmarks");
            return self.fail(error);
        }
        self.write_held()?;
        if is_uncovered {
            self.window.bookmark = None;
        }
        match self.close(true)? {
            Some(answer) => Ok(answer),
            None => Err(target_error(Error::bug("the commit machine goes on after the end of a partition"))),
        }
    }

    /// The user's limit is reached and no checkpoint stands exactly there.
    pub(super) fn end_at_limit(&mut self) -> Result<Option<Loaded>, LaneError> {
        let is_full =
            self.job.streams.iter().all(|stream| stream.replication_method == ReplicationMethod::FullTable);
        // An upsert may read the rest of the range again; an append would double it.
        if is_full || self.mode == WriteMode::Upsert {
            self.write_held()?;
            self.window.bookmark = None;
        } else if self.held.iter().any(|held| matches!(held, Held::Batch { .. })) {
            warn!(
                "`--limit` cuts between two bookmarks: the records after the last bookmark are left for the next run"
            );
            self.held.retain(|held| matches!(held, Held::Schema { .. }));
            self.write_held()?;
        }
        self.close(true)
    }

    /// Reading failed: what is covered is committed first.
    pub(super) fn fail(&mut self, error: Error) -> Result<Loaded, LaneError> {
        self.held.clear();
        let is_stopping = self.engine.interrupt.is_stop() && error.kind() == ErrorKind::Cancelled;
        if !self.window.is_uncovered
            && let Some(answer) = self.close(false)?
        {
            // The machine has another thing to say, and says it first; the reader's error will come again.
            debug!(%error, "the commit before an error was answered otherwise");
            return Ok(answer);
        }
        match is_stopping {
            true => Ok(Loaded::Stopped),
            false => Err(tap_error(error)),
        }
    }

    /// Ends the window and commits it. `None`: go on writing.
    pub(super) fn close(&mut self, end_of_partition: bool) -> Result<Option<Loaded>, LaneError> {
        if !self.window.is_touched && !end_of_partition {
            return Ok(None);
        }
        let window = std::mem::take(&mut self.window);
        let rows = std::mem::replace(&mut self.window_rows, vec![0; self.job.partition.streams.len()]);
        let partition = self.job.partition.id.clone();
        let (round, bookmark) = (self.round, window.bookmark);
        let mut event =
            Event::WindowClosed { partition, round, rows: window.rows, bookmark, end_of_partition };
        loop {
            event = match self.ask(event)? {
                Action::Prepare { window, .. } => match self.writer.prepare(window) {
                    Ok(prepared) => Event::Prepared { window, prepared },
                    Err(error) => return Err(self.of_stream(0, error)),
                },
                Action::Commit { window, commit, .. } => {
                    debug!(
                        window,
                        rows = commit.windows.iter().map(|w| w.prepared.rows).sum::<u64>(),
                        "commit"
                    );
                    match self.engine.target.commit(&commit) {
                        Ok(()) => {
                            self.has_committed = true;
                            self.count_committed(&rows);
                            Event::Committed { window }
                        }
                        Err(error) if error.kind() == ErrorKind::Unavailable => {
                            warn!(window, "the outcome of a commit is unknown: {error}");
                            Event::CommitUnknown { window }
                        }
                        Err(error) => Event::CommitRefused { window, error },
                    }
                }
                Action::GoOn { .. } => return Ok(None),
                other => return Ok(Some(Loaded::Answer(other))),
            };
        }
    }

    fn count_committed(&self, rows: &[u64]) {
        for (name, rows) in self.job.partition.streams.iter().zip(rows) {
            if let Some(progress) = self.engine.progress.stream(name) {
                progress.add_committed(*rows);
            }
        }
    }
}
