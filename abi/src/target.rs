//! The side that writes.

use arrow::datatypes::SchemaRef;

use crate::{Batch, Begun, Commit, ConnectorConfig, Context, Pipeline, Prepared, Result, WriteRequest};

/// A target that can be made from what the user wrote.
pub trait OpenTarget: Target + Sized + 'static {
    /// Reads the config. Creates nothing.
    ///
    /// # Errors
    /// `Config`: what the user wrote cannot be meant.
    fn open(context: Context, config: ConnectorConfig) -> Result<Self>;
}

/// A destination: opens writers and makes what they prepared durable.
///
/// Calls block and come from plain threads; several may run at once. One run is
/// `begin → (open_writer → (declare | write)* → prepare → commit)*`.
///
/// ```
/// use dstream_abi::*;
/// use arrow::datatypes::SchemaRef;
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
///
/// /// Counts what is committed.
/// #[derive(Default)]
/// struct Counter(AtomicU64);
///
/// impl Target for Counter {
///     fn check(&self) -> Result<()> { Ok(()) }
///     fn begin(&self, _: &Pipeline) -> Result<Begun> { Ok(Begun { epoch: 1, ..Begun::default() }) }
///     fn open_writer(&self, _: Context, _: WriteRequest) -> Result<Box<dyn Writer>> { Ok(Box::new(Rows(0))) }
///     fn commit(&self, commit: &Commit) -> Result<()> {
///         for window in &commit.windows {
///             self.0.fetch_add(window.prepared.rows, Ordering::Relaxed);
///         }
///         Ok(())
///     }
/// }
///
/// struct Rows(u64);
///
/// impl Writer for Rows {
///     fn declare(&mut self, _stream: u32, _version: u32, _schema: SchemaRef) -> Result<()> { Ok(()) }
///     fn write(&mut self, _stream: u32, _version: u32, batch: Batch) -> Result<()> {
///         self.0 += batch.rows() as u64;
///         Ok(())
///     }
///     fn prepare(&mut self, _window: u64) -> Result<Prepared> {
///         Ok(Prepared { rows: std::mem::take(&mut self.0), message: serde_json::Value::Null })
///     }
/// }
/// # assert!(Counter::default().check().is_ok());
/// ```
pub trait Target: Send + Sync {
    /// Reaches the destination, finds out whether it can be written to, and leaves no trace.
    ///
    /// # Errors
    /// `Config`, `Denied`, `NotFound`, `Unavailable`: who must act before a run can work.
    fn check(&self) -> Result<()>;

    /// Fences every older run of the pipeline and says what is durable.
    ///
    /// After it returns, no commit of an older epoch can succeed. A target that cannot keep records answers with none.
    ///
    /// A run whose commit had an unknown outcome begins again, under the same name and with the same object. Where another
    /// run has begun since, it is not to be disturbed.
    ///
    /// # Errors
    /// `Unavailable`: the destination cannot be reached now. `Fenced`: this run has begun before, and another one took over.
    fn begin(&self, pipeline: &Pipeline) -> Result<Begun>;

    /// Opens a writer for one partition.
    ///
    /// # Errors
    /// `Unsupported`: a write mode that is not offered. `Config`: a table that cannot be written so.
    fn open_writer(&self, context: Context, request: WriteRequest) -> Result<Box<dyn Writer>>;

    /// Makes a prepared window and its records visible together, or neither. A commit has one window or none; a target
    /// that cannot take more answers `Unsupported`.
    ///
    /// Idempotent: where a record's sequence is stored already, the commit was done before and `Ok` is returned.
    ///
    /// # Errors
    /// `Fenced`: a newer run owns the pipeline; nothing was committed. `Unavailable`: nobody knows whether it was
    /// committed; `begin` tells. Every other error: nothing was committed.
    fn commit(&self, commit: &Commit) -> Result<()>;
}

/// One partition being written. Dropping it drops what was not committed.
pub trait Writer: Send {
    /// The shape of the batches of `(stream, version)` that follow.
    ///
    /// Makes or widens the table, at the latest with the commit.
    ///
    /// # Errors
    /// `Schema`: the table that is there cannot take these columns without loss.
    fn declare(&mut self, stream: u32, version: u32, schema: SchemaRef) -> Result<()>;

    /// Takes one batch.
    ///
    /// # Errors
    /// `Data`: a value that the destination cannot hold exactly. After any error, only drop the writer.
    fn write(&mut self, stream: u32, version: u32, batch: Batch) -> Result<()>;

    /// Everything written since the last window can be committed from now on. The next call is a `write` of the next
    /// window, after the commit of this one has returned.
    ///
    /// # Errors
    /// As `write`.
    fn prepare(&mut self, window: u64) -> Result<Prepared>;
}
