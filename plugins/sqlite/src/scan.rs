//! The rows of one stream, as messages: what the thread of a reader does.

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use dstream_sdk::{Error, Message, Result, tracing, with_unique_columns};
use rusqlite::Row;
use rusqlite::types::{Value, ValueRef};
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use crate::build::{Column, Refused};
use crate::client::{Client, Visit};
use crate::following::Following;
use crate::select::Select;

/// Offsets of text are 32 bits wide; a batch stays well below.
const MAX_BATCH_BYTES: u64 = 1 << 30;

/// What the thread hands over; `None`: the end.
pub(crate) type Sender = SyncSender<Result<Option<Message>>>;

/// A stream that is ready to be read.
pub(crate) struct Scan {
    pub(crate) client: Client,
    pub(crate) select: Select,
    pub(crate) params: Vec<Value>,
    pub(crate) batches: Batches,
    /// Outlives the client.
    pub(crate) _visit: Arc<Visit>,
}

/// The batches of a stream in the making.
pub(crate) struct Batches {
    pub(crate) stream: String,
    pub(crate) schema: SchemaRef,
    /// The columns that the file keeps unique.
    pub(crate) unique: Vec<String>,
    pub(crate) columns: Vec<Column>,
    pub(crate) following: Option<Following>,
    /// The followed column, where only numbers have their order.
    pub(crate) numbers_only: Option<usize>,
    pub(crate) max_rows: NonZeroUsize,
    pub(crate) max_bytes: NonZeroU64,
    pub(crate) filling: Filling,
}

/// The batch that is being filled.
#[derive(Default)]
pub(crate) struct Filling {
    rows: usize,
    bytes: u64,
    rowids: Vec<i64>,
}

/// Nobody wants the rest.
struct Unwanted;

impl Scan {
    /// Reads to the end, or until nobody listens.
    pub(crate) fn run(self, sender: &Sender) {
        let Scan { client, select, params, mut batches, _visit } = self;
        let outcome = batches.read(&client, &select, &params, sender);
        // The file is closed before the end is said.
        drop(client);
        drop(_visit);
        let last = match outcome {
            Ok(Ok(())) => Ok(None),
            Ok(Err(Unwanted)) => return,
            Err(error) => Err(error.stream(&batches.stream)),
        };
        // Nobody may listen any more.
        let _ = sender.send(last);
    }
}

impl Batches {
    fn read(
        &mut self,
        client: &Client,
        select: &Select,
        params: &[Value],
        sender: &Sender,
    ) -> Result<Result<(), Unwanted>> {
        let schema = with_unique_columns(self.schema.clone(), &self.unique);
        let schema = Message::Schema { stream: 0, version: 1, schema };
        if send(sender, schema).is_err() {
            return Ok(Err(Unwanted));
        }
        let mut is_wanted = true;
        client.each_row(&select.sql, params, |row| {
            is_wanted = self.take(row, select, sender)?.is_ok();
            Ok(is_wanted)
        })?;
        if !is_wanted || self.flush(select, sender)?.is_err() {
            return Ok(Err(Unwanted));
        }
        if let Some(following) = &mut self.following {
            following.check_end()?;
            if following.nulls > 0 {
                let (key, rows) = (&following.key, following.nulls);
                tracing::warn!(key, rows, "rows without a replication key are read now and never again");
            }
            let bookmark = following.last_bookmark();
            if send(sender, Message::Checkpoint { bookmark }).is_err() {
                return Ok(Err(Unwanted));
            }
        }
        Ok(send(sender, Message::StreamEnd { stream: 0 }))
    }

    fn take(&mut self, row: &Row<'_>, select: &Select, sender: &Sender) -> Result<Result<(), Unwanted>> {
        match self.append(row, select) {
            Ok(()) => {}
            // The batch ends before this row, which begins the next one.
            Err((_, Refused::Full)) if self.filling.rows > 0 => {
                if self.flush(select, sender)?.is_err() {
                    return Ok(Err(Unwanted));
                }
                self.append(row, select).map_err(|(at, why)| self.refusal(row, select, at, why))?;
            }
            Err((at, why)) => return Err(self.refusal(row, select, at, why)),
        }
        self.filling.rows += 1;
        let max_bytes = self.max_bytes.get().min(MAX_BATCH_BYTES);
        match self.filling.rows == self.max_rows.get() || self.filling.bytes >= max_bytes {
            true => self.flush(select, sender),
            false => Ok(Ok(())),
        }
    }

    #[inline]
    fn append(&mut self, row: &Row<'_>, select: &Select) -> Result<(), (usize, Refused)> {
        let mut bytes = 0;
        for (at, (column, place)) in self.columns.iter_mut().zip(&select.places).enumerate() {
            let cell = row.get_ref(*place).map_err(|_| (at, Refused::Value("nothing")))?;
            bytes += column.bytes_of(cell);
            column.append(cell).map_err(|why| (at, why))?;
            if self.numbers_only == Some(at) && matches!(cell, ValueRef::Text(_)) {
                return Err((at, Refused::Value("text, which SQLite sorts after all numbers")));
            }
        }
        self.filling.bytes += bytes;
        if let [(_, place)] = select.identity[..]
            && let Ok(ValueRef::Integer(rowid)) = row.get_ref(place)
        {
            self.filling.rowids.push(rowid);
        }
        Ok(())
    }

    /// Hands over what there is, with the bookmark that covers it.
    fn flush(&mut self, select: &Select, sender: &Sender) -> Result<Result<(), Unwanted>> {
        let filled = std::mem::take(&mut self.filling);
        if filled.rows == 0 {
            return Ok(Ok(()));
        }
        for (at, column) in self.columns.iter().enumerate() {
            if let Some(row) = column.find_no_text().filter(|row| *row < filled.rows) {
                let name = match (&select.identity[..], filled.rowids.get(row)) {
                    ([(name, _)], Some(rowid)) => format!("the row with {name} {rowid}"),
                    _ => format!("row {} of a batch of {}", row + 1, filled.rows),
                };
                return Err(self.wrong(at, &name, "text that is not UTF-8", "binary"));
            }
        }
        self.filling.rowids = Vec::with_capacity(filled.rowids.len());
        let arrays = self.columns.iter_mut().map(|column| Ok(column.finish()?.slice(0, filled.rows)));
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(filled.rows));
        let mut records = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?;
        let mut bookmark = None;
        if let Some(following) = &mut self.following {
            records = following.take(records)?;
            bookmark = following.bookmark();
        }
        if records.num_rows() > 0 {
            let source_bytes = filled.bytes;
            let batch = Message::Batch { stream: 0, version: 1, batch: records.into(), source_bytes };
            if send(sender, batch).is_err() {
                return Ok(Err(Unwanted));
            }
        }
        match bookmark {
            Some(bookmark) => Ok(send(sender, Message::Checkpoint { bookmark })),
            None => Ok(Ok(())),
        }
    }

    fn refusal(&self, row: &Row<'_>, select: &Select, at: usize, why: Refused) -> Error {
        let cell = select.places.get(at).and_then(|place| row.get_ref(*place).ok());
        let (class, instead) = match cell {
            None | Some(ValueRef::Null) => ("NULL", "text"),
            Some(ValueRef::Integer(_)) => ("an integer", "text"),
            Some(ValueRef::Real(_)) => ("a real number", "text"),
            Some(ValueRef::Text(_)) => ("text", "text"),
            Some(ValueRef::Blob(_)) => ("a blob", "binary"),
        };
        let what = match why {
            Refused::Value("") => class,
            Refused::Value(why) => why,
            Refused::Full => "more than a batch can hold",
        };
        let value = |place: usize| match row.get_ref(place) {
            Ok(ValueRef::Integer(number)) => number.to_string(),
            Ok(ValueRef::Real(number)) => format!("{number:?}"),
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text)
                .chars()
                .filter(|c| !c.is_control() && *c != '`')
                .take(40)
                .collect(),
            Ok(ValueRef::Blob(_)) => "a blob".to_owned(),
            _ => "NULL".to_owned(),
        };
        let names = select.identity.iter().map(|(name, place)| format!("{name} {}", value(*place)));
        let names = names.collect::<Vec<_>>().join(", ");
        let row = match names.is_empty() {
            true => format!("row {} of a batch", self.filling.rows + 1),
            false => format!("the row with {names}"),
        };
        self.wrong(at, &row, what, instead)
    }

    fn wrong(&self, at: usize, row: &str, what: &str, instead: &str) -> Error {
        let field = self.schema.field(at);
        let (column, stream) = (field.name(), &self.stream);
        Error::data(format!(
            "the column `{column}` of {row} holds {what}, and is read as {}",
            field.data_type()
        ))
        .with_row_data()
        .hint(format!(
            "correct the value, or read the column as another type with the option `\"types\": \
             {{\"{stream}.{column}\": \"{instead}\"}}`"
        ))
    }
}

fn send(sender: &Sender, message: Message) -> Result<(), Unwanted> {
    sender.send(Ok(Some(message))).map_err(|_| Unwanted)
}
