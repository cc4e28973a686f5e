//! An object that is read block after block. While one is looked at, the next one is on its way.

use bytes::Bytes;
use std::io::{self, Read, Seek, SeekFrom};
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
        Object { bucket, seen, at: 0, block: Block::default(), ahead: None }
    }

    pub(crate) fn length(&self) -> u64 {
        self.seen.bytes()
    }

    pub(super) fn parts(&self, ranges: &[std::ops::Range<u64>]) -> Result<Vec<Bytes>> {
        self.bucket.parts(&self.seen, ranges)
    }

    /// Makes the block be that of the place.
    fn load(&mut self) -> Result<()> {
        let (at, length) = (self.at, self.seen.bytes());
        let goes_on = at == self.block.end() && !self.block.bytes.is_empty();
        if let Some(mut ahead) = self.ahead.take().filter(|ahead| ahead.at == at) {
            let bytes = self.bucket.wait(async {
                (&mut ahead.block).await.map_err(|_| Error::cancelled("the run was told to stop"))?
            })?;
            self.block = Block { at, bytes };
            return self.read_ahead();
        }
        let (from, bytes) = match goes_on {
            true => (at, (self.block.bytes.len() as u64 * 2).clamp(FIRST_BYTES, LARGEST_BYTES)),
            false if length - at <= END_BYTES => (length.saturating_sub(END_BYTES), END_BYTES),
            false => (at, FIRST_BYTES),
        };
        let range = from..(from + bytes).min(length);
        let bytes = self.bucket.wait(self.bucket.part(&self.seen, range))?;
        self.block = Block { at: from, bytes };
        if goes_on { self.read_ahead() } else { Ok(()) }
    }

    fn read_ahead(&mut self) -> Result<()> {
        let (at, length) = (self.block.end(), self.seen.bytes());
        if at < length {
            let bytes = (self.block.bytes.len() as u64 * 2).clamp(FIRST_BYTES, LARGEST_BYTES);
            let (bucket, seen) = (self.bucket.clone(), self.seen.clone());
            let range = at..(at + bytes).min(length);
            let block = dstream_sdk::spawn(async move { bucket.part(&seen, range).await })?;
            self.ahead = Some(Ahead { at, block });
        }
        Ok(())
    }
}

impl Read for Object {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.at >= self.seen.bytes() {
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
