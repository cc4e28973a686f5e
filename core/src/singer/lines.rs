//! The lines of an input, however long they are.

use dstream_abi::{Error, Result};
use std::ops::Range;
use std::time::Duration;

use super::feed::{Feed, More};

/// Where the next line is.
pub(crate) enum Line {
    /// These bytes of the buffer, without the line break.
    At(Range<usize>),
    Pending,
    End,
}

/// Cuts an input at its line breaks.
pub(crate) struct Lines {
    feed: Feed,
    /// Bytes at hand that hold no line break.
    searched: usize,
    /// The number of the last line, from 1.
    pub(crate) number: u64,
}

impl Lines {
    pub(crate) fn new(feed: Feed) -> Lines {
        Lines { feed, searched: 0, number: 0 }
    }

    /// The next line; its text is that of `text`.
    ///
    /// # Errors
    /// `Unavailable`: the input cannot be read.
    pub(crate) fn next(&mut self, timeout: Duration) -> Result<Line> {
        loop {
            let bytes = self.feed.bytes();
            let found = memchr::memchr(b'\n', &bytes[self.searched..]).map(|at| at + self.searched);
            if let Some(len) = found {
                return Ok(self.cut(len, 1));
            }
            self.searched = bytes.len();
            match self.feed.more(timeout)? {
                More::Bytes => {}
                More::Pending => return Ok(Line::Pending),
                More::End if self.searched == 0 => return Ok(Line::End),
                More::End => return Ok(self.cut(self.searched, 0)),
            }
        }
    }

    fn cut(&mut self, len: usize, line_break: usize) -> Line {
        let start = self.feed.start;
        self.feed.take(len + line_break);
        self.searched = 0;
        self.number += 1;
        Line::At(start..start + len)
    }

    /// The text of the line that was found last.
    ///
    /// # Errors
    /// `Data`: it is no UTF-8.
    pub(crate) fn text(&self, line: Range<usize>) -> Result<&str> {
        let bytes = &self.feed.buffer[line];
        let bytes = match self.number {
            1 => bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes),
            _ => bytes,
        };
        std::str::from_utf8(bytes).map_err(|error| {
            Error::data(format!("line {}, byte {}: this is no UTF-8", self.number, error.valid_up_to() + 1))
        })
    }
}
