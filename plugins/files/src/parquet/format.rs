//! Files of Parquet as a type of file.

use arrow::datatypes::{Schema, SchemaRef};
use serde_json::Value;

use dstream_sdk::{ConnectorConfig, Context, Result, parse_options};

use super::file::ParquetFile;
use super::reader::ParquetRecords;
use crate::options::{Keys, ParquetOptions};
use crate::tap::{Format, Found, Limits, Patterns, Pieces, Records, TypedColumns};

/// Parquet.
#[derive(Debug)]
pub(crate) struct Parquet {
    keys: Keys,
    patterns: Patterns,
}

impl Format for Parquet {
    const ENDINGS: &'static [&'static str] = &[".parquet", ".pq"];
    const PIECES_ARE_BYTES: bool = false;
    type Shape = TypedColumns;

    fn from_config(config: &ConnectorConfig) -> Result<Parquet> {
        let options: ParquetOptions = parse_options(config)?;
        Ok(Parquet { keys: Keys::new(options.key_properties)?, patterns: Patterns::new(options.streams)? })
    }

    fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    fn keys(&self) -> &Keys {
        &self.keys
    }

    fn fingerprint(&self) -> String {
        "parquet".to_owned()
    }

    /// Row groups are pieces.
    fn has_pieces(&self, _file: &Found) -> bool {
        true
    }

    fn check(&self, file: &Found) -> Result<()> {
        ParquetFile::open(file).map(drop)
    }

    fn look(&self, _context: &Context, file: &Found, pieces: Pieces) -> Result<TypedColumns> {
        let opened = ParquetFile::open(file)?;
        let groups = (0..opened.groups()).filter(|group| pieces.has(*group as u64));
        let records = groups.map(|group| opened.rows_of(group)).sum();
        TypedColumns::new(&file.path, opened.schema(), records)
    }

    fn join(&self, one: TypedColumns, other: TypedColumns) -> Result<TypedColumns> {
        one.join(other)
    }

    fn columns(&self, shape: TypedColumns, _files: &[Found]) -> Result<(Schema, Option<u64>)> {
        Ok(shape.schema())
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
        let opened = ParquetFile::open(file)?;
        let many = file.is_one_of_many;
        let records =
            ParquetRecords::new(context.clone(), opened, many, schema.clone(), pieces, limits, place)?;
        Ok(Box::new(records))
    }
}
