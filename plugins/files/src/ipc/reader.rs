//! The records of one file, record batch after record batch.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::concat;
use arrow::datatypes::Schema;
use arrow::ipc;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use dstream_sdk::{Context, Error, Result};

use super::arrays::{Arrays, Dictionaries};
use super::copied::copied;
use super::fault::{Fault, Told};
use super::file::{Block, IpcFile, Message, Messages, hash};
use super::place::IpcPlace;
use crate::shown::shown;
use crate::tap::{Chosen, Given, Limits, Pieces, Records, check_cancelled};

/// Reads record batches of a file from a place on.
pub(super) struct IpcRecords {
    context: Context,
    file: IpcFile,
    chosen: Chosen,
    /// The dictionaries of the selected columns.
    wanted: HashSet<i64>,
    dictionaries: Dictionaries,
    pieces: Pieces,
    limits: Limits,
    max_batch_bytes: u64,
    /// The record batch that is given or comes next, and the row in it.
    batch: u64,
    row: usize,
    open: Option<Open>,
    /// Of a stream.
    stream: Option<Stream>,
}

/// A record batch that is given in parts.
struct Open {
    records: RecordBatch,
    bytes_per_row: u64,
    source_bytes_per_row: u64,
}

/// How far a stream is read.
struct Stream {
    at: u64,
    /// A hash over the headers of the messages up to the last record batch.
    before: String,
    /// The headers of the dictionaries behind it.
    pending: Vec<u8>,
}

impl IpcRecords {
    /// A reader of the selected columns.
    ///
    /// # Errors
    /// `BookmarkLost`: the file is another one than that of the place.
    pub(super) fn new(
        context: Context,
        file: IpcFile,
        chosen: Chosen,
        pieces: Pieces,
        limits: Limits,
        max_batch_bytes: u64,
        place: Option<&Value>,
    ) -> Result<IpcRecords> {
        let mut wanted = HashSet::new();
        for at in chosen.columns() {
            file.columns()[*at].dictionaries(&mut |id| {
                wanted.insert(id);
            });
        }
        let stream = match file.messages() {
            Messages::InOrder { from } => {
                Some(Stream { at: *from, before: String::new(), pending: Vec::new() })
            }
            Messages::Listed { .. } => None,
        };
        let mut records = IpcRecords {
            context,
            file,
            chosen,
            wanted,
            dictionaries: Dictionaries::new(),
            pieces,
            limits,
            max_batch_bytes,
            batch: 0,
            row: 0,
            open: None,
            stream,
        };
        let path = records.file.path().to_owned();
        if records.stream.is_none() {
            records.read_all_dictionaries().map_err(|fault| fault.of(&path))?;
        }
        if let Some(place) = place {
            records.resume(place)?;
        }
        Ok(records)
    }

    fn resume(&mut self, place: &Value) -> Result<()> {
        let name = shown(self.file.path());
        let lost = |message: String| {
            Error::bookmark_lost(message).hint("read it from the start with `--full-refresh`")
        };
        let place = IpcPlace::deserialize(place)
            .map_err(|_| lost(format!("the bookmark of `{name}` is none that this tap gave out")))?;
        let other = || lost(format!("file `{name}` was written anew since the bookmark"));
        if place.identity != self.file.identity() {
            return Err(other());
        }
        let row = usize::try_from(place.row).map_err(|_| other())?;
        if self.stream.is_some() {
            // The batch that the row is in is read already.
            let passed = place.batch + u64::from(row > 0);
            while self.batch < passed {
                check_cancelled(&self.context)?;
                let is_there = self.next_in_stream(row > 0 && self.batch + 1 == passed);
                if !is_there.map_err(|fault| fault.of(self.file.path()))? {
                    return Err(other());
                }
                self.batch += 1;
            }
            if self.stream.as_ref().map(|stream| &stream.before) != place.before.as_ref() {
                return Err(other());
            }
        }
        (self.batch, self.row) = (place.batch, row);
        Ok(())
    }

    fn read_all_dictionaries(&mut self) -> Told<()> {
        let Messages::Listed { dictionaries, .. } = self.file.messages() else { return Ok(()) };
        if self.wanted.is_empty() {
            return Ok(());
        }
        let blocks: Vec<Block> = dictionaries.clone();
        for block in blocks {
            let message = self.file.message_of(block)?;
            self.read_dictionary(&message)?;
        }
        Ok(())
    }

    fn read_dictionary(&mut self, message: &Message) -> Told<()> {
        let content = message.content()?;
        let broken = || Fault::damaged("a dictionary is none");
        let header = content.header_as_dictionary_batch().ok_or_else(broken)?;
        let id = header.id();
        let layout = self.file.values_of(id)?.clone();
        if !self.wanted.contains(&id) {
            return Ok(());
        }
        let batch = header.data().ok_or_else(broken)?;
        let (file, body) = (&mut self.file, message.body_at);
        let mut read = |at: u64, bytes: usize| file.read_buffer(body + at, bytes);
        let limit = self.max_batch_bytes;
        let mut arrays =
            Arrays::new(batch, content.version(), message.body_bytes, &self.dictionaries, limit, &mut read)?;
        let values = arrays.array(&layout)?;
        arrays.check_taken()?;
        let values = match (header.isDelta(), self.dictionaries.get(&id)) {
            (true, Some(before)) => concat(&[before.as_ref(), values.as_ref()])?,
            // Only a stream may replace one: of a file nobody knows which batches the first one is for.
            (false, Some(_)) if self.stream.is_none() => {
                return Err(Fault::damaged(format!("it has the dictionary {id} twice")));
            }
            _ => values,
        };
        self.dictionaries.insert(id, values);
        Ok(())
    }

    /// Goes to the next record batch of a file; `false`: there is none.
    fn next_in_file(&mut self) -> Told<bool> {
        loop {
            let Messages::Listed { batches, .. } = self.file.messages() else { return Ok(false) };
            let Some(block) = usize::try_from(self.batch).ok().and_then(|at| batches.get(at)).copied() else {
                return Ok(false);
            };
            if self.pieces.has(self.batch) {
                let message = self.file.message_of(block)?;
                self.open = Some(self.read_batch(&message)?);
                return Ok(true);
            }
            (self.batch, self.row) = (self.batch + 1, 0);
        }
    }

    /// Passes the messages of a stream up to the next record batch, which is read if it `is_wanted`; `false`: there is none.
    fn next_in_stream(&mut self, is_wanted: bool) -> Told<bool> {
        while let Some(stream) = &mut self.stream {
            let Some(message) = self.file.message_at(stream.at)? else { return Ok(false) };
            stream.at = message.end();
            stream.pending.extend_from_slice(&message.header);
            match message.content()?.header_type() {
                ipc::MessageHeader::DictionaryBatch => self.read_dictionary(&message)?,
                ipc::MessageHeader::RecordBatch => {
                    stream.before = hash(&[stream.before.as_bytes(), &stream.pending].concat());
                    stream.pending.clear();
                    if is_wanted {
                        self.open = Some(self.read_batch(&message)?);
                    }
                    return Ok(true);
                }
                _ => return Err(Fault::damaged("a message is neither a record batch nor a dictionary")),
            }
        }
        Ok(false)
    }

    fn read_batch(&mut self, message: &Message) -> Told<Open> {
        let content = message.content()?;
        let broken = || Fault::damaged("a record batch is none");
        let batch = content.header_as_record_batch().ok_or_else(broken)?;
        let rows = usize::try_from(batch.length()).map_err(|_| broken())?;
        let layouts = self.file.columns().clone();
        let (file, body) = (&mut self.file, message.body_at);
        let mut read = |at: u64, bytes: usize| file.read_buffer(body + at, bytes);
        let limit = self.max_batch_bytes;
        let mut arrays =
            Arrays::new(batch, content.version(), message.body_bytes, &self.dictionaries, limit, &mut read)?;
        let mut chosen = self.chosen.columns().iter().copied().peekable();
        let (mut columns, mut fields) = (Vec::<ArrayRef>::new(), Vec::new());
        for (at, layout) in layouts.iter().enumerate() {
            if chosen.next_if_eq(&at).is_none() {
                arrays.skip(layout)?;
                continue;
            }
            let column = arrays.array(layout)?;
            if column.len() != rows {
                return Err(Fault::damaged("a column has another number of values than its record batch"));
            }
            columns.push(column);
            // What is null where it should not be is said with the catalog at hand.
            fields.push(layout.field.as_ref().clone().with_nullable(true));
        }
        arrays.check_taken()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let records = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?;
        let per_row = |bytes: u64| bytes / (rows as u64).max(1);
        Ok(Open {
            bytes_per_row: per_row(records.get_array_memory_size() as u64).max(1),
            source_bytes_per_row: per_row(message.body_bytes),
            records,
        })
    }

    /// The next rows of the record batch that is open.
    fn part(&mut self) -> Result<Option<Given>> {
        let Some(open) = &self.open else { return Ok(None) };
        let left = open.records.num_rows().saturating_sub(self.row);
        if left == 0 {
            self.open = None;
            (self.batch, self.row) = (self.batch + 1, 0);
            return Ok(None);
        }
        let fitting = usize::try_from(self.limits.bytes.get() / open.bytes_per_row).unwrap_or(usize::MAX);
        let rows = left.min(self.limits.rows.get()).min(fitting.max(1));
        let part = match rows == open.records.num_rows() {
            true => open.records.clone(),
            false => copied(&open.records, self.row, rows, self.limits.bytes.get())?,
        };
        let source_bytes = part.num_rows() as u64 * open.source_bytes_per_row;
        self.row += part.num_rows();
        let batch = self.chosen.in_order(self.file.path(), &part)?;
        Ok(Some(Given::Batch { batch, source_bytes }))
    }
}

impl Records for IpcRecords {
    fn next(&mut self, _deadline: Option<Instant>) -> Result<Given> {
        loop {
            check_cancelled(&self.context)?;
            if let Some(given) = self.part()? {
                return Ok(given);
            }
            if self.open.is_some() {
                continue;
            }
            let found = match self.stream {
                Some(_) => self.next_in_stream(true),
                None => self.next_in_file(),
            };
            if !found.map_err(|fault| fault.of(self.file.path()))? {
                return Ok(Given::End);
            }
        }
    }

    fn place(&self) -> Result<Value> {
        // The end of a batch is the beginning of the next one.
        let is_done = self.open.as_ref().is_some_and(|open| open.records.num_rows() == self.row);
        let (batch, row) = if is_done { (self.batch + 1, 0) } else { (self.batch, self.row as u64) };
        let before = self.stream.as_ref().map(|stream| stream.before.clone());
        let place = IpcPlace { identity: self.file.identity().to_owned(), batch, row, before };
        serde_json::to_value(place).map_err(|error| Error::bug(format!("a bookmark is no JSON: {error}")))
    }
}
