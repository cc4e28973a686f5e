//! The target behind `dstreams tap --format arrow`: writes what it is given as segments of Arrow IPC.

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamEncoder;
use dstream_abi::{
    Batch, Begun, Commit, Context, Error, Pipeline, Prepared, Result, StreamPlan, Target, WriteRequest,
    Writer,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard};

use super::segment::Segment;
use crate::singer::StreamSchema;
use crate::singer::output::{Ledger, Output, merge_bookmarks};

/// Writes segments of records, states, and with [`finish`](ArrowsTarget::finish) the end.
///
/// As with Singer messages, a batch is out once it is written; a state is out, flushed, when its commit returns.
pub struct ArrowsTarget<W> {
    shared: Arc<Mutex<Shared<W>>>,
    replication_keys: BTreeMap<String, String>,
}

struct Shared<W> {
    output: Output<W>,
    ledger: Ledger,
    state: Map<String, Value>,
    /// The segment that the next batch may continue.
    open: Option<(Arc<Segment>, StreamEncoder)>,
    records: u64,
}

impl<W: Write + Send + 'static> ArrowsTarget<W> {
    /// Writes to `output`; a buffered one makes small batches cheaper.
    pub fn new(output: W) -> ArrowsTarget<W> {
        let shared = Shared {
            output: Output::new(output),
            ledger: Ledger::default(),
            state: Map::new(),
            open: None,
            records: 0,
        };
        ArrowsTarget { shared: Arc::new(Mutex::new(shared)), replication_keys: BTreeMap::new() }
    }

    /// Begins with this state instead of an empty one.
    #[must_use]
    pub fn with_state(self, state: Map<String, Value>) -> ArrowsTarget<W> {
        lock(&self.shared).state = state;
        self
    }

    /// Names the replication keys of the streams.
    #[must_use]
    pub fn with_replication_keys(mut self, keys: BTreeMap<String, String>) -> ArrowsTarget<W> {
        self.replication_keys = keys;
        self
    }

    /// Marks the end: without it the reader takes what was written for cut. To be called once the whole run is committed.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn finish(&self) -> Result<()> {
        let mut shared = lock(&self.shared);
        let records = shared.records;
        shared.whole(&Segment::End { records })?;
        shared.output.flush()
    }
}

impl<W: Write + Send + 'static> Target for ArrowsTarget<W> {
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
            Lane { plan, replication_key, segment: None }
        });
        let (shared, lanes) = (Arc::clone(&self.shared), lanes.collect());
        Ok(Box::new(ArrowsWriter { shared, lanes, rows: 0 }))
    }

    fn commit(&self, commit: &Commit) -> Result<()> {
        let mut shared = lock(&self.shared);
        let records = shared.ledger.accept(commit)?;
        if !records.is_empty() {
            merge_bookmarks(&mut shared.state, &records);
            let state = Value::Object(shared.state.clone());
            shared.whole(&Segment::State(state))?;
        }
        shared.output.flush()?;
        shared.ledger.stored(&records);
        Ok(())
    }
}

struct ArrowsWriter<W> {
    shared: Arc<Mutex<Shared<W>>>,
    lanes: Vec<Lane>,
    rows: u64,
}

struct Lane {
    plan: StreamPlan,
    replication_key: Option<String>,
    segment: Option<Arc<Segment>>,
}

impl<W: Write + Send> Writer for ArrowsWriter<W> {
    fn declare(&mut self, stream: u32, version: u32, schema: SchemaRef) -> Result<()> {
        let lane = find_lane(&mut self.lanes, stream)?;
        let schema = StreamSchema {
            stream: lane.plan.stream.clone(),
            schema,
            key_properties: lane.plan.key_properties.clone(),
            bookmark_properties: lane.replication_key.iter().cloned().collect(),
        };
        let segment = Arc::new(Segment::Records { version, schema });
        lane.segment = Some(Arc::clone(&segment));
        lock(&self.shared).open(&segment).map(|_| ()).map_err(|error| error.stream(&lane.plan.stream))
    }

    fn write(&mut self, stream: u32, version: u32, batch: Batch) -> Result<()> {
        let lane = find_lane(&mut self.lanes, stream)?;
        let Some(segment) = lane.segment.as_ref().filter(|segment| segment.version() == Some(version)) else {
            return Err(Error::bug(format!("a batch of schema {version} came before that schema"))
                .stream(&lane.plan.stream));
        };
        let batch = batch.into_records()?;
        let rows = batch.num_rows() as u64;
        let mut shared = lock(&self.shared);
        let encoded = shared
            .open(segment)?
            .encode(&batch)
            .map_err(|error| Error::data(error.to_string()).stream(&lane.plan.stream))?;
        shared.put(&encoded)?;
        shared.records += rows;
        self.rows += rows;
        Ok(())
    }

    fn prepare(&mut self, _window: u64) -> Result<Prepared> {
        Ok(Prepared { rows: std::mem::take(&mut self.rows), message: json!(null) })
    }
}

impl<W: Write> Shared<W> {
    /// The encoder of a segment: the open one if it is that.
    fn open(&mut self, segment: &Arc<Segment>) -> Result<&mut StreamEncoder> {
        let is_open =
            self.open.as_ref().is_some_and(|(open, _)| Arc::ptr_eq(open, segment) || open == segment);
        if !is_open {
            self.close()?;
        }
        let encoder = match self.open.take() {
            Some((_, encoder)) => encoder,
            None => new_encoder(segment)?,
        };
        let (_, encoder) = self.open.insert((Arc::clone(segment), encoder));
        Ok(encoder)
    }

    /// Ends the open segment.
    fn close(&mut self) -> Result<()> {
        match self.open.take() {
            Some((_, encoder)) => {
                let encoded = encoder.finish()?;
                self.put(&encoded)
            }
            None => Ok(()),
        }
    }

    /// Writes a segment without records.
    fn whole(&mut self, segment: &Segment) -> Result<()> {
        self.close()?;
        let encoded = new_encoder(segment)?.finish()?;
        self.put(&encoded)
    }

    fn put(&mut self, encoded: &[Buffer]) -> Result<()> {
        encoded.iter().try_for_each(|buffer| self.output.put(buffer))
    }
}

fn new_encoder(segment: &Segment) -> Result<StreamEncoder> {
    StreamEncoder::try_new(&segment.to_schema())
        .map_err(|error| Error::unsupported(format!("a type that Arrow IPC cannot hold: {error}")))
}

fn find_lane(lanes: &mut [Lane], stream: u32) -> Result<&mut Lane> {
    lanes
        .get_mut(stream as usize)
        .ok_or_else(|| Error::bug(format!("a partition has no stream number {stream}")))
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(|poison| poison.into_inner())
}
