//! What a format does with the bytes of a window.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use dstream_sdk::{Error, Result};

use super::position::Position;
use super::window::Window;
use crate::shown::shown;

/// The records of one file on their way into a batch.
pub(crate) trait Decode: Send {
    /// Takes records from the window, as many as there is room for, and moves behind them.
    ///
    /// # Errors
    /// `Data`: a record is none, or does not fit the columns.
    fn decode(&mut self, window: &mut Window, position: &mut Position, room: Room) -> Result<Decoded>;

    /// The batch of the `rows` records that were taken since the last one.
    fn finish(&mut self, rows: usize) -> Result<RecordBatch>;

    /// Where the first line begins, at or behind the `wanted` byte, that may begin a record. `bytes` begin with such a line.
    fn find_start(&self, bytes: &[u8], wanted: usize, is_last: bool) -> Start;

    /// Whether `find_start` finds the same in bytes that begin anywhere.
    fn has_local_starts(&self) -> bool;

    /// What a bookmark must have been made with to be read on from.
    fn fingerprint(&self) -> String;
}

/// What the search for the beginning of a record came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    Found(usize),
    /// It is not in these bytes. From here on, which is the beginning of a line as well, the search goes on with more.
    Further(usize),
}

/// How much fits into the batch yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) rows: usize,
    pub(crate) bytes: u64,
    /// The first record of a batch is taken, however large it is.
    pub(crate) is_empty_batch: bool,
    /// Bytes that each record becomes at most, besides those it has in the file; set by the format.
    pub(crate) bytes_per_row: u64,
    /// Bytes of one record in the file, at most.
    pub(crate) record_bytes: usize,
    /// Records that begin here or behind are not taken.
    pub(crate) until: usize,
}

impl Room {
    /// Room for a pass that keeps nothing.
    pub(crate) fn endless(record_bytes: usize) -> Room {
        Room {
            rows: usize::MAX,
            bytes: u64::MAX,
            is_empty_batch: true,
            bytes_per_row: 0,
            record_bytes,
            until: usize::MAX,
        }
    }
}

/// What came of one call of `decode`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoded {
    pub(crate) rows: usize,
    /// Bytes of buffers that they take, at most.
    pub(crate) bytes: u64,
    pub(crate) stop: Stop,
}

/// Why there are no more records in this call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stop {
    /// There may be more in the window.
    Full,
    /// The next record begins where none is wanted any more.
    Until,
    /// The rest of the next record is not in the window.
    Incomplete,
    /// The file has no more records.
    End,
}

/// Reads on for the rest of a record, if that may still be one.
pub(crate) fn more(window: &mut Window, record_bytes: usize) -> Result<()> {
    if window.bytes().len() > record_bytes {
        return Err(too_long(window, 0, record_bytes));
    }
    window.fill()?;
    Ok(())
}

/// The error of a record, at or after this place in the window, that is longer than allowed.
pub(crate) fn too_long(window: &Window, start: usize, record_bytes: usize) -> Error {
    let (place, line) = (shown(window.path()), window.line_at(start));
    Error::data(format!("`{place}`: the record at line {line} has more than {record_bytes} bytes"))
        .hint("look for a quote that is not closed, or raise `max_record_bytes`")
}

/// A batch of `rows` records, also where no column is selected.
pub(crate) fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}
