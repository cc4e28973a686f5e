//! Singer messages → batches.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use dstream_abi::{Error, Result};
use serde_json::Value;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io::Read;
use std::ops::Range;
use std::time::Duration;

use super::feed::Feed;
use super::incoming::{Incoming, Source, StreamSchema};
use super::json::{Cursor, Fault};
use super::lines::{Line, Lines};
use super::message::{Envelope, Kind, close, envelope, schema_message};
use super::object::Object;
use super::parse::Scratch;

/// How much the reader holds back to make batches.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// Records in a batch, at most.
    pub rows: usize,
    /// Bytes of one batch, as they came in; one record may be larger.
    pub batch_bytes: usize,
    /// Bytes of the records of all streams that are not handed out yet.
    pub held_bytes: usize,
}

impl Default for BatchLimits {
    fn default() -> BatchLimits {
        BatchLimits { rows: 65_536, batch_bytes: 32 << 20, held_bytes: 128 << 20 }
    }
}

/// Reads Singer messages, one JSON object a line.
///
/// Lines may have any length. The names of messages are read in any case; messages of unknown types are left out, with a
/// warning for each type.
pub struct SingerReader {
    lines: Lines,
    limits: BatchLimits,
    streams: Vec<Stream>,
    by_name: HashMap<String, usize>,
    /// The stream of the last record: most likely that of the next.
    last: usize,
    held_bytes: usize,
    ready: VecDeque<Incoming>,
    unknown_types: HashSet<String>,
    is_at_state: bool,
    scratch: Scratch,
}

struct Stream {
    shape: StreamSchema,
    object: Object,
    rows: usize,
    bytes: usize,
}

impl SingerReader {
    /// Reads `input` on a thread of its own.
    ///
    /// # Errors
    /// `Resource`: the system gives no thread.
    pub fn new(input: impl Read + Send + 'static, limits: BatchLimits) -> Result<SingerReader> {
        Ok(SingerReader {
            lines: Lines::new(Feed::new(input)?),
            // Two values of a column with 32 bit offsets must fit beside each other.
            limits: BatchLimits { batch_bytes: limits.batch_bytes.min(1 << 29), ..limits },
            streams: Vec::new(),
            by_name: HashMap::new(),
            last: 0,
            held_bytes: 0,
            ready: VecDeque::new(),
            unknown_types: HashSet::new(),
            is_at_state: false,
            scratch: Scratch::default(),
        })
    }

    fn line(&mut self, line: Range<usize>) -> Result<()> {
        let text = self.lines.text(line.clone())?;
        let number = self.lines.number;
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        let message = envelope(text).map_err(|fault| broken(number, None, &fault))?;
        match &message.kind {
            Kind::Record => {
                let record = Record { text, number, message: &message };
                let at = record.find_stream(&self.streams, &self.by_name, self.last)?;
                let bytes = record.take(&mut self.streams[at], &mut self.scratch)?;
                self.is_at_state = false;
                self.last = at;
                self.held_bytes += bytes;
                self.hand_out_full(at)
            }
            Kind::Schema => self.schema(line),
            Kind::State => {
                let value = state(number, &message)?;
                self.is_at_state = true;
                self.ready.push_back(Incoming::State(value));
                Ok(())
            }
            Kind::ActivateVersion | Kind::Batch => Err(refuse(number, &message)),
            Kind::Unknown(name) => {
                if self.unknown_types.insert(name.clone()) {
                    tracing::warn!(line = number, message = name, "messages of an unknown type are left out");
                }
                Ok(())
            }
        }
    }

    fn schema(&mut self, line: Range<usize>) -> Result<()> {
        let number = self.lines.number;
        let shape = schema_message(self.lines.text(line)?)
            .map_err(|error| error.context(format!("line {number}")))?;
        let at = match self.by_name.get(&shape.stream) {
            Some(&at) if self.streams[at].shape == shape => return Ok(()),
            Some(&at) => {
                self.hand_out(at)?;
                at
            }
            None => self.streams.len(),
        };
        let place = |error: Error| error.stream(&shape.stream).context(format!("line {number}"));
        let mut object = Object::new(shape.schema.fields()).map_err(place)?;
        object.require(&shape.key_properties);
        let stream = Stream { object, rows: 0, bytes: 0, shape: shape.clone() };
        if at == self.streams.len() {
            self.by_name.insert(shape.stream.clone(), at);
            self.streams.push(stream);
        } else {
            self.streams[at] = stream;
        }
        self.ready.push_back(Incoming::Schema { stream: at, schema: shape });
        Ok(())
    }

    fn hand_out_full(&mut self, at: usize) -> Result<()> {
        let stream = &self.streams[at];
        if stream.rows >= self.limits.rows || stream.bytes >= self.limits.batch_bytes {
            self.hand_out(at)
        } else if self.held_bytes >= self.limits.held_bytes {
            self.hand_out_all()
        } else {
            Ok(())
        }
    }

    fn hand_out(&mut self, at: usize) -> Result<()> {
        if let Some(records) = self.finish(at)? {
            self.ready.push_back(Incoming::Records { stream: at, records });
        }
        Ok(())
    }

    fn hand_out_all(&mut self) -> Result<()> {
        (0..self.streams.len()).try_for_each(|at| self.hand_out(at))
    }

    fn finish(&mut self, at: usize) -> Result<Option<RecordBatch>> {
        let stream = &mut self.streams[at];
        let rows = std::mem::take(&mut stream.rows);
        self.held_bytes -= std::mem::take(&mut stream.bytes);
        if rows == 0 {
            return Ok(None);
        }
        let schema: &SchemaRef = &stream.shape.schema;
        stream.object.finish_batch(schema, rows).map(Some).map_err(|error| {
            error.stream(&stream.shape.stream).context(format!("records up to line {}", self.lines.number))
        })
    }
}

impl Source for SingerReader {
    fn next(&mut self, timeout: Duration) -> Result<Incoming> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(message);
            }
            match self.lines.next(timeout)? {
                Line::At(line) => self.line(line)?,
                Line::Pending => return Ok(Incoming::Pending),
                Line::End => {
                    self.hand_out_all()?;
                    if self.ready.is_empty() {
                        return Ok(Incoming::End);
                    }
                }
            }
        }
    }

    fn is_at_state(&self) -> bool {
        self.is_at_state
    }

    fn drain(&mut self) -> Result<Vec<(usize, RecordBatch)>> {
        let mut batches = Vec::new();
        for at in 0..self.streams.len() {
            if let Some(records) = self.finish(at)? {
                batches.push((at, records));
            }
        }
        Ok(batches)
    }
}

/// A RECORD message.
struct Record<'a> {
    text: &'a str,
    number: u64,
    message: &'a Envelope<'a>,
}

impl Record<'_> {
    fn find_stream(
        &self,
        streams: &[Stream],
        by_name: &HashMap<String, usize>,
        last: usize,
    ) -> Result<usize> {
        let Some(name) = self.message.stream.as_deref() else {
            return Err(Error::data(format!("line {}: a RECORD message needs a `stream`", self.number)));
        };
        let found = match streams.get(last) {
            Some(stream) if stream.shape.stream == name => Some(last),
            _ => by_name.get(name).copied(),
        };
        found.ok_or_else(|| {
            Error::data(format!("line {}: a record comes before the schema of its stream", self.number))
                .stream(name)
                .hint("a tap writes SCHEMA before the first RECORD of a stream")
        })
    }

    /// Adds it to its stream, and says how many bytes are held for it.
    fn take(&self, stream: &mut Stream, scratch: &mut Scratch) -> Result<usize> {
        let name = &stream.shape.stream;
        let Some(start) = self.message.record else {
            let error = Error::data(format!("line {}: a RECORD message needs a `record`", self.number));
            return Err(error.stream(name));
        };
        let mut cursor = Cursor::at(self.text, start);
        let taken = stream.object.take(&mut cursor, scratch);
        let closed = taken.and_then(|()| if self.message.is_open { close(&mut cursor) } else { Ok(()) });
        closed.map_err(|fault| broken(self.number, Some(name), &fault))?;
        // A null takes room in every column, also where nothing was written.
        let bytes = self.text.len() + 9 * stream.shape.schema.fields().len();
        stream.rows += 1;
        stream.bytes += bytes;
        Ok(bytes)
    }
}

fn state(line: u64, message: &Envelope<'_>) -> Result<Value> {
    let value =
        message.value.ok_or_else(|| Error::data(format!("line {line}: a STATE message needs a `value`")))?;
    serde_json::from_str(value)
        .map_err(|error| Error::data(format!("line {line}: the state is no JSON: {error}")))
}

fn broken(line: u64, stream: Option<&str>, fault: &Fault) -> Error {
    let place = format!("line {line}, byte {}", fault.at + 1);
    let error = match (&fault.column, fault.is_value) {
        (Some(column), true) => {
            Error::data(format!("{place}: column `{column}`: {}", fault.what)).with_row_data()
        }
        _ => Error::data(format!("{place}: {}", fault.what)),
    };
    let error = if fault.is_value {
        error.hint("mend the record, or the schema that the tap writes for it")
    } else {
        error.hint("every line must be one whole JSON object: was the input cut, or is something else printed on it?")
    };
    match stream {
        Some(stream) => error.stream(stream),
        None => error,
    }
}

fn refuse(line: u64, message: &Envelope<'_>) -> Error {
    let (name, hint) = match message.kind {
        Kind::Batch => {
            ("BATCH", "turn batches off in the tap (`batch_config`): its records then come as messages")
        }
        _ => (
            "ACTIVATE_VERSION",
            "turn it off in the tap (`emit_activate_version_messages`) and choose `\"write_mode\": \"overwrite\"` for full tables",
        ),
    };
    let error = Error::unsupported(format!("line {line}: {name} messages cannot be taken")).hint(hint);
    match &message.stream {
        Some(stream) => error.stream(stream.as_ref()),
        None => error,
    }
}
