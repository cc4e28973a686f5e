//! One partition being written: its batches go to the server as they come.

mod lane; // the session of a writer, and the window that is open in it
mod nul; // NUL in text

pub(crate) use lane::Lane;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use dstream_sdk::{Batch, Error, Prepared, Result, StreamPlan, Writer};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::encode::Encoder;
use crate::table::{Run, Shape};
use crate::target::{Route, Shared};

/// Stream and version of its schema.
pub(crate) type Kind = (u32, u32);

/// The writer.
pub(crate) struct PostgresWriter {
    shared: Arc<Shared>,
    run: Arc<Run>,
    id: u64,
    lane: Arc<Mutex<Lane>>,
    kinds: HashMap<Kind, Sent>,
}

/// How batches of one kind are sent.
struct Sent {
    schema: SchemaRef,
    route: Arc<Route>,
    encoder: Encoder,
    /// Where the key columns stand, and their names.
    keys: Vec<(usize, String)>,
    rows: u64,
}

impl PostgresWriter {
    pub(crate) fn new(shared: Arc<Shared>, id: u64, run: Arc<Run>, lane: Lane) -> PostgresWriter {
        let lane = Arc::new(Mutex::new(lane));
        shared.lanes().insert(id, lane.clone());
        PostgresWriter { shared, run, id, lane, kinds: HashMap::new() }
    }

    fn plan(&self, stream: u32) -> Result<&StreamPlan> {
        self.run
            .streams
            .get(stream as usize)
            .ok_or_else(|| Error::bug(format!("there is no stream {stream} in the request")))
    }

    fn in_stream(&self, stream: u32, error: Error) -> Error {
        match self.plan(stream) {
            Ok(plan) if error.stream_name().is_none() => error.stream(&plan.stream),
            _ => error,
        }
    }
}

impl Sent {
    /// The columns that are sent, once it is sure that no key is NULL.
    fn project(&self, records: RecordBatch) -> Result<RecordBatch> {
        for (at, name) in &self.keys {
            let Some(nulls) = records.column(*at).logical_nulls() else { continue };
            if let Some(row) = nulls.iter().position(|is_valid| !is_valid) {
                return Err(Error::data(format!(
                    "row {} has NULL in the key column `{name}`",
                    self.rows + row as u64 + 1
                ))
                .hint("choose other key columns with `dstreams catalog set … --key`, or mend the record"));
            }
        }
        match self.route.sent.len() == records.num_columns() {
            true => Ok(records),
            false => Ok(records.project(&self.route.sent)?),
        }
    }
}

impl Writer for PostgresWriter {
    fn declare(&mut self, stream: u32, version: u32, schema: SchemaRef) -> Result<()> {
        let plan = self.plan(stream)?;
        let shape = Shape::new(&schema).map_err(|error| self.in_stream(stream, error))?;
        let keys = shape.keys(plan).map_err(|error| self.in_stream(stream, error))?;
        let route =
            lock(&self.lane).declare(stream, plan, &shape).map_err(|error| self.in_stream(stream, error))?;
        let sent = SchemaRef::new(schema.project(&route.sent)?);
        let sent = Sent {
            encoder: Encoder::new(&sent, &route.columns, route.stage.is_some())?,
            keys: keys.into_iter().map(|key| (key, schema.field(key).name().clone())).collect(),
            route: Arc::new(route),
            schema,
            rows: 0,
        };
        self.kinds.insert((stream, version), sent);
        Ok(())
    }

    fn write(&mut self, stream: u32, version: u32, batch: Batch) -> Result<()> {
        let Some(sent) = self.kinds.get_mut(&(stream, version)) else {
            return Err(Error::bug(format!(
                "a batch of stream {stream} has version {version}, which was not declared"
            )));
        };
        let send = || {
            let records = batch.into_records()?;
            let same = records.schema_ref().fields().iter().map(|field| field.data_type());
            if !same.eq(sent.schema.fields().iter().map(|field| field.data_type())) {
                return Err(Error::schema("a batch does not have the columns that were declared"));
            }
            let mut lane = lock(&self.lane);
            let records = lane.change_text(stream, sent.project(records)?)?;
            sent.rows += records.num_rows() as u64;
            lane.send((stream, version), &sent.route, &mut sent.encoder, &records)
        };
        let outcome = send();
        outcome.map_err(|error| self.in_stream(stream, error))
    }

    fn prepare(&mut self, window: u64) -> Result<Prepared> {
        let _ = window;
        let rows = lock(&self.lane).prepare().map_err(|(stream, error)| match stream {
            Some(stream) => self.in_stream(stream, error),
            None => error,
        })?;
        Ok(Prepared { rows, message: json!({ "writer": self.id }) })
    }
}

impl Drop for PostgresWriter {
    fn drop(&mut self) {
        // The session ends with the lane, and the server undoes what was not committed.
        self.shared.lanes().remove(&self.id);
    }
}

fn lock(lane: &Mutex<Lane>) -> std::sync::MutexGuard<'_, Lane> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}
