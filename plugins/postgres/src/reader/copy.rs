//! One COPY after the other, as batches.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use dstream_sdk::{Message, ReadRequest, Result, with_unique_columns};
use std::time::{Duration, Instant};

use crate::client::{Client, CopyState};
use crate::decode::Decoder;
use crate::tap::Source;
use crate::types::ReadColumn;

/// Takes rows out of COPYs of one list of columns.
pub(crate) struct Copy {
    decoder: Decoder,
    max_rows: usize,
    max_bytes: usize,
    /// Of the batch that is being filled.
    source_bytes: u64,
    /// Of this COPY.
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// What became of a COPY in the time allowed.
pub(crate) enum Filled {
    Batch(RecordBatch, u64),
    TimeIsUp,
    /// It is at its end, and what came of it is handed out.
    Done,
}

impl Copy {
    pub(crate) fn new(columns: &[ReadColumn], request: &ReadRequest) -> Copy {
        Copy {
            decoder: Decoder::new(columns),
            max_rows: request.max_batch_rows.get(),
            max_bytes: usize::try_from(request.max_batch_bytes.get()).unwrap_or(usize::MAX),
            source_bytes: 0,
            rows: 0,
            bytes: 0,
        }
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        self.decoder.schema()
    }

    /// Starts to copy what a SELECT gives.
    ///
    /// # Errors
    /// As [`Client::start_copy_out`].
    pub(crate) fn start(&mut self, client: &mut Client, select: &str) -> Result<()> {
        (self.rows, self.bytes) = (0, 0);
        self.decoder.start_again();
        client.start_copy_out(&format!("COPY ({select}) TO STDOUT (FORMAT binary)"))
    }

    /// Copies until a batch is full, the time is up, or there is no more.
    ///
    /// # Errors
    /// As [`Client::copy_rows`] and [`Decoder::push`].
    pub(crate) fn fill(
        &mut self,
        client: &mut Client,
        timeout: Duration,
        is_open: &mut bool,
    ) -> Result<Filled> {
        let begun = Instant::now();
        let Copy { decoder, max_rows, max_bytes, source_bytes, .. } = self;
        if *is_open {
            let state = client.copy_rows(timeout.saturating_sub(begun.elapsed()), |message| {
                decoder.push(message)?;
                *source_bytes += message.len() as u64;
                Ok(decoder.rows() >= *max_rows || decoder.bytes() >= *max_bytes)
            })?;
            match state {
                CopyState::Waiting => return Ok(Filled::TimeIsUp),
                CopyState::Paused => {}
                CopyState::Done => *is_open = false,
            }
        }
        if self.decoder.rows() == 0 {
            self.bytes += std::mem::take(&mut self.source_bytes);
            return Ok(Filled::Done);
        }
        let batch = self.decoder.finish()?;
        let source_bytes = std::mem::take(&mut self.source_bytes);
        self.rows += batch.num_rows() as u64;
        self.bytes += source_bytes;
        Ok(Filled::Batch(batch, source_bytes))
    }
}

/// The first message of every reader.
pub(crate) fn schema_message(schema: &SchemaRef, source: Option<&Source>) -> Message {
    // What the user calls a key is not what the server keeps unique.
    let key = source.and_then(|source| source.relation.as_ref()).map(|relation| relation.key.as_slice());
    Message::Schema {
        stream: 0,
        version: 1,
        schema: with_unique_columns(schema.clone(), key.unwrap_or_default()),
    }
}

pub(crate) fn batch_message(batch: RecordBatch, source_bytes: u64) -> Message {
    Message::Batch { stream: 0, version: 1, batch: batch.into(), source_bytes }
}
