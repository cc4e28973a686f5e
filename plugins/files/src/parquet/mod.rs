//! Parquet.

mod encode; // batches -> files
mod file; // a file's footer and row groups
mod reader; // its records, with bookmarks
mod tap; // which files there are

pub(crate) use encode::ParquetEncoding;
pub(crate) use tap::ParquetTap;
