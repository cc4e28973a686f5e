//! An object that is read block after block. While one is looked at, the next one is on its way.

use bytes::Bytes;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use dstream_sdk::{Error, Result};

use super::carry;
use crate::remote::{Bucket, Seen};

/// The first block that is read at a place, and the largest one where reading goes on.
const FIRST_BYTES: u64 = 256 << 10;
const LARGEST_BYTES: u64 = 8 << 20;
/// What is read of the end of an object at once: footers are there.
const END_BYTES: u64 = 64 << 10;

/// The object.
pub(crate) struct Object {
    bucket: Arc<Bucket>,
    seen: Seen,
    /// What of it is read, and the largest block.
    range: Range<u64>,
    largest: u64,
    at: u64,
    block: Block,
    /// The next one, of as many bytes.
    ahead: Option<Ahead>,
}

#[derive(Default)]
struct Block {
    at: u64,
    bytes: Bytes,
}

impl Block {
    fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}

struct Ahead {
    at: u64,
    block: tokio::task::JoinHandle<Result<Bytes>>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.block.abort();
    }
}

impl Object {
    pub(crate) fn new(bucket: Arc<Bucket>, seen: Seen) -> Object {
        let range = 0..seen.bytes();
        Object { bucket, seen, range, largest: LARGEST_BYTES, at: 0, block: Block::default(), ahead: None }
    }

    /// A range of it, to be read on its own, in blocks of so many bytes at most.
    pub(super) fn within(&self, range: Range<u64>, largest: u64) -> Object {
        let range = range.start..range.end.min(self.seen.bytes());
        let (at, block) = (range.start, Block::default());
        Object {
            bucket: self.bucket.clone(),
            seen: self.seen.clone(),
            range,
            largest,
            at,
            block,
            ahead: None,
        }
    }

    pub(crate) fn length(&self) -> u64 {
        self.seen.bytes()
    }

    pub(super) fn parts(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.bucket.parts(&self.seen, ranges)
    }

    /// Makes the block be that of the place.
    fn load(&mut self) -> Result<()> {
        let (at, end) = (self.at, self.range.end);
        let goes_on = at == self.block.end() && !self.block.bytes.is_empty();
        if let Some(mut ahead) = self.ahead.take().filter(|ahead| ahead.at == at) {
            let bytes = self.bucket.wait(async {
                (&mut ahead.block).await.map_err(|_| Error::cancelled("the run was told to stop"))?
            })?;
            self.block = Block { at, bytes };
            return self.read_ahead();
        }
        let (from, bytes) = match goes_on {
            true => (at, self.next_bytes()),
            false if end - at <= END_BYTES => {
                (end.saturating_sub(END_BYTES).max(self.range.start), END_BYTES)
            }
            false => (at, FIRST_BYTES.min(self.largest)),
        };
        let range = from..(from + bytes).min(end);
        let bytes = self.bucket.wait(self.bucket.part(&self.seen, range))?;
        self.block = Block { at: from, bytes };
        if goes_on { self.read_ahead() } else { Ok(()) }
    }

    fn next_bytes(&self) -> u64 {
        (self.block.bytes.len() as u64 * 2).max(FIRST_BYTES).min(self.largest)
    }

    fn read_ahead(&mut self) -> Result<()> {
        let (at, end) = (self.block.end(), self.range.end);
        if at < end {
            let (bucket, seen) = (self.bucket.clone(), self.seen.clone());
            let range = at..(at + self.next_bytes()).min(end);
            let block = dstream_sdk::spawn(async move { bucket.part(&seen, range).await })?;
            self.ahead = Some(Ahead { at, block });
        }
        Ok(())
    }
}

impl Read for Object {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.at >= self.range.end {
            return Ok(0);
        }
        if self.at < self.block.at || self.at >= self.block.end() {
            self.load().map_err(carry)?;
        }
        let rest = &self.block.bytes[(self.at - self.block.at) as usize..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Object {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        let at = match place {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.seen.bytes().checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
