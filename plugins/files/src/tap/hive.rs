//! Columns that stand in the names of folders: `year=2013/month=1/`.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::{Field, Schema, SchemaRef};
use percent_encoding::percent_decode_str;
use std::path::Path;
use std::sync::Arc;

use super::found::Found;
use crate::columns::column;
use crate::inference::Candidates;
use dstream_sdk::{Error, Result};

/// How Hive and its followers write null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Whether a folder names a column and its value.
pub(crate) fn is_partition(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.split_once('=').is_some_and(|(column, _)| !column.is_empty())
}

/// The columns of a file's folders, with their values.
fn values(file: &Found) -> Vec<(String, Option<String>)> {
    let Some((folders, _)) = file.name.rsplit_once('/') else { return Vec::new() };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let value = |text: &str| (text != NULL).then(|| decoded(text));
    let parts = folders.split('/').filter_map(|folder| folder.split_once('='));
    parts.map(|(column, text)| (decoded(column), value(text))).collect()
}

/// Adds the columns of folders to those of the files.
///
/// # Errors
/// `Unsupported`: the files have one of them as well, and nobody knows which value is meant.
pub(crate) fn add_columns(schema: Schema, files: &[Found]) -> Result<Schema> {
    let mut columns: Vec<(String, Candidates)> = Vec::new();
    for (name, value) in files.iter().flat_map(values) {
        let of = value.map_or(Candidates::ALL, |value| Candidates::of(value.as_bytes()));
        match columns.iter_mut().find(|(known, _)| *known == name) {
            Some((_, candidates)) => *candidates = candidates.and(of),
            None => columns.push((name, of)),
        }
    }
    if let Some((name, _)) = columns.iter().find(|(name, _)| schema.field_with_name(name).is_ok()) {
        return Err(Error::unsupported(format!(
            "the column `{name}` is in the files and in the names of their folders"
        ))
        .hint("rename one of them, or read the files of one folder by a glob"));
    }
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields
        .extend(columns.into_iter().map(|(name, candidates)| Field::new(name, candidates.narrowest(), true)));
    Ok(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// The columns of a stream, by where they come from.
pub(crate) struct Sources {
    /// Those of its files.
    pub(crate) in_files: SchemaRef,
    schema: SchemaRef,
    /// Of every column of the stream, its place among those of the files.
    places: Vec<Option<usize>>,
}

impl Sources {
    /// `schema` is what was selected.
    pub(crate) fn new(schema: SchemaRef, files: &[Found]) -> Sources {
        let of_folders: Vec<String> = files.iter().flat_map(values).map(|(name, _)| name).collect();
        let (mut fields, mut places) = (Vec::new(), Vec::new());
        for field in schema.fields() {
            let is_in_files = !of_folders.contains(field.name());
            places.push(is_in_files.then_some(fields.len()));
            fields.extend(is_in_files.then(|| field.clone()));
        }
        Sources { in_files: Arc::new(Schema::new(fields)), schema, places }
    }

    /// The batch of a file with the columns of its folders.
    ///
    /// # Errors
    /// `Data`: a value is none of its column's type.
    pub(crate) fn complete(&self, batch: RecordBatch, file: &Found) -> Result<RecordBatch> {
        if self.places.iter().all(Option::is_some) && batch.schema_ref() == &self.schema {
            return Ok(batch);
        }
        let rows = batch.num_rows();
        let of_folders = values(file);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.places.len());
        for (field, place) in self.schema.fields().iter().zip(&self.places) {
            columns.push(match place {
                Some(place) => batch.column(*place).clone(),
                None => {
                    let value = of_folders.iter().find(|(name, _)| name == field.name());
                    repeated(field, value.and_then(|(_, value)| value.as_deref()), rows, file)?
                }
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

fn repeated(field: &Field, value: Option<&str>, rows: usize, file: &Found) -> Result<ArrayRef> {
    let Some(value) = value else { return Ok(new_null_array(field.data_type(), rows)) };
    let mut one = column(field, true)?;
    if !one.push(value.as_bytes()) {
        let (name, want) = (field.name(), crate::types::name(field.data_type()));
        return Err(Error::data(format!(
            "the folder of `{}` gives column `{name}` a value that is no {want}",
            crate::shown::shown(&file.path)
        ))
        .hint("run `dstreams discover` again"));
    }
    Ok(take(&one.finish()?, &UInt32Array::from(vec![0; rows]), None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_name_columns() {
        for (name, is) in [("year=2013", true), ("a=", true), ("=x", false), ("plain", false)] {
            assert_eq!(is_partition(Path::new(name)), is, "{name}");
        }
    }
}
