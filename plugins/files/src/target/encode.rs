//! What a format does with batches on their way into a file.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use std::collections::HashSet;

use crate::store::Staged;
use dstream_sdk::{Error, Result};

/// A kind of file that can be written.
pub(crate) trait Encoding: Send + Sync {
    /// What comes after the first dot of names.
    fn ending(&self) -> String;

    /// What a reader must know to read such files: those of one table have the same.
    fn dialect(&self) -> String {
        String::new()
    }

    /// Whether one file can have records of different columns.
    fn takes_other_columns(&self) -> bool {
        false
    }

    /// Refuses columns of a stream that the format cannot hold exactly, and options that do not fit to them.
    ///
    /// # Errors
    /// `Schema`, `Config`: names the column and says what to do.
    fn check(&self, stream: &str, schema: &SchemaRef) -> Result<()>;

    /// Begins a file of a stream. Where it `grows`, what comes before its records is left out when they are appended to another.
    fn open(
        &self,
        stream: &str,
        schema: &SchemaRef,
        file: Box<dyn Staged>,
        grows: bool,
    ) -> Result<Box<dyn Encode>>;
}

/// A file being written.
pub(crate) trait Encode: Send {
    /// Takes a batch of the schema that it was opened with.
    ///
    /// # Errors
    /// `Data`: a value that the format cannot hold exactly.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// About how many bytes it has.
    fn bytes(&self) -> u64;

    /// Ends the file, whose bytes are durable then.
    fn finish(self: Box<Self>) -> Result<Ended>;
}

/// A file that was written to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) bytes: u64,
    /// Those before the first record.
    pub(crate) head: u64,
}

/// Refuses names that are there twice, among columns or inside of one: as keys of a JSON object they would be lost.
pub(crate) fn check_names<'a>(fields: impl IntoIterator<Item = &'a FieldRef>) -> Result<()> {
    let mut seen = HashSet::new();
    for field in fields {
        if !seen.insert(field.name()) {
            return Err(Error::schema(format!("the name `{}` is there twice", field.name().escape_debug()))
                .hint("rename one of the columns in the source, or leave one out with `dstreams catalog deselect`"));
        }
        let named = |error: Error| error.context(format!("in the column `{}`", field.name().escape_debug()));
        check_nested(field.data_type()).map_err(named)?;
    }
    Ok(())
}

fn check_nested(data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::Struct(fields) => check_names(fields),
        DataType::Union(fields, _) => {
            let fields: Vec<FieldRef> = fields.iter().map(|(_, field)| field.clone()).collect();
            check_names(&fields)
        }
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::RunEndEncoded(_, field) => check_nested(field.data_type()),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) => pair.iter().try_for_each(|field| check_nested(field.data_type())),
            _ => Ok(()),
        },
        DataType::Dictionary(_, values) => check_nested(values),
        _ => Ok(()),
    }
}

/// The error of a value that a format cannot hold. `row` counts from 0.
pub(crate) fn inexact(column: &str, row: u64, why: &str) -> Error {
    Error::data(format!("row {} of the file has in the column `{}` {why}", row + 1, column.escape_debug()))
        .hint("correct it in the source, or leave the column out with `dstreams catalog deselect`")
}
