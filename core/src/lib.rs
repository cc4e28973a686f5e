//! The DStream engine: config, plugins, catalog, pipeline, commit and state.

pub mod arrows; // the same messages as Arrow IPC
pub mod catalog; // the catalog file: what can be read, what is selected
pub mod singer; // Singer messages: out of batches, into batches
