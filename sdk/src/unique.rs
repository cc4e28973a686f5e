//! What a source vouches for: columns that tell its records apart.

use arrow::datatypes::{Schema, SchemaRef};
use std::sync::Arc;

const UNIQUE: &str = "dstream.unique";

/// Notes in a stream's schema that the source itself keeps any two of its rows from having the same values in `columns`,
/// and NULL out of them: they are its primary key. Such a stream can be opened again after an error of its target.
///
/// It is a hint, by which a target may choose a quicker way for the first copy; a source that changes while it is read may
/// still give two versions of a row. Without columns the schema stays as it is.
///
/// ```
/// use dstream_sdk::{arrow::datatypes::{DataType, Field, Schema}, unique_columns, with_unique_columns};
///
/// let schema = Schema::new(vec![Field::new("id", DataType::Int64, false)]);
/// let schema = with_unique_columns(schema.into(), &["id".to_owned()]);
/// assert_eq!(unique_columns(&schema), ["id"]);
/// ```
pub fn with_unique_columns(schema: SchemaRef, columns: &[String]) -> SchemaRef {
    if columns.is_empty() {
        return schema;
    }
    let mut schema = Arc::unwrap_or_clone(schema);
    schema.metadata.insert(UNIQUE.to_owned(), serde_json::json!(columns).to_string());
    Arc::new(schema)
}

/// The columns that [`with_unique_columns`] noted; none where it did not.
pub fn unique_columns(schema: &Schema) -> Vec<String> {
    let noted = schema.metadata.get(UNIQUE);
    noted.and_then(|columns| serde_json::from_str(columns).ok()).unwrap_or_default()
}
