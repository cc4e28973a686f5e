//! Rows of a binary COPY → record batches.

mod column; // the values of one column
mod moment; // dates, times and intervals
mod nested; // arrays and composites

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use dstream_sdk::{Error, Result};
use std::sync::Arc;

use crate::encode::HEAD;
use crate::types::ReadColumn;
use column::Column;

/// Takes rows where they lie, and gives batches.
pub(crate) struct Decoder {
    schema: SchemaRef,
    columns: Vec<Column>,
    /// A message begins a row, not the copy.
    is_begun: bool,
    rows: usize,
    bytes: usize,
    /// Rows in all batches before.
    rows_before: u64,
}

impl Decoder {
    /// For rows with these columns.
    pub(crate) fn new(columns: &[ReadColumn]) -> Decoder {
        let fields: Vec<Field> = columns.iter().map(|column| column.field.clone()).collect();
        Decoder {
            schema: Arc::new(Schema::new(fields)),
            columns: columns
                .iter()
                .map(|column| Column::new(&column.form, column.field.data_type()))
                .collect(),
            is_begun: false,
            rows: 0,
            bytes: 0,
            rows_before: 0,
        }
    }

    /// The schema of the batches: the fields of the columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Another COPY begins, with the same columns.
    pub(crate) fn start_again(&mut self) {
        self.is_begun = false;
    }

    /// Takes one message of the server: a row; the head and the end of the copy, which come with or without one, are
    /// known here.
    ///
    /// # Errors
    /// `Data`: a value that Arrow cannot hold; it names the column.
    pub(crate) fn push(&mut self, mut message: &[u8]) -> Result<()> {
        if !self.is_begun {
            message = skip_head(message)?;
            self.is_begun = true;
        }
        self.bytes += message.len();
        while !message.is_empty() {
            let n_columns = i16::from_be_bytes(take(&mut message)?);
            if n_columns == -1 {
                return Ok(());
            }
            if n_columns as usize != self.columns.len() {
                return Err(Error::bug(format!(
                    "a row of {n_columns} columns came, and {} were asked for",
                    self.columns.len()
                )));
            }
            for (at, column) in self.columns.iter_mut().enumerate() {
                let length = i32::from_be_bytes(take(&mut message)?);
                let Ok(length) = usize::try_from(length) else {
                    column.push_null();
                    continue;
                };
                let (value, rest) = message.split_at_checked(length).ok_or_else(broken)?;
                message = rest;
                if let Err(why) = column.push(value) {
                    let row = self.rows_before + self.rows as u64;
                    return Err(inexact(self.schema.field(at), row, why));
                }
            }
            self.rows += 1;
        }
        Ok(())
    }

    /// Rows taken since the last batch.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// About how many bytes these have.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows taken since the last batch.
    ///
    /// # Errors
    /// `Data`: text that is not UTF-8.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        self.rows_before += rows as u64;
        self.bytes = 0;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for (column, field) in self.columns.iter_mut().zip(self.schema.fields()) {
            let array = column.finish(field.data_type()).map_err(|error| {
                Error::data(format!("the column `{}` holds text that is not UTF-8: {error}", field.name()))
                    .hint("leave the column out, or read it with a query as `bytea`")
            })?;
            arrays.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?)
    }
}

fn inexact(field: &Field, row: u64, why: &str) -> Error {
    Error::data(format!(
        "the column `{}` has, in the record {} of what is read, {why}",
        field.name(),
        row + 1
    ))
    .hint(format!(
        "read the column as text: `\"types\": {{\"….{}\": \"text\"}}` under `options` of the tap",
        field.name()
    ))
}

fn skip_head(message: &[u8]) -> Result<&[u8]> {
    // The signature has 11 bytes, then come flags and the length of what else a later version may say.
    let rest = message.strip_prefix(&HEAD[..11]).ok_or_else(broken)?;
    let (head, rest) = rest.split_at_checked(8).ok_or_else(broken)?;
    let extension = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
    if head[..4] != [0; 4] {
        return Err(Error::unsupported("the server copies in a form that is not known here"));
    }
    rest.get(extension..).ok_or_else(broken)
}

fn take<const N: usize>(message: &mut &[u8]) -> Result<[u8; N]> {
    let (value, rest) = message.split_first_chunk::<N>().ok_or_else(broken)?;
    *message = rest;
    Ok(*value)
}

fn broken() -> Error {
    Error::unavailable("a row of the server is not whole")
}
