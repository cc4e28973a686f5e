//! One partition of the target `blackhole`.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::time::Duration;

use crate::blackhole_options::BlackholeOptions;
use crate::report::{StreamWindow, checksum};
use dstream_sdk::{
    Batch, Context, Error, Prepared, Result, WriteMode, WriteRequest, Writer, serde_json, wait,
};

#[derive(Debug)]
pub(crate) struct BlackholeWriter {
    context: Context,
    options: BlackholeOptions,
    streams: Vec<StreamWindow>,
}

impl BlackholeWriter {
    pub(crate) fn new(
        context: Context,
        options: &BlackholeOptions,
        request: &WriteRequest,
    ) -> BlackholeWriter {
        let streams = request.streams.iter().map(|plan| StreamWindow {
            stream: plan.stream.clone(),
            table: plan.table.clone(),
            generation: plan.generation,
            overwrite: plan.write_mode == WriteMode::Overwrite,
            rows: 0,
            bytes: 0,
            checksum: 0,
        });
        BlackholeWriter { context, options: options.clone(), streams: streams.collect() }
    }

    fn pause(&self, bytes: u64) -> Result<()> {
        let mut pause = Duration::from_millis(self.options.delay_ms_per_batch);
        if let Some(speed) = self.options.bytes_per_second {
            pause += Duration::from_secs_f64(bytes as f64 / speed.get() as f64);
        }
        if pause.is_zero() { Ok(()) } else { wait(&self.context, pause) }
    }
}

impl Writer for BlackholeWriter {
    fn declare(&mut self, _stream: u32, _version: u32, schema: SchemaRef) -> Result<()> {
        match self.options.output {
            // A type that has no checksum is refused before any record of it.
            Some(_) => checksum(&RecordBatch::new_empty(schema)).map(drop),
            None => Ok(()),
        }
    }

    fn write(&mut self, stream: u32, _version: u32, batch: Batch) -> Result<()> {
        let rows = batch.rows() as u64;
        let mut bytes = batch.bytes();
        let mut sum = 0;
        // A batch is opened only where somebody wants to know what is in it.
        if self.options.output.is_some() || self.options.bytes_per_second.is_some() {
            let records = batch.into_records()?;
            bytes = records.get_array_memory_size() as u64;
            if self.options.output.is_some() {
                sum = checksum(&records)?;
            }
        }
        let into = self.streams.get_mut(stream as usize).ok_or_else(|| {
            Error::bug(format!("a batch of stream {stream}, which the partition does not have"))
        })?;
        into.rows += rows;
        into.bytes += bytes;
        into.checksum = into.checksum.wrapping_add(sum);
        self.pause(bytes)
    }

    fn prepare(&mut self, _window: u64) -> Result<Prepared> {
        let rows = self.streams.iter().map(|stream| stream.rows).sum();
        let message =
            serde_json::to_value(self.streams.iter().filter(|stream| stream.rows > 0).collect::<Vec<_>>())
                .map_err(|error| Error::bug(error.to_string()))?;
        for stream in &mut self.streams {
            (stream.rows, stream.bytes, stream.checksum) = (0, 0, 0);
        }
        Ok(Prepared { rows, message })
    }
}
