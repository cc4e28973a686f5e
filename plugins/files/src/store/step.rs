//! What a commit does to files.

use serde::{Deserialize, Serialize};

/// One change of files that readers see. It is written down before it is done, and done again where nobody knows whether
/// it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// A staged file gets its name.
    Move { from: String, to: String },
    /// The `bytes` of a staged file are appended to a file that has `at` bytes, without the first `head` where there are
    /// some already.
    Append { from: String, bytes: u64, head: u64, to: String, at: u64 },
    /// The files of a complete copy, and only they, are the files of a folder. The names in `files` are staged names with
    /// the names that they get in the folder.
    Replace { folder: String, files: Vec<(String, String)>, old: Vec<String> },
    /// Files that nobody needs any more.
    Remove { files: Vec<String> },
}
