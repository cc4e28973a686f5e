//! Comma-separated values.

mod cells; // one column of a chunk
mod decoder; // records of the selected columns, as batches
mod dialect; // which bytes separate and quote
mod encode; // batches -> files
mod fault; // what is wrong with a file, in words
mod format; // a type of file
mod header; // the names of the columns
mod infer; // the types of the columns, from every record
mod quoting; // which text is put in quotes
mod split; // bytes -> records -> fields
mod starts; // where records begin, without splitting them

pub(crate) use cells::{Cells, Nulls};
pub(crate) use dialect::Dialect;
pub(crate) use encode::CsvEncoding;
pub(crate) use format::Csv;

use decoder::CsvDecoder;
use infer::Columns;

#[cfg(test)]
mod tests;
