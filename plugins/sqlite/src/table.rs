//! What a stream needs of its table, and whether the table that is there has it. No SQL, no file.

use arrow::datatypes::{Field, Schema};
use dstream_sdk::schema_json::FieldJson;
use dstream_sdk::{Error, Result, StreamPlan, upsert_keys};
use std::collections::HashMap;

use crate::quote::quote_ident;
use crate::types::{self, Affinity, Storage};

/// SQLite's own limit.
const MAX_COLUMNS: usize = 2_000;

/// One column of a stream.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) storage: Storage,
    /// The Arrow type as JSON; for reading the table back.
    pub(crate) arrow: String,
}

/// The columns of a stream in one version of its schema.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) columns: Vec<Column>,
}

impl Shape {
    /// # Errors
    /// `Schema`: columns that one SQLite table cannot hold.
    pub(crate) fn new(schema: &Schema) -> Result<Shape> {
        match schema.fields().len() {
            0 => return Err(Error::schema("it has no columns, and SQLite has no table without one")),
            count if count > MAX_COLUMNS => {
                return Err(Error::schema(format!(
                    "it has {count} columns, a table of SQLite at most {MAX_COLUMNS}"
                ))
                .hint("deselect some with `dstreams catalog deselect`"));
            }
            _ => {}
        }
        let mut names = HashMap::new();
        for field in schema.fields() {
            quote_ident(field.name())?;
            types::check_nested(field.name(), field.data_type())?;
            if let Some(other) = names.insert(field.name().to_ascii_lowercase(), field.name()) {
                return Err(Error::schema(format!(
                    "the columns `{other}` and `{}` are one to SQLite, which ignores case",
                    field.name()
                ))
                .hint("rename one of them in the source, or deselect it"));
            }
        }
        Ok(Shape { columns: schema.fields().iter().map(|field| Column::new(field)).collect::<Result<_>>()? })
    }

    /// Where a column stands.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Where the key columns of an upsert stand; none for the other modes.
    ///
    /// # Errors
    /// As [`upsert_keys`].
    pub(crate) fn keys(&self, plan: &StreamPlan) -> Result<Vec<usize>> {
        upsert_keys(plan, |key| self.find(key))
    }
}

impl Column {
    fn new(field: &Field) -> Result<Column> {
        Ok(Column {
            name: field.name().clone(),
            storage: types::storage(field.data_type()),
            arrow: arrow_json(
                &Field::new("", field.data_type().clone(), true).with_metadata(field.metadata().clone()),
            )?,
        })
    }
}

fn arrow_json(field: &Field) -> Result<String> {
    serde_json::to_string(&FieldJson::from_field(field)?)
        .map_err(|error| Error::bug(format!("an Arrow type as JSON: {error}")))
}

/// One column of a table that is there.
#[derive(Clone, Debug)]
pub(crate) struct FoundColumn {
    pub(crate) name: String,
    pub(crate) declared: String,
    /// A row without a value for it is refused.
    pub(crate) is_required: bool,
    pub(crate) is_generated: bool,
    /// The Arrow type of what was written to it, where this connector wrote.
    pub(crate) arrow: Option<String>,
}

/// A table that is there.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) kind: String,
    pub(crate) strict: bool,
    pub(crate) columns: Vec<FoundColumn>,
    /// The columns of each unique key, with their collations.
    pub(crate) unique: Vec<Vec<(String, String)>>,
}

/// What is missing between a stream and its table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Columns to add.
    pub(crate) add: Vec<usize>,
    /// Columns that earlier versions of the stream had: NULL in a row that is replaced.
    pub(crate) gone: Vec<String>,
    /// Columns with the affinity REAL, which has no -0.0.
    pub(crate) real: Vec<usize>,
    /// The Arrow types to note.
    pub(crate) arrow: Vec<(usize, String)>,
}

impl Fit {
    /// For a table that is about to be made.
    pub(crate) fn of_new(shape: &Shape) -> Fit {
        let arrow = shape.columns.iter().map(|column| column.arrow.clone()).enumerate().collect();
        Fit { arrow, ..Fit::default() }
    }
}

/// Compares a stream with the table that is there.
///
/// # Errors
/// `Schema`: the table cannot take the stream without altering values.
pub(crate) fn fit(found: &Found, shape: &Shape, plan: &StreamPlan) -> Result<Fit> {
    let table = &plan.table;
    let mut fit = Fit::default();
    for (at, column) in shape.columns.iter().enumerate() {
        match found.columns.iter().find(|there| there.name.eq_ignore_ascii_case(&column.name)) {
            None => {
                fit.add.push(at);
                fit.arrow.push((at, column.arrow.clone()));
            }
            Some(there) => {
                check_column(found, there, column, table)?;
                if column.storage == Storage::Real
                    && types::affinity(&there.declared, found.strict) == Affinity::Real
                {
                    fit.real.push(at);
                }
                fit.arrow.extend(noted(there, column)?.map(|arrow| (at, arrow)));
            }
        }
    }
    for there in found.columns.iter().filter(|there| shape.find(&there.name).is_none()) {
        if there.is_required {
            return Err(Error::schema(format!(
                "the column `{}` of the table `{table}` takes no NULL, and the stream has no such column",
                there.name
            ))
            .hint(REBUILD));
        }
        if there.arrow.is_some() {
            fit.gone.push(there.name.clone());
        }
    }
    let keys = shape.keys(plan)?;
    check_unique(found, shape, &keys, plan)?;
    if let Some(key) = keys.iter().find(|key| fit.add.contains(key)) {
        let name = &shape.columns[*key].name;
        return Err(Error::schema(format!("the table `{table}` has no key column `{name}`")).hint(REBUILD));
    }
    Ok(fit)
}

const REBUILD: &str = "run with `--full-refresh` and the write mode `overwrite` to build the table anew, or write to \
                       another with the option `table`";

fn check_column(found: &Found, there: &FoundColumn, column: &Column, table: &str) -> Result<()> {
    let refused = |text: String| {
        Err(Error::schema(format!("the column `{}` of the table `{table}` {text}", there.name)).hint(REBUILD))
    };
    if there.is_generated {
        return refused("is computed by SQLite and takes no values".into());
    }
    if let Some(before) = there.arrow.as_deref().map(stored).transpose()? {
        let is_open = before == Storage::Null || column.storage == Storage::Null;
        if before != column.storage && !is_open {
            return refused(format!("holds {}, the stream now has {}", before.name(), column.storage.name()));
        }
    }
    let affinity = types::affinity(&there.declared, found.strict);
    let is_exact = column.storage.is_exact_in(affinity)
        // A STRICT table refuses what it would convert elsewhere.
        && (!found.strict || column.storage != Storage::Blob || affinity == Affinity::None);
    match is_exact {
        true => Ok(()),
        false => {
            refused(format!("is declared `{}`, which would alter {}", there.declared, column.storage.name()))
        }
    }
}

/// How values of a noted Arrow type are stored.
fn stored(arrow: &str) -> Result<Storage> {
    Ok(types::storage(field_of(arrow)?.data_type()))
}

fn field_of(arrow: &str) -> Result<Field> {
    let json: FieldJson = serde_json::from_str(arrow)
        .map_err(|error| Error::data(format!("`_dstreams_columns` holds what is no Arrow type: {error}")))?;
    json.to_field()
}

/// The type to note, where it is another than before: one that holds what was written and what will be.
fn noted(there: &FoundColumn, column: &Column) -> Result<Option<String>> {
    let Some(before) = &there.arrow else { return Ok(Some(column.arrow.clone())) };
    if *before == column.arrow || column.storage == Storage::Null {
        return Ok(None);
    }
    let was = field_of(before)?;
    // What is said of a type may change as long as the type does not; the newest counts.
    if types::storage(was.data_type()) == Storage::Null
        || was.data_type().equals_datatype(field_of(&column.arrow)?.data_type())
    {
        return Ok(Some(column.arrow.clone()));
    }
    let widest = arrow_json(&Field::new("", column.storage.widest(), true))?;
    Ok((widest != *before).then_some(widest))
}

fn check_unique(found: &Found, shape: &Shape, keys: &[usize], plan: &StreamPlan) -> Result<()> {
    let is_key = |unique: &Vec<(String, String)>| {
        unique.len() == keys.len()
            && unique
                .iter()
                .all(|(name, _)| keys.iter().any(|key| shape.columns[*key].name.eq_ignore_ascii_case(name)))
    };
    if keys.is_empty() {
        return Ok(());
    }
    let names =
        keys.iter().map(|key| format!("`{}`", shape.columns[*key].name)).collect::<Vec<_>>().join(", ");
    let mut candidates = found.unique.iter().filter(|unique| is_key(unique)).peekable();
    if candidates.peek().is_none() {
        return Err(Error::schema(format!(
            "the table `{}` has no unique index on the key {names}",
            plan.table
        ))
        .hint(format!("create one, or {REBUILD}")));
    }
    // To NOCASE the keys `a` and `A` are one, and a record would replace another.
    if candidates.any(|unique| unique.iter().any(|(_, collation)| !collation.eq_ignore_ascii_case("BINARY")))
    {
        return Err(Error::schema(format!(
            "the unique index of the table `{}` on the key {names} takes different keys for one: its collation is not \
             BINARY",
            plan.table
        ))
        .hint(format!("create it with the collation BINARY, or {REBUILD}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
