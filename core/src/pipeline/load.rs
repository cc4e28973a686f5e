//! The loading side of a lane: batches that a checkpoint covers go to the writer, full windows are committed.

use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use dstream_abi::{Batch, Bookmark, Error, Message, WriteMode, Writer};

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
pub(super) enum Held {
    Schema { stream: u32, version: u32, schema: SchemaRef },
    Batch { stream: u32, version: u32, batch: Batch },
}

pub(crate) struct Loader<'a> {
    pub(super) engine: &'a Engine,
    pub(super) job: &'a LaneJob,
    pub(super) round: u64,
    pub(super) mode: WriteMode,
    pub(super) writer: Box<dyn Writer>,
    extractor: &'a Extractor,
    pub(super) held: Vec<Held>,
    held_bytes: u64,
    pub(super) window: Window,
    /// Rows in the window, by stream.
    pub(super) window_rows: Vec<u64>,
    /// All rows that the user wants have come.
    limit_reached: bool,
    pub(super) has_committed: bool,
    /// Since when the lane's bytes are all in flight.
    full_since: Option<Instant>,
}

/// What a writer may keep of its batches, and what may wait for a checkpoint, out of a lane's bytes.
pub(super) fn buffer_bytes(lane_bytes: u64) -> u64 {
    lane_bytes / 4
}

pub(super) fn tap_error(error: Error) -> LaneError {
    LaneError { side: Side::Tap, error }
}

pub(super) fn target_error(error: Error) -> LaneError {
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
            full_since: None,
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
                Err(RecvTimeoutError::Timeout) => match self.nothing_came()? {
                    Some(answer) => return Ok(answer),
                    None => continue,
                },
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(tap_error(Error::bug("the reading thread of the engine ended early")));
                }
            };
            self.full_since = None;
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

    /// The tap has nothing, or may not go on: the lane's bytes are all in flight.
    fn nothing_came(&mut self) -> Result<Option<Loaded>, LaneError> {
        let is_full = self.extractor.is_full();
        let can_close = self.window.is_touched && !self.window.is_uncovered;
        if can_close && (is_full || self.window.is_due(&self.engine.limits.window)) {
            return self.close(false);
        }
        if !is_full {
            self.full_since = None;
            return Ok(None);
        }
        // Whatever is in flight now is with the writer, which may have a moment to let go of it.
        if !self.held.is_empty() {
            self.write_held()?;
            self.window.is_uncovered = true;
        }
        let stall = self.engine.limits.stall;
        if self.full_since.get_or_insert_with(Instant::now).elapsed() < stall {
            return Ok(None);
        }
        let allowed = buffer_bytes(self.engine.lane_bytes);
        let what =
            format!("the target keeps more than the {allowed} bytes that it may, and nothing can go on");
        Err(target_error(Error::bug(what).hint("report it to the maker of the target")))
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
                if self.held_bytes > buffer_bytes(self.engine.lane_bytes) {
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
        // Taken for no bookmark later, it would have the next run begin anew and double what is appended.
        if bookmark.is_null() {
            let error = Error::bug("the tap gives null as a bookmark, from which nothing can be read on");
            return self.fail(error.hint("report it to the maker of the tap")).map(Some);
        }
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

    pub(super) fn write_held(&mut self) -> Result<(), LaneError> {
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

    pub(super) fn of_stream(&self, stream: u32, error: Error) -> LaneError {
        target_error(match error.stream_name() {
            Some(_) => error,
            None => error.stream(&self.job.partition.streams[stream as usize]),
        })
    }

    pub(super) fn ask(&self, event: Event) -> Result<Action, LaneError> {
        self.engine.committer.ask(&self.job.partition.id, event).map_err(target_error)
    }
}
