//! The records of one partition.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::time::Duration;

use crate::StreamSpec;
use crate::tap::Part;
use dstream_sdk::serde_json::{self, json};
use dstream_sdk::{Context, Error, Message, Next, ReadRequest, Reader, Result};

/// Rows that belong to one partition together. Never changes: positions depend on it.
const BLOCK: u64 = 1 << 16;

#[derive(Debug)]
pub(crate) struct SyntheticReader {
    context: Context,
    stream: StreamSpec,
    schema: SchemaRef,
    part: Part,
    batch_rows: u64,
    batch_bytes: u64,
    /// The first row that was not read.
    row: u64,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Schema,
    Batch,
    Checkpoint,
    End,
}

impl SyntheticReader {
    pub(crate) fn open(
        context: Context,
        stream: &StreamSpec,
        batch_rows: Option<NonZeroUsize>,
        request: &ReadRequest,
    ) -> Result<SyntheticReader> {
        let schema = request.streams[0].schema.clone();
        let columns: Vec<_> = stream.selected(&schema)?.into_iter().cloned().collect();
        let part = match &request.partition.data {
            serde_json::Value::Null => Part { part: 0, of: 1 },
            data => serde_json::from_value(data.clone())
                .map_err(|error| Error::bug(format!("the partition cannot be read: {error}")))?,
        };
        let row = match &request.bookmark {
            None => 0,
            Some(bookmark) => bookmark["row"].as_u64().ok_or_else(|| {
                Error::config(format!("the bookmark `{bookmark}` has no number `row`"))
                    .hint(r#"set one such as `{"row": 0}`"#)
            })?,
        };
        if row > stream.rows {
            return Err(Error::bookmark_lost(format!(
                "the bookmark is row {row}, there are only {}",
                stream.rows
            ))
            .hint("run once with `--full-refresh`"));
        }
        let batch_bytes = request.max_batch_bytes.get();
        // What a row takes is an average: with some room, next to no batch of many rows is made twice.
        let by_bytes = (batch_bytes - batch_bytes / 16)
            / StreamSpec::row_bytes(&columns.iter().collect::<Vec<_>>()).max(1);
        let by_rows = batch_rows.map_or(usize::MAX, NonZeroUsize::get).min(request.max_batch_rows.get());
        Ok(SyntheticReader {
            context,
            stream: StreamSpec { columns, ..stream.clone() },
            schema,
            part,
            batch_rows: by_bytes.clamp(1, by_rows as u64),
            batch_bytes,
            row,
            step: Step::Schema,
        })
    }

    /// The next rows of this part.
    fn rows(&self) -> Option<Range<u64>> {
        let Part { part, of } = self.part;
        let mut from = self.row;
        let mut end = self.stream.rows;
        if of > 1 {
            let block = from / BLOCK;
            let ahead = (u64::from(part) + u64::from(of) - block % u64::from(of)) % u64::from(of);
            if ahead > 0 {
                from = (block + ahead) * BLOCK;
            }
            end = end.min((from / BLOCK + 1) * BLOCK);
        }
        (from < end).then(|| from..end.min(from + self.batch_rows))
    }
}

impl SyntheticReader {
    /// As many of these rows as a batch may hold.
    fn records(&self, mut rows: Range<u64>) -> Result<(RecordBatch, Range<u64>)> {
        let columns: Vec<_> = self.stream.columns.iter().collect();
        loop {
            let batch = self.stream.records_of(&columns, self.schema.clone(), rows.clone())?;
            let (count, bytes) = (rows.end - rows.start, used_bytes(&batch));
            if bytes <= self.batch_bytes || count == 1 {
                return Ok((batch, rows));
            }
            let fitting = u128::from(count) * u128::from(self.batch_bytes) / u128::from(bytes);
            rows.end = rows.start + u64::try_from(fitting).unwrap_or(u64::MAX).clamp(1, count - 1);
        }
    }
}

impl Reader for SyntheticReader {
    fn next(&mut self, _timeout: Duration) -> Result<Next> {
        if self.context.is_cancelled() {
            return Err(Error::cancelled("the run was told to stop"));
        }
        Ok(match self.step {
            Step::Schema => {
                self.step = Step::Batch;
                Message::Schema { stream: 0, version: 1, schema: self.schema.clone() }.into()
            }
            Step::Batch => match self.rows() {
                Some(rows) => {
                    let (batch, rows) = self.records(rows)?;
                    self.row = rows.end;
                    self.step = Step::Checkpoint;
                    let source_bytes = used_bytes(&batch);
                    Message::Batch { stream: 0, version: 1, batch: batch.into(), source_bytes }.into()
                }
                None => {
                    self.step = Step::End;
                    Message::StreamEnd { stream: 0 }.into()
                }
            },
            Step::Checkpoint => {
                self.step = Step::Batch;
                Message::Checkpoint { bookmark: json!({ "row": self.row }) }.into()
            }
            Step::End => Next::End,
        })
    }
}

/// Bytes of the values: a buffer that grew while it was filled has room for up to twice as many.
fn used_bytes(batch: &RecordBatch) -> u64 {
    let used = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or_default();
    batch.columns().iter().map(used).sum::<usize>() as u64
}
