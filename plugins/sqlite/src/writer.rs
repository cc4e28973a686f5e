//! One partition being written: checks batches and keeps them until their window is committed.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use dstream_sdk::{Batch, Cell, Cells, Context, Error, Prepared, Result, StreamPlan, Why, Writer};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::client::{Loader, check_real, inexact};
use crate::gate::Ahead;
use crate::table::Shape;
use crate::target::Shared;
use crate::window::{Kind, Run, Window};

/// More is kept in a file, however much the host allows: SQLite has a cache of its own.
const MAX_BUFFER_BYTES: u64 = 16 << 20;

/// The writer.
pub(crate) struct SqliteWriter {
    shared: Arc<Shared>,
    context: Context,
    run: Arc<Run>,
    buffer_bytes: u64,
    kinds: HashMap<Kind, (SchemaRef, Arc<Shape>)>,
    window: Window,
    /// Rows taken before the window.
    rows_before: u64,
    /// Tokens of windows that were prepared.
    tokens: Vec<u64>,
    /// The window was written ahead once. Should its transaction have made way, it is written at its commit.
    was_ahead: bool,
}

impl SqliteWriter {
    pub(crate) fn new(shared: Arc<Shared>, context: Context, run: Run, buffer_bytes: u64) -> SqliteWriter {
        shared.writers.fetch_add(1, Ordering::Relaxed);
        let run = Arc::new(run);
        SqliteWriter {
            window: Window::new(run.clone(), &shared.folder()),
            shared,
            context,
            run,
            buffer_bytes: buffer_bytes.min(MAX_BUFFER_BYTES),
            kinds: HashMap::new(),
            rows_before: 0,
            tokens: Vec::new(),
            was_ahead: false,
        }
    }

    fn plan(&self, stream: u32) -> Result<&StreamPlan> {
        self.run
            .streams
            .get(stream as usize)
            .ok_or_else(|| Error::bug(format!("there is no stream {stream} in the request")))
    }

    /// Checks what SQLite would alter or take without a word.
    fn check(&self, kind: Kind, shape: &Shape, records: &RecordBatch) -> Result<()> {
        let rows = self.rows_before + self.window.rows;
        let plan = self.plan(kind.0)?;
        let keys = shape.keys(plan)?;
        for (at, (column, array)) in shape.columns.iter().zip(records.columns()).enumerate() {
            let cells = Cells::new(array)?;
            let found = cells.find_inexact(records.num_rows());
            if let Some((row, why)) =
                found.or_else(|| find_nan(&cells, array.data_type(), records.num_rows()))
            {
                return Err(inexact(&column.name, rows + row as u64, why));
            }
            let null = keys.contains(&at).then(|| (0..records.num_rows()).find(|row| cells.is_null(*row)));
            if let Some(row) = null.flatten() {
                return Err(inexact(&column.name, rows + row as u64, "NULL, but it is a key column"));
            }
        }
        Ok(())
    }

    /// Writes the window while it grows, where no other writer could be kept waiting by it.
    fn write_ahead(&mut self, kind: Kind, records: &RecordBatch) -> Result<()> {
        if !self.window.is_large() || self.shared.writers.load(Ordering::Relaxed) > 1 {
            return Ok(());
        }
        let (writer, steps) = (self.run.writer, self.window.steps());
        let shared = self.shared.clone();
        let Some(mut permit) = shared.gate.try_take() else {
            return Ok(());
        };
        // An error drops the permit, and with it the transaction.
        let ahead = match permit
            .take_ahead(|ahead| ahead.writer == writer && ahead.steps.batches + 1 == steps.batches)
        {
            Some(mut ahead) => {
                ahead.loader.load_last(permit.client(), &self.window, kind, records)?;
                Ahead { steps, ..ahead }
            }
            None if self.was_ahead => return Ok(()),
            None if !permit.client().try_begin() => return Ok(()),
            None => {
                let mut loader = Loader::default();
                permit.client().check_epoch(&self.run.pipeline, self.run.epoch)?;
                loader.load_window(permit.client(), &self.window)?;
                Ahead { writer, steps, loader }
            }
        };
        permit.leave_open(ahead);
        self.was_ahead = true;
        Ok(())
    }
}

/// The first row with a float that SQLite does not keep, and why.
fn find_nan(cells: &Cells<'_>, theirs: &DataType, rows: usize) -> Option<(usize, Why)> {
    let is_float = match theirs {
        DataType::Dictionary(_, values) => values.is_floating(),
        DataType::RunEndEncoded(_, values) => values.data_type().is_floating(),
        other => other.is_floating(),
    };
    let mut scratch = String::new();
    let mut check = |row: usize| match cells.get(row, &mut scratch)? {
        Cell::Single(number) => check_real(number.into()),
        Cell::Double(number) => check_real(number),
        _ => Ok(()),
    };
    (0..if is_float { rows } else { 0 }).find_map(|row| check(row).err().map(|why| (row, why)))
}

impl Writer for SqliteWriter {
    fn declare(&mut self, stream: u32, version: u32, schema: SchemaRef) -> Result<()> {
        let plan = self.plan(stream)?;
        let in_stream = |error: Error| error.stream(&plan.stream);
        let shape = Shape::new(&schema).map_err(in_stream)?;
        shape.keys(plan).map_err(in_stream)?;
        // What cannot be written is refused before it is read.
        let permit = self.shared.gate.take(&self.context)?;
        permit.client().check_ready(&self.run, plan, &shape).map_err(in_stream)?;
        drop(permit);
        let (kind, shape) = ((stream, version), Arc::new(shape));
        self.kinds.insert(kind, (schema, shape.clone()));
        self.window.shapes.insert(kind, shape);
        self.window.declared.push(kind);
        Ok(())
    }

    fn write(&mut self, stream: u32, version: u32, batch: Batch) -> Result<()> {
        let kind = (stream, version);
        let Some((schema, shape)) = self.kinds.get(&kind).cloned() else {
            return Err(Error::bug(format!(
                "a batch of stream {stream} has version {version}, which was not declared"
            )));
        };
        let records = batch.into_records()?;
        let same = records.schema_ref().fields().iter().map(|field| field.data_type());
        if !same.eq(schema.fields().iter().map(|field| field.data_type())) {
            return Err(Error::schema("a batch does not have the columns that were declared")
                .stream(&self.plan(stream)?.stream));
        }
        let name = |error: Error| match self.plan(stream) {
            Ok(plan) => error.stream(&plan.stream),
            Err(_) => error,
        };
        self.check(kind, &shape, &records).map_err(name)?;
        self.window.shapes.entry(kind).or_insert(shape);
        self.window.push(kind, records.clone(), self.buffer_bytes)?;
        self.write_ahead(kind, &records)
    }

    fn prepare(&mut self, window: u64) -> Result<Prepared> {
        let _ = window;
        let next = Window::new(self.run.clone(), &self.shared.folder());
        let done = std::mem::replace(&mut self.window, next);
        let (token, rows) = (self.shared.id(), done.rows);
        self.rows_before += rows;
        self.shared.prepared().insert(token, Arc::new(done));
        self.tokens.push(token);
        self.was_ahead = false;
        Ok(Prepared { rows, message: json!({ "window": token }) })
    }
}

impl Drop for SqliteWriter {
    fn drop(&mut self) {
        let mut prepared = self.shared.prepared();
        self.tokens.iter().for_each(|token| drop(prepared.remove(token)));
        drop(prepared);
        self.shared.gate.forget(self.run.writer);
        self.shared.writers.fetch_sub(1, Ordering::Relaxed);
    }
}
