//! Columns of files that say themselves which types they have.

use arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use dstream_sdk::{Error, Result};

use crate::shown::{quoted, shown};

/// The columns of files, with one of the files and the number of their records.
#[derive(Debug)]
pub(crate) struct TypedColumns {
    fields: Vec<Arc<Field>>,
    file: String,
    records: u64,
}

impl TypedColumns {
    /// Those of one file.
    ///
    /// # Errors
    /// `Data`: two have one name, or a name that Arrow has not across its C interface.
    pub(crate) fn new(path: &Path, schema: &Schema, records: u64) -> Result<TypedColumns> {
        let mut places = HashMap::new();
        for (at, field) in schema.fields().iter().enumerate() {
            let (name, place) = (quoted(field.name().as_bytes()), shown(path));
            if field.name().contains('\0') {
                return Err(Error::data(format!("`{place}` has the column {name}, which holds NUL"))
                    .hint("rename the column"));
            }
            if let Some(first) = places.insert(field.name(), at) {
                let (first, second) = (first + 1, at + 1);
                return Err(Error::data(format!(
                    "`{place}` has two columns with the name {name}: the {first}th and the {second}th"
                ))
                .hint("rename one of them"));
            }
        }
        let fields = schema.fields().iter().cloned().collect();
        Ok(TypedColumns { fields, file: shown(path), records })
    }

    /// Those of both.
    ///
    /// # Errors
    /// `Schema`: a column has two types.
    pub(crate) fn join(mut self, other: TypedColumns) -> Result<TypedColumns> {
        for field in other.fields {
            let Some(known) = self.fields.iter_mut().find(|known| known.name() == field.name()) else {
                // The others do not have it.
                self.fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
                continue;
            };
            if known.data_type() != field.data_type() {
                let (name, first, second) = (field.name(), known.data_type(), field.data_type());
                return Err(Error::schema(format!(
                    "column `{name}` is {first} in `{}` and {second} in `{}`",
                    self.file, other.file
                ))
                .hint("read the files as streams of their own with a glob"));
            }
            if field.is_nullable() && !known.is_nullable() {
                *known = field;
            }
        }
        self.records += other.records;
        Ok(self)
    }

    /// As a schema, with the number of records.
    pub(crate) fn schema(self) -> (Schema, Option<u64>) {
        (Schema::new(self.fields), Some(self.records))
    }
}

/// The selected columns of a file.
#[derive(Debug)]
pub(crate) struct Chosen {
    schema: SchemaRef,
    /// Their places in the file, in its order.
    columns: Vec<usize>,
    /// Where each selected column is in what comes from the file; `None`: it has none, and is null.
    order: Vec<Option<usize>>,
}

impl Chosen {
    /// Finds the columns of `schema` among those of a file.
    ///
    /// # Errors
    /// `Schema`: one is not there any more, or has another type.
    pub(crate) fn new(
        path: &Path,
        in_file: &Schema,
        schema: SchemaRef,
        is_one_of_many: bool,
    ) -> Result<Chosen> {
        let mut places = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let (name, place) = (field.name(), shown(path));
            let again = |message: String| Error::schema(message).hint("run `dstreams discover` again");
            let Some((at, found)) = in_file.column_with_name(name) else {
                if is_one_of_many && field.is_nullable() {
                    places.push(None);
                    continue;
                }
                return Err(again(format!("`{place}` has no column `{name}` any more")));
            };
            if found.data_type() != field.data_type() {
                let (is, was) = (found.data_type(), field.data_type());
                return Err(again(format!("column `{name}` of `{place}` is {is}, the catalog says {was}")));
            }
            places.push(Some(at));
        }
        // The file gives columns in its own order.
        let mut columns: Vec<usize> = places.iter().flatten().copied().collect();
        columns.sort_unstable();
        let order = places.iter().map(|place| columns.binary_search(&(*place)?).ok()).collect();
        Ok(Chosen { schema, columns, order })
    }

    /// Their places in the file, ascending.
    pub(crate) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Columns as they came from the file, in the order of the selection.
    ///
    /// # Errors
    /// `Data`: one is null where the catalog says never.
    pub(crate) fn in_order(&self, path: &Path, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.order.len());
        for (field, at) in self.schema.fields().iter().zip(&self.order) {
            let column = match at {
                Some(at) => batch.column(*at).clone(),
                None => new_null_array(field.data_type(), batch.num_rows()),
            };
            if !field.is_nullable() && column.logical_null_count() > 0 {
                let (name, place) = (field.name(), shown(path));
                return Err(Error::data(format!(
                    "`{place}`: column `{name}` is null, the catalog says never"
                ))
                .hint("run `dstreams discover` again"));
            }
            columns.push(column);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}
