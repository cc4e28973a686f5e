//! The side that reads.

use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::{Catalog, Context, Next, Partition, ReadRequest, Result, Selection};

/// What the user wrote for one connector, with secrets in clear. `Debug` shows none of `auth`.
#[derive(Clone, Serialize, Deserialize)]
pub struct ConnectorConfig {
    /// The user's name for it.
    pub name: String,
    /// The connector.
    #[serde(rename = "type")]
    pub type_name: String,
    /// `{"url": …}`, of an object store with `endpoint`, `region`, `allow_http` and `ca`;
    /// `{"host": …, "port": …, "database": …}`, `{"path": …}` or null.
    #[serde(default)]
    pub connection: serde_json::Value,
    /// `{"type": "none" | "api_key" | "bearer" | "basic" | "oauth2", …}`, of object stores `access_key`, `account_key`,
    /// `sas`, `service_account` or `environment`; or null.
    #[serde(default)]
    pub auth: serde_json::Value,
    /// What only this connector knows, checked against the schema in its manifest.
    #[serde(default)]
    pub options: serde_json::Value,
    /// Records per batch, where the user said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<NonZeroUsize>,
}

impl std::fmt::Debug for ConnectorConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectorConfig")
            .field("name", &self.name)
            .field("type", &self.type_name)
            .finish_non_exhaustive()
    }
}

/// A tap that can be made from what the user wrote.
pub trait OpenTap: Tap + Sized + 'static {
    /// Reads the config. No network, no file.
    ///
    /// # Errors
    /// `Config`: what the user wrote cannot be meant.
    fn open(context: Context, config: ConnectorConfig) -> Result<Self>;
}

/// A source: says what can be read and opens readers.
///
/// Calls block and come from plain threads; several may run at once.
///
/// ```
/// use dstream_abi::*;
/// use arrow::{array::{Int64Array, RecordBatch}, datatypes::{DataType, Field, Schema}};
/// use std::{sync::Arc, time::Duration};
///
/// struct Numbers;
///
/// impl Tap for Numbers {
///     fn check(&self) -> Result<()> { Ok(()) }
///     fn discover(&self) -> Result<Catalog> {
///         let schema = Schema::new(vec![Field::new("n", DataType::Int64, false)]);
///         Ok(Catalog { streams: vec![StreamInfo {
///             name: "numbers".into(),
///             schema: schema.into(),
///             key_properties: vec!["n".into()],
///             replication_methods: vec![ReplicationMethod::FullTable],
///             replication_keys: vec![],
///             row_count: Some(3),
///             description: None,
///         }]})
///     }
///     fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
///         Ok(selection.streams.iter().map(|stream| Partition::whole(&stream.name)).collect())
///     }
///     fn open_reader(&self, _: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
///         Ok(Box::new(NumbersReader { schema: request.streams[0].schema.clone(), step: 0 }))
///     }
/// }
///
/// struct NumbersReader { schema: arrow::datatypes::SchemaRef, step: u32 }
///
/// impl Reader for NumbersReader {
///     fn next(&mut self, _timeout: Duration) -> Result<Next> {
///         self.step += 1;
///         Ok(match self.step {
///             1 => Message::Schema { stream: 0, version: 1, schema: self.schema.clone() }.into(),
///             2 => {
///                 let column = Arc::new(Int64Array::from(vec![1, 2, 3]));
///                 let batch = RecordBatch::try_new(self.schema.clone(), vec![column])?.into();
///                 Message::Batch { stream: 0, version: 1, batch, source_bytes: 0 }.into()
///             }
///             3 => Message::StreamEnd { stream: 0 }.into(),
///             _ => Next::End,
///         })
///     }
/// }
/// # assert_eq!(Numbers.discover().unwrap().streams.len(), 1);
/// ```
pub trait Tap: Send + Sync {
    /// Reaches the source and writes nothing.
    ///
    /// # Errors
    /// `Config`, `Denied`, `NotFound`, `Unavailable`: who must act before a run can work.
    fn check(&self) -> Result<()>;

    /// What can be read, now.
    ///
    /// # Errors
    /// As `check`, and `Data` where the source contradicts itself.
    fn discover(&self) -> Result<Catalog>;

    /// Cuts the selection into partitions that can be read in parallel.
    ///
    /// Every selected stream is in at least one partition. Partition ids stay the same from run to run, for bookmarks
    /// are kept under them; a plan that depends on a bookmark (bounds that were cut in an earlier run) repeats it.
    ///
    /// # Errors
    /// `Schema`: the source no longer has what was selected.
    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>>;

    /// Opens one partition at its bookmark.
    ///
    /// # Errors
    /// `BookmarkLost`: the source no longer has what the bookmark points to. `Schema`: the source no longer fits the
    /// selected columns.
    fn open_reader(&self, context: Context, request: ReadRequest) -> Result<Box<dyn Reader>>;
}

/// One partition being read.
pub trait Reader: Send {
    /// Returns the next message, in order, or `End`.
    ///
    /// Blocks until there is one, at most about `timeout`, and ends soon after the context is cancelled. A checkpoint
    /// holds once every message before it is committed, not before. A reader that has no position to read on from gives
    /// no checkpoint.
    ///
    /// # Errors
    /// `Unavailable`: read again from the last committed bookmark. After any error, only drop the reader.
    fn next(&mut self, timeout: Duration) -> Result<Next>;
}
