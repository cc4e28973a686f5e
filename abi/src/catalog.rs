//! What a tap can read, and what a user wants of it. These documents cross the border as JSON.

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};

/// How far one partition is read: a JSON value that only its tap understands, of [`MAX_BOOKMARK_BYTES`] at most.
pub type Bookmark = serde_json::Value;

/// The most bytes of a bookmark as compact JSON. It is written with every commit: one of more than a few KiB belongs to few
/// commits, each of much data.
pub const MAX_BOOKMARK_BYTES: usize = 32 << 20;

/// How a stream is kept up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReplicationMethod {
    /// Every run reads everything.
    #[serde(rename = "FULL_TABLE", alias = "FullTable")]
    FullTable,
    /// A run reads what came after the bookmark.
    #[serde(rename = "INCREMENTAL", alias = "Incremental")]
    Incremental,
    /// A run reads the source's log of changes.
    #[serde(rename = "LOG_BASED", alias = "LogBased")]
    LogBased,
}

impl std::fmt::Display for ReplicationMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ReplicationMethod::FullTable => "FULL_TABLE",
            ReplicationMethod::Incremental => "INCREMENTAL",
            ReplicationMethod::LogBased => "LOG_BASED",
        })
    }
}

/// What a tap can read: the answer of `discover`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// The streams, in the order in which a user wants to see them.
    pub streams: Vec<StreamInfo>,
}

/// One stream that a tap can read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamInfo {
    /// Unique within the tap. Parts are separated by dots: the last one names the table.
    pub name: String,
    /// Columns with their exact types.
    #[serde(with = "crate::schema_json")]
    pub schema: SchemaRef,
    /// Columns that identify a record; empty: none are known.
    #[serde(default)]
    pub key_properties: Vec<String>,
    /// The methods the tap offers for it; the first is the default.
    pub replication_methods: Vec<ReplicationMethod>,
    /// Columns that can be the replication key. Empty with `Incremental`: the tap follows a position of its own, such
    /// as that in a file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replication_keys: Vec<String>,
    /// Records, as far as is known without reading them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_count: Option<u64>,
    /// What the source says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// One stream as the user wants it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelectedStream {
    /// Its name in the catalog.
    pub name: String,
    /// The selected columns, with the types that the catalog promises. The tap delivers exactly these, in this order.
    #[serde(with = "crate::schema_json")]
    pub schema: SchemaRef,
    /// Columns that identify a record. Always selected.
    #[serde(default)]
    pub key_properties: Vec<String>,
    /// How it is kept up to date.
    pub replication_method: ReplicationMethod,
    /// The column it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_key: Option<String>,
    /// A record that comes again replaces itself: the target upserts. Otherwise it would stand there twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub upserted: bool,
}

/// What is to be read, with what is committed of it: the question to `plan`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// The streams.
    pub streams: Vec<SelectedStream>,
    /// Bookmarks to read on from, by partition id. A stream that starts over has none.
    #[serde(default)]
    pub bookmarks: BTreeMap<String, Bookmark>,
    /// Last bookmarks of the partitions of full tables that are read to their end, by partition id. Where every partition
    /// of a plan is among them, that copy is complete and the next one begins; where one is missing, the copy is still
    /// being made, and a plan that depends on bookmarks repeats itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub complete: BTreeMap<String, Bookmark>,
}

/// A part of the selection that one reader reads, here or in another process with the same plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Partition {
    /// Unique within the pipeline and the same in every run: bookmarks are kept under it. A stream that is read as a
    /// whole has its name as id.
    pub id: String,
    /// The streams whose records the reader delivers; messages name them by index.
    pub streams: Vec<String>,
    /// What the tap needs to read it. No secrets.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub data: serde_json::Value,
}

impl Partition {
    /// The partition that is the whole of one stream.
    pub fn whole(stream: impl Into<String>) -> Partition {
        let stream = stream.into();
        Partition { id: stream.clone(), streams: vec![stream], data: serde_json::Value::Null }
    }
}

/// Everything a tap needs to open a reader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadRequest {
    /// What to read.
    pub partition: Partition,
    /// The selected streams of the partition, in its order.
    pub streams: Vec<SelectedStream>,
    /// Where to read on; `None`: from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bookmark: Option<Bookmark>,
    /// Records in a batch, at most.
    pub max_batch_rows: NonZeroUsize,
    /// Bytes in a batch, at most; its last record may go beyond them.
    pub max_batch_bytes: NonZeroU64,
}
