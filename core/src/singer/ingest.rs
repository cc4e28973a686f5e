//! The loop behind `dstreams target`: messages in, committed windows out.

use arrow::array::RecordBatch;
use dstream_abi::{
    Commit, CommitRecord, CommitWindow, Context, Error, ErrorKind, Result, StreamPlan, Target, WriteMode,
    WriteRequest, Writer,
};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::incoming::{Incoming, Source, StreamSchema};
use super::options::{IngestOptions, Ingested};

/// How often a wait for input looks whether the run is to stop.
const WAIT: Duration = Duration::from_millis(100);
/// How often a commit is tried whose outcome nobody knows; it is idempotent.
const COMMIT_ATTEMPTS: u32 = 3;

/// Reads `source` to its end and writes it to `target`.
///
/// Commits fall on STATE messages and on the end: between two of them records are written, never made visible. So a tap
/// that reads on from the last state that was handed to `on_state` leaves no record out and sends none twice. What comes
/// behind the last STATE is committed with the end. `on_state` gets a state once everything before it is durable. With
/// `overwrite` the tables change with the end, all at once.
///
/// An input of Singer messages has no mark at its end: if a tap dies, what it wrote until then looks complete.
///
/// # Errors
/// `Cancelled`: `interrupt` was set; what came behind the last commit is dropped. `Data`: the target counted other records than it was
/// given; nothing of that window was committed. Any other error of the source, the target, `plan_stream` or
/// `on_state`: what is behind the last commit is dropped.
pub fn ingest(
    source: &mut dyn Source,
    target: &dyn Target,
    options: &IngestOptions,
    plan_stream: &mut dyn FnMut(&StreamSchema) -> Result<StreamPlan>,
    on_state: &mut dyn FnMut(&Value) -> Result<()>,
    interrupt: &Arc<AtomicBool>,
) -> Result<Ingested> {
    let begun = target.begin(&options.pipeline)?;
    let stored = begun.records.iter().find(|record| record.key == options.record_key);
    let mut run = Run {
        target,
        options,
        interrupt,
        on_state,
        epoch: begun.epoch,
        sequence: stored.map_or(0, |record| record.sequence),
        state: stored.map_or(Value::Null, |record| record.value.clone()),
        windows: 0,
        lanes: Vec::new(),
        rows: 0,
        bytes: 0,
        pending: None,
        last_commit: Instant::now(),
        commits: 0,
    };
    loop {
        if interrupt.load(Ordering::Relaxed) {
            return run.stop(source);
        }
        match source.next(WAIT)? {
            Incoming::Schema { stream, schema } => run.declare(stream, &schema, plan_stream)?,
            Incoming::Records { stream, records } => run.write(stream, records)?,
            Incoming::State(value) => run.state(value, source)?,
            Incoming::Pending => run.commit_pending(source)?,
            // An interrupt often ends the tap too; what it left unsaid must not look complete.
            Incoming::End if interrupt.load(Ordering::Relaxed) => return run.stop(source),
            Incoming::End => return run.end(),
        }
    }
}

struct Run<'a> {
    target: &'a dyn Target,
    options: &'a IngestOptions,
    interrupt: &'a Arc<AtomicBool>,
    on_state: &'a mut dyn FnMut(&Value) -> Result<()>,
    epoch: u64,
    sequence: u64,
    /// The last state that is committed.
    state: Value,
    windows: u64,
    lanes: Vec<Lane>,
    /// Records and bytes that are written and not committed.
    rows: u64,
    bytes: u64,
    /// The last state, while it is not committed.
    pending: Option<Value>,
    last_commit: Instant,
    commits: u64,
}

/// One stream on its way to its table.
struct Lane {
    shape: StreamSchema,
    plan: StreamPlan,
    writer: Box<dyn Writer>,
    version: u32,
    /// Something was declared or written since the last window.
    is_dirty: bool,
    rows_in_window: u64,
    rows_committed: u64,
}

impl Run<'_> {
    fn declare(
        &mut self,
        stream: usize,
        shape: &StreamSchema,
        plan_stream: &mut dyn FnMut(&StreamSchema) -> Result<StreamPlan>,
    ) -> Result<()> {
        if stream == self.lanes.len() {
            let lane = self.open(shape, plan_stream(shape)?)?;
            self.lanes.push(lane);
        }
        let lane = find(&mut self.lanes, stream)?;
        if lane.shape.key_properties != shape.key_properties {
            return Err(Error::schema(format!(
                "the key properties change from [{}] to [{}] within one input",
                lane.shape.key_properties.join(", "),
                shape.key_properties.join(", ")
            ))
            .stream(&shape.stream)
            .hint("write what has other keys to another table, in a run of its own"));
        }
        lane.version += 1;
        lane.is_dirty = true;
        lane.shape = shape.clone();
        lane.writer.declare(0, lane.version, shape.schema.clone()).map_err(|error| named(error, &lane.plan))
    }

    fn open(&self, shape: &StreamSchema, plan: StreamPlan) -> Result<Lane> {
        let context = Context::new(
            Arc::clone(self.interrupt),
            tracing::info_span!("writer", stream = shape.stream, table = plan.table),
        );
        let request = WriteRequest {
            pipeline: self.options.pipeline.pipeline.clone(),
            epoch: self.epoch,
            partition: shape.stream.clone(),
            streams: vec![plan.clone()],
            buffer_bytes: self.options.buffer_bytes,
        };
        let writer = self.target.open_writer(context, request).map_err(|error| named(error, &plan))?;
        let shape = shape.clone();
        Ok(Lane { shape, plan, writer, version: 0, is_dirty: false, rows_in_window: 0, rows_committed: 0 })
    }

    fn write(&mut self, stream: usize, records: RecordBatch) -> Result<()> {
        let lane = find(&mut self.lanes, stream)?;
        let (rows, bytes) = (records.num_rows() as u64, records.get_array_memory_size() as u64);
        lane.writer.write(0, lane.version, records.into()).map_err(|error| named(error, &lane.plan))?;
        lane.is_dirty = true;
        lane.rows_in_window += rows;
        self.rows += rows;
        self.bytes += bytes;
        Ok(())
    }

    fn state(&mut self, value: Value, source: &mut dyn Source) -> Result<()> {
        self.pending = Some(value);
        let is_due = self.rows >= self.options.commit_rows
            || self.bytes >= self.options.commit_bytes
            || self.last_commit.elapsed() >= self.options.commit_every;
        if is_due { self.commit_pending(source) } else { Ok(()) }
    }

    /// Commits at the last state, unless records came behind it.
    fn commit_pending(&mut self, source: &mut dyn Source) -> Result<()> {
        if self.pending.is_none() || !source.is_at_state() {
            return Ok(());
        }
        for (stream, records) in source.drain()? {
            self.write(stream, records)?;
        }
        let state = self.pending.take();
        self.commit(state, Vec::new())
    }

    fn end(mut self) -> Result<Ingested> {
        let publish: Vec<StreamPlan> = self
            .lanes
            .iter()
            .filter(|lane| lane.plan.write_mode == WriteMode::Overwrite)
            .map(|lane| lane.plan.clone())
            .collect();
        let state = self.pending.take();
        if state.is_some() || !publish.is_empty() || self.lanes.iter().any(|lane| lane.is_dirty) {
            self.commit(state, publish)?;
        }
        let streams = self.lanes.into_iter().map(|lane| (lane.shape.stream, lane.rows_committed)).collect();
        Ok(Ingested { streams, commits: self.commits })
    }

    fn stop(mut self, source: &mut dyn Source) -> Result<Ingested> {
        self.commit_pending(source)?;
        Err(Error::cancelled("the run was interrupted")
            .hint("run again: the tap reads on from the last state"))
    }

    fn commit(&mut self, state: Option<Value>, publish: Vec<StreamPlan>) -> Result<()> {
        let mut windows = Vec::new();
        for lane in self.lanes.iter_mut().filter(|lane| lane.is_dirty) {
            self.windows += 1;
            let prepared = lane.writer.prepare(self.windows).map_err(|error| named(error, &lane.plan))?;
            if prepared.rows != lane.rows_in_window {
                return Err(Error::data(format!(
                    "{} records were written, the target counted {}: nothing of them was committed",
                    lane.rows_in_window, prepared.rows
                ))
                .stream(&lane.shape.stream)
                .hint("this is a defect of the target: report it"));
            }
            windows.push(CommitWindow {
                window: self.windows,
                partition: lane.shape.stream.clone(),
                prepared,
            });
        }
        let value = state.clone().unwrap_or_else(|| self.state.clone());
        let record =
            CommitRecord { key: self.options.record_key.clone(), sequence: self.sequence + 1, value };
        let commit = Commit {
            pipeline: self.options.pipeline.pipeline.clone(),
            epoch: self.epoch,
            windows,
            records: vec![record],
            publish,
        };
        self.commit_surely(&commit)?;
        self.committed(state)
    }

    /// Asks again where the outcome of a commit is unknown: the input cannot be read a second time.
    fn commit_surely(&self, commit: &Commit) -> Result<()> {
        let mut attempt = 1;
        loop {
            let error = match self.target.commit(commit) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let again = error.kind() == ErrorKind::Unavailable
                && attempt < COMMIT_ATTEMPTS
                && !self.interrupt.load(Ordering::Relaxed);
            if !again {
                return Err(error);
            }
            tracing::warn!(attempt, %error, "the outcome of a commit is unknown, asking again");
            std::thread::sleep(Duration::from_millis(error.retry_after().unwrap_or(100).min(5_000)));
            attempt += 1;
        }
    }

    fn committed(&mut self, state: Option<Value>) -> Result<()> {
        self.sequence += 1;
        self.commits += 1;
        (self.rows, self.bytes) = (0, 0);
        self.last_commit = Instant::now();
        for lane in &mut self.lanes {
            lane.is_dirty = false;
            lane.rows_committed += std::mem::take(&mut lane.rows_in_window);
        }
        match state {
            Some(value) => {
                (self.on_state)(&value)?;
                self.state = value;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn find(lanes: &mut [Lane], stream: usize) -> Result<&mut Lane> {
    lanes
        .get_mut(stream)
        .ok_or_else(|| Error::bug(format!("records of stream number {stream} came before its schema")))
}

fn named(error: Error, plan: &StreamPlan) -> Error {
    match error.stream_name() {
        Some(_) => error,
        None => error.stream(&plan.stream),
    }
}
