//! What a stream consists of.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::ops::Range;
use std::sync::Arc;

use crate::{ColumnType, Value, draw};
use dstream_sdk::{Error, ReplicationMethod, Result, StreamInfo};

/// The name of the key column: the number of the row, from 0.
pub(crate) const KEY: &str = "id";

/// A made-up stream: every value in it follows from this description.
///
/// ```
/// use dstream_synthetic::{ColumnType, StreamSpec, Value};
///
/// let orders = StreamSpec::new("orders", 1_000, 7, &[("total", ColumnType::Decimal)]);
/// let records = orders.records(10..20).unwrap();
/// assert_eq!((records.num_rows(), records.num_columns()), (10, 2));
/// assert_eq!(orders.value(12, 0), Value::Int(12));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSpec {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// What its values follow from.
    pub seed: u64,
    /// Its columns; the key first, if it has one.
    pub columns: Vec<ColumnSpec>,
}

/// One column of a made-up stream.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSpec {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// The share of its values that are null: 0 to 1.
    pub nulls: f64,
    /// Its values are the numbers of the rows.
    pub is_key: bool,
    pub(crate) base: u64,
}

impl ColumnSpec {
    /// How much of 2^64 is null.
    pub(crate) fn null_share(&self) -> u64 {
        if self.is_key { 0 } else { (self.nulls * u64::MAX as f64) as u64 }
    }

    fn field(&self) -> Field {
        Field::new(&self.name, self.column_type.data_type(), self.null_share() > 0)
    }
}

impl StreamSpec {
    /// A stream with the key `id` and these columns, without nulls.
    pub fn new(name: &str, rows: u64, seed: u64, columns: &[(&str, ColumnType)]) -> StreamSpec {
        let mut stream = StreamSpec { name: name.to_owned(), rows, seed, columns: Vec::new() };
        stream.add_key();
        for (column, column_type) in columns {
            stream.add_column(column, *column_type, 0.0);
        }
        stream
    }

    pub(crate) fn add_key(&mut self) {
        self.add_column(KEY, ColumnType::Int64, 0.0);
        if let Some(key) = self.columns.last_mut() {
            key.is_key = true;
        }
    }

    /// Appends a column of which the share `nulls` is null.
    pub fn add_column(&mut self, name: &str, column_type: ColumnType, nulls: f64) {
        let base = draw::base(self.seed, &self.name, name);
        self.columns.push(ColumnSpec { name: name.to_owned(), column_type, nulls, is_key: false, base });
    }

    /// Its columns as Arrow sees them.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(ColumnSpec::field).collect::<Vec<_>>()))
    }

    /// The records of a range of rows.
    ///
    /// # Errors
    /// `Resource`: the texts of one column are larger than 2 GiB.
    pub fn records(&self, rows: Range<u64>) -> Result<RecordBatch> {
        self.records_of(&self.columns.iter().collect::<Vec<_>>(), self.schema(), rows)
    }

    pub(crate) fn records_of(
        &self,
        columns: &[&ColumnSpec],
        schema: SchemaRef,
        rows: Range<u64>,
    ) -> Result<RecordBatch> {
        let arrays = columns.iter().map(|column| column.values(rows.clone())).collect::<Result<Vec<_>>>()?;
        let count = usize::try_from(rows.end - rows.start).unwrap_or(usize::MAX);
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
    }

    /// The value of one row in the column with this index, made on its own: for a test that checks what arrived.
    ///
    /// # Panics
    /// There is no such column.
    pub fn value(&self, row: u64, column: usize) -> Value {
        Value::draw(&self.columns[column], row)
    }

    /// The columns that a selection names, in its order.
    pub(crate) fn selected(&self, schema: &SchemaRef) -> Result<Vec<&ColumnSpec>> {
        let find = |field: &Arc<Field>| {
            let column = self.columns.iter().find(|column| column.name == *field.name());
            let column = column.ok_or_else(|| self.gone(format!("there is no column `{}`", field.name())))?;
            let data_type: DataType = column.column_type.data_type();
            if data_type != *field.data_type() {
                let (name, wanted) = (field.name(), field.data_type());
                return Err(self.gone(format!("column `{name}` is {data_type}, the catalog says {wanted}")));
            }
            Ok(column)
        };
        schema.fields().iter().map(find).collect()
    }

    fn gone(&self, message: String) -> Error {
        Error::schema(message).stream(&self.name).hint("run `dstreams discover` again")
    }

    pub(crate) fn row_bytes(columns: &[&ColumnSpec]) -> u64 {
        columns.iter().map(|column| column.column_type.bytes()).sum()
    }

    pub(crate) fn info(&self) -> StreamInfo {
        let keys = self.columns.iter().filter(|column| column.is_key);
        StreamInfo {
            name: self.name.clone(),
            schema: self.schema(),
            key_properties: keys.map(|column| column.name.clone()).collect(),
            replication_methods: vec![ReplicationMethod::Incremental, ReplicationMethod::FullTable],
            replication_keys: Vec::new(),
            row_count: Some(self.rows),
            description: Some(format!("made up from the seed {}", self.seed)),
        }
    }
}
