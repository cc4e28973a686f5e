//! One partition being written.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use dstream_abi::{Batch, Context, Error, Prepared, Result, StreamPlan, WriteMode, Writer};
use serde_json::json;
use std::sync::{Arc, PoisonError};

use super::reader::LATE;
use super::store::Row;
use super::target::{Shared, Window};

/// The types that can be written.
const TAKEN: [DataType; 4] = [DataType::Int64, DataType::Utf8, DataType::Float64, DataType::Boolean];

pub(crate) struct AstrayWriter {
    shared: Arc<Shared>,
    context: Context,
    plan: StreamPlan,
    buffer_bytes: u64,
    rows: Vec<Row>,
    keys: Vec<String>,
}

impl AstrayWriter {
    pub(crate) fn new(
        shared: Arc<Shared>,
        context: Context,
        plan: StreamPlan,
        buffer_bytes: u64,
    ) -> AstrayWriter {
        let keys = match plan.write_mode {
            WriteMode::Upsert => plan.key_properties.clone(),
            WriteMode::Append | WriteMode::Overwrite => Vec::new(),
        };
        AstrayWriter { shared, context, plan, buffer_bytes, rows: Vec::new(), keys }
    }

    fn take(&mut self, records: &RecordBatch) -> Result<()> {
        for key in &self.keys {
            let nulls = records.column_by_name(key).map_or(0, |column| column.null_count());
            if nulls > 0 && !self.shared.has("takes_null_keys") {
                return Err(Error::data(format!("key column `{key}` is null")));
            }
        }
        let column = |name| records.column_by_name(name).ok_or_else(|| Error::schema("a column is missing"));
        let ids = column("id")?.as_primitive::<Int64Type>();
        let words = column("word")?.as_string::<i32>();
        for row in 0..records.num_rows() {
            let word = words.is_valid(row).then(|| words.value(row).to_owned());
            self.rows.push((ids.value(row), word));
        }
        Ok(())
    }
}

impl Writer for AstrayWriter {
    fn declare(&mut self, _: u32, version: u32, schema: SchemaRef) -> Result<()> {
        let stranger = schema.fields().iter().find(|field| !TAKEN.contains(field.data_type()));
        if let Some(stranger) = stranger.filter(|_| !self.shared.has("takes_any_type")) {
            let what = format!("column `{}` is {}", stranger.name(), stranger.data_type());
            return Err(match self.shared.has("blames_type_on_data") {
                true => Error::data(what),
                false => Error::unsupported(what),
            });
        }
        if version > 1 && self.shared.has("blames_new_column_on_data") {
            return Err(Error::data("other columns than before"));
        }
        Ok(())
    }

    fn write(&mut self, _: u32, version: u32, batch: Batch) -> Result<()> {
        if self.context.is_cancelled() && self.shared.has("ignores_cancel") {
            std::thread::sleep(LATE);
        }
        let records = batch.into_records()?;
        let schema = records.schema();
        if let Some(stranger) = schema.fields().iter().find(|field| !TAKEN.contains(field.data_type())) {
            return Err(Error::data(format!("column `{}` cannot be written", stranger.name())));
        }
        self.take(&records)?;
        if version > 1 && self.shared.has("loses_rows_of_new_columns") {
            // As if they had been taken: they are counted, and their words are lost.
            self.rows.iter_mut().for_each(|row| row.1 = None);
        }
        if self.buffer_bytes < 100 && self.shared.has("loses_what_does_not_fit") {
            let newest = self.rows.len().saturating_sub(10);
            self.rows[..newest].iter_mut().for_each(|row| row.1 = Some("lost".to_owned()));
        }
        if self.shared.has("keeps_batches") {
            std::mem::forget(records);
        }
        Ok(())
    }

    fn prepare(&mut self, _: u64) -> Result<Prepared> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() && self.shared.has("empty_window_fails") {
            return Err(Error::data("a window without rows"));
        }
        let count = rows.len() as u64 + u64::from(self.shared.has("counts_wrong"));
        let window = Window { plan: self.plan.clone(), rows };
        if self.shared.has("shows_prepared") {
            self.shared.write_at_once(&window)?;
            let empty = Window { plan: self.plan.clone(), rows: Vec::new() };
            return Ok(Prepared { rows: count, message: json!(self.shared.keep(empty)) });
        }
        Ok(Prepared { rows: count, message: json!(self.shared.keep(window)) })
    }
}

impl Drop for AstrayWriter {
    fn drop(&mut self) {
        if self.shared.has("keeps_dropped_rows") {
            let mut left = self.shared.left.lock().unwrap_or_else(PoisonError::into_inner);
            left.append(&mut self.rows);
        }
    }
}
