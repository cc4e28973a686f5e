//! Columns that the user names, for every stream or by stream.

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::options::Keys;
use dstream_sdk::Result;

/// What the user writes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ByStream {
    /// Columns of every stream.
    All(Vec<String>),
    /// Columns by stream; a stream may be a glob.
    Each(BTreeMap<String, Vec<String>>),
}

impl Default for ByStream {
    fn default() -> ByStream {
        ByStream::All(Vec::new())
    }
}

impl ByStream {
    /// What `option` says.
    ///
    /// # Errors
    /// `Config`: a glob is none.
    pub(crate) fn columns(self, option: &'static str) -> Result<Keys> {
        match self {
            ByStream::All(columns) if columns.is_empty() => Keys::of_option(option, BTreeMap::new()),
            ByStream::All(columns) => Keys::of_option(option, BTreeMap::from([("*".to_owned(), columns)])),
            ByStream::Each(columns) => Keys::of_option(option, columns),
        }
    }
}
