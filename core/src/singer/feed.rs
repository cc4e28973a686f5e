//! Bytes of an input that may stay silent: a thread of its own reads, so that whoever waits can stop waiting.

use dstream_abi::{Error, Result};
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Bytes asked for in one read.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks that are read ahead.
const CHUNKS_AHEAD: usize = 4;

/// What came of waiting for more bytes.
pub(crate) enum More {
    Bytes,
    /// Nothing within the time.
    Pending,
    End,
}

/// The bytes of an input, read ahead.
///
/// The thread ends with the input, or with the first chunk that nobody wants any more; one that waits for a silent pipe
/// ends with the process.
pub(crate) struct Feed {
    chunks: Receiver<io::Result<Vec<u8>>>,
    /// What was received and not yet taken begins at `start`.
    pub(crate) buffer: Vec<u8>,
    pub(crate) start: usize,
    ended: bool,
}

impl Feed {
    pub(crate) fn new(input: impl Read + Send + 'static) -> Result<Feed> {
        let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
        std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || read_all(input, &sender))
            .map_err(|error| Error::resource(format!("no thread to read the input: {error}")))?;
        Ok(Feed { chunks, buffer: Vec::new(), start: 0, ended: false })
    }

    /// The bytes at hand.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    pub(crate) fn take(&mut self, count: usize) {
        self.start += count;
    }

    /// Waits for bytes behind those at hand, at most `timeout`.
    ///
    /// # Errors
    /// `Unavailable`: the input cannot be read.
    pub(crate) fn more(&mut self, timeout: Duration) -> Result<More> {
        if self.ended {
            return Ok(More::End);
        }
        match self.chunks.recv_timeout(timeout) {
            Ok(Ok(chunk)) => {
                if self.start == self.buffer.len() {
                    self.buffer = chunk;
                } else {
                    self.buffer.drain(..self.start);
                    self.buffer.extend_from_slice(&chunk);
                }
                self.start = 0;
                Ok(More::Bytes)
            }
            Ok(Err(error)) => {
                self.ended = true;
                Err(Error::unavailable(format!("the input cannot be read: {error}")))
            }
            Err(RecvTimeoutError::Timeout) => Ok(More::Pending),
            Err(RecvTimeoutError::Disconnected) => {
                self.ended = true;
                Ok(More::End)
            }
        }
    }
}

fn read_all(mut input: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let sent = match input.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => {
                chunk.truncate(count);
                sender.send(Ok(chunk))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                // Nobody listens any more: nobody is to be told.
                let _ = sender.send(Err(error));
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}
