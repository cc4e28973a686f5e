//! What the user wrote for a connector, and what it means.

mod json_file; // JSON from a file, with file, line and column in errors
mod nearest; // the name that a mistyped one means

pub(crate) use json_file::{absolute, parse_object, read_object, type_name};
pub use nearest::{hint_for, list, nearest};
