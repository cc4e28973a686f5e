//! Files of Parquet as a type of file.

use arrow::datatypes::{Field, Schema, SchemaRef};
use serde_json::Value;
use std::sync::Arc;

use dstream_sdk::{ConnectorConfig, Context, Error, Result, parse_options};

use super::file::ParquetFile;
use super::reader::ParquetRecords;
use crate::options::{Keys, ParquetOptions};
use crate::shown::shown;
use crate::tap::{Format, Found, Limits, Pieces, Records};

/// Parquet.
#[derive(Debug)]
pub(crate) struct Parquet {
    keys: Keys,
}

/// The columns of files, with one of the files and the number of their records.
#[derive(Debug)]
pub(crate) struct Columns {
    fields: Vec<Arc<Field>>,
    file: String,
    records: u64,
}

impl Format for Parquet {
    const ENDINGS: &'static [&'static str] = &[".parquet", ".pq"];
    type Shape = Columns;

    fn from_config(config: &ConnectorConfig) -> Result<Parquet> {
        let options: ParquetOptions = parse_options(config)?;
        Ok(Parquet { keys: Keys::new(options.key_properties)? })
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
        ParquetFile::open(&file.path).map(drop)
    }

    fn look(&self, _context: &Context, file: &Found, pieces: Pieces) -> Result<Columns> {
        let opened = ParquetFile::open(&file.path)?;
        let groups = (0..opened.groups()).filter(|group| pieces.has(*group as u64));
        let records = groups.map(|group| opened.rows_of(group)).sum();
        let fields = opened.schema().fields().iter().cloned().collect();
        Ok(Columns { fields, file: shown(&file.path), records })
    }

    fn join(&self, mut one: Columns, other: Columns) -> Result<Columns> {
        for field in other.fields {
            let Some(known) = one.fields.iter_mut().find(|known| known.name() == field.name()) else {
                // The others do not have it.
                one.fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
                continue;
            };
            if known.data_type() != field.data_type() {
                let (name, first, second) = (field.name(), known.data_type(), field.data_type());
                return Err(Error::schema(format!(
                    "column `{name}` is {first} in `{}` and {second} in `{}`",
                    one.file, other.file
                ))
                .hint("read the files as streams of their own with a glob"));
            }
            if field.is_nullable() && !known.is_nullable() {
                *known = field;
            }
        }
        one.records += other.records;
        Ok(one)
    }

    fn columns(&self, shape: Columns, _files: &[Found]) -> Result<(Schema, Option<u64>)> {
        Ok((Schema::new(shape.fields), Some(shape.records)))
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
        let opened = ParquetFile::open(&file.path)?;
        let many = file.is_one_of_many;
        let records =
            ParquetRecords::new(context.clone(), opened, many, schema.clone(), pieces, limits, place)?;
        Ok(Box::new(records))
    }
}
