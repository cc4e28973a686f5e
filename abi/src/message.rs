//! What a reader hands out.

use arrow::datatypes::SchemaRef;

use crate::{Batch, Bookmark};

/// The outcome of one call of `next`.
#[derive(Debug)]
pub enum Next {
    /// The next message, in order.
    Message(Message),
    /// Nothing yet within the timeout: call again.
    Pending,
    /// The reader is finished.
    End,
}

impl From<Message> for Next {
    fn from(message: Message) -> Next {
        Next::Message(message)
    }
}

/// One message. `stream` is an index into the streams of the partition.
#[derive(Debug)]
pub enum Message {
    /// The shape of the batches that follow; comes before the first batch of `(stream, version)`, also for a stream
    /// without records.
    Schema {
        /// Which stream.
        stream: u32,
        /// From 1, rises by one with every schema of the stream.
        version: u32,
        /// Its columns.
        schema: SchemaRef,
    },
    /// Records.
    Batch {
        /// Which stream.
        stream: u32,
        /// The schema they have.
        version: u32,
        /// The records.
        batch: Batch,
        /// Bytes read from the source for them; 0: not counted.
        source_bytes: u64,
    },
    /// Every message of this reader before this one is covered by the bookmark: opening a reader with it gives the
    /// rest.
    Checkpoint {
        /// How far it is.
        bookmark: Bookmark,
    },
    /// No more records of the stream from this reader.
    StreamEnd {
        /// Which stream.
        stream: u32,
    },
}
