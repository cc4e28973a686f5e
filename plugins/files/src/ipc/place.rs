//! Where to read on in an Arrow file.

use serde::{Deserialize, Serialize};

/// The document in the state file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IpcPlace {
    /// The file it was taken of.
    pub(super) identity: String,
    /// Record batches before the next record.
    pub(super) batch: u64,
    /// Rows before it in its record batch.
    pub(super) row: u64,
    /// Of a stream, the hash of all that describes the messages before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<String>,
}
