//! The records of one file, as batches with bookmarks.

use arrow::datatypes::SchemaRef;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::{Duration, Instant};

use dstream_sdk::{Context, Error, Message, Next, Reader, Result};

use crate::bookmark;
use crate::decode::{Decode, Decoded, Room, Stop, more};
use crate::position::Position;
use crate::window::Window;

/// Offsets of text are 32 bits wide; a batch stays well below.
const MAX_BATCH_BYTES: u64 = 1 << 30;

/// How filling a batch ended.
enum Filled {
    Batch(Message),
    TimeIsUp,
    End,
}

/// Reads a file from the window's position to its end.
pub(crate) struct FileReader {
    context: Context,
    schema: SchemaRef,
    window: Window,
    position: Position,
    decoder: Box<dyn Decode>,
    limits: Limits,
    batch: Filling,
    next: Step,
    has_checkpoint: bool,
}

/// What a batch and a record may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) batch_rows: NonZeroUsize,
    pub(crate) batch_bytes: NonZeroU64,
    pub(crate) record_bytes: usize,
}

/// The batch that is being filled.
#[derive(Debug, Default)]
struct Filling {
    rows: usize,
    bytes: u64,
    source_bytes: u64,
}

/// What the reader gives next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Schema,
    Batch,
    /// Of the batch before, or of the whole where there is none.
    Checkpoint,
    StreamEnd,
    End,
}

impl FileReader {
    /// A reader of what comes after the window's position.
    pub(crate) fn new(
        context: Context,
        schema: SchemaRef,
        window: Window,
        position: Position,
        decoder: Box<dyn Decode>,
        limits: Limits,
    ) -> FileReader {
        let (batch, next) = (Filling::default(), Step::Schema);
        FileReader { context, schema, window, position, decoder, limits, batch, next, has_checkpoint: false }
    }

    fn fill(&mut self, deadline: Option<Instant>) -> Result<Filled> {
        loop {
            if self.context.is_cancelled() {
                return Err(Error::cancelled("the run was told to stop"));
            }
            let max_bytes = self.limits.batch_bytes.get().min(MAX_BATCH_BYTES);
            let room = Room {
                rows: self.limits.batch_rows.get() - self.batch.rows,
                bytes: max_bytes.saturating_sub(self.batch.bytes),
                is_empty_batch: self.batch.rows == 0,
                bytes_per_row: 0,
                record_bytes: self.limits.record_bytes,
            };
            let before = self.window.offset();
            let Decoded { rows, bytes, stop } =
                self.decoder.decode(&mut self.window, &mut self.position, room)?;
            self.batch.rows += rows;
            self.batch.bytes += bytes;
            self.batch.source_bytes += self.window.offset() - before;
            let is_full =
                self.batch.rows == self.limits.batch_rows.get() || (rows == 0 && stop == Stop::Full);
            if is_full || (stop == Stop::End && self.batch.rows > 0) {
                return self.take_batch().map(Filled::Batch);
            }
            match stop {
                Stop::Full => {}
                Stop::Incomplete => more(&mut self.window, &self.position, self.limits.record_bytes)?,
                Stop::End => return Ok(Filled::End),
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(Filled::TimeIsUp);
            }
        }
    }

    fn take_batch(&mut self) -> Result<Message> {
        let filled = std::mem::take(&mut self.batch);
        let batch = self.decoder.finish(filled.rows)?.into();
        Ok(Message::Batch { stream: 0, version: 1, batch, source_bytes: filled.source_bytes })
    }
}

impl Reader for FileReader {
    fn next(&mut self, timeout: Duration) -> Result<Next> {
        if self.next == Step::Batch {
            // None where the timeout is too long for a clock: then there is no deadline.
            let deadline = Instant::now().checked_add(timeout);
            match self.fill(deadline)? {
                Filled::TimeIsUp => return Ok(Next::Pending),
                Filled::End if self.has_checkpoint => self.next = Step::StreamEnd,
                Filled::End => self.next = Step::Checkpoint,
                Filled::Batch(batch) => {
                    self.next = Step::Checkpoint;
                    return Ok(batch.into());
                }
            }
        }
        let (message, next) = match self.next {
            Step::Schema => {
                (Message::Schema { stream: 0, version: 1, schema: self.schema.clone() }, Step::Batch)
            }
            Step::Checkpoint | Step::Batch => {
                let bookmark = bookmark::take(&self.window, &self.position, self.decoder.fingerprint())?;
                self.has_checkpoint = true;
                (Message::Checkpoint { bookmark }, Step::Batch)
            }
            Step::StreamEnd => (Message::StreamEnd { stream: 0 }, Step::End),
            Step::End => return Ok(Next::End),
        };
        self.next = next;
        Ok(message.into())
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
