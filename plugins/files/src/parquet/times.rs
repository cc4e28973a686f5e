//! Points in time of 96 bits, which older programs write: the library reads them as nanoseconds of 64 bits, and one that does
//! not fit there becomes another one. So each is read as milliseconds too, where all of them fit, and looked at.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, TimeUnit, TimestampMillisecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader};
use parquet::basic::Type;
use parquet::schema::types::SchemaDescriptor;
use std::sync::Arc;

use dstream_sdk::{Error, Result};

use super::file::{ParquetFile, guarded};
use crate::shown::{quoted, shown};

/// The first and the last millisecond that nanoseconds of 64 bits hold as a whole.
const FIRST: i64 = i64::MIN / 1_000_000;
const LAST: i64 = i64::MAX / 1_000_000 - 1;

/// The columns with such points in time of one row group.
pub(super) struct Times(ParquetRecordBatchReader);

impl Times {
    /// `None`: there are none among these columns.
    pub(super) fn new(
        file: &ParquetFile,
        group: usize,
        from_row: u64,
        columns: &[usize],
        batch_rows: usize,
    ) -> Result<Option<Times>> {
        let types = file.metadata().parquet_schema();
        let mut leaves = Leaves { types, next: 0, found: Vec::new() };
        let fields: Fields = file.schema().fields().iter().map(|field| leaves.field(field)).collect();
        leaves.found.retain(|leaf| columns.contains(&types.get_column_root_idx(*leaf)));
        if leaves.found.is_empty() {
            return Ok(None);
        }
        let schema = Arc::new(Schema::new_with_metadata(fields, file.schema().metadata().clone()));
        let metadata = guarded(file.path(), || {
            let options = ArrowReaderOptions::new().with_schema(schema);
            ArrowReaderMetadata::try_new(file.metadata().metadata().clone(), options)
        })?;
        let mask = ProjectionMask::leaves(types, leaves.found);
        file.read_leaves(&metadata, mask, group, from_row, batch_rows).map(Times).map(Some)
    }

    /// Looks at the next rows, `first` rows after the beginning of the row group.
    ///
    /// # Errors
    /// `Data`: one does not fit.
    pub(super) fn check(&mut self, file: &ParquetFile, first: u64) -> Result<()> {
        let Some(batch) = guarded(file.path(), || Ok(self.0.next().transpose()?))? else { return Ok(()) };
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if fits(column) {
                continue;
            }
            // Values in lists have no row of their own.
            let row = (0..column.len()).find(|row| !fits(&column.slice(*row, 1))).unwrap_or(0);
            let (place, name) = (shown(file.path()), quoted(field.name().as_bytes()));
            return Err(Error::data(format!(
                "`{place}`: a point in time of 96 bits in column {name}, {} rows after the beginning of its row group, is \
                 before 1677-09-21 or after 2262-04-11: nanoseconds of 64 bits do not hold it",
                first + row as u64
            ))
            .hint("write the file again with times in microseconds: `TIMESTAMP_MICROS` in Spark"));
        }
        Ok(())
    }
}

/// Goes through the leaves of a schema, which Parquet and Arrow have in the same order.
struct Leaves<'a> {
    types: &'a SchemaDescriptor,
    next: usize,
    /// Those that are points in time of 96 bits, read as nanoseconds.
    found: Vec<usize>,
}

impl Leaves<'_> {
    /// The field, with those leaves as milliseconds.
    fn field(&mut self, field: &FieldRef) -> Field {
        let data_type = match field.data_type() {
            DataType::Struct(fields) => {
                DataType::Struct(fields.iter().map(|field| self.field(field)).collect())
            }
            DataType::List(item) => DataType::List(self.field(item).into()),
            DataType::LargeList(item) => DataType::LargeList(self.field(item).into()),
            DataType::ListView(item) => DataType::ListView(self.field(item).into()),
            DataType::LargeListView(item) => DataType::LargeListView(self.field(item).into()),
            DataType::FixedSizeList(item, size) => DataType::FixedSizeList(self.field(item).into(), *size),
            DataType::Map(entries, sorted) => DataType::Map(self.field(entries).into(), *sorted),
            leaf => self.leaf(leaf),
        };
        field.as_ref().clone().with_data_type(data_type)
    }

    fn leaf(&mut self, data_type: &DataType) -> DataType {
        let leaf = self.next;
        self.next += 1;
        match data_type {
            DataType::Timestamp(TimeUnit::Nanosecond, zone)
                if self.types.column(leaf).physical_type() == Type::INT96 =>
            {
                self.found.push(leaf);
                DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
            }
            other => other.clone(),
        }
    }
}

/// Whether nanoseconds hold all of these milliseconds, however deep.
fn fits(column: &ArrayRef) -> bool {
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let times = column.as_primitive::<TimestampMillisecondType>();
            let is_in = |at: &i64| (FIRST..=LAST).contains(at);
            // What is at nulls is nothing.
            times.values().iter().all(is_in) || times.iter().flatten().all(|at| is_in(&at))
        }
        DataType::Struct(_) => column.as_struct().columns().iter().all(fits),
        DataType::List(_) => fits(&list_values(column.as_list::<i32>())),
        DataType::LargeList(_) => fits(&list_values(column.as_list::<i64>())),
        DataType::FixedSizeList(..) => {
            let lists = column.as_fixed_size_list();
            let size = lists.value_length() as usize;
            fits(&lists.values().slice(lists.offset() * size, lists.len() * size))
        }
        DataType::Map(..) => {
            let maps = column.as_map();
            let (first, last) = (maps.value_offsets()[0] as usize, maps.value_offsets()[maps.len()] as usize);
            maps.entries().slice(first, last - first).columns().iter().all(fits)
        }
        _ => true,
    }
}

fn list_values<O: arrow::array::OffsetSizeTrait>(lists: &arrow::array::GenericListArray<O>) -> ArrayRef {
    let (first, last) = (lists.value_offsets()[0].as_usize(), lists.value_offsets()[lists.len()].as_usize());
    lists.values().slice(first, last - first)
}
