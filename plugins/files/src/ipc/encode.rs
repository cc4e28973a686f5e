//! Batches into files of Arrow IPC.

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::{can_cast_types, cast};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use arrow::ipc::{CompressionType, MetadataVersion};
use std::sync::Arc;

use super::options::Compression;
use crate::store::{Staged, io_error};
use crate::target::{Encode, Encoding, Ended};
use dstream_sdk::{Error, Result};

/// What buffers are aligned to, as the format recommends.
const ALIGNMENT: usize = 64;

/// How files of Arrow IPC are written.
#[derive(Debug)]
pub(crate) struct IpcEncoding {
    pub(crate) compression: Compression,
}

impl Encoding for IpcEncoding {
    fn ending(&self) -> String {
        "arrow".to_owned()
    }

    fn check(&self, _stream: &str, schema: &SchemaRef) -> Result<()> {
        schema.fields().iter().try_for_each(|field| {
            let (is, plain) = (field.data_type(), plain(field));
            match is == plain.data_type() || can_cast_types(is, plain.data_type()) {
                true => Ok(()),
                false => Err(Error::schema(format!(
                    "column `{}` has a dictionary inside of {is}, which a file of Arrow does not hold where it changes",
                    field.name()
                ))
                .hint("leave the column out with `dstreams catalog deselect`")),
            }
        })
    }

    fn open(
        &self,
        _stream: &str,
        schema: &SchemaRef,
        file: Box<dyn Staged>,
        _grows: bool,
    ) -> Result<Box<dyn Encode>> {
        let compression = match self.compression {
            Compression::None => None,
            Compression::Lz4 => Some(CompressionType::LZ4_FRAME),
            Compression::Zstd => Some(CompressionType::ZSTD),
        };
        let fields: Vec<FieldRef> = schema.fields().iter().map(plain).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)
            .and_then(|options| options.try_with_compression(compression));
        let writer = options.and_then(|options| FileWriter::try_new_with_options(file, &schema, options));
        Ok(Box::new(IpcFile { writer: writer.map_err(error_of)?, schema }))
    }
}

/// The column with its values in place of dictionaries. A file has one dictionary for a column, and the next batch may come
/// with another one.
fn plain(field: &FieldRef) -> FieldRef {
    let data_type = plain_type(field.data_type());
    match &data_type == field.data_type() {
        true => field.clone(),
        false => Arc::new(
            Field::new(field.name(), data_type, field.is_nullable()).with_metadata(field.metadata().clone()),
        ),
    }
}

fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::List(field) => DataType::List(plain(field)),
        DataType::LargeList(field) => DataType::LargeList(plain(field)),
        DataType::ListView(field) => DataType::ListView(plain(field)),
        DataType::LargeListView(field) => DataType::LargeListView(plain(field)),
        DataType::FixedSizeList(field, size) => DataType::FixedSizeList(plain(field), *size),
        DataType::Map(field, is_sorted) => DataType::Map(plain(field), *is_sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain).collect()),
        DataType::RunEndEncoded(ends, values) => DataType::RunEndEncoded(ends.clone(), plain(values)),
        DataType::Union(fields, mode) => {
            DataType::Union(fields.iter().map(|(id, field)| (id, plain(field))).collect(), *mode)
        }
        other => other.clone(),
    }
}

struct IpcFile {
    writer: FileWriter<Box<dyn Staged>>,
    schema: SchemaRef,
}

impl Encode for IpcFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (column, field) in batch.columns().iter().zip(self.schema.fields()) {
            columns.push(match column.data_type() == field.data_type() {
                true => column.clone(),
                false => cast(column, field.data_type()).map_err(error_of)?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let plain = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options);
        plain.and_then(|plain| self.writer.write(&plain)).map_err(error_of)
    }

    fn bytes(&self) -> u64 {
        self.writer.get_ref().bytes()
    }

    fn finish(mut self: Box<Self>) -> Result<Ended> {
        self.writer.finish().map_err(error_of)?;
        let bytes = self.writer.into_inner().map_err(error_of)?.finish()?;
        Ok(Ended { bytes, head: 0 })
    }
}

fn error_of(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, error) => io_error("writing", "a staged file", &error),
        other => Error::data(format!("writing an Arrow file: {other}")),
    }
}
