//! What `dstreams target` reads, in whichever form it came.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use dstream_abi::Result;
use serde_json::Value;
use std::time::Duration;

/// The shape of a stream that comes in.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSchema {
    /// The stream's name.
    pub stream: String,
    /// Its columns.
    pub schema: SchemaRef,
    /// Columns that identify a record.
    pub key_properties: Vec<String>,
    /// The columns that the tap follows; empty: not said.
    pub bookmark_properties: Vec<String>,
}

/// One message. Streams are named by index: the order of their first schema.
#[derive(Debug)]
pub enum Incoming {
    /// The shape of the records that follow. Comes before the first record of its stream and when it changes.
    Schema {
        /// Which stream.
        stream: usize,
        /// Its shape.
        schema: StreamSchema,
    },
    /// Records.
    Records {
        /// Which stream.
        stream: usize,
        /// The records.
        records: RecordBatch,
    },
    /// Everything before is covered by this value. Records that came before it may still be held: `drain` hands them
    /// out.
    State(Value),
    /// Nothing came within the time.
    Pending,
    /// The input is complete.
    End,
}

/// An input of messages.
pub trait Source {
    /// The next message, or `Pending` after about `timeout`. After `End` it is not called again.
    ///
    /// # Errors
    /// `Data`: the input is broken at a place that the error names. `Schema`, `Unsupported`: it holds what cannot be
    /// taken. After any error, only drop the source.
    fn next(&mut self, timeout: Duration) -> Result<Incoming>;

    /// Nothing but schemas was read since the last state that `next` gave: that state covers exactly what was handed out
    /// and what `drain` would hand out.
    fn is_at_state(&self) -> bool;

    /// The records that were read and not yet handed out, by stream.
    ///
    /// # Errors
    /// As `next`.
    fn drain(&mut self) -> Result<Vec<(usize, RecordBatch)>>;
}
