//! What the user may set for the target.

use schemars::JsonSchema;
use serde::Deserialize;
use std::num::NonZeroU64;
use std::path::PathBuf;

/// What the user may set for `blackhole`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlackholeOptions {
    /// File for the report: rows, bytes and checksum of the committed records of each stream, as JSON.
    pub(crate) output: Option<PathBuf>,
    /// Keep the records of commits in `output` too, and go on from them: every record is then counted exactly once.
    #[serde(default)]
    pub(crate) keep_records: bool,
    /// Milliseconds that each batch takes.
    #[serde(default)]
    pub(crate) delay_ms_per_batch: u64,
    /// Bytes that are taken in a second, at most.
    pub(crate) bytes_per_second: Option<NonZeroU64>,
}
