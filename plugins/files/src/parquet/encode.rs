//! Batches into files of Parquet.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, IntervalUnit, SchemaRef};
use arrow::row::{RowConverter, SortField};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::collections::HashSet;

use super::filters;
use crate::options::Keys;
use crate::store::{Staged, io_error};
use crate::target::{Encode, Encoding, Ended};
use dstream_sdk::{Error, Result};

/// Memory of a row group that is not complete: it ends early where its rows are wide.
const ROW_GROUP_BYTES: usize = 64 << 20;
/// Rows of a page, at most; others end at a MiB. Each is compressed by itself, which has a price of its own.
const PAGE_ROWS: usize = 131_072;
/// Rows after which the size of a page is looked at.
const WRITE_ROWS: usize = 4_096;
/// Rows that are looked at to know whether values of a column come again.
const SAMPLE_ROWS: usize = 8_192;

/// How files of Parquet are written.
#[derive(Debug)]
pub(crate) struct ParquetEncoding {
    pub(crate) row_group_rows: usize,
    pub(crate) codec: Compression,
    /// Columns with a bloom filter.
    pub(crate) bloom_filters: Keys,
}

impl Encoding for ParquetEncoding {
    fn ending(&self) -> String {
        "parquet".to_owned()
    }

    fn check(&self, stream: &str, schema: &SchemaRef) -> Result<()> {
        schema.fields().iter().try_for_each(|field| match find_refused(field.data_type()) {
            None => Ok(()),
            Some(refused) => Err(Error::schema(format!(
                "column `{}` has values of the type {refused}, which Parquet does not hold exactly",
                field.name()
            ))
            .hint("leave the column out with `dstreams catalog deselect`")),
        })?;
        filters::check(schema, &self.bloom_filters.of(stream)?)
    }

    fn open(
        &self,
        stream: &str,
        schema: &SchemaRef,
        file: Box<dyn Staged>,
        _grows: bool,
    ) -> Result<Box<dyn Encode>> {
        Ok(Box::new(ParquetFile {
            schema: schema.clone(),
            codec: self.codec,
            row_group_rows: self.row_group_rows,
            bloom_filters: self.bloom_filters.of(stream)?,
            file: File::New(file),
        }))
    }
}

/// Whether most values of a column stand there once: a dictionary of them is long, dear to make, and given up in the end.
fn is_mostly_unique(column: &ArrayRef) -> Result<bool> {
    let rows = column.len().min(SAMPLE_ROWS);
    if column.data_type().is_nested() || rows < SAMPLE_ROWS / 4 {
        return Ok(false);
    }
    let failed = |error: arrow::error::ArrowError| Error::bug(format!("values cannot be compared: {error}"));
    let converter = RowConverter::new(vec![SortField::new(column.data_type().clone())]).map_err(failed)?;
    let values = converter.convert_columns(&[column.slice(0, rows)]).map_err(failed)?;
    let distinct: HashSet<_> = values.iter().collect();
    Ok(distinct.len() > rows / 4 * 3)
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
    schema: SchemaRef,
    codec: Compression,
    row_group_rows: usize,
    bloom_filters: Vec<String>,
    file: File,
}

/// How columns are written is seen from the first batch.
enum File {
    New(Box<dyn Staged>),
    Begun(Box<ArrowWriter<Box<dyn Staged>>>),
    /// It could not be begun.
    Lost,
}

impl ParquetFile {
    /// The writer; begun with these rows as a sample where there is none yet.
    fn writer(&mut self, sample: &RecordBatch) -> Result<&mut ArrowWriter<Box<dyn Staged>>> {
        self.file = match std::mem::replace(&mut self.file, File::Lost) {
            File::New(file) => File::Begun(Box::new(self.begin(file, sample)?)),
            other => other,
        };
        match &mut self.file {
            File::Begun(writer) => Ok(writer),
            _ => Err(Error::bug("a file of Parquet is written on after an error")),
        }
    }

    fn begin(&self, file: Box<dyn Staged>, sample: &RecordBatch) -> Result<ArrowWriter<Box<dyn Staged>>> {
        let mut properties = WriterProperties::builder()
            .set_compression(self.codec)
            .set_max_row_group_row_count(Some(self.row_group_rows))
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_write_batch_size(WRITE_ROWS)
            // The smallest and greatest values of row groups and pages, and where pages are.
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_created_by(concat!("dstreams ", env!("CARGO_PKG_VERSION")).to_owned());
        for (field, column) in self.schema.fields().iter().zip(sample.columns()) {
            if is_mostly_unique(column)? {
                let path = ColumnPath::new(vec![field.name().clone()]);
                properties = properties.set_column_dictionary_enabled(path, false);
            }
        }
        for name in &self.bloom_filters {
            let path = ColumnPath::new(vec![name.clone()]);
            properties = properties
                .set_column_bloom_filter_fpp(path.clone(), filters::FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(path, self.row_group_rows.min(filters::VALUES) as u64);
        }
        ArrowWriter::try_new(file, self.schema.clone(), Some(properties.build())).map_err(error_of)
    }
}

impl Encode for ParquetFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        // What filters take is theirs from the beginning, and does not end a row group.
        let most = ROW_GROUP_BYTES + self.bloom_filters.len() * filters::BYTES;
        let writer = self.writer(batch)?;
        writer.write(batch).map_err(error_of)?;
        if writer.memory_size() > most {
            writer.flush().map_err(error_of)?;
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        match &self.file {
            File::Begun(writer) => (writer.bytes_written() + writer.in_progress_size()) as u64,
            File::New(_) | File::Lost => 0,
        }
    }

    fn finish(mut self: Box<Self>) -> Result<Ended> {
        let none = RecordBatch::new_empty(self.schema.clone());
        self.writer(&none)?;
        match self.file {
            File::Begun(writer) => {
                Ok(Ended { bytes: writer.into_inner().map_err(error_of)?.finish()?, head: 0 })
            }
            _ => Err(Error::bug("a file of Parquet is ended after an error")),
        }
    }
}

fn error_of(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(error) => io_error("writing", "a staged file", &error),
            Err(error) => Error::unavailable(format!("writing a Parquet file: {error}")),
        },
        other => Error::data(format!("writing a Parquet file: {other}")),
    }
}
