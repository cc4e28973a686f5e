//! Write a DStream tap or target in Rust.
#![doc = include_str!("../README.md")]

mod auth; // who asks
mod cells; // the values of a column, one by one
mod connection; // where the system is
mod export; // connectors -> one shared library
#[doc(hidden)]
pub mod hooks; // what the macro calls
mod json_reader; // an iterator of JSON records -> a reader
mod log_bridge; // what a library logs -> the host's log
mod manifest; // what a plugin says of itself
mod options; // what the user wrote -> the types of the connector
mod ownership; // who writes a table
mod pages; // an iterator of pages -> a reader
mod replication; // following a replication key
mod retry; // trying again
mod row_hash; // a number for every row
mod rows; // records that come one by one -> batches
mod runtime; // one tokio per library
mod secret; // a value that no output shows
mod unique; // columns that tell records apart
mod wait; // waiting that ends when the run does

pub use auth::{AccessKey, AccountKey, ApiKey, Auth, Basic, Bearer, OAuth2, Sas, ServiceAccount};
pub use cells::{Appended, Cell, Cells, Out, Why, text, write_base64, write_json_string};
pub use connection::{Connection, StoreConnection};
pub use json_reader::JsonReader;
pub use manifest::{ManifestBuilder, check_manifest, options_schema, tap_manifest, target_manifest};
pub use options::parse_options;
pub use ownership::{TableClaim, TableOwner, upsert_keys};
pub use pages::{Page, PageReader};
pub use replication::{Boundary, KeyValue};
pub use retry::{Pauses, RetryPolicy};
pub use row_hash::hash_rows;
pub use rows::{BatchBuilder, ColumnBuilder};
pub use runtime::{block_on, handle, spawn};
pub use secret::Secret;
pub use unique::{unique_columns, with_unique_columns};
pub use wait::wait;

// The contract: traits, and the documents that cross.
pub use dstream_abi::{
    ABI_DRAFT, ABI_MAJOR, ABI_MINOR, AbiVersion, Batch, Begun, Bookmark, Catalog, Commit, CommitRecord,
    CommitWindow, ConnectorConfig, ConnectorManifest, Context, Error, ErrorKind, LogLevel,
    MAX_BOOKMARK_BYTES, Manifest, Message, Next, OpenTap, OpenTarget, Partition, Pipeline, Prepared,
    ReadRequest, Reader, ReplicationMethod, Result, SelectedStream, Selection, StreamInfo, StreamPlan, Tap,
    TapManifest, Target, TargetManifest, WindowWish, WriteMode, WriteRequest, Writer, host_log_level,
    log_of_library, schema_json,
};

// A plugin that depends on the SDK alone uses these through it.
pub use {arrow, schemars, serde, serde_json, tokio, tracing};

#[doc(hidden)]
pub use dstream_abi as __abi;
#[doc(hidden)]
pub use dstream_abi::has_seeded_bug;

#[cfg(test)]
fn test_config(sections: serde_json::Value) -> ConnectorConfig {
    let mut config = serde_json::json!({"name": "n", "type": "t"});
    for (section, value) in sections.as_object().expect("an object of sections") {
        config[section] = value.clone();
    }
    serde_json::from_value(config).expect("a config")
}
