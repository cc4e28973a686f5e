//! The records of a share of a stream: file after file, with a bookmark that knows how far each of them is read.

use arrow::datatypes::SchemaRef;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bookmark::Progress;
use super::check_cancelled;
use super::format::{Format, Given, Limits, Records};
use super::found::Found;
use super::hive::Sources;
use super::planned::Planned;
use super::share::Share;
use dstream_sdk::{Context, Message, Next, Reader, Result};

/// A bookmark of many files is given out once so many times its bytes were read.
const BYTES_PER_BOOKMARK_BYTE: u64 = 16;

/// The reader.
pub(crate) struct FilesReader<F> {
    context: Context,
    format: Arc<F>,
    schema: SchemaRef,
    sources: Sources,
    limits: Limits,
    share: Share,
    planned: Arc<Planned>,
    /// Files that were not looked at yet.
    files: VecDeque<Found>,
    open: Option<(Found, Box<dyn Records>)>,
    progress: Progress,
    /// Bytes read since the last bookmark.
    uncovered_bytes: u64,
    next: Step,
}

/// What the reader gives next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Schema,
    Records,
    Checkpoint,
    StreamEnd,
    End,
}

impl<F: Format> FilesReader<F> {
    pub(crate) fn new(
        context: Context,
        format: Arc<F>,
        schema: SchemaRef,
        limits: Limits,
        planned: Arc<Planned>,
        files: Vec<Found>,
        progress: Progress,
    ) -> Result<FilesReader<F>> {
        let mut reader = FilesReader {
            context,
            format,
            sources: Sources::new(schema.clone(), &files),
            schema,
            limits,
            share: progress.share(),
            planned,
            files: files.into(),
            open: None,
            progress,
            uncovered_bytes: 0,
            next: Step::Schema,
        };
        // What is wrong with the first file is said when the reader is opened.
        reader.open_next()?;
        Ok(reader)
    }

    /// Opens the next file that has something new for this share.
    fn open_next(&mut self) -> Result<()> {
        while let Some(file) = self.files.pop_front() {
            check_cancelled(&self.context)?;
            let pieces = self.share.pieces_of(&file.name);
            if F::PIECES_ARE_BYTES && !pieces.has(0) && file.bytes <= self.share.piece_bytes {
                continue;
            }
            let pieces = if self.format.has_pieces(&file) { Some(pieces) } else { pieces.undivided() };
            let Some(pieces) = pieces.filter(|_| !self.progress.is_read(&file)) else { continue };
            let place = self.progress.place_of(&file);
            let open =
                || self.format.open(&self.context, &file, pieces, &self.sources.in_files, self.limits, place);
            let records = match pieces.is_whole() {
                true => open()?,
                false => self.planned.open_shared(&file, open)?,
            };
            self.open = Some((file, records));
            return Ok(());
        }
        Ok(())
    }

    fn records(&mut self, deadline: Option<Instant>) -> Result<Option<Next>> {
        loop {
            let Some((file, records)) = &mut self.open else { return Ok(None) };
            match records.next(deadline)? {
                Given::Pending => return Ok(Some(Next::Pending)),
                Given::Batch { batch, source_bytes } => {
                    self.uncovered_bytes += source_bytes;
                    let is_due =
                        self.uncovered_bytes / BYTES_PER_BOOKMARK_BYTE >= self.progress.bytes_of_others(file);
                    self.next = if is_due { Step::Checkpoint } else { Step::Records };
                    let batch = self.sources.complete(batch, file)?.into();
                    let message = Message::Batch { stream: 0, version: 1, batch, source_bytes };
                    return Ok(Some(message.into()));
                }
                Given::End => {
                    self.progress.finish(file, records.place()?);
                    self.open = None;
                    self.open_next()?;
                }
            }
        }
    }

    fn checkpoint(&mut self) -> Result<Message> {
        if let Some((file, records)) = &self.open {
            self.progress.go_on(file, records.place()?);
        }
        self.uncovered_bytes = 0;
        Ok(Message::Checkpoint { bookmark: self.progress.bookmark()? })
    }
}

impl<F: Format> Reader for FilesReader<F> {
    fn next(&mut self, timeout: Duration) -> Result<Next> {
        let (message, next) = match self.next {
            Step::Schema => {
                (Message::Schema { stream: 0, version: 1, schema: self.schema.clone() }, Step::Records)
            }
            Step::Records => {
                // None where the timeout is too long for a clock: then there is no deadline.
                let deadline = Instant::now().checked_add(timeout);
                if let Some(next) = self.records(deadline)? {
                    return Ok(next);
                }
                (self.checkpoint()?, Step::StreamEnd)
            }
            Step::Checkpoint => (self.checkpoint()?, Step::Records),
            Step::StreamEnd => (Message::StreamEnd { stream: 0 }, Step::End),
            Step::End => return Ok(Next::End),
        };
        self.next = next;
        Ok(message.into())
    }
}
