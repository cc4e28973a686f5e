//! A reader out of an iterator of JSON records.

use arrow::datatypes::SchemaRef;
use serde_json::Value;
use std::time::{Duration, Instant};

use crate::{BatchBuilder, Context, Error, Message, Next, ReadRequest, Reader, Result};

/// Reads one stream, from its start, from an iterator of JSON objects: each becomes a record with the selected columns.
///
/// ```
/// use dstream_sdk::{Context, JsonReader, ReadRequest, Reader, Result, serde_json::json};
///
/// fn open_reader(context: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
///     let records = (0..3).map(|n| Ok(json!({"n": n})));
///     Ok(Box::new(JsonReader::new(context, &request, records)?))
/// }
/// ```
#[derive(Debug)]
pub struct JsonReader<I> {
    context: Context,
    stream: String,
    schema: SchemaRef,
    rows: BatchBuilder,
    records: I,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Schema,
    Records,
    StreamEnd,
    End,
}

impl<I: Iterator<Item = Result<Value>> + Send> JsonReader<I> {
    /// A reader of `records` for the one stream of `request`.
    ///
    /// # Errors
    /// `Unsupported`: a selected column has a type that cannot be built row by row.
    pub fn new(context: Context, request: &ReadRequest, records: I) -> Result<JsonReader<I>> {
        let [stream] = request.streams.as_slice() else {
            return Err(Error::bug(format!(
                "a reader of one stream was opened for {}",
                request.streams.len()
            )));
        };
        let rows = BatchBuilder::for_request(request, 0)?;
        let (stream, schema) = (stream.name.clone(), stream.schema.clone());
        Ok(JsonReader { context, stream, schema, rows, records, step: Step::Schema })
    }

    /// Appends records until the batch is full, the time is over (`false`) or there are no more.
    fn fill(&mut self, until: Instant) -> Result<bool> {
        while !self.rows.is_full() {
            if self.context.is_cancelled() {
                return Err(Error::cancelled("the run was told to stop"));
            }
            match self.records.next() {
                Some(record) => self.rows.append_json(&record?)?,
                None => {
                    self.step = Step::StreamEnd;
                    return Ok(true);
                }
            }
            if Instant::now() > until {
                return Ok(self.rows.is_full());
            }
        }
        Ok(true)
    }
}

impl<I: Iterator<Item = Result<Value>> + Send> Reader for JsonReader<I> {
    fn next(&mut self, timeout: Duration) -> Result<Next> {
        match self.step {
            Step::Schema => {
                self.step = Step::Records;
                return Ok(Message::Schema { stream: 0, version: 1, schema: self.schema.clone() }.into());
            }
            Step::Records => {
                let until = Instant::now() + timeout;
                if !self.fill(until).map_err(|error| error.stream(&self.stream))? {
                    return Ok(Next::Pending);
                }
                if let Some(records) = self.rows.finish()? {
                    return Ok(Message::Batch {
                        stream: 0,
                        version: 1,
                        batch: records.into(),
                        source_bytes: 0,
                    }
                    .into());
                }
            }
            Step::StreamEnd => {}
            Step::End => return Ok(Next::End),
        }
        self.step = Step::End;
        Ok(Message::StreamEnd { stream: 0 }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Partition, ReplicationMethod, SelectedStream};
    use arrow::datatypes::{DataType, Field, Schema};
    use serde_json::json;
    use std::num::{NonZeroU64, NonZeroUsize};
    use std::sync::Arc;

    const LONG: Duration = Duration::from_secs(3600);

    fn request(max_batch_rows: usize) -> ReadRequest {
        ReadRequest {
            partition: Partition::whole("s"),
            streams: vec![SelectedStream {
                upserted: false,
                name: "s".into(),
                schema: Schema::new(vec![Field::new("n", DataType::Int64, false)]).into(),
                key_properties: vec![],
                replication_method: ReplicationMethod::FullTable,
                replication_key: None,
            }],
            bookmark: None,
            max_batch_rows: NonZeroUsize::new(max_batch_rows).unwrap(),
            max_batch_bytes: NonZeroU64::new(1 << 20).unwrap(),
        }
    }

    fn read(records: Vec<Value>, max_batch_rows: usize, timeout: Duration) -> Result<Vec<String>> {
        let context = Context::detached(Arc::default());
        let mut reader = JsonReader::new(context, &request(max_batch_rows), records.into_iter().map(Ok))?;
        let mut seen = Vec::new();
        loop {
            seen.push(match reader.next(timeout)? {
                Next::Message(Message::Schema { .. }) => "schema".to_owned(),
                Next::Message(Message::Batch { batch, .. }) => format!("batch {}", batch.rows()),
                Next::Message(Message::StreamEnd { .. }) => "stream end".to_owned(),
                Next::Message(other) => panic!("{other:?}"),
                Next::Pending => "pending".to_owned(),
                Next::End => return Ok(seen),
            });
        }
    }

    #[test]
    fn records_come_in_batches_between_schema_and_end() {
        let records: Vec<Value> = (0..5).map(|n| json!({"n": n, "other": true})).collect();
        assert_eq!(
            read(records.clone(), 2, LONG).unwrap(),
            ["schema", "batch 2", "batch 2", "batch 1", "stream end"]
        );
        assert_eq!(read(records, 5, LONG).unwrap(), ["schema", "batch 5", "stream end"]);
        assert_eq!(read(vec![], 2, LONG).unwrap(), ["schema", "stream end"]);
    }

    #[test]
    fn a_slow_source_gives_the_thread_back_in_time_and_loses_nothing() {
        let records: Vec<Value> = (0..4).map(|n| json!({"n": n})).collect();
        assert_eq!(
            read(records, 3, Duration::ZERO).unwrap(),
            ["schema", "pending", "pending", "batch 3", "pending", "batch 1", "stream end"]
        );
    }

    #[test]
    fn an_error_names_the_stream() {
        let error = read(vec![json!({"n": "x"})], 2, LONG).unwrap_err();
        assert_eq!((error.kind(), error.stream_name()), (ErrorKind::Data, Some("s")));
    }
}
