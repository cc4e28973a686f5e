//! Where a reader is in its file.

use serde::{Deserialize, Serialize};

/// How the last record ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LineEnd {
    /// With a line end.
    #[default]
    Complete,
    /// With a carriage return at the end of the file: its line feed may come yet.
    CarriageReturn,
    /// With the file: what is appended may go on with the record.
    Missing,
}

/// What was read before the position of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Position {
    pub(crate) records: u64,
    pub(crate) line_end: LineEnd,
}

impl Position {
    /// Moves behind some records.
    pub(crate) fn pass(&mut self, records: usize, line_end: LineEnd) {
        self.records += records as u64;
        self.line_end = line_end;
    }
}

/// Counts LF, CRLF and CR.
pub(crate) fn line_ends(bytes: &[u8]) -> u64 {
    // Byte counts in blocks that fit a byte are what compilers make vectors of.
    let count = |wanted: u8| -> u64 {
        let block = |block: &[u8]| u64::from(block.iter().map(|byte| u8::from(*byte == wanted)).sum::<u8>());
        bytes.chunks(255).map(block).sum()
    };
    let feeds = count(b'\n');
    if memchr::memchr(b'\r', bytes).is_none() {
        return feeds;
    }
    let alone = |at: &usize| bytes.get(at + 1) != Some(&b'\n');
    feeds + memchr::memchr_iter(b'\r', bytes).filter(alone).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_end_counts_once() {
        assert_eq!(line_ends(b""), 0);
        assert_eq!(line_ends(b"a\nb\r\nc\rd\n\r\r\n"), 6);
        assert_eq!(line_ends(&b"\n".repeat(1000)), 1000);
    }
}
