//! Files of comma-separated values, one a stream.

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Source;
use crate::column::Column;
use crate::random::Random;
use crate::row::Origin;
use crate::stream::{Change, Kind, Stream};
use crate::value::Value;

/// A folder of files.
#[derive(Debug)]
pub(crate) struct CsvSource {
    folder: PathBuf,
    columns: &'static [Column],
    line_end: &'static str,
    has_keys: bool,
}

impl CsvSource {
    /// `folder` is there. With `has_keys`, the tap is told of the keys.
    pub(crate) fn new(
        folder: &Path,
        columns: &'static [Column],
        has_keys: bool,
        random: &mut Random,
    ) -> CsvSource {
        let line_end = if random.percent(50) { "\n" } else { "\r\n" };
        CsvSource { folder: folder.to_owned(), columns, line_end, has_keys }
    }

    fn file(&self, stream: &Stream) -> PathBuf {
        self.folder.join(format!("{}.csv", stream.name))
    }

    fn header(&self) -> String {
        let names = ["id", "version"].into_iter().chain(self.columns.iter().map(|column| column.name));
        names.collect::<Vec<_>>().join(",") + self.line_end
    }

    fn write(&self, origin: Origin, text: &mut String) {
        text.push_str(&format!("{},{}", origin.number, origin.version));
        for (column, value, mut random) in origin.cells(self.columns) {
            text.push(',');
            text.push_str(&field(column, &value, &mut random));
        }
        text.push_str(self.line_end);
    }
}

impl Source for CsvSource {
    fn tap(&self) -> Json {
        let declared = self.columns.iter().filter(|column| !column.declared.is_empty());
        let types: BTreeMap<&str, &str> = declared.map(|column| (column.name, column.declared)).collect();
        let keys = if self.has_keys { json!({"items": ["id"]}) } else { json!({}) };
        json!({
            "name": "in", "type": "csv", "connection": {"path": self.folder},
            "options": {"null_values": ["", "NA"], "types": types, "key_properties": keys},
        })
    }

    fn columns(&self) -> &'static [Column] {
        self.columns
    }

    fn stream_name(&self, stream: &Stream) -> String {
        stream.name.to_owned()
    }

    fn create(&mut self, stream: &Stream) -> Result<()> {
        fs::write(self.file(stream), self.header()).context("a file cannot be made")
    }

    fn change(&mut self, stream: &Stream, change: &Change, _: &mut Random) -> Result<()> {
        let mut text = String::new();
        if stream.kind == Kind::Replaced {
            text.push_str(&self.header());
            stream.all().for_each(|origin| self.write(origin, &mut text));
            return fs::write(self.file(stream), text).context("a file cannot be replaced");
        }
        change.written.iter().for_each(|origin| self.write(*origin, &mut text));
        let file = OpenOptions::new().append(true).open(self.file(stream));
        file.and_then(|mut file| file.write_all(text.as_bytes())).context("a file cannot be appended to")
    }

    fn stamps(&self, _: &Stream) -> Result<Option<BTreeMap<i64, Value>>> {
        Ok(None)
    }
}

/// A value in one of the ways in which files have it.
fn field(column: &Column, value: &Value, random: &mut Random) -> String {
    match value {
        Value::Bool(true) => random.choose(&["true", "True", "TRUE"]).to_owned(),
        Value::Bool(false) => random.choose(&["false", "False", "FALSE"]).to_owned(),
        Value::Moment { text, is_utc } => moment(text, *is_utc, random),
        Value::Text(text) if column.is_quoted => format!("\"{}\"", text.replace('"', "\"\"")),
        other => match other.in_postgres() {
            None => random.choose(&["", "NA"]).to_owned(),
            // Numbers, days and plain text are written alike everywhere.
            Some(text) => text,
        },
    }
}

/// Without the zeros at its end, and of a point in time sometimes as a clock elsewhere has it, on the same day.
fn moment(text: &str, is_utc: bool, random: &mut Random) -> String {
    let between = random.choose(&["T", " "]);
    let (day, clock) = text.split_once('T').unwrap_or((text, ""));
    let (hour, rest) = clock.split_once(':').unwrap_or((clock, ""));
    let rest = rest.trim_end_matches('0').trim_end_matches('.');
    // The seconds themselves may have ended in a zero.
    let rest = if rest.len() < 5 { &clock[3..8] } else { rest };
    if !is_utc {
        return format!("{day}{between}{hour}:{rest}");
    }
    if random.percent(50) {
        return format!("{day}{between}{hour}:{rest}Z");
    }
    let hour: i64 = hour.parse().unwrap_or(0);
    let offset = random.between((-hour).max(-12), (23 - hour).min(12));
    let sign = if offset < 0 { '-' } else { '+' };
    format!("{day}{between}{:02}:{rest}{sign}{:02}:00", hour + offset, offset.abs())
}
