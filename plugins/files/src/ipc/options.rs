//! What the user may set of Arrow files.

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroU64;

use crate::tap::Globs;

/// Options of the tap `arrow`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArrowOptions {
    /// Streams by name, with the patterns of their files beneath `path`, which is a folder then:
    /// `{"orders": "orders_*.csv", "events": ["2024/*.csv", "2025/*.csv"]}`. Default: files and folders are streams.
    #[serde(default)]
    pub(crate) streams: BTreeMap<String, Globs>,
    /// Columns that identify a record, by stream; a stream may be a glob.
    #[serde(default)]
    pub(crate) key_properties: BTreeMap<String, Vec<String>>,
    /// A record batch whose selected columns take more bytes, unpacked, is an error: it is held in memory as a whole.
    /// Default 2 GiB.
    #[serde(default = "max_record_batch_bytes")]
    pub(crate) max_record_batch_bytes: NonZeroU64,
}

/// How buffers are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compression {
    /// Not at all: the file can be mapped into memory.
    None,
    /// Quick.
    Lz4,
    /// Small.
    #[default]
    Zstd,
}

fn max_record_batch_bytes() -> NonZeroU64 {
    NonZeroU64::new(2 << 30).expect("2 GiB are not zero")
}
