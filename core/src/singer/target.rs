//! The target behind `dstreams tap`: prints what it is given as Singer messages.

use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use chrono::{DateTime, SecondsFormat, Utc};
use dstream_abi::{
    Batch, Begun, Commit, Context, Error, Pipeline, Prepared, Result, StreamPlan, Target, WriteRequest,
    Writer,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard};

use super::output::{Ledger, Output, merge_bookmarks};
use super::record::RecordEncoder;
use crate::catalog::json_schema::stream_schema;

/// Lines are handed to the output when there are this many bytes of them.
const CHUNK_BYTES: usize = 256 << 10;

/// Writes SCHEMA, RECORD and STATE messages, one JSON object a line.
///
/// A record is printed by `write`: what is printed cannot be taken back. STATE is printed by `commit`, after everything
/// that it covers is flushed. `begin` knows no records: whoever reads the messages keeps the state.
///
/// ```
/// use dstream_abi::{Pipeline, Target};
/// use dstream_core::singer::SingerTarget;
///
/// let target = SingerTarget::new(Vec::new());
/// let begun = target.begin(&Pipeline { pipeline: "shop".into(), run: "1".into() })?;
/// assert!(begun.records.is_empty());
/// # Ok::<(), dstream_abi::Error>(())
/// ```
pub struct SingerTarget<W> {
    shared: Arc<Mutex<Shared<W>>>,
    replication_keys: BTreeMap<String, String>,
    clock: fn() -> DateTime<Utc>,
}

struct Shared<W> {
    output: Output<W>,
    ledger: Ledger,
    state: Map<String, Value>,
    /// The SCHEMA message that holds for the next record of a stream.
    schemas: HashMap<String, Arc<[u8]>>,
}

impl<W: Write + Send + 'static> SingerTarget<W> {
    /// Prints to `output`. It needs no buffer of its own.
    pub fn new(output: W) -> SingerTarget<W> {
        let output = Output::new(output);
        let shared = Shared { output, ledger: Ledger::default(), state: Map::new(), schemas: HashMap::new() };
        SingerTarget {
            shared: Arc::new(Mutex::new(shared)),
            replication_keys: BTreeMap::new(),
            clock: Utc::now,
        }
    }

    /// Begins with this state instead of an empty one: a STATE message holds the bookmarks of all partitions, also of
    /// those that this run does not reach.
    #[must_use]
    pub fn with_state(self, state: Map<String, Value>) -> SingerTarget<W> {
        lock(&self.shared).state = state;
        self
    }

    /// Names the replication keys of the streams, for `bookmark_properties`.
    #[must_use]
    pub fn with_replication_keys(mut self, keys: BTreeMap<String, String>) -> SingerTarget<W> {
        self.replication_keys = keys;
        self
    }

    /// Takes `time_extracted` from this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: fn() -> DateTime<Utc>) -> SingerTarget<W> {
        self.clock = clock;
        self
    }
}

impl<W: Write + Send + 'static> Target for SingerTarget<W> {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn begin(&self, _pipeline: &Pipeline) -> Result<Begun> {
        Ok(Begun { epoch: lock(&self.shared).ledger.begin(), ..Begun::default() })
    }

    fn open_writer(&self, _context: Context, request: WriteRequest) -> Result<Box<dyn Writer>> {
        lock(&self.shared).ledger.check_epoch(request.epoch)?;
        let lanes = request.streams.into_iter().map(|plan| {
            let replication_key = self.replication_keys.get(&plan.stream).cloned();
            let encoder = RecordEncoder::new(&plan.stream);
            Lane { plan, replication_key, encoder, version: 0, schema: Arc::default() }
        });
        let lanes = lanes.collect();
        let (shared, clock) = (Arc::clone(&self.shared), self.clock);
        Ok(Box::new(SingerWriter { shared, clock, lanes, rows: 0, lines: Vec::new() }))
    }

    fn commit(&self, commit: &Commit) -> Result<()> {
        let mut shared = lock(&self.shared);
        let records = shared.ledger.accept(commit)?;
        if !records.is_empty() {
            merge_bookmarks(&mut shared.state, &records);
            let mut line = serde_json::to_vec(&json!({"type": "STATE", "value": shared.state}))
                .map_err(|error| Error::bug(format!("a state is no JSON: {error}")))?;
            line.push(b'\n');
            shared.output.put(&line)?;
        }
        shared.output.flush()?;
        shared.ledger.stored(&records);
        Ok(())
    }
}

struct SingerWriter<W> {
    shared: Arc<Mutex<Shared<W>>>,
    clock: fn() -> DateTime<Utc>,
    lanes: Vec<Lane>,
    rows: u64,
    lines: Vec<u8>,
}

struct Lane {
    plan: StreamPlan,
    replication_key: Option<String>,
    encoder: RecordEncoder,
    version: u32,
    /// Its SCHEMA message.
    schema: Arc<[u8]>,
}

impl<W: Write + Send> Writer for SingerWriter<W> {
    fn declare(&mut self, stream: u32, version: u32, schema: SchemaRef) -> Result<()> {
        let lane = find_lane(&mut self.lanes, stream)?;
        lane.schema = schema_message(lane, &schema)?;
        lane.version = version;
        let mut shared = lock(&self.shared);
        shared.announce(lane)
    }

    fn write(&mut self, stream: u32, version: u32, batch: Batch) -> Result<()> {
        let lane = find_lane(&mut self.lanes, stream)?;
        if lane.version != version {
            return Err(Error::bug(format!("a batch of schema {version} came before that schema"))
                .stream(&lane.plan.stream));
        }
        let batch = batch.into_records()?;
        let time_extracted = (self.clock)().to_rfc3339_opts(SecondsFormat::Micros, true);
        let shared = &self.shared;
        let (plan, message) = (lane.plan.stream.clone(), Arc::clone(&lane.schema));
        self.lines.clear();
        lane.encoder.encode(&batch, &time_extracted, &mut self.lines, CHUNK_BYTES, |lines| {
            let mut shared = lock(shared);
            // Another partition of the stream may have announced another schema since.
            shared.announce_message(&plan, &message)?;
            shared.output.put(lines)
        })?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn prepare(&mut self, _window: u64) -> Result<Prepared> {
        Ok(Prepared { rows: std::mem::take(&mut self.rows), message: Value::Null })
    }
}

impl<W: Write> Shared<W> {
    fn announce(&mut self, lane: &Lane) -> Result<()> {
        self.announce_message(&lane.plan.stream, &lane.schema)
    }

    fn announce_message(&mut self, stream: &str, message: &Arc<[u8]>) -> Result<()> {
        if self.schemas.get(stream).is_some_and(|known| Arc::ptr_eq(known, message) || known == message) {
            return Ok(());
        }
        self.output.put(message)?;
        self.schemas.insert(stream.to_owned(), Arc::clone(message));
        Ok(())
    }
}

fn find_lane(lanes: &mut [Lane], stream: u32) -> Result<&mut Lane> {
    lanes
        .get_mut(stream as usize)
        .ok_or_else(|| Error::bug(format!("a partition has no stream number {stream}")))
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(|poison| poison.into_inner())
}

fn schema_message(lane: &Lane, schema: &SchemaRef) -> Result<Arc<[u8]>> {
    let stream = &lane.plan.stream;
    check_names(schema.fields()).map_err(|error| error.stream(stream))?;
    let mut message = json!({
        "type": "SCHEMA",
        "stream": stream,
        "schema": stream_schema(schema).map_err(|error| error.stream(stream))?,
        "key_properties": lane.plan.key_properties,
    });
    if let Some(key) = &lane.replication_key {
        message["bookmark_properties"] = json!([key]);
    }
    let mut line =
        serde_json::to_vec(&message).map_err(|error| Error::bug(format!("a schema is no JSON: {error}")))?;
    line.push(b'\n');
    Ok(line.into())
}

/// A JSON object cannot hold two values of one name.
fn check_names(fields: &Fields) -> Result<()> {
    for (at, field) in fields.iter().enumerate() {
        if fields.iter().take(at).any(|before| before.name() == field.name()) {
            return Err(Error::unsupported(format!(
                "two fields are named `{}`, which no JSON object can hold",
                field.name()
            ))
            .hint("use `--format arrow`, or rename one of them in the source"));
        }
        check_nested(field)?;
    }
    Ok(())
}

fn check_nested(field: &Field) -> Result<()> {
    match field.data_type() {
        DataType::Struct(fields) => check_names(fields),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _)
        | DataType::RunEndEncoded(_, item) => check_nested(item),
        DataType::Union(fields, _) => fields.iter().try_for_each(|(_, field)| check_nested(field)),
        DataType::Dictionary(_, values) => check_nested(&Field::new("", values.as_ref().clone(), true)),
        _ => Ok(()),
    }
}
