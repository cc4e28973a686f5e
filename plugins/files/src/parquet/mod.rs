//! Parquet.

mod encode; // batches -> files
mod file; // a file's footer and row groups
mod format; // a type of file
mod reader; // its records
mod times; // points in time of 96 bits

pub(crate) use encode::ParquetEncoding;
pub(crate) use format::Parquet;

#[cfg(test)]
mod tests;
