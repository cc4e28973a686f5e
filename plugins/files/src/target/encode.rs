//! What a format does with batches on their way into a file.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::store::Staged;
use dstream_sdk::Result;

/// A kind of file that can be written.
pub(crate) trait Encoding: Send + Sync {
    /// What comes after the last dot of names.
    fn ending(&self) -> &'static str;

    /// Refuses columns that the format cannot hold exactly.
    ///
    /// # Errors
    /// `Schema`: names the column and says what to do.
    fn check(&self, schema: &SchemaRef) -> Result<()>;

    /// Begins a file.
    fn open(&self, schema: &SchemaRef, file: Box<dyn Staged>) -> Result<Box<dyn Encode>>;
}

/// A file being written.
pub(crate) trait Encode: Send {
    /// Takes a batch of the schema that it was opened with.
    ///
    /// # Errors
    /// `Data`: a value that the format cannot hold exactly.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Ends the file; answers its bytes, which are durable then.
    fn finish(self: Box<Self>) -> Result<u64>;
}
