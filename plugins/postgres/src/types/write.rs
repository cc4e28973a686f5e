//! Arrow → theirs: which type a column is made with, and how values reach a column that is there.

use arrow::datatypes::Field;
use dstream_sdk::Result;
use serde::{Deserialize, Serialize};

use super::{Form, Types};

/// A type of the user's that a column needs: enum, domain or composite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Definition {
    /// Its name in the source, without schema.
    pub(crate) name: String,
    /// Its schema in the source.
    pub(crate) schema: String,
    /// What comes between `CREATE TYPE|DOMAIN name` and the end, with `{schema}` for the schema of the target.
    pub(crate) body: String,
    /// `DOMAIN` or `TYPE`.
    pub(crate) keyword: String,
}

/// The type with which a column is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// As SQL; types of the user's are in the schema of the target.
    pub(crate) sql: String,
    /// Types that have to be there first, in this order.
    pub(crate) definitions: Vec<Definition>,
}

/// The type for a column that is not there yet, in a target whose tables are in `schema`.
///
/// # Errors
/// `Unsupported`: the server has no type that keeps these values.
pub(crate) fn declared_type(_field: &Field, _schema: &str, _version: u32) -> Result<Declared> {
    todo!("the table")
}

/// How the values of a field reach a column that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WriteColumn {
    pub(crate) name: String,
    /// The type of the column in a table aside, as SQL, where one is needed.
    pub(crate) stage_type: String,
    /// Set: the values cannot be sent in the column's own type; in the statement that moves them from the table aside
    /// this stands for `{}`, such as `{}::pg_catalog.inet`.
    pub(crate) cast: Option<String>,
    /// How the values are sent.
    pub(crate) form: Form,
}

/// Whether a column that is there takes the values of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// All of them, as they are.
    Fits(WriteColumn),
    /// Once it has this wider type (SQL), which keeps every value that is there.
    Widen(String),
    /// Not without loss; what the column is and what it would have to be, for the error.
    Refused(String),
}

/// Whether the column `oid`, `modifier` takes the values of `field`.
///
/// # Errors
/// `Schema`: the type is gone.
pub(crate) fn fit(_types: &Types, _field: &Field, _oid: u32, _modifier: i32) -> Result<Fit> {
    todo!("the table")
}
