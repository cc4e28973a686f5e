//! Batches into files of Parquet.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, IntervalUnit, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::store::Staged;
use crate::target::{Encode, Encoding, Ended};
use dstream_sdk::{Error, Result};

/// Memory of a row group that is not complete: it ends early where its rows are wide.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// How files of Parquet are written.
#[derive(Debug)]
pub(crate) struct ParquetEncoding {
    pub(crate) row_group_rows: usize,
    pub(crate) level: i32,
}

impl Encoding for ParquetEncoding {
    fn ending(&self) -> String {
        "parquet".to_owned()
    }

    fn check(&self, schema: &SchemaRef) -> Result<()> {
        schema.fields().iter().try_for_each(|field| match find_refused(field.data_type()) {
            None => Ok(()),
            Some(refused) => Err(Error::schema(format!(
                "column `{}` has values of the type {refused}, which Parquet does not hold exactly",
                field.name()
            ))
            .hint("leave the column out with `dstreams catalog deselect`")),
        })
    }

    fn open(&self, schema: &SchemaRef, file: Box<dyn Staged>, _grows: bool) -> Result<Box<dyn Encode>> {
        let level = ZstdLevel::try_new(self.level).map_err(error_of)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(self.row_group_rows))
            .set_created_by(concat!("dstreams ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(error_of)?;
        Ok(Box::new(ParquetFile { writer }))
    }
}

/// What Parquet has no type for, or one that its readers take for another.
fn find_refused(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::Interval(IntervalUnit::MonthDayNano) | DataType::Union(..) => Some(data_type),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => find_refused(field.data_type()),
        DataType::Struct(fields) => fields.iter().find_map(|field| find_refused(field.data_type())),
        DataType::Dictionary(_, values) => find_refused(values),
        DataType::RunEndEncoded(_, values) => find_refused(values.data_type()),
        _ => None,
    }
}

struct ParquetFile {
    writer: ArrowWriter<Box<dyn Staged>>,
}

impl Encode for ParquetFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(error_of)?;
        if self.writer.memory_size() > ROW_GROUP_BYTES {
            self.writer.flush().map_err(error_of)?;
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    fn finish(self: Box<Self>) -> Result<Ended> {
        let bytes = self.writer.into_inner().map_err(error_of)?.finish()?;
        Ok(Ended { bytes, head: 0 })
    }
}

fn error_of(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => Error::unavailable(format!("writing a Parquet file: {source}")),
        other => Error::data(format!("writing a Parquet file: {other}")),
    }
}
