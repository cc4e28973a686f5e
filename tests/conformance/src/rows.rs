//! The rows that the kit writes, and what became of them.

/// The columns `id` and `word` of a row.
pub type Row = (i64, Option<String>);
