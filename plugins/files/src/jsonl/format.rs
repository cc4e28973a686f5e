//! Files of JSON as a type of file.

use arrow::datatypes::{Schema, SchemaRef};
use serde_json::Value;

use dstream_sdk::{ConnectorConfig, Context, Result};

use super::{Columns, JsonlDecoder, cut::Cut, decoder::skip_mark};
use crate::options::{Keys, Settings};
use crate::tap::{Format, Found, Limits, Patterns, Pieces, Position, Records, Source, Window, open_text};

/// JSON lines.
#[derive(Debug)]
pub(crate) struct Jsonl(Settings);

impl Format for Jsonl {
    const ENDINGS: &'static [&'static str] = &[".jsonl", ".ndjson", ".json"];
    const PIECES_ARE_BYTES: bool = true;
    type Shape = Columns;

    fn from_config(config: &ConnectorConfig) -> Result<Jsonl> {
        Settings::of_jsonl(config).map(Jsonl)
    }

    fn patterns(&self) -> &Patterns {
        &self.0.patterns
    }

    fn keys(&self) -> &Keys {
        &self.0.keys
    }

    fn named_columns(&self) -> Vec<&str> {
        self.0.types.keys().map(String::as_str).collect()
    }

    fn fingerprint(&self) -> String {
        "jsonl".to_owned() + &self.0.opening.encoding.fingerprint()
    }

    fn has_pieces(&self, file: &Found) -> bool {
        let is_plain = Source::open(file, self.0.opening).is_ok_and(|source| source.is_plain());
        is_plain && has_lines(&self.0, file).unwrap_or(false)
    }

    fn check(&self, file: &Found) -> Result<()> {
        Source::open(file, self.0.opening).map(drop)
    }

    fn look(&self, context: &Context, file: &Found, pieces: Pieces) -> Result<Columns> {
        Columns::look(&self.0, context, file, pieces)
    }

    fn join(&self, one: Columns, other: Columns) -> Result<Columns> {
        Ok(one.join(other))
    }

    fn columns(&self, shape: Columns, files: &[Found]) -> Result<(Schema, Option<u64>)> {
        shape.schema(&self.0, files)
    }

    fn open(
        &self,
        context: &Context,
        file: &Found,
        pieces: Pieces,
        schema: &SchemaRef,
        limits: Limits,
        place: Option<&Value>,
    ) -> Result<Box<dyn Records>> {
        let mut window = Window::open(file, self.0.opening)?;
        let decoder = Box::new(JsonlDecoder::new(&self.0, schema.clone(), &mut window)?);
        let (position, record_bytes) = (Position::default(), self.0.max_record_bytes);
        Ok(Box::new(open_text(context, window, position, decoder, limits, record_bytes, pieces, place)?))
    }
}

/// Whether lines are records: where an object begins elsewhere, nobody knows.
fn has_lines(settings: &Settings, file: &Found) -> Result<bool> {
    let mut window = Window::open(file, settings.opening)?;
    skip_mark(&mut window);
    Ok(Cut::of(&mut window, settings.max_record_bytes)? == Cut::Lines)
}
