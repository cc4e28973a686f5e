//! What a stream needs of its table, and what the table that is there has. No SQL, no server.

mod found; // a table that is there
mod name; // names of tables
mod owner; // a run, and what is noted of the tables that it writes

pub(crate) use found::{Found, FoundColumn, Unique};
pub(crate) use name::{OWN_PREFIX, aside_of, check_table_name, fnv};
pub(crate) use owner::{Owner, Run, check_owner};

use arrow::datatypes::{DataType, Field, SchemaRef};
use dstream_sdk::{Error, Result, StreamPlan, upsert_keys};
use std::collections::HashSet;

use crate::quote::quote;

/// The server's own limit.
pub(crate) const MAX_COLUMNS: usize = 1_600;
/// Every table has these already.
const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];
/// How to get out of a table that does not fit.
pub(crate) const REBUILD: &str = "run with `--full-refresh` and the write mode `overwrite` to build the table anew, or \
                                  write to another with the option `table`";

/// The columns of a stream in one version of its schema.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) schema: SchemaRef,
}

impl Shape {
    /// # Errors
    /// `Schema`: columns that one table cannot hold.
    pub(crate) fn new(schema: &SchemaRef) -> Result<Shape> {
        match schema.fields().len() {
            0 => {
                return Err(Error::schema(
                    "it has no columns, and rows without one cannot be told from none",
                )
                .hint("select some with `dstreams catalog select`, or deselect the stream"));
            }
            count if count > MAX_COLUMNS => {
                return Err(Error::schema(format!(
                    "it has {count} columns, a table of PostgreSQL at most {MAX_COLUMNS}"
                ))
                .hint("deselect some with `dstreams catalog deselect`"));
            }
            _ => {}
        }
        let mut names = HashSet::new();
        for field in schema.fields() {
            let name = field.name();
            quote(name).map_err(|error| error.context("column"))?;
            if SYSTEM_COLUMNS.contains(&name.as_str()) {
                return Err(Error::schema(format!(
                    "the column `{name}` is one that every table has already"
                ))
                .hint("rename it in the source, or deselect it"));
            }
            if !names.insert(name) {
                return Err(Error::schema(format!("two columns have the name `{name}`"))
                    .hint("rename one of them in the source, or deselect it"));
            }
        }
        Ok(Shape { schema: schema.clone() })
    }

    /// Where a column stands.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.schema.fields().iter().position(|field| field.name() == name)
    }

    /// Where the key columns of an upsert stand; none for the other modes.
    ///
    /// # Errors
    /// As [`upsert_keys`].
    pub(crate) fn keys(&self, plan: &StreamPlan) -> Result<Vec<usize>> {
        upsert_keys(plan, |key| self.find(key))
    }

    /// A column that was never more than NULL is made once it has a type, which may then be any.
    pub(crate) fn has_no_type_yet(&self, at: usize, keys: &[usize]) -> bool {
        let is_null = |field: &Field| *field.data_type() == DataType::Null;
        // A table has a column, and rows that can be counted.
        let has_others = self.schema.fields().iter().any(|field| !is_null(field));
        is_null(self.schema.field(at)) && !keys.contains(&at) && has_others
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.schema.fields().iter().map(|field| field.name().as_str())
    }
}
