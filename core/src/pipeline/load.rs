//! The loading side of a lane: batches that a checkpoint covers go to the writer, full windows are committed.

use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;

use arrow::datatypes::SchemaRef;
use dstream_abi::{Batch, Bookmark, Error, ErrorKind, Message, ReplicationMethod, WriteMode, Writer};
use tracing::{debug, warn};

use super::extract::{Extracted, Extractor, POLL};
use super::run::{Engine, LaneError, LaneJob, Side};
use super::window::Window;
use crate::commit::{Action, Event, LaneStart};

/// How loading ended without a failure of its own.
pub(crate) enum Loaded {
    /// The machine's word, which is not to go on writing.
    Answer(Action),
    /// The run was stopped; everything covered is committed.
    Stopped,
}

/// What waits for the checkpoint that covers it.
enum Held {
    Schema { stream: u32, version: u32, schema: SchemaRef },
    Batch { stream: u32, version: u32, batch: Batch },
}

pub(crate) struct Loader<'a> {
    engine: &'a Engine,
    job: &'a LaneJob,
    round: u64,
    mode: WriteMode,
    writer: Box<dyn Writer>,
    extractor: &'a Extractor,
    held: Vec<Held>,
    held_bytes: u64,
    window: Window,
    /// Rows in the window, by stream.
    window_rows: Vec<u64>,
    /// All rows that the user wants have come.
    limit_reached: bool,
    has_committed: bool,
}

fn tap_error(error: Error) -> LaneError {
    LaneError { side: Side::Tap, error }
}

fn target_error(error: Error) -> LaneError {
    LaneError { side: Side::Target, error }
}

impl<'a> Loader<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        job: &'a LaneJob,
        start: &LaneStart,
        writer: Box<dyn Writer>,
        extractor: &'a Extractor,
    ) -> Loader<'a> {
        Loader {
            engine,
            job,
            round: start.round,
            mode: start.streams.first().map_or(WriteMode::Append, |stream| stream.write_mode),
            writer,
            extractor,
            held: Vec::new(),
            held_bytes: 0,
            window: Window::default(),
            window_rows: vec![0; job.partition.streams.len()],
            limit_reached: false,
            has_committed: false,
        }
    }

    pub(crate) fn has_committed(&self) -> bool {
        self.has_committed
    }

    pub(crate) fn run(&mut self) -> Result<Loaded, LaneError> {
        loop {
            if self.engine.interrupt.is_abort() {
                return Ok(Loaded::Stopped);
            }
            // What waits for a checkpoint was never written, so the window can end here and now.
            if self.engine.interrupt.is_stop() && !self.window.is_uncovered {
                return self.close(false).map(|answer| answer.unwrap_or(Loaded::Stopped));
            }
            let received = match self.extractor.messages.recv_timeout(POLL) {
                Ok(received) => received,
                Err(RecvTimeoutError::Timeout) => {
                    if self.window.is_due(&self.engine.limits.window)
                        && !self.window.is_uncovered
                        && let Some(answer) = self.close(false)?
                    {
                        return Ok(answer);
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(tap_error(Error::bug("the reading thread of the engine ended early")));
                }
            };
            let answer = match received {
                Extracted::Message(Message::Checkpoint { bookmark }) => self.checkpoint(bookmark)?,
                _ if self.limit_reached => self.end_at_limit()?,
                Extracted::Message(message) => self.hold(message)?,
                Extracted::End => Some(self.end()?),
                Extracted::Failed(error) => return self.fail(error),
            };
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }

    fn hold(&mut self, message: Message) -> Result<Option<Loaded>, LaneError> {
        match message {
            Message::Schema { stream, version, schema } => {
                self.check_schema(stream, &schema)?;
                self.held.push(Held::Schema { stream, version, schema });
            }
            Message::Batch { stream, version, batch, source_bytes } => {
                let name = &self.job.partition.streams[stream as usize];
                let (batch, is_cut) = self.cut(name, batch)?;
                let bytes = batch.bytes();
                if let Some(progress) = self.engine.progress.stream(name) {
                    progress
                        .add_read(batch.rows() as u64, if source_bytes > 0 { source_bytes } else { bytes });
                }
                self.held_bytes += bytes;
                self.held.push(Held::Batch { stream, version, batch });
                if is_cut {
                    return self.end_at_limit();
                }
                // A tap that gives no checkpoints would fill the lane's memory: the writer must take it as it comes.
                if self.held_bytes > self.engine.lane_bytes / 4 {
                    self.write_held()?;
                    self.window.is_uncovered = true;
                }
            }
            // Nothing to do: a stream may end long before its partition.
            Message::StreamEnd { .. } => {}
            Message::Checkpoint { bookmark } => return self.checkpoint(bookmark),
        }
        Ok(None)
    }

    /// The tap delivers what was selected, or the run stops.
    fn check_schema(&self, stream: u32, schema: &SchemaRef) -> Result<(), LaneError> {
        let selected = &self.job.streams[stream as usize];
        crate::catalog::check_drift(&selected.schema, schema)
            .map_err(|error| tap_error(error.stream(&selected.name)))
    }

    /// Cuts a batch to what is left of the user's limit; says whether something was cut off.
    fn cut(&mut self, stream: &str, batch: Batch) -> Result<(Batch, bool), LaneError> {
        let Some(left) = self.engine.rows_left.get(stream) else {
            return Ok((batch, false));
        };
        let rows = batch.rows() as u64;
        let wanted = rows.min(left.load(Ordering::Relaxed));
        let before = left.fetch_sub(wanted, Ordering::Relaxed);
        self.limit_reached = before == wanted;
        Ok((batch.head(wanted as usize).map_err(tap_error)?, wanted < rows))
    }

    fn checkpoint(&mut self, bookmark: Bookmark) -> Result<Option<Loaded>, LaneError> {
        self.write_held()?;
        self.window.bookmark = Some(bookmark);
        self.window.is_uncovered = false;
        self.window.is_touched = true;
        if self.limit_reached {
            return self.close(true);
        }
        match self.window.is_full(&self.engine.limits.window) {
            true => self.close(false),
            false => Ok(None),
        }
    }

    fn write_held(&mut self) -> Result<(), LaneError> {
        self.held_bytes = 0;
        let mut all = std::mem::take(&mut self.held);
        for held in all.drain(..) {
            match held {
                Held::Schema { stream, version, schema } => {
                    self.window.is_touched = true;
                    self.writer
                        .declare(stream, version, schema)
                        .map_err(|error| self.of_stream(stream, error))?;
                }
                Held::Batch { stream, version, batch } => {
                    let (rows, bytes) = (batch.rows() as u64, batch.bytes());
                    self.window.add(rows, bytes);
                    self.window_rows[stream as usize] += rows;
                    self.writer
                        .write(stream, version, batch)
                        .map_err(|error| self.of_stream(stream, error))?;
                }
            }
        }
        self.held = all;
        Ok(())
    }

    fn of_stream(&self, stream: u32, error: Error) -> LaneError {
        target_error(match error.stream_name() {
            Some(_) => error,
            None => error.stream(&self.job.partition.streams[stream as usize]),
        })
    }

    /// The reader has nothing more.
    fn end(&mut self) -> Result<Loaded, LaneError> {
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
    fn end_at_limit(&mut self) -> Result<Option<Loaded>, LaneError> {
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
    fn fail(&mut self, error: Error) -> Result<Loaded, LaneError> {
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
    fn close(&mut self, end_of_partition: bool) -> Result<Option<Loaded>, LaneError> {
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

    fn ask(&self, event: Event) -> Result<Action, LaneError> {
        self.engine.committer.ask(&self.job.partition.id, event).map_err(target_error)
    }
}
