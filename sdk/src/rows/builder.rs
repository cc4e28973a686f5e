//! Rows → batches, cut by rows and bytes.

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use serde_json::Value;

use super::ColumnBuilder;
use crate::{Error, ReadRequest, Result};

/// Collects records that come one by one and cuts them into batches.
///
/// ```
/// use dstream_sdk::{BatchBuilder, arrow::datatypes::{DataType, Field, Schema}, serde_json::json};
///
/// let schema = Schema::new(vec![Field::new("id", DataType::Int64, false), Field::new("name", DataType::Utf8, true)]);
/// let mut rows = BatchBuilder::new(schema.into(), 1000, 1 << 20).unwrap();
///
/// // Column by column:
/// rows.column(0).append_i64(1).unwrap();
/// rows.column(1).append_str("Ann").unwrap();
/// rows.end_row().unwrap();
/// // Or from JSON, by name:
/// rows.append_json(&json!({"id": 2})).unwrap();
///
/// assert!(!rows.is_full());
/// assert_eq!(rows.finish().unwrap().unwrap().num_rows(), 2);
/// assert!(rows.finish().unwrap().is_none());
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    rows: usize,
    bytes: usize,
    limit_rows: usize,
    limit_bytes: usize,
}

impl BatchBuilder {
    /// A builder of batches with this schema, full after `limit_rows` rows or `limit_bytes` bytes.
    ///
    /// # Errors
    /// `Unsupported`: a column has a type that cannot be built row by row.
    pub fn new(schema: SchemaRef, limit_rows: usize, limit_bytes: usize) -> Result<BatchBuilder> {
        let columns = schema.fields().iter().map(|field| ColumnBuilder::new(field)).collect::<Result<_>>()?;
        Ok(BatchBuilder { schema, columns, rows: 0, bytes: 0, limit_rows, limit_bytes })
    }

    /// A builder of the batches that `request` asks for: the selected columns of its stream `stream`, within its limits.
    ///
    /// # Errors
    /// As [`new`](BatchBuilder::new).
    pub fn for_request(request: &ReadRequest, stream: usize) -> Result<BatchBuilder> {
        let selected = request
            .streams
            .get(stream)
            .ok_or_else(|| Error::bug(format!("the request has no stream {stream}")))?;
        let limit_bytes = usize::try_from(request.max_batch_bytes.get()).unwrap_or(usize::MAX);
        BatchBuilder::new(selected.schema.clone(), request.max_batch_rows.get(), limit_bytes)
    }

    /// The column at `index`, to append the value of the row at hand.
    ///
    /// # Panics
    /// The schema has no such column.
    pub fn column(&mut self, index: usize) -> &mut ColumnBuilder {
        &mut self.columns[index]
    }

    /// Ends the row at hand.
    ///
    /// # Errors
    /// `Bug`: a column got no value for it, or more than one.
    pub fn end_row(&mut self) -> Result<()> {
        self.rows += 1;
        self.bytes = 0;
        for column in &self.columns {
            if column.len() != self.rows {
                return Err(Error::bug(format!(
                    "column `{}` has {} values after {} rows",
                    column.name(),
                    column.len(),
                    self.rows
                )));
            }
            self.bytes += column.bytes();
        }
        Ok(())
    }

    /// Appends one record: an object whose keys are the columns. A key that is missing is null, a key that is no column
    /// is left out.
    ///
    /// # Errors
    /// `Data`: a value that the column cannot hold exactly. After it, only drop the builder.
    pub fn append_json(&mut self, record: &Value) -> Result<()> {
        let record = record.as_object().ok_or_else(|| {
            Error::data(format!("a record is {}, not an object", super::json::kind(record)))
        })?;
        for column in &mut self.columns {
            match record.get(column.name()) {
                Some(value) => column.append_json(value)?,
                None => column.append_null()?,
            }
        }
        self.end_row()
    }

    /// Rows since the last batch.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes since the last batch, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it is time to [`finish`](BatchBuilder::finish) the batch.
    pub fn is_full(&self) -> bool {
        self.rows >= self.limit_rows || self.bytes >= self.limit_bytes
    }

    /// Hands out the rows since the last batch; `None`: there are none.
    ///
    /// # Errors
    /// `Bug`: the arrays do not fit the schema.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let columns = self.columns.iter_mut().map(ColumnBuilder::finish).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map(Some)
            .map_err(|error| Error::bug(format!("the batch does not fit its schema: {error}")))
    }
}
