//! RECORD messages: a batch becomes lines, without a step in between.

use arrow::array::RecordBatch;
use dstream_abi::{Error, Result};

use super::bind;
use super::text::write_string;

/// Writes the batches of one stream as RECORD messages.
pub(crate) struct RecordEncoder {
    stream: String,
    /// Everything before the record.
    prefix: Vec<u8>,
    /// Records written so far, to name the one that cannot be.
    rows: u64,
}

impl RecordEncoder {
    pub(crate) fn new(stream: &str) -> RecordEncoder {
        let mut prefix = b"{\"type\":\"RECORD\",\"stream\":".to_vec();
        write_string(stream, &mut prefix);
        prefix.extend_from_slice(b",\"record\":{");
        RecordEncoder { stream: stream.to_owned(), prefix, rows: 0 }
    }

    /// Writes a line for every record. `full` gets the output when it holds `limit` bytes, and at the end; it takes all.
    ///
    /// # Errors
    /// `Data`: a value that JSON does not have, by column and row.
    pub(crate) fn encode(
        &mut self,
        batch: &RecordBatch,
        time_extracted: &str,
        out: &mut Vec<u8>,
        limit: usize,
        mut full: impl FnMut(&mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let schema = batch.schema();
        let columns = bind::columns(schema.fields(), batch.columns())
            .map_err(|refusal| Error::data(refusal).stream(&self.stream))?;
        let mut suffix = b"},\"time_extracted\":".to_vec();
        write_string(time_extracted, &mut suffix);
        suffix.extend_from_slice(b"}\n");
        for row in 0..batch.num_rows() {
            out.extend_from_slice(&self.prefix);
            for (at, (name, column)) in columns.iter().enumerate() {
                out.extend_from_slice(name);
                if let Err(refusal) = column.write(row, out) {
                    return Err(self.refuse(schema.field(at).name(), row, &refusal));
                }
            }
            out.extend_from_slice(&suffix);
            if out.len() >= limit {
                full(out)?;
                out.clear();
            }
        }
        self.rows += batch.num_rows() as u64;
        full(out)?;
        out.clear();
        Ok(())
    }

    fn refuse(&self, column: &str, row: usize, refusal: &str) -> Error {
        let row = self.rows + row as u64 + 1;
        Error::data(format!("column `{column}`, record {row}: {refusal}"))
            .stream(&self.stream)
            .hint("use `--format arrow` or a file ending in `.arrows`, which keep every value, or leave the column out of the selection")
    }
}
