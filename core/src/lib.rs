//! The DStream engine: it reads from taps, writes to targets and knows what is durable.

pub mod arrows; // the same messages as Arrow IPC
pub mod catalog; // the catalog file: what can be read, what is selected
pub mod commit; // which windows are committed, in which order, with which records
pub mod config; // what the user wrote for a connector, and what it means
pub mod pipeline; // lanes: extract, load, commit
pub mod plugin; // from the type in a config to a library that runs
pub mod singer; // Singer messages, out and in
pub mod state; // how far every partition is
pub mod sync; // one run, from opened connectors to its outcome
pub mod tables; // which table a stream goes to, how, and what is promised

#[doc(hidden)]
pub use dstream_abi::has_seeded_bug;
/// Keeps panics that are caught at the border from being printed; to be called once, early.
pub use dstream_abi::import::install_panic_hook;
/// The words of the contract that a program in front of the engine needs.
pub use dstream_abi::{
    Catalog, ConnectorConfig, ConnectorManifest, Context, Error, ErrorKind, Manifest, Pipeline,
    ReplicationMethod, Result, SelectedStream, StreamInfo, StreamPlan, Tap, TapManifest, Target,
    TargetManifest, WriteMode,
};
