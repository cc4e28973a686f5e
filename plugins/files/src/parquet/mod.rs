//! Parquet.

mod encode; // batches -> files

pub(crate) use encode::ParquetEncoding;
