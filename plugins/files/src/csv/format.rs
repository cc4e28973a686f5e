//! Files of comma-separated values as a type of file.

use arrow::datatypes::{Schema, SchemaRef};
use serde_json::Value;

use dstream_sdk::{ConnectorConfig, Context, Result};

use super::{Columns, CsvDecoder};
use crate::options::{CsvSettings, Keys};
use crate::tap::{Format, Found, Limits, Patterns, Pieces, Position, Records, Source, Window, open_text};

/// Comma-separated values.
#[derive(Debug)]
pub(crate) struct Csv(CsvSettings);

impl Format for Csv {
    const ENDINGS: &'static [&'static str] = &[".csv", ".tsv"];
    const PIECES_ARE_BYTES: bool = true;
    type Shape = Columns;

    fn from_config(config: &ConnectorConfig) -> Result<Csv> {
        CsvSettings::from_config(config).map(Csv)
    }

    fn patterns(&self) -> &Patterns {
        &self.0.common.patterns
    }

    fn keys(&self) -> &Keys {
        &self.0.common.keys
    }

    fn named_columns(&self) -> Vec<&str> {
        self.0.common.types.keys().map(String::as_str).collect()
    }

    fn fingerprint(&self) -> String {
        self.0.dialect.fingerprint(self.0.header) + &self.0.common.opening.encoding.fingerprint()
    }

    fn has_pieces(&self, file: &Found) -> bool {
        // A quote in a comment is none.
        self.0.dialect.comment.is_none()
            && Source::open(file, self.0.common.opening).is_ok_and(|source| source.is_plain())
    }

    fn check(&self, file: &Found) -> Result<()> {
        Source::open(file, self.0.common.opening).map(drop)
    }

    fn look(&self, context: &Context, file: &Found, pieces: Pieces) -> Result<Columns> {
        Columns::look(&self.0, context, file, pieces)
    }

    fn join(&self, one: Columns, other: Columns) -> Result<Columns> {
        Ok(one.join(other))
    }

    fn columns(&self, shape: Columns, _files: &[Found]) -> Result<(Schema, Option<u64>)> {
        Ok(shape.schema(&self.0))
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
        let mut window = Window::open(file, self.0.common.opening)?;
        let mut position = Position::default();
        let many = file.is_one_of_many;
        let decoder = CsvDecoder::new(&self.0, schema.clone(), many, &mut window, &mut position)?;
        let record_bytes = self.0.common.max_record_bytes;
        let records =
            open_text(context, window, position, Box::new(decoder), limits, record_bytes, pieces, place)?;
        Ok(Box::new(records))
    }
}
