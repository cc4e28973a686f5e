//! The DStream engine: config, plugins, catalog, pipeline, commit and state.

pub mod catalog; // the catalog file: what can be read, what is selected
pub mod config; // what the user wrote for a connector, and what it means
