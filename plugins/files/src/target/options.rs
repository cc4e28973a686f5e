//! What the user may set for targets.

use schemars::JsonSchema;
use serde::Deserialize;
use std::num::NonZeroUsize;

use dstream_sdk::{ConnectorConfig, Error, Result, parse_options};

use super::FromConfig;
use crate::parquet::ParquetEncoding;

/// Options of the target `parquet`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParquetTargetOptions {
    /// Rows of a row group, at most. Default 1000000.
    #[serde(default = "row_group_rows")]
    row_group_rows: NonZeroUsize,
    /// Level of zstd, 1 to 22: higher is smaller and slower. Default 1.
    #[serde(default = "level")]
    #[schemars(range(min = 1, max = 22))]
    compression_level: u8,
}

fn row_group_rows() -> NonZeroUsize {
    NonZeroUsize::new(1_000_000).expect("a million is not zero")
}

fn level() -> u8 {
    1
}

impl FromConfig for ParquetEncoding {
    fn from_config(config: &ConnectorConfig) -> Result<ParquetEncoding> {
        let options: ParquetTargetOptions = parse_options(config)?;
        if !(1..=22).contains(&options.compression_level) {
            return Err(Error::config(format!("`compression_level` is {}", options.compression_level))
                .hint("it must be 1 to 22"));
        }
        Ok(ParquetEncoding {
            row_group_rows: options.row_group_rows.get(),
            level: i32::from(options.compression_level),
        })
    }
}
