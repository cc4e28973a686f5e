//! Values of SQLite -> Arrow columns: exactly, or not at all.

mod column; // one column being built
mod distinct; // dictionaries and runs
mod exact; // values that are made from others
mod finish; // what was built -> an array
mod nested; // JSON -> lists, structs, maps, unions
mod values; // the values of a column, by type

pub(crate) use column::{Column, Refused, TextForm};
