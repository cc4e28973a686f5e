//! The messages of Arrow IPC, cut out of bytes that come in pieces.

use arrow::buffer::{Buffer, MutableBuffer};
use arrow::ipc;
use dstream_abi::{Error, Result};
use std::time::Duration;

use crate::singer::feed::{Feed, More};

/// More than any schema or batch header needs; what claims more is damaged.
const MAX_HEADER_BYTES: usize = 64 << 20;
/// What comes before a length.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// What came of waiting for a message.
pub(super) enum Framed {
    /// A whole message: its header, and its body, which is aligned.
    Message { header: Vec<u8>, body: Buffer },
    /// The mark at the end of an IPC stream.
    StreamEnd,
    /// Nothing whole within the time.
    Pending,
    /// The input ends between two messages.
    End,
}

/// Cuts an input into messages.
pub(super) struct Framing {
    feed: Feed,
    part: Part,
    /// Bytes that were taken: where the input is damaged.
    pub(super) position: u64,
}

enum Part {
    Length,
    Header(usize),
    Body { header: Vec<u8>, length: usize, body: MutableBuffer },
}

impl Framing {
    pub(super) fn new(feed: Feed) -> Framing {
        Framing { feed, part: Part::Length, position: 0 }
    }

    /// The next message.
    ///
    /// # Errors
    /// `Data`: the input is cut within a message, or is no Arrow IPC.
    pub(super) fn next(&mut self, timeout: Duration) -> Result<Framed> {
        loop {
            if let Some(framed) = self.advance()? {
                return Ok(framed);
            }
            match self.feed.more(timeout)? {
                More::Bytes => {}
                More::Pending => return Ok(Framed::Pending),
                More::End if matches!(self.part, Part::Length) && self.feed.bytes().is_empty() => {
                    return Ok(Framed::End);
                }
                More::End => return Err(self.damaged("the input is cut within a message")),
            }
        }
    }

    /// Goes on with the bytes at hand; `None`: they are not enough.
    fn advance(&mut self) -> Result<Option<Framed>> {
        loop {
            let bytes = self.feed.bytes();
            match &mut self.part {
                Part::Length => {
                    let Some((mark, length)) = bytes.get(..8).map(|bytes| bytes.split_at(4)) else {
                        return Ok(None);
                    };
                    if mark != CONTINUATION {
                        return Err(self.damaged("this is no Arrow IPC stream"));
                    }
                    let length = u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
                    if length > MAX_HEADER_BYTES {
                        return Err(self.damaged("a message has an impossible length"));
                    }
                    self.take(8);
                    if length == 0 {
                        return Ok(Some(Framed::StreamEnd));
                    }
                    self.part = Part::Header(length);
                }
                Part::Header(length) => {
                    let length = *length;
                    let Some(header) = bytes.get(..length) else { return Ok(None) };
                    let header = header.to_vec();
                    let length_of_body = ipc::root_as_message(&header)
                        .ok()
                        .and_then(|message| usize::try_from(message.bodyLength()).ok())
                        .ok_or_else(|| self.damaged("the header of a message cannot be read"))?;
                    self.take(length);
                    // Grows with what comes: a length that is damaged takes no memory.
                    self.part = Part::Body { header, length: length_of_body, body: MutableBuffer::new(0) };
                }
                Part::Body { length, body, .. } => {
                    let count = bytes.len().min(*length - body.len());
                    body.extend_from_slice(&bytes[..count]);
                    let is_whole = body.len() == *length;
                    self.take(count);
                    if !is_whole {
                        return Ok(None);
                    }
                    let Part::Body { header, body, .. } = std::mem::replace(&mut self.part, Part::Length)
                    else {
                        return Ok(None);
                    };
                    return Ok(Some(Framed::Message { header, body: body.into() }));
                }
            }
        }
    }

    fn take(&mut self, count: usize) {
        self.feed.take(count);
        self.position += count as u64;
    }

    pub(super) fn damaged(&self, what: &str) -> Error {
        Error::data(format!("byte {}: {what}", self.position)).hint(
            "get the file once more from where it was written; what came before its last state is committed",
        )
    }
}
