//! Record batches → rows of a binary COPY.

mod json; // nested values as JSON
mod nested; // arrays and composites
mod put; // the values of one column

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use bytes::{BufMut, BytesMut};
use dstream_sdk::{Error, Result};

use crate::types::WriteColumn;
use put::{Put, put};

/// What a binary COPY begins with.
pub(crate) const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What a binary COPY ends with.
pub(crate) const END: &[u8] = &[0xff, 0xff];

/// Writes batches of one schema.
pub(crate) struct Encoder {
    columns: Vec<WriteColumn>,
    row_numbers: bool,
    /// Rows in all batches before.
    rows: u64,
}

impl Encoder {
    /// For batches with this schema; column by column what `fit` answered. `row_numbers`: one more column at the end,
    /// `bigint`, with the number of each row, counted from the first one.
    ///
    /// # Errors
    /// `Bug`: the columns are not those of the schema.
    pub(crate) fn new(schema: &Schema, columns: &[WriteColumn], row_numbers: bool) -> Result<Encoder> {
        let names = schema.fields().iter().map(|field| field.name());
        if !names.eq(columns.iter().map(|column| &column.name)) {
            return Err(Error::bug("the columns of a table are not those of the batches for it"));
        }
        Ok(Encoder { columns: columns.to_vec(), row_numbers, rows: 0 })
    }

    /// Appends the rows of a batch, without head and end; `flush` is called with what is there whenever it is large, and
    /// makes room.
    ///
    /// # Errors
    /// `Data`: a value that the column cannot hold exactly; names column and row (counted from the writer's first, which is 1) and
    /// quotes no value. As `flush`.
    pub(crate) fn encode(
        &mut self,
        batch: &RecordBatch,
        out: &mut BytesMut,
        mut flush: impl FnMut(&mut BytesMut) -> Result<()>,
    ) -> Result<()> {
        let columns = self.columns.iter().zip(batch.columns());
        let puts: Vec<Put<'_>> = columns
            .map(|(column, array)| {
                put(array.as_ref(), &column.form)
                    .map_err(|error| error.context(format!("column `{}`", column.name)))
            })
            .collect::<Result<_>>()?;
        let n_columns = (puts.len() + usize::from(self.row_numbers)) as i16;
        for row in 0..batch.num_rows() {
            out.put_i16(n_columns);
            for (at, put) in puts.iter().enumerate() {
                if let Err(why) = put(row, out) {
                    return Err(self.inexact(at, row, why));
                }
            }
            if self.row_numbers {
                out.put_i32(8);
                out.put_i64((self.rows + row as u64) as i64);
            }
            if out.len() >= FLUSH_BYTES {
                flush(out)?;
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn inexact(&self, column: usize, row: usize, why: &str) -> Error {
        let name = self.columns.get(column).map(|column| column.name.as_str()).unwrap_or_default();
        Error::data(format!(
            "the column `{name}` of the record {} cannot hold its value exactly: {why}",
            self.rows + row as u64 + 1
        ))
        .hint("mend the record in the source, or deselect the column with `dstreams catalog deselect`")
    }
}

/// So much is sent at once: less costs calls of the system, more costs the caches.
const FLUSH_BYTES: usize = 256 << 10;
