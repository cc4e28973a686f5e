//! Bytes to lines.

use crate::tap::{LineEnd, Start, Stop};

/// One line that is not empty.
pub(super) struct Line {
    /// Where it starts and ends in the window, without its line end.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where the next one starts.
    pub(super) next: usize,
    pub(super) line_end: LineEnd,
}

/// The next line from `at` on that is more than space.
pub(super) fn next_line(bytes: &[u8], is_last: bool, mut at: usize) -> Result<Line, Stop> {
    loop {
        let rest = &bytes[at..];
        let (length, next, line_end) = match memchr::memchr(b'\n', rest) {
            Some(length) => (length, at + length + 1, LineEnd::Complete),
            None if is_last && rest.is_empty() => return Err(Stop::End),
            None if is_last => (rest.len(), bytes.len(), LineEnd::Missing),
            None => return Err(Stop::Incomplete),
        };
        if !rest[..length].iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            return Ok(Line { start: at, end: at + length, next, line_end });
        }
        at = next;
    }
}

/// Where the first line begins at or behind `wanted`.
pub(super) fn find_line(bytes: &[u8], wanted: usize) -> Start {
    let Some(before) = wanted.checked_sub(1) else { return Start::Found(0) };
    let behind = |at: usize| at + 1;
    match bytes.get(before..).and_then(|rest| memchr::memchr(b'\n', rest)) {
        Some(at) => Start::Found(behind(before + at)),
        None => Start::Further(memchr::memrchr(b'\n', bytes).map_or(0, behind)),
    }
}
