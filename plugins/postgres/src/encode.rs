//! Record batches → rows of a binary COPY.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use bytes::BytesMut;
use dstream_sdk::Result;

use crate::types::WriteColumn;

/// What a binary COPY begins with.
pub(crate) const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What a binary COPY ends with.
pub(crate) const END: &[u8] = &[0xff, 0xff];

/// Writes batches of one schema.
pub(crate) struct Encoder {}

impl Encoder {
    /// For batches with this schema; column by column what `fit` answered. `row_numbers`: one more column at the end,
    /// `bigint`, with the number of each row, counted from the first one.
    ///
    /// # Errors
    /// `Bug`: the columns are not those of the schema.
    pub(crate) fn new(_schema: &Schema, _columns: &[WriteColumn], _row_numbers: bool) -> Result<Encoder> {
        todo!("the writers")
    }

    /// Appends the rows of a batch, without head and end.
    ///
    /// # Errors
    /// `Data`: a value that the column cannot hold exactly; names column and row (counted from the writer's first) and
    /// quotes no value.
    pub(crate) fn encode(&mut self, _batch: &RecordBatch, _out: &mut BytesMut) -> Result<()> {
        todo!("the writers")
    }
}
