//! `state view`, `set` and `clear`.

use std::path::Path;

use dstream_abi::Bookmark;
use serde_json::Value;

use super::Result;

/// What the user wants to see of a state file: its JSON with the edits that no run has applied yet.
///
/// # Errors
/// `Unusable`: the file is cut, changed, foreign or newer. `Other`: there is none.
pub fn view(path: &Path) -> Result<Value> {
    let _ = path;
    Ok(Value::Null)
}

/// Sets the bookmark of a stream or partition; makes the file where there is none.
///
/// # Errors
/// `Other`: the stream has several partitions, which are listed.
pub fn set(path: &Path, stream: &str, bookmark: Bookmark) -> Result<()> {
    let _ = (path, stream, bookmark);
    Ok(())
}

/// Clears all bookmarks, or those of one stream or partition.
///
/// # Errors
/// `Other`: there is no such stream in the file.
pub fn clear(path: &Path, stream: Option<&str>) -> Result<()> {
    let _ = (path, stream);
    Ok(())
}
