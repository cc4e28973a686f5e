//! Streams being read: rows of a binary COPY, as batches with checkpoints.

mod bound; // values of a replication key in SQL
mod copy; // one COPY -> batches
mod full; // ranges of blocks, one after the other
mod gate; // up to which value an incremental stream is read
mod horizon; // the same for times
mod incremental; // rows in the order of the replication key
mod origin; // where a bookmark comes from
mod whole; // a view or a query, at one go
mod writers; // the same for numbers and text

pub(crate) use full::FullReader;
pub(crate) use incremental::IncrementalReader;
pub(crate) use whole::WholeReader;

use dstream_sdk::Context;

use crate::client::Client;
use crate::tap::{Source, Wishes};
use crate::types::ReadColumn;

/// What every reader begins with.
pub(crate) struct Opening {
    pub(crate) context: Context,
    pub(crate) client: Client,
    pub(crate) source: Source,
    pub(crate) columns: Vec<ReadColumn>,
    pub(crate) wishes: Wishes,
}

/// The error with its stream.
fn named(error: dstream_sdk::Error, stream: &str) -> dstream_sdk::Error {
    match error.stream_name() {
        Some(_) => error,
        None => error.stream(stream),
    }
}
