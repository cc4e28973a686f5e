//! How far a share of a stream is read: the bookmark of many files.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

use super::found::Found;
use super::share::Share;
use dstream_sdk::{Bookmark, Error, Result};

const VERSION: u32 = 2;
/// About what a file takes in a bookmark.
const BYTES_PER_FILE: u64 = 250;

/// How far each file is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    version: u32,
    share: Share,
    /// Type of file and dialect: with other ones, the same bytes are other records.
    read_as: String,
    files: BTreeMap<String, FileProgress>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FileProgress {
    place: Value,
    /// What the file was when it was read to its end. One that is still this is not opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<Seen>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    bytes: u64,
    stamp: String,
}

impl Progress {
    pub(crate) fn new(share: Share, read_as: String) -> Progress {
        Progress { version: VERSION, share, read_as, files: BTreeMap::new() }
    }

    /// Reads a bookmark.
    ///
    /// # Errors
    /// `BookmarkLost`: it is none of this share of a stream.
    pub(crate) fn resume(bookmark: Bookmark, share: Share, read_as: &str) -> Result<Progress> {
        let lost = |message: &str| {
            Error::bookmark_lost(message).hint("read the stream from the start with `--full-refresh`")
        };
        let progress: Progress = serde_json::from_value(bookmark)
            .map_err(|_| lost("the bookmark is none that this version of the tap gave out"))?;
        if progress.version != VERSION || progress.share != share {
            return Err(lost("the bookmark was made by another version of the tap, or for another part"));
        }
        if progress.read_as != read_as {
            return Err(lost("the bookmark was made with another delimiter, quote, header or encoding"));
        }
        Ok(progress)
    }

    pub(crate) fn bookmark(&self) -> Result<Bookmark> {
        serde_json::to_value(self).map_err(|error| Error::bug(format!("a bookmark is no JSON: {error}")))
    }

    /// The file has nothing new.
    pub(crate) fn is_read(&self, file: &Found) -> bool {
        let seen = self.files.get(&file.name).and_then(|progress| progress.seen.as_ref());
        seen.is_some_and(|seen| seen.bytes == file.bytes && seen.stamp == file.stamp)
    }

    pub(crate) fn place_of(&self, file: &Found) -> Option<&Value> {
        self.files.get(&file.name).map(|progress| &progress.place)
    }

    /// A file is read up to this place.
    pub(crate) fn go_on(&mut self, file: &Found, place: Value) {
        self.files.insert(file.name.clone(), FileProgress { place, seen: None });
    }

    /// A file is read to its end.
    pub(crate) fn finish(&mut self, file: &Found, place: Value) {
        let seen = Some(Seen { bytes: file.bytes, stamp: file.stamp.clone() });
        self.files.insert(file.name.clone(), FileProgress { place, seen });
    }

    /// About how much of the bookmark is not about this file.
    pub(crate) fn bytes_of_others(&self, file: &Found) -> u64 {
        let others = self.files.len() - usize::from(self.files.contains_key(&file.name));
        others as u64 * BYTES_PER_FILE
    }
}
