//! How far a share of a stream is read: the bookmark of many files.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

use super::found::Found;
use super::share::Share;
use dstream_sdk::{Bookmark, Error, MAX_BOOKMARK_BYTES, Result};

const VERSION: u32 = 2;
/// About what a file takes in a bookmark, and what it takes at most besides its name.
const BYTES_PER_FILE: u64 = 300;
const MOST_BYTES_PER_FILE: usize = 420;

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

/// Whether a bookmark can tell of so many files.
///
/// # Errors
/// `Config`: it cannot.
pub(crate) fn check_room(files: &[Found], share: Share) -> Result<()> {
    // A small file is in one part.
    let is_in = |file: &&Found| file.bytes > share.piece_bytes || share.pieces_of(&file.name).has(0);
    let bytes: usize = files.iter().filter(is_in).map(|file| file.name.len() + MOST_BYTES_PER_FILE).sum();
    if bytes <= MAX_BOOKMARK_BYTES {
        return Ok(());
    }
    let room = files.len() * (MAX_BOOKMARK_BYTES / 100) / (bytes / 100).max(1);
    Err(Error::config(format!(
        "the stream has {} files, and a bookmark has room for about {room} of them",
        files.len()
    ))
    .hint("cut it into several streams with `streams`, or write fewer and larger files"))
}

impl Progress {
    pub(crate) fn new(share: Share, read_as: String) -> Progress {
        Progress { version: VERSION, share, read_as, files: BTreeMap::new() }
    }

    pub(crate) fn share(&self) -> Share {
        self.share
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Origin;
    use std::path::PathBuf;

    fn files(count: usize, bytes: u64) -> Vec<Found> {
        let file = |n: usize| Found {
            name: format!("year=2024/orders-{n:09}.csv"),
            path: PathBuf::new(),
            origin: Origin::Local,
            bytes,
            stamp: "1700000000.000000000".to_owned(),
            is_one_of_many: true,
        };
        (0..count).map(file).collect()
    }

    #[test]
    fn a_bookmark_has_room_for_as_many_files_as_it_says() {
        let (share, read_as) = (Share::WHOLE, "csv \",\" \"\\\"\" none true 0".to_owned());
        let files_that_fit = files(MAX_BOOKMARK_BYTES / (MOST_BYTES_PER_FILE + 30) - 1, 1 << 40);
        check_room(&files_that_fit, share).unwrap();
        let place = serde_json::json!({
            "offset": u64::MAX, "records": u64::MAX, "line_end": "carriage_return", "head": "f".repeat(32),
            "tail": "f".repeat(32), "read_as": read_as,
        });
        let mut progress = Progress::new(share, read_as);
        files_that_fit.iter().for_each(|file| progress.finish(file, place.clone()));
        assert!(progress.bookmark().unwrap().to_string().len() <= MAX_BOOKMARK_BYTES);

        let error = check_room(&files(100_000, 10), share).unwrap_err();
        assert!(error.message().contains("100000 files"), "{error}");
        check_room(&files(100_000, 10), Share { part: 1, parts: 4, ..share }).unwrap();
    }
}
