//! The DStream engine: config, plugins, catalog, pipeline, commit and state.

pub use dstream_abi::{Error, ErrorKind, Result};
