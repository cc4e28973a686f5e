//! The records of one file of text, as batches.

use arrow::array::RecordBatch;
use serde_json::Value;
use std::time::Instant;

use super::check_cancelled;
use super::decode::{Decode, Decoded, Room, Stop, more};
use super::format::{Given, Limits, Records};
use super::place;
use super::position::Position;
use super::share::Pieces;
use super::walk::{Walk, Way};
use super::window::Window;
use dstream_sdk::{Context, Result};

/// Offsets of text are 32 bits wide; a batch stays well below.
const MAX_BATCH_BYTES: u64 = 1 << 30;

/// Reads pieces of a file from the window's position on.
pub(crate) struct TextRecords {
    context: Context,
    window: Window,
    position: Position,
    decoder: Box<dyn Decode>,
    limits: Limits,
    record_bytes: usize,
    walk: Walk,
    batch: Filling,
}

/// The batch that is being filled.
#[derive(Debug, Default)]
struct Filling {
    rows: usize,
    bytes: u64,
    source_bytes: u64,
}

/// How filling a batch went on.
enum Filled {
    Batch,
    More,
    End,
}

impl TextRecords {
    /// Those behind the window's position: that of the bookmark, or the first record.
    fn new(
        context: Context,
        window: Window,
        position: Position,
        decoder: Box<dyn Decode>,
        limits: Limits,
        record_bytes: usize,
        pieces: Pieces,
    ) -> TextRecords {
        let (walk, batch) = (Walk::new(pieces), Filling::default());
        TextRecords { context, window, position, decoder, limits, record_bytes, walk, batch }
    }

    fn step(&mut self) -> Result<Filled> {
        let decoder = &self.decoder;
        let find_start = |bytes: &[u8], wanted, is_last| decoder.find_start(bytes, wanted, is_last);
        let way = self.walk.go_on(
            &mut self.window,
            &mut self.position,
            self.record_bytes,
            decoder.has_local_starts(),
            &find_start,
        )?;
        match way {
            Way::Read { until } => self.read(until),
            Way::Passed => Ok(Filled::More),
            Way::End => Ok(Filled::End),
        }
    }

    fn read(&mut self, until: usize) -> Result<Filled> {
        let max_bytes = self.limits.bytes.get().min(MAX_BATCH_BYTES);
        let before = self.window.offset();
        let room = Room {
            rows: self.limits.rows.get() - self.batch.rows,
            bytes: max_bytes.saturating_sub(self.batch.bytes),
            is_empty_batch: self.batch.rows == 0,
            bytes_per_row: 0,
            record_bytes: self.record_bytes,
            until,
        };
        let Decoded { rows, bytes, stop } =
            self.decoder.decode(&mut self.window, &mut self.position, room)?;
        self.batch.rows += rows;
        self.batch.bytes += bytes;
        self.batch.source_bytes += self.window.offset() - before;
        let is_full = self.batch.rows == self.limits.rows.get() || (rows == 0 && stop == Stop::Full);
        if is_full || (stop == Stop::End && self.batch.rows > 0) {
            return Ok(Filled::Batch);
        }
        match stop {
            Stop::Full => {}
            Stop::Until => self.walk.leave(),
            Stop::Incomplete => more(&mut self.window, self.record_bytes)?,
            Stop::End => return Ok(Filled::End),
        }
        Ok(Filled::More)
    }

    fn take_batch(&mut self) -> Result<Given> {
        let filled = std::mem::take(&mut self.batch);
        let batch: RecordBatch = self.decoder.finish(filled.rows)?;
        Ok(Given::Batch { batch, source_bytes: filled.source_bytes })
    }
}

/// Opens the records behind a place, or behind the window's position, which is that of the first record.
///
/// # Errors
/// `BookmarkLost`: the file no longer has that place.
#[allow(clippy::too_many_arguments)] // what a file is, and what is wanted of it
pub(crate) fn open_text(
    context: &Context,
    mut window: Window,
    mut position: Position,
    decoder: Box<dyn Decode>,
    limits: Limits,
    record_bytes: usize,
    pieces: Pieces,
    place: Option<&Value>,
) -> Result<TextRecords> {
    if let Some(place) = place {
        let read_as = read_as(&*decoder, pieces);
        place::resume(place, &mut window, &mut position, &read_as, &|| check_cancelled(context))?;
    }
    Ok(TextRecords::new(context.clone(), window, position, decoder, limits, record_bytes, pieces))
}

/// What a place must have been taken with to be read on from: in pieces, other records are before it than as a whole.
fn read_as(decoder: &dyn Decode, pieces: Pieces) -> String {
    let pieces = if pieces.is_whole() { "" } else { " in pieces" };
    decoder.fingerprint() + pieces
}

impl Records for TextRecords {
    fn next(&mut self, deadline: Option<Instant>) -> Result<Given> {
        loop {
            check_cancelled(&self.context)?;
            match self.step()? {
                Filled::Batch => return self.take_batch(),
                Filled::End if self.batch.rows > 0 => return self.take_batch(),
                Filled::End => return Ok(Given::End),
                Filled::More => {}
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(Given::Pending);
            }
        }
    }

    fn place(&self) -> Result<Value> {
        place::take(&self.window, &self.position, read_as(&*self.decoder, self.walk.pieces()))
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
