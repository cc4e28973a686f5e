//! Parquet.

mod encode; // batches -> files
mod file; // a file's footer and row groups
mod filters; // bloom filters
mod format; // a type of file
mod options; // what the user may set of files that are written
mod reader; // its records
mod times; // points in time of 96 bits

pub(crate) use encode::ParquetEncoding;
pub(crate) use format::Parquet;
#[cfg(test)]
pub(crate) use options::ParquetTargetOptions;

#[cfg(test)]
mod encode_tests;
#[cfg(test)]
mod tests;
