//! Files of Parquet, a folder of them for each stream: what comes is a file more.

use anyhow::{Context, Result};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, make_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, TimeUnit};
use parquet::arrow::ArrowWriter;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Source, transactions};
use crate::column::{CSV, Column};
use crate::random::Random;
use crate::row::Origin;
use crate::stream::{Change, Kind, Stream};
use crate::value::Value;

/// A folder of folders.
#[derive(Debug)]
pub(crate) struct ParquetSource {
    folder: PathBuf,
    has_keys: bool,
    /// Files that were written.
    files: u32,
}

impl ParquetSource {
    /// `folder` is there. With `has_keys`, the tap is told of the keys.
    pub(crate) fn new(folder: &Path, has_keys: bool) -> ParquetSource {
        ParquetSource { folder: folder.to_owned(), has_keys, files: 0 }
    }

    /// Another file of the stream.
    fn write(&mut self, stream: &Stream, origins: &[Origin]) -> Result<()> {
        self.files += 1;
        let path = self.folder.join(stream.name).join(format!("{:06}.parquet", self.files));
        let batch = batch(origins)?;
        let mut writer = ArrowWriter::try_new(File::create(path)?, batch.schema(), None)?;
        // Row groups are what a bookmark knows.
        for at in (0..batch.num_rows()).step_by(1000) {
            writer.write(&batch.slice(at, (batch.num_rows() - at).min(1000)))?;
            writer.flush()?;
        }
        writer.close().map(drop).context("a file cannot be written")
    }
}

impl Source for ParquetSource {
    fn tap(&self) -> Json {
        let keys = if self.has_keys { json!({"items": ["id"]}) } else { json!({}) };
        json!({
            "name": "in", "type": "parquet", "connection": {"path": self.folder},
            "options": {"key_properties": keys},
        })
    }

    fn columns(&self) -> &'static [Column] {
        &CSV
    }

    fn stream_name(&self, stream: &Stream) -> String {
        stream.name.to_owned()
    }

    fn create(&mut self, stream: &Stream) -> Result<()> {
        fs::create_dir(self.folder.join(stream.name))?;
        self.write(stream, &[])
    }

    fn change(&mut self, stream: &Stream, change: &Change, random: &mut Random) -> Result<()> {
        if stream.kind == Kind::Replaced {
            fs::remove_dir_all(self.folder.join(stream.name))?;
            fs::create_dir(self.folder.join(stream.name))?;
            return self.write(stream, &stream.all().collect::<Vec<_>>());
        }
        transactions(change, random).try_for_each(|some| self.write(stream, some))
    }

    fn stamps(&self, _: &Stream) -> Result<Option<BTreeMap<i64, Value>>> {
        Ok(None)
    }
}

fn batch(origins: &[Origin]) -> Result<RecordBatch> {
    let numbers = |of: fn(&Origin) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(origins.iter().map(of)))
    };
    let mut texts = vec![Vec::with_capacity(origins.len()); CSV.len()];
    for origin in origins {
        for ((_, value, _), column) in origin.cells(&CSV).zip(&mut texts) {
            column.push(text_of(value));
        }
    }
    let mut columns = vec![
        ("id", numbers(|origin| origin.number), false),
        ("version", numbers(|origin| origin.version), false),
    ];
    for (column, texts) in CSV.iter().zip(texts) {
        let array = typed(column, &StringArray::from(texts)).with_context(|| column.name)?;
        columns.push((column.name, array, true));
    }
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Moment { text, .. } => Some(text),
        other => other.in_postgres(),
    }
}

/// What the texts of a column are cast to, and its type where that is another one with the same values.
fn types(column: &Column) -> (DataType, Option<DataType>) {
    let moment = |unit| (DataType::Timestamp(unit, None), None);
    let instant =
        |unit| (DataType::Timestamp(unit, None), Some(DataType::Timestamp(unit, Some("UTC".into()))));
    match column.name {
        "flag" => (DataType::Boolean, None),
        "tiny" => (DataType::Int8, None),
        "number" => (DataType::Int64, None),
        "wide" => (DataType::UInt64, None),
        "huge" => (DataType::Decimal128(38, 0), None),
        "price" => (DataType::Decimal128(12, 2), None),
        "ratio" => (DataType::Float64, None),
        "single" => (DataType::Float32, None),
        "day" => (DataType::Date32, None),
        "moment" => moment(TimeUnit::Microsecond),
        "instant" => instant(TimeUnit::Microsecond),
        "fine_moment" => moment(TimeUnit::Nanosecond),
        "fine_instant" => instant(TimeUnit::Nanosecond),
        _ => (DataType::Utf8, None),
    }
}

fn typed(column: &Column, texts: &StringArray) -> Result<ArrayRef> {
    let (cast, other) = types(column);
    // A text that is no such value is an error, not a null.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let array = cast_with_options(texts, &cast, &options)?;
    Ok(match other {
        Some(other) => make_array(array.to_data().into_builder().data_type(other).build()?),
        None => array,
    })
}
