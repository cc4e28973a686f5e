//! Bloom filters: which columns may have one.

use arrow::datatypes::{DataType, Field, SchemaRef};

use dstream_sdk::{Error, Result};

/// Of a thousand values that a row group does not have, ten are looked for all the same.
pub(super) const FALSE_POSITIVES: f64 = 0.01;
/// Values that a filter has room for before it is folded to what it needs.
pub(super) const VALUES: usize = 1_000_000;
/// Memory of a filter with that much room, until its row group is complete.
pub(super) const BYTES: usize = 2 << 20;

/// Columns that are to have a filter are there, and of a type for which readers can use one.
///
/// # Errors
/// `Config`: one is not.
pub(super) fn check(schema: &SchemaRef, columns: &[String]) -> Result<()> {
    for name in columns {
        let Some((_, field)) = schema.column_with_name(name) else {
            return Err(Error::config(format!(
                "`bloom_filters` names the column `{}`, which the files of the stream do not have",
                name.escape_debug()
            ))
            .hint(hint(schema)));
        };
        if let Some(why) = refused(field.data_type()) {
            return Err(Error::config(format!(
                "`bloom_filters` names the column `{}`, {why}",
                name.escape_debug()
            ))
            .hint("leave it out of `bloom_filters`"));
        }
    }
    Ok(())
}

/// Why values of a type have no filter that is of use.
fn refused(data_type: &DataType) -> Option<String> {
    use DataType::*;
    match data_type {
        Dictionary(_, values) => refused(values),
        RunEndEncoded(_, values) => refused(values.data_type()),
        Float16 | Float32 | Float64 => {
            Some("whose values are floats: 0.0 equals -0.0, and a filter tells them apart".to_owned())
        }
        Null | Boolean => Some(format!("and Parquet has no filter for {data_type}")),
        nested if nested.is_nested() => Some(format!("and a filter needs single values, not {data_type}")),
        _ => None,
    }
}

fn hint(schema: &SchemaRef) -> String {
    let can = |field: &&std::sync::Arc<Field>| refused(field.data_type()).is_none();
    let names: Vec<String> = schema
        .fields()
        .iter()
        .filter(can)
        .map(|field| format!("`{}`", field.name().escape_debug()))
        .collect();
    match names.is_empty() {
        true => "it has none that can have a filter".to_owned(),
        false => format!(
            "those that can have one are {}; columns of single streams are written `{{\"orders\": [\"id\"]}}`",
            names.join(", ")
        ),
    }
}
