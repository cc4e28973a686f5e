//! A window that slides over the decompressed bytes of a file.

use std::path::Path;

use crate::shown::shown;
use dstream_sdk::{Error, Result};

use super::encoding::Encoding;
use super::found::Found;
use super::position::line_ends;
use super::source::{Opening, Source};

/// Bytes before the position that stay in the window, and bytes of the file's beginning that are kept: what a bookmark
/// knows the file by.
pub(crate) const KEPT_BYTES: usize = 64 << 10;

const BLOCK_BYTES: usize = 512 << 10;

/// The window. Bytes before the position are read, those after it are to come.
pub(crate) struct Window {
    file: Found,
    opening: Opening,
    source: Source,
    buffer: Vec<u8>,
    /// Offset in the file of the first byte of `buffer`.
    base: u64,
    at: usize,
    end: usize,
    ended: bool,
    head: Vec<u8>,
}

impl Window {
    pub(crate) fn open(file: &Found, opening: Opening) -> Result<Window> {
        let (source, path) = (Source::open(file, opening)?, &file.path);
        let (buffer, head) = (Vec::new(), Vec::new());
        let mut window = Window {
            file: file.clone(),
            opening,
            source,
            buffer,
            base: 0,
            at: 0,
            end: 0,
            ended: false,
            head,
        };
        window.fill()?;
        // In UTF-8 there are no such bytes.
        let head = &window.buffer[..window.end];
        if opening.encoding == Encoding::Utf8
            && (head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]))
        {
            return Err(Error::data(format!("`{}` is UTF-16", shown(path)))
                .hint("set `encoding` to `utf-16`, or save it as UTF-8"));
        }
        Ok(window)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.file.path
    }

    /// What is read of the file and not yet consumed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.at..self.end]
    }

    /// Nothing comes after `bytes`.
    pub(crate) fn is_last(&self) -> bool {
        self.ended
    }

    /// Where the position is, in decompressed bytes.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The first bytes of the file, as far as they were seen.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The bytes right before the position.
    pub(crate) fn tail(&self) -> &[u8] {
        &self.buffer[self.at.saturating_sub(KEPT_BYTES)..self.at]
    }

    /// The line, counted from 1, of the place `ahead` bytes behind the position. Nobody counts lines until one is asked
    /// for, so what is before the window is read again; as much of it as is still there.
    pub(crate) fn line_at(&self, ahead: usize) -> u64 {
        let mut lines = 1;
        let mut last = None;
        let mut count = |bytes: &[u8]| {
            // The two halves of CRLF are one line end.
            let is_half = last == Some(b'\r') && bytes.first() == Some(&b'\n');
            lines += line_ends(bytes) - u64::from(is_half);
            last = bytes.last().copied().or(last);
        };
        let (mut left, mut block) = (self.base, vec![0; BLOCK_BYTES]);
        let mut source = Source::open(&self.file, self.opening).ok();
        while let Some(source) = source.as_mut().filter(|_| left > 0) {
            let wanted = usize::try_from(left).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES));
            match source.read_full(&self.file.path, &mut block[..wanted]) {
                Ok(read) if read > 0 => {
                    count(&block[..read]);
                    left -= read as u64;
                }
                _ => break,
            }
        }
        count(&self.buffer[..self.at + ahead]);
        lines
    }

    /// A place that can be gone to without reading what is before it.
    pub(crate) fn reaches(&self, offset: u64) -> bool {
        self.source.is_plain() && offset < self.source.bytes()
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.at += count;
        debug_assert!(self.at <= self.end);
    }

    /// Reads a block more; `false` at the end of the file. Grows where most of the window waits for the rest of one record.
    pub(crate) fn fill(&mut self) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let drop = self.at.saturating_sub(KEPT_BYTES);
        if drop > 0 {
            self.buffer.copy_within(drop..self.end, 0);
            self.base += drop as u64;
            self.at -= drop;
            self.end -= drop;
        }
        let wanted = self.end + (self.end - self.at).max(BLOCK_BYTES);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let free = &mut self.buffer[self.end..wanted];
        let count = self.source.read_full(&self.file.path, free)?;
        self.ended = count < free.len();
        self.end += count;
        if self.base == 0 && self.head.len() < KEPT_BYTES {
            self.head.clear();
            self.head.extend_from_slice(&self.buffer[..self.end.min(KEPT_BYTES)]);
        }
        if self.ended {
            // Before the last records are given: one that was cut looks like one that is whole.
            self.source.check_whole(&self.file.path, &self.head)?;
        }
        Ok(count > 0)
    }

    /// Moves the position to `offset`, which is still in the window or behind it; `false`: the file ends before. `on_block` is asked between blocks.
    pub(crate) fn go_to(&mut self, offset: u64, on_block: &dyn Fn() -> Result<()>) -> Result<bool> {
        let kept_from = offset.saturating_sub(KEPT_BYTES as u64);
        if offset > self.base + self.end as u64 && self.source.seek(&self.file.path, kept_from)? {
            (self.base, self.at, self.end, self.ended) = (kept_from, 0, 0, false);
        }
        while offset > self.base + self.end as u64 {
            on_block()?;
            self.at = self.end;
            if !self.fill()? {
                return Ok(false);
            }
        }
        self.at = (offset - self.base) as usize;
        Ok(true)
    }
}
