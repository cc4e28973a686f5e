//! The records of one file, row group after row group.

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use dstream_sdk::{Bookmark, Context, Error, Message, Next, Reader, Result};

use super::file::{ParquetFile, error_of};
use crate::shown::shown;

const VERSION: u32 = 1;

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    group: usize,
    row: u64,
}

/// The document in the state file.
#[derive(Debug, Serialize, Deserialize)]
struct ParquetBookmark {
    version: u32,
    /// The file's name, for people.
    file: String,
    /// The file it was taken of.
    identity: String,
    /// Row groups before the next record.
    group: usize,
    /// Rows before it in its row group.
    row: u64,
}

impl Cursor {
    /// The place of a bookmark, or the start.
    ///
    /// # Errors
    /// `BookmarkLost`: the file is another one.
    pub(crate) fn resume(file: &ParquetFile, bookmark: Option<Bookmark>) -> Result<Cursor> {
        let Some(bookmark) = bookmark else { return Ok(Cursor { group: 0, row: 0 }) };
        let place = shown(file.path());
        let lost =
            |message: String| Error::bookmark_lost(message).hint("read it from the start with `--full-refresh`");
        let bookmark: ParquetBookmark = serde_json::from_value(bookmark)
            .map_err(|_| lost(format!("the bookmark of `{place}` is none that this tap gave out")))?;
        if bookmark.version != VERSION {
            let version = bookmark.version;
            return Err(lost(format!(
                "the bookmark of `{place}` has the version {version}, this plugin knows {VERSION}"
            )));
        }
        if bookmark.identity != file.identity() {
            return Err(lost(format!("file `{place}` was written anew since the bookmark")));
        }
        Ok(Cursor { group: bookmark.group, row: bookmark.row })
    }

    fn bookmark(self, file: &ParquetFile) -> Result<Bookmark> {
        let name = file.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let identity = file.identity().to_owned();
        let bookmark =
            ParquetBookmark { version: VERSION, file: name, identity, group: self.group, row: self.row };
        serde_json::to_value(bookmark).map_err(|error| Error::bug(format!("a bookmark is no JSON: {error}")))
    }
}

/// Reads a file from the cursor to its end.
pub(crate) struct ParquetReader {
    context: Context,
    file: ParquetFile,
    schema: SchemaRef,
    /// The selected columns, by their place in the file, and where each is in what comes from the file.
    columns: Vec<usize>,
    order: Vec<usize>,
    cursor: Cursor,
    open: Option<ParquetRecordBatchReader>,
    batch_rows: NonZeroUsize,
    batch_bytes: NonZeroU64,
    /// Rows that the open row group gives at once, and what one takes in memory as far as is known.
    rows_at_once: usize,
    row_bytes: u64,
    next: Step,
}

/// Rows of the first batch: they tell how many bytes a row takes.
const FIRST_ROWS: usize = 4096;

/// What the reader gives next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Schema,
    Batch,
    Checkpoint,
    /// The checkpoint of a stream without further records.
    LastCheckpoint,
    StreamEnd,
    End,
}

impl ParquetReader {
    /// A reader of the selected columns.
    ///
    /// # Errors
    /// `Schema`: a column is not there any more, or has another type.
    pub(crate) fn new(
        context: Context,
        file: ParquetFile,
        schema: SchemaRef,
        cursor: Cursor,
        (batch_rows, batch_bytes): (NonZeroUsize, NonZeroU64),
    ) -> Result<ParquetReader> {
        let mut places = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let (name, place) = (field.name(), shown(file.path()));
            let again = |message: String| Error::schema(message).hint("run `dstreams discover` again");
            let Some((at, found)) = file.schema().column_with_name(name) else {
                return Err(again(format!("`{place}` has no column `{name}` any more")));
            };
            if found.data_type() != field.data_type() {
                let (is, was) = (found.data_type(), field.data_type());
                return Err(again(format!("column `{name}` of `{place}` is {is}, the catalog says {was}")));
            }
            places.push(at);
        }
        // The file gives columns in its own order.
        let mut columns = places.clone();
        columns.sort_unstable();
        let order = places.iter().filter_map(|place| columns.binary_search(place).ok()).collect();
        Ok(ParquetReader {
            context,
            file,
            schema,
            columns,
            order,
            cursor,
            open: None,
            batch_rows,
            batch_bytes,
            rows_at_once: 0,
            row_bytes: 0,
            next: Step::Schema,
        })
    }

    fn batch(&mut self) -> Result<Option<Message>> {
        loop {
            if self.context.is_cancelled() {
                return Err(Error::cancelled("the run was told to stop"));
            }
            if self.cursor.group >= self.file.groups() {
                return Ok(None);
            }
            if self.open.is_none() {
                self.open = Some(self.open_group()?);
            }
            let read = self.open.as_mut().and_then(Iterator::next).transpose();
            match read.map_err(|error| error_of(self.file.path(), error.into()))? {
                Some(batch) => {
                    self.cursor.row += batch.num_rows() as u64;
                    let message = self.message(&batch)?;
                    self.learn(&message);
                    return Ok(Some(message));
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
                    self.open = None;
                    self.cursor = Cursor { group: group + 1, row: 0 };
                }
            }
        }
    }

    fn open_group(&mut self) -> Result<ParquetRecordBatchReader> {
        let Cursor { group, row } = self.cursor;
        self.rows_at_once = self.rows_that_fit(self.file.row_bytes(group, &self.columns));
        if self.row_bytes == 0 {
            self.rows_at_once = self.rows_at_once.min(FIRST_ROWS);
        }
        self.file.read(group, row, &self.columns, self.rows_at_once)
    }

    /// `packed_bytes` is what a row takes in the file: less than in memory where values repeat.
    fn rows_that_fit(&self, packed_bytes: u64) -> usize {
        let rows = self.batch_bytes.get() / self.row_bytes.max(packed_bytes);
        usize::try_from(rows).unwrap_or(usize::MAX).clamp(1, self.batch_rows.get())
    }

    /// Takes other batches from the row group where these are much too small or too large.
    fn learn(&mut self, message: &Message) {
        let Message::Batch { batch, .. } = message else { return };
        self.row_bytes = (batch.bytes() / (batch.rows() as u64).max(1)).max(1);
        let fitting = self.rows_that_fit(1);
        let left = self.file.rows_of(self.cursor.group).saturating_sub(self.cursor.row);
        let is_worth_it = left > self.rows_at_once as u64;
        if is_worth_it && (fitting < self.rows_at_once || fitting / 2 >= self.rows_at_once) {
            self.open = None;
        }
    }

    fn message(&self, batch: &RecordBatch) -> Result<Message> {
        let columns = self.order.iter().map(|at| batch.column(*at).clone()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        let source_bytes =
            batch.num_rows() as u64 * self.file.row_bytes(self.cursor.group, &self.columns);
        Ok(Message::Batch { stream: 0, version: 1, batch: batch.into(), source_bytes })
    }
}

impl Reader for ParquetReader {
    fn next(&mut self, _timeout: Duration) -> Result<Next> {
        let (message, next) = match self.next {
            Step::Schema => {
                (Message::Schema { stream: 0, version: 1, schema: self.schema.clone() }, Step::Batch)
            }
            Step::Batch => match self.batch()? {
                Some(batch) => (batch, Step::Checkpoint),
                None => {
                    self.next = Step::LastCheckpoint;
                    return self.next(_timeout);
                }
            },
            Step::Checkpoint => (Message::Checkpoint { bookmark: self.cursor.bookmark(&self.file)? }, Step::Batch),
            Step::LastCheckpoint => {
                (Message::Checkpoint { bookmark: self.cursor.bookmark(&self.file)? }, Step::StreamEnd)
            }
            Step::StreamEnd => (Message::StreamEnd { stream: 0 }, Step::End),
            Step::End => return Ok(Next::End),
        };
        self.next = next;
        Ok(message.into())
    }
}
