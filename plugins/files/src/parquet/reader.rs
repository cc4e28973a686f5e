//! The records of one file, row group after row group.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Instant;

use dstream_sdk::{Context, Error, Result};

use super::file::{ParquetFile, guarded};
use super::times::Times;
use crate::shown::shown;
use crate::tap::{Chosen, Given, Limits, Pieces, Records, check_cancelled};

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    group: usize,
    row: u64,
}

/// The document in the state file.
#[derive(Debug, Serialize, Deserialize)]
struct ParquetPlace {
    /// The file it was taken of.
    identity: String,
    /// Row groups before the next record.
    group: usize,
    /// Rows before it in its row group.
    row: u64,
}

impl Cursor {
    /// The place that was noted, or the start.
    ///
    /// # Errors
    /// `BookmarkLost`: the file is another one.
    fn resume(file: &ParquetFile, place: Option<&Value>) -> Result<Cursor> {
        let Some(place) = place else { return Ok(Cursor { group: 0, row: 0 }) };
        let name = shown(file.path());
        let lost = |message: String| {
            Error::bookmark_lost(message).hint("read it from the start with `--full-refresh`")
        };
        let place = ParquetPlace::deserialize(place)
            .map_err(|_| lost(format!("the bookmark of `{name}` is none that this tap gave out")))?;
        if place.identity != file.identity() {
            return Err(lost(format!("file `{name}` was written anew since the bookmark")));
        }
        Ok(Cursor { group: place.group, row: place.row })
    }
}

/// Reads row groups of a file from the cursor on.
pub(crate) struct ParquetRecords {
    context: Context,
    file: ParquetFile,
    chosen: Chosen,
    cursor: Cursor,
    open: Option<Group>,
    pieces: Pieces,
    limits: Limits,
    /// Rows that the open row group gives at once, and what one takes in memory as far as is known.
    rows_at_once: usize,
    row_bytes: u64,
}

/// A row group that is being read.
struct Group {
    rows: ParquetRecordBatchReader,
    times: Option<Times>,
}

/// Rows of the first batch: they tell how many bytes a row takes.
const FIRST_ROWS: usize = 4096;

impl ParquetRecords {
    /// A reader of the selected columns.
    ///
    /// # Errors
    /// `Schema`: a column is not there any more, or has another type.
    pub(crate) fn new(
        context: Context,
        file: ParquetFile,
        is_one_of_many: bool,
        schema: SchemaRef,
        pieces: Pieces,
        limits: Limits,
        place: Option<&Value>,
    ) -> Result<ParquetRecords> {
        let cursor = Cursor::resume(&file, place)?;
        let chosen = Chosen::new(file.path(), file.schema(), schema, is_one_of_many)?;
        Ok(ParquetRecords {
            context,
            file,
            chosen,
            cursor,
            open: None,
            pieces,
            limits,
            rows_at_once: 0,
            row_bytes: 0,
        })
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            check_cancelled(&self.context)?;
            if self.cursor.group >= self.file.groups() {
                return Ok(None);
            }
            if !self.pieces.has(self.cursor.group as u64) {
                self.cursor = Cursor { group: self.cursor.group + 1, row: 0 };
                continue;
            }
            let mut open = match self.open.take() {
                Some(open) => open,
                None => self.open_group()?,
            };
            match guarded(self.file.path(), || Ok(open.rows.next().transpose()?))? {
                Some(batch) => {
                    if let Some(times) = &mut open.times {
                        times.check(&self.file, self.cursor.row)?;
                    }
                    self.open = Some(open);
                    self.cursor.row += batch.num_rows() as u64;
                    self.learn(&batch);
                    return self.chosen.in_order(self.file.path(), &batch).map(Some);
                }
                None => {
                    let (group, read) = (self.cursor.group, self.cursor.row);
                    let rows = self.file.rows_of(group);
                    if read != rows {
                        let place = shown(self.file.path());
                        return Err(Error::data(format!(
                            "`{place}` is damaged: row group {group} has {read} rows, and its footer says {rows}"
                        ))
                        .hint("copy it again"));
                    }
                    self.cursor = Cursor { group: group + 1, row: 0 };
                }
            }
        }
    }

    fn open_group(&mut self) -> Result<Group> {
        let Cursor { group, row } = self.cursor;
        self.rows_at_once = self.rows_that_fit(self.file.row_bytes(group, self.chosen.columns()));
        if self.row_bytes == 0 {
            self.rows_at_once = self.rows_at_once.min(FIRST_ROWS);
        }
        let columns = self.chosen.columns();
        Ok(Group {
            rows: self.file.read(group, row, columns, self.rows_at_once)?,
            times: Times::new(&self.file, group, row, columns, self.rows_at_once)?,
        })
    }

    /// `packed_bytes` is what a row takes in the file: less than in memory where values repeat.
    fn rows_that_fit(&self, packed_bytes: u64) -> usize {
        let rows = self.limits.bytes.get() / self.row_bytes.max(packed_bytes);
        usize::try_from(rows).unwrap_or(usize::MAX).clamp(1, self.limits.rows.get())
    }

    /// Takes other batches from the row group where these are much too small or too large.
    fn learn(&mut self, batch: &RecordBatch) {
        let bytes = batch.get_array_memory_size() as u64;
        self.row_bytes = (bytes / (batch.num_rows() as u64).max(1)).max(1);
        let fitting = self.rows_that_fit(1);
        let left = self.file.rows_of(self.cursor.group).saturating_sub(self.cursor.row);
        let is_worth_it = left > self.rows_at_once as u64;
        if is_worth_it && (fitting < self.rows_at_once || fitting / 2 >= self.rows_at_once) {
            self.open = None;
        }
    }
}

impl Records for ParquetRecords {
    fn next(&mut self, _deadline: Option<Instant>) -> Result<Given> {
        let Some(batch) = self.batch()? else { return Ok(Given::End) };
        let row_bytes = self.file.row_bytes(self.cursor.group, self.chosen.columns());
        Ok(Given::Batch { source_bytes: batch.num_rows() as u64 * row_bytes, batch })
    }

    fn place(&self) -> Result<Value> {
        let identity = self.file.identity().to_owned();
        let place = ParquetPlace { identity, group: self.cursor.group, row: self.cursor.row };
        serde_json::to_value(place).map_err(|error| Error::bug(format!("a bookmark is no JSON: {error}")))
    }
}
