//! Theirs → Arrow: the table.

use arrow::datatypes::Field;
use dstream_sdk::Result;

use super::{Form, Types};

/// A column of a relation or of a query, as the server describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceColumn {
    pub(crate) name: String,
    pub(crate) oid: u32,
    /// -1: none.
    pub(crate) modifier: i32,
    /// Dimensions with which an array was declared; the server checks no value against it.
    pub(crate) dimensions: u8,
    pub(crate) is_nullable: bool,
    pub(crate) comment: Option<String>,
    /// What the user wants to have it read as (option `types`): `text` or `decimal(p,s)`.
    pub(crate) wanted: Option<String>,
}

/// A column as it is read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReadColumn {
    /// Name, Arrow type, metadata ([`super::TYPE_KEY`], [`super::DEFINITIONS_KEY`], Arrow's extension types).
    pub(crate) field: Field,
    /// What stands for it in a SELECT: the quoted name, or a cast of it.
    pub(crate) expression: String,
    /// How its values lie.
    pub(crate) form: Form,
    /// Set: no exact form of the type is known here, and its values are read as the server's text of them.
    pub(crate) is_text_of_unknown: bool,
}

/// How a column is read.
///
/// # Errors
/// `Config`: what the user wants cannot be had of this type.
pub(crate) fn read_column(_types: &Types, _column: &SourceColumn) -> Result<ReadColumn> {
    todo!("the table")
}
