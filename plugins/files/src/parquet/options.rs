//! What the user may set of the files of Parquet that are written.

use parquet::basic::{BrotliLevel, Compression as Codec, GzipLevel, ZstdLevel};
use schemars::JsonSchema;
use serde::Deserialize;
use std::num::NonZeroUsize;

use super::ParquetEncoding;
use crate::target::{ByStream, Files, FromConfig, Layout, RollingOptions, level_of};
use dstream_sdk::{ConnectorConfig, Error, Result, parse_options};

/// Options of the target `parquet`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParquetTargetOptions {
    /// Rows of a row group, at most. Default 1000000.
    #[serde(default = "row_group_rows")]
    row_group_rows: NonZeroUsize,
    /// How pages are packed. Default `zstd`.
    #[serde(default)]
    compression: Compression,
    /// 1 to 22 for zstd, 1 if it is not set; 1 to 9 for gzip, 6 if it is not set; 0 to 11 for brotli, 4 if it is not set:
    /// higher is smaller and slower. The others have no levels.
    #[serde(default)]
    #[schemars(range(min = 0, max = 22))]
    compression_level: Option<u8>,
    /// Columns with a bloom filter: a list, which holds for every stream, or by stream, where a stream may be a glob:
    /// `{"orders": ["id", "customer"]}`. Default: none.
    #[serde(default)]
    bloom_filters: ByStream,
    #[serde(flatten)]
    rolling: RollingOptions,
}

/// How pages are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Compression {
    /// Not at all.
    None,
    Snappy,
    /// As `LZ4_RAW`, not in the older form that programs understand differently.
    Lz4,
    Gzip,
    Brotli,
    #[default]
    Zstd,
}

fn row_group_rows() -> NonZeroUsize {
    NonZeroUsize::new(1_000_000).expect("a million is not zero")
}

/// The codec of the crate.
fn codec(compression: Compression, level: Option<u8>) -> Result<Codec> {
    let failed = |error| Error::bug(format!("a level that was checked is refused: {error}"));
    let without_levels = |name: &str, codec| match level {
        None => Ok(codec),
        Some(_) => Err(Error::config(format!(
            "`compression_level` is set, and `compression` is `{name}`, which has no levels"
        ))
        .hint("leave out the level, or set `compression` to `zstd`, `gzip` or `brotli`")),
    };
    match compression {
        Compression::None => without_levels("none", Codec::UNCOMPRESSED),
        Compression::Snappy => without_levels("snappy", Codec::SNAPPY),
        Compression::Lz4 => without_levels("lz4", Codec::LZ4_RAW),
        Compression::Gzip => {
            let level = level_of(level, 6, 1..=9)?;
            Ok(Codec::GZIP(GzipLevel::try_new(level.into()).map_err(failed)?))
        }
        Compression::Brotli => {
            let level = level_of(level, 4, 0..=11)?;
            Ok(Codec::BROTLI(BrotliLevel::try_new(level.into()).map_err(failed)?))
        }
        Compression::Zstd => {
            let level = level_of(level, 1, 1..=22)?;
            Ok(Codec::ZSTD(ZstdLevel::try_new(level.into()).map_err(failed)?))
        }
    }
}

impl FromConfig for ParquetEncoding {
    fn from_config(config: &ConnectorConfig) -> Result<(ParquetEncoding, Files)> {
        let options: ParquetTargetOptions = parse_options(config)?;
        let encoding = ParquetEncoding {
            row_group_rows: options.row_group_rows.get(),
            codec: codec(options.compression, options.compression_level)?,
            bloom_filters: options.bloom_filters.columns("bloom_filters")?,
        };
        Ok((encoding, options.rolling.files(Layout::Folder)?))
    }
}
