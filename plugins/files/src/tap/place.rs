//! Where to read on in a file of text, and what that file looked like.
//!
//! A place knows the file by its first 64 KiB and by the 64 KiB before the position. Records appended behind it are
//! read; a file that is shorter, or differs in those bytes, was rewritten and the bookmark is lost. A change elsewhere
//! that leaves the length of everything before the position as it was is not seen.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use dstream_sdk::{Error, Result};

use super::position::{LineEnd, Position};
use super::window::{KEPT_BYTES, Window};
use crate::shown::shown;

/// The document in the state file.
#[derive(Debug, Serialize, Deserialize)]
struct TextPlace {
    /// Decompressed bytes before the next record.
    offset: u64,
    /// Records before it.
    records: u64,
    line_end: LineEnd,
    /// Hash of the first bytes of the file, as many as were read, 64 KiB at most.
    head: String,
    /// Hash of the last bytes before the offset, as many as were read, 64 KiB at most.
    tail: String,
    /// Format and dialect.
    read_as: String,
}

/// The window's position.
pub(crate) fn take(window: &Window, position: &Position, read_as: String) -> Result<Value> {
    let place = TextPlace {
        offset: window.offset(),
        records: position.records,
        line_end: position.line_end,
        head: hash(head(window)),
        tail: hash(window.tail()),
        read_as,
    };
    serde_json::to_value(place).map_err(|error| Error::bug(format!("a bookmark is no JSON: {error}")))
}

/// Moves the window, which stands behind the header, to the place; that may be before the header's line end, which
/// was not there when it was taken. `on_block` is asked now and then whether to go on.
pub(crate) fn resume(
    place: &Value,
    window: &mut Window,
    position: &mut Position,
    read_as: &str,
    on_block: &dyn Fn() -> Result<()>,
) -> Result<()> {
    let name = shown(window.path());
    let lost =
        |message: String| Error::bookmark_lost(message).hint("read it from the start with `--full-refresh`");
    let rewritten = |what: &str| lost(format!("file `{name}` was rewritten since the bookmark: {what}"));
    let bookmark = TextPlace::deserialize(place)
        .map_err(|_| lost(format!("the bookmark of `{name}` is none that this tap gave out")))?;
    if bookmark.read_as != read_as {
        return Err(lost(format!(
            "the bookmark of `{name}` was made with another delimiter, quote or header, or with the file packed otherwise"
        )));
    }
    if !window.go_to(bookmark.offset, on_block)? {
        return Err(rewritten("it is shorter now"));
    }
    if hash(head(window)) != bookmark.head {
        return Err(rewritten("its beginning is another"));
    }
    if hash(window.tail()) != bookmark.tail {
        return Err(rewritten("what was read last is no longer there"));
    }
    *position = Position { records: bookmark.records, line_end: bookmark.line_end };
    end_line(window, position).then_some(()).ok_or_else(|| {
        lost(format!(
            "file `{name}` was rewritten since the bookmark: its last line, which had no line end, goes on"
        ))
    })
}

/// Passes the line end that the last record did not have yet; `false`: something else was appended to that record.
fn end_line(window: &mut Window, position: &mut Position) -> bool {
    let next = window.bytes();
    let (length, line_end) = match (position.line_end, next) {
        (LineEnd::Complete, _) | (_, []) => return true,
        (LineEnd::CarriageReturn, [b'\n', ..]) => (1, LineEnd::Complete),
        (LineEnd::CarriageReturn, _) => return true,
        (LineEnd::Missing, [b'\r', b'\n', ..]) => (2, LineEnd::Complete),
        (LineEnd::Missing, [b'\n', ..] | [b'\r', _, ..]) => (1, LineEnd::Complete),
        (LineEnd::Missing, [b'\r']) => (1, LineEnd::CarriageReturn),
        (LineEnd::Missing, _) => return false,
    };
    position.line_end = line_end;
    window.consume(length);
    true
}

fn head(window: &Window) -> &[u8] {
    let length = window.offset().min(KEPT_BYTES as u64) as usize;
    &window.head()[..window.head().len().min(length)]
}

/// 128 bits of SHA-256.
fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
