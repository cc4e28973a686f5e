//! Singer messages → batches.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use dstream_abi::{Error, Result};
use std::collections::{HashMap, HashSet, VecDeque};
use std::io::Read;
use std::ops::Range;
use std::time::Duration;

use super::feed::Feed;
use super::incoming::{Incoming, Source, StreamSchema};
use super::json::Cursor;
use super::lines::{Line, Lines};
use super::message::{Kind, close, envelope, schema_message};
use super::object::Object;
use super::parse::Scratch;
use super::refusal::{broken, refuse};

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
    /// How its line began, up to the record itself. A line that begins so too says the same.
    last_start: String,
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
            last_start: String::new(),
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
        if !self.last_start.is_empty() && text.starts_with(&self.last_start) {
            let record = Record { text, number, start: self.last_start.len(), is_open: true };
            return record
                .take(&mut self.streams[self.last], &mut self.scratch)
                .and_then(|bytes| self.taken(bytes));
        }
        let message = envelope(text).map_err(|fault| broken(number, None, &fault))?;
        match &message.kind {
            Kind::Record => {
                let at = self.find_stream(number, message.stream.as_deref())?;
                let start = message.record.ok_or_else(|| {
                    let error = Error::data(format!("line {number}: a RECORD message needs a `record`"));
                    error.stream(&self.streams[at].shape.stream)
                })?;
                let record = Record { text, number, start, is_open: message.is_open };
                let bytes = record.take(&mut self.streams[at], &mut self.scratch)?;
                self.last_start.clear();
                if message.is_open {
                    self.last_start.push_str(&text[..start]);
                }
                self.last = at;
                self.taken(bytes)
            }
            Kind::Schema => self.schema(line),
            Kind::State => {
                let value = message.state().map_err(|error| error.context(format!("line {number}")))?;
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

    fn find_stream(&self, line: u64, name: Option<&str>) -> Result<usize> {
        let name =
            name.ok_or_else(|| Error::data(format!("line {line}: a RECORD message needs a `stream`")))?;
        self.by_name.get(name).copied().ok_or_else(|| {
            Error::data(format!("line {line}: a record comes before the schema of its stream"))
                .stream(name)
                .hint("a tap writes SCHEMA before the first RECORD of a stream")
        })
    }

    /// A record of so many bytes was added to the last stream.
    fn taken(&mut self, bytes: usize) -> Result<()> {
        self.is_at_state = false;
        self.held_bytes += bytes;
        let at = self.last;
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

/// A RECORD message, and where in it the record begins.
struct Record<'a> {
    text: &'a str,
    number: u64,
    start: usize,
    /// What follows the record is not read yet.
    is_open: bool,
}

impl Record<'_> {
    /// Adds it to its stream, and says how many bytes are held for it.
    fn take(&self, stream: &mut Stream, scratch: &mut Scratch) -> Result<usize> {
        let mut cursor = Cursor::at(self.text, self.start);
        let taken = stream.object.take(&mut cursor, scratch);
        let closed = taken.and_then(|()| if self.is_open { close(&mut cursor) } else { Ok(()) });
        closed.map_err(|fault| broken(self.number, Some(&stream.shape.stream), &fault))?;
        // A null takes room in every column, also where nothing was written.
        let bytes = self.text.len() + 9 * stream.shape.schema.fields().len();
        stream.rows += 1;
        stream.bytes += bytes;
        Ok(bytes)
    }
}
