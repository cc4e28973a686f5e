//! JSON: one object per line, or the objects of a list, or one after the other.

mod cut; // bytes -> records
mod decoder; // records of the selected columns, as batches
mod encode; // batches -> files
mod format; // a type of file
mod infer; // the types of the columns, from every record
mod lines; // bytes -> lines
mod parse; // a line of JSON -> its values, strictly
mod shape; // what the values of a key have in common
mod tape; // the values of a line, as they are written
mod values; // values -> Arrow arrays

pub(crate) use encode::JsonlEncoding;
pub(crate) use format::Jsonl;

use decoder::JsonlDecoder;
use infer::Columns;

#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod tests;
