//! The types of the server ↔ Arrow: one table, repeated in the README.
//!
//! A column that is read becomes a [`ReadColumn`]: its Arrow field, what stands for it in the SELECT, and the [`Form`] of
//! its values in a binary COPY. A column that is written becomes a [`WriteColumn`]: the type in which its values are
//! sent, the form of these, and the cast that makes the column's own type of them where no binary form is known here.

mod accept; // which values the own types of the server take
mod form; // how a value lies in a binary COPY
mod read; // theirs -> Arrow
mod server; // what the server says of its types
mod write; // Arrow -> theirs

pub(crate) use form::Form;
pub(crate) use read::{ReadColumn, SourceColumn, read_column};
pub(crate) use server::Types;
pub(crate) use write::{Definition, Fit, WriteColumn, declared_type, fit};

/// Metadata of a field: the type in the source as SQL, such as `numeric(12,2)` or `"shop"."mood"[]`.
pub(crate) const TYPE_KEY: &str = "dstream.postgres.type";
/// Metadata of a field: what makes a type of the user's anew, as JSON of [`Definition`]s, in the order in which they are
/// to be made.
pub(crate) const DEFINITIONS_KEY: &str = "dstream.postgres.definitions";

#[cfg(test)]
mod tests;
