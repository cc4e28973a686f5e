//! Rows of a binary COPY → record batches.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use dstream_sdk::Result;

use crate::types::ReadColumn;

/// Takes rows where they lie, and gives batches.
pub(crate) struct Decoder {
    schema: SchemaRef,
}

impl Decoder {
    /// For rows with these columns.
    pub(crate) fn new(_columns: &[ReadColumn]) -> Decoder {
        todo!("the builders")
    }

    /// The schema of the batches: the fields of the columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Takes one message of the server: a row; the head and the end of the copy, which come with or without one, are
    /// known here.
    ///
    /// # Errors
    /// `Data`: a value that Arrow cannot hold; it names the column.
    pub(crate) fn push(&mut self, _message: &[u8]) -> Result<()> {
        todo!("the builders")
    }

    /// Rows taken since the last batch.
    pub(crate) fn rows(&self) -> usize {
        todo!("the builders")
    }

    /// About how many bytes these have.
    pub(crate) fn bytes(&self) -> usize {
        todo!("the builders")
    }

    /// The rows taken since the last batch.
    ///
    /// # Errors
    /// `Data`: text that is not UTF-8.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch> {
        todo!("the builders")
    }
}
