//! What was selected against what is there now.

use arrow::datatypes::{DataType, Field, Schema};
use dstream_abi::{Error, Result};

use crate::config::nearest;

/// Checks that every selected column is still there with its type. Columns that came on are no concern of the selection.
///
/// Metadata is not compared, and a column that was nullable may be so no longer.
///
/// # Errors
/// `Schema`: names the column and both types.
pub fn check_drift(selected: &Schema, actual: &Schema) -> Result<()> {
    for wanted in selected.fields() {
        let Some((_, found)) = actual.fields().find(wanted.name()) else {
            let near = nearest(wanted.name(), actual.fields().iter().map(|field| field.name().as_str()));
            let near = near.map(|near| format!("; the nearest is `{near}`")).unwrap_or_default();
            return Err(drifted(format!(
                "column `{}` is gone, the catalog says {}{near}",
                wanted.name(),
                wanted.data_type()
            )));
        };
        check_column(wanted, found)?;
    }
    Ok(())
}

/// Checks that a tap delivers what was selected: the same columns, in the same order.
///
/// # Errors
/// `Schema`: names the column and both types.
pub fn check_delivered(selected: &Schema, delivered: &Schema) -> Result<()> {
    check_drift(selected, delivered)?;
    for (at, found) in delivered.fields().iter().enumerate() {
        match selected.fields().get(at) {
            Some(wanted) if wanted.name() == found.name() => {}
            Some(wanted) => {
                return Err(drifted(format!(
                    "column {} is `{}`, the selection has `{}` there",
                    at + 1,
                    found.name(),
                    wanted.name()
                )));
            }
            None => {
                return Err(drifted(format!("column `{}` is delivered and was not selected", found.name())));
            }
        }
    }
    Ok(())
}

fn check_column(wanted: &Field, found: &Field) -> Result<()> {
    let name = wanted.name();
    if !same_type(wanted.data_type(), found.data_type()) {
        return Err(drifted(format!(
            "column `{name}` is {}, the catalog says {}",
            found.data_type(),
            wanted.data_type()
        )));
    }
    if found.is_nullable() && !wanted.is_nullable() {
        return Err(drifted(format!("column `{name}` can be null now, the catalog says it cannot")));
    }
    Ok(())
}

/// Equal but for metadata within, and for what can be null less often than promised.
fn same_type(wanted: &DataType, found: &DataType) -> bool {
    use DataType::*;
    let field = |wanted: &Field, found: &Field| {
        same_type(wanted.data_type(), found.data_type()) && (wanted.is_nullable() || !found.is_nullable())
    };
    match (wanted, found) {
        (List(a), List(b))
        | (LargeList(a), LargeList(b))
        | (ListView(a), ListView(b))
        | (LargeListView(a), LargeListView(b)) => field(a, b),
        (FixedSizeList(a, size), FixedSizeList(b, other)) => size == other && field(a, b),
        (Map(a, sorted), Map(b, other)) => sorted == other && field(a, b),
        (Struct(a), Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name() == b.name() && field(a, b))
        }
        (Dictionary(keys, values), Dictionary(other_keys, other)) => {
            keys == other_keys && same_type(values, other)
        }
        _ => wanted == found,
    }
}

fn drifted(message: String) -> Error {
    Error::schema(message).hint("run `dstreams discover` again and look at what changed")
}
