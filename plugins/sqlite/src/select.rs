//! The statement that reads a stream.

use arrow::datatypes::Schema;
use dstream_sdk::{Error, Result};

use crate::declared;
use crate::describe::Stream;
use crate::following::Order;
use crate::quote::quote_ident;

/// A statement, and where its columns stand.
#[derive(Debug)]
pub(crate) struct Select {
    pub(crate) sql: String,
    /// Where the selected columns stand in a row.
    pub(crate) places: Vec<usize>,
    /// What tells rows apart in a message: names, and where their values stand.
    pub(crate) identity: Vec<(String, usize)>,
}

/// Checks that a stream still has what was selected of it, and says where. A column whose type was guessed keeps the one
/// of the catalog: every value is checked.
///
/// # Errors
/// `Schema`: it does not.
pub(crate) fn selected(stream: &mut Stream, schema: &Schema) -> Result<Vec<usize>> {
    let changed = |message: String| Err(Error::schema(message).hint("run `dstreams discover` again"));
    let find = |field: &arrow::datatypes::FieldRef| {
        let (name, wanted) = (field.name(), field.data_type());
        let Some(at) = stream.find(name) else {
            return changed(format!("the column `{name}` is gone"));
        };
        let column = &mut stream.columns[at];
        if column.is_guessed && declared::is_guess(wanted) {
            column.assume(wanted.clone());
        }
        match column.field.data_type() {
            theirs if theirs.equals_datatype(wanted) => Ok(at),
            theirs => changed(format!("the column `{name}` is {theirs}, the catalog says {wanted}")),
        }
    };
    schema.fields().iter().map(find).collect()
}

impl Select {
    /// Reads these columns, in an order that is the same in every run. `after`: the column that is followed, and what is
    /// asked of it, such as `>= ?1`.
    ///
    /// # Errors
    /// `Schema`: a name that holds NUL.
    pub(crate) fn new(stream: &Stream, columns: &[usize], after: Option<(usize, &str)>) -> Result<Select> {
        let name = |at: usize| Ok(format!("d.{}", quote_ident(stream.columns[at].field.name())?));
        let mut identity = Vec::new();
        let (what, places) = match stream.is_table {
            false => ("*".to_owned(), columns.to_vec()),
            true => {
                let mut names = columns.iter().map(|at| name(*at)).collect::<Result<Vec<_>>>()?;
                let place = |at: usize| columns.iter().position(|column| *column == at);
                if let Some(rowid) = &stream.rowid {
                    identity.push(("rowid".to_owned(), names.len()));
                    names.push(format!("d.{rowid}"));
                } else {
                    let key = |at: &usize| Some((stream.columns[*at].field.name().clone(), place(*at)?));
                    identity = stream.keys.iter().filter_map(key).collect();
                }
                (names.join(", "), (0..columns.len()).collect())
            }
        };
        let mut conditions = Vec::new();
        if let Some(filter) = &stream.filter {
            conditions.push(format!("(\n{filter}\n)"));
        }
        let mut order = Vec::new();
        if let Some((at, asked)) = after {
            let followed = compared(stream, at)?;
            if !asked.is_empty() {
                conditions.push(format!("{followed} {asked}"));
            }
            if let Some(future) = in_future(stream, at) {
                let column = name(at)?;
                conditions.push(format!("({}) IS NOT TRUE", future.replace("{c}", &column)));
            }
            order.push(followed);
        }
        match (&stream.rowid, after) {
            (Some(rowid), _) => order.push(format!("d.{rowid}")),
            (None, _) if stream.is_table => {
                for at in &stream.keys {
                    order.push(name(*at)?);
                }
            }
            // Rows that share the value are told apart by all their columns, whichever are selected.
            (None, Some((followed, _))) => {
                for at in (0..stream.columns.len()).filter(|at| *at != followed) {
                    order.push(name(at)?);
                }
            }
            (None, None) => {}
        }
        let mut sql = format!("SELECT {what} FROM {} AS d", stream.from);
        if !conditions.is_empty() {
            sql = format!("{sql} WHERE {}", conditions.join(" AND "));
        }
        if !order.is_empty() {
            sql = format!("{sql} ORDER BY {}", order.join(", "));
        }
        Ok(Select { sql, places, identity })
    }
}

/// A statement that counts the rows which fulfil a condition on the followed column; `{c}` stands for it.
///
/// # Errors
/// `Schema`: a name that holds NUL.
pub(crate) fn count_where(stream: &Stream, at: usize, condition: &str) -> Result<String> {
    let column = format!("d.{}", quote_ident(stream.columns[at].field.name())?);
    let condition = condition.replace("{c}", &column);
    let filter = stream.filter.as_ref().map(|filter| format!(" AND (\n{filter}\n)")).unwrap_or_default();
    Ok(format!("SELECT count(*) FROM {} AS d WHERE ({condition}){filter}", stream.from))
}

/// A condition that the followed column, `{c}`, has a date or time to come, where it has any: a bookmark there would hide
/// whatever is written until then. What has no zone may be that of the earliest one.
pub(crate) fn in_future(stream: &Stream, at: usize) -> Option<&'static str> {
    match stream.columns[at].order {
        Some(Order::Text | Order::Alike) => Some(
            "{c} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' AND replace(substr({c}, 1, 19), 'T', ' ') > \
             CASE WHEN {c} GLOB '*Z' THEN datetime('now') ELSE datetime('now', '+14 hours') END",
        ),
        Some(Order::Number | Order::Digits) | None => None,
    }
}

/// The followed column as SQLite is to compare it: a table may declare another collation.
fn compared(stream: &Stream, at: usize) -> Result<String> {
    let column = &stream.columns[at];
    let name = quote_ident(column.field.name())?;
    Ok(match column.order {
        Some(Order::Text | Order::Alike) => format!("d.{name} COLLATE BINARY"),
        Some(Order::Digits) => format!("d.{name} COLLATE {}", crate::client::DIGITS),
        Some(Order::Number) | None => format!("d.{name}"),
    })
}
