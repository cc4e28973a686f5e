//! Segments of Arrow IPC → batches.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::buffer::Buffer;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{RecordBatchDecoder, read_dictionary};
use arrow::ipc::{self, MessageHeader};
use dstream_abi::{Error, Result};
use std::collections::{HashMap, VecDeque};
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::framing::{Framed, Framing};
use super::segment::Segment;
use crate::singer::feed::Feed;
use crate::singer::{Incoming, Source, StreamSchema};

/// Reads what [`ArrowsTarget`](super::ArrowsTarget) wrote.
///
/// An input without its end mark is an error, wherever it was cut. Batches are checked whole before they are handed out.
pub struct ArrowsReader {
    framing: Framing,
    place: Place,
    dictionaries: HashMap<i64, ArrayRef>,
    streams: Vec<StreamSchema>,
    ready: VecDeque<Incoming>,
    records: u64,
    is_at_state: bool,
}

/// Where in the input the next message is.
enum Place {
    /// Before the schema of a segment.
    Between,
    /// In a segment: of the stream with this index, or of none.
    Within(Option<usize>),
    /// In the last segment.
    Last,
    /// Behind it.
    End,
}

impl ArrowsReader {
    /// Reads `input` on a thread of its own.
    ///
    /// # Errors
    /// `Resource`: the system gives no thread.
    pub fn new(input: impl Read + Send + 'static) -> Result<ArrowsReader> {
        Ok(ArrowsReader {
            framing: Framing::new(Feed::new(input)?),
            place: Place::Between,
            dictionaries: HashMap::new(),
            streams: Vec::new(),
            ready: VecDeque::new(),
            records: 0,
            is_at_state: false,
        })
    }

    fn message(&mut self, header: &[u8], body: &Buffer) -> Result<()> {
        let message = ipc::root_as_message(header)
            .map_err(|_| self.framing.damaged("the header of a message cannot be read"))?;
        match (message.header_type(), &self.place) {
            (MessageHeader::Schema, Place::Between) => {
                let schema = message.header_as_schema().map(|schema| whole(|| Ok(fb_to_schema(schema))));
                let schema = schema.unwrap_or_else(|| Err("no schema".to_owned()));
                let schema = schema.map_err(|problem| self.framing.damaged(&problem))?;
                self.dictionaries.clear();
                let segment = Segment::from_schema(&schema)
                    .map_err(|error| error.context(format!("byte {}", self.framing.position)))?;
                self.begin(segment)
            }
            (MessageHeader::DictionaryBatch, Place::Within(Some(stream))) => {
                let schema = &self.streams[*stream].schema;
                let dictionaries = &mut self.dictionaries;
                let read = message.header_as_dictionary_batch().ok_or_else(|| "no dictionary".to_owned());
                read.and_then(|batch| {
                    whole(|| read_dictionary(body, batch, schema, dictionaries, &message.version()))
                })
                .map_err(|problem| self.framing.damaged(&problem))
            }
            (MessageHeader::RecordBatch, Place::Within(Some(stream))) => {
                let (stream, schema) = (*stream, self.streams[*stream].schema.clone());
                let read = message.header_as_record_batch().ok_or_else(|| "no batch".to_owned());
                let records = read.and_then(|batch| {
                    whole(|| {
                        RecordBatchDecoder::try_new(
                            body,
                            batch,
                            schema,
                            &self.dictionaries,
                            &message.version(),
                        )?
                        .read_record_batch()
                    })
                });
                let records = records
                    .map_err(|problem| self.framing.damaged(&problem).stream(&self.streams[stream].stream))?;
                self.records(stream, records)
            }
            _ => Err(self.framing.damaged("a message stands where it cannot be")),
        }
    }

    fn begin(&mut self, segment: Segment) -> Result<()> {
        self.place = match segment {
            Segment::Records { schema, .. } => Place::Within(Some(self.stream(schema)?)),
            Segment::State(value) => {
                self.is_at_state = true;
                self.ready.push_back(Incoming::State(value));
                Place::Within(None)
            }
            Segment::End { records } if records == self.records => Place::Last,
            Segment::End { records } => {
                return Err(self
                    .framing
                    .damaged(&format!("the end mark says {records} records, {} came", self.records)));
            }
        };
        Ok(())
    }

    /// The index of the stream; a shape that is new is handed out.
    fn stream(&mut self, schema: StreamSchema) -> Result<usize> {
        let known = self.streams.iter().position(|known| known.stream == schema.stream);
        if let Some(missing) = schema.key_properties.iter().find(|key| schema.schema.index_of(key).is_err()) {
            return Err(Error::schema(format!("the key property `{missing}` is not among the columns"))
                .stream(&schema.stream));
        }
        let stream = known.unwrap_or(self.streams.len());
        if known.is_some_and(|known| self.streams[known] == schema) {
            // Equal, but the ids of its dictionaries are those of its own segment.
            self.streams[stream] = schema;
            return Ok(stream);
        }
        self.ready.push_back(Incoming::Schema { stream, schema: schema.clone() });
        match known {
            Some(known) => self.streams[known] = schema,
            None => self.streams.push(schema),
        }
        Ok(stream)
    }

    fn records(&mut self, stream: usize, records: RecordBatch) -> Result<()> {
        let shape = &self.streams[stream];
        for key in &shape.key_properties {
            let column = records.column_by_name(key);
            if column.is_some_and(|column| column.logical_null_count() > 0) {
                return Err(Error::data(format!("the key property `{key}` is null in a record"))
                    .stream(&shape.stream));
            }
        }
        self.is_at_state = false;
        self.records += records.num_rows() as u64;
        self.ready.push_back(Incoming::Records { stream, records });
        Ok(())
    }
}

impl Source for ArrowsReader {
    fn next(&mut self, timeout: Duration) -> Result<Incoming> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(message);
            }
            match (self.framing.next(timeout)?, &self.place) {
                (Framed::Message { header, body }, _) => self.message(&header, &body)?,
                (Framed::StreamEnd, Place::Within(_)) => self.place = Place::Between,
                (Framed::StreamEnd, Place::Last) => self.place = Place::End,
                (Framed::StreamEnd, _) => {
                    return Err(self.framing.damaged("a segment ends that did not begin"));
                }
                (Framed::Pending, _) => return Ok(Incoming::Pending),
                (Framed::End, Place::End) => return Ok(Incoming::End),
                (Framed::End, _) => {
                    return Err(self.framing.damaged("the input ends before its end mark: it was cut"));
                }
            }
        }
    }

    fn is_at_state(&self) -> bool {
        self.is_at_state
    }

    fn drain(&mut self) -> Result<Vec<(usize, RecordBatch)>> {
        Ok(Vec::new())
    }
}

/// Runs a step of arrow-rs, which asserts on some damaged messages.
fn whole<T>(read: impl FnOnce() -> Result<T, arrow::error::ArrowError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => Err(format!("a message is damaged: {error}")),
        Err(_) => Err("a message is damaged".to_owned()),
    }
}
