//! The bytes of a file of text, as the reader of records sees them: unpacked, and in UTF-8.

use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroU64;
use std::path::Path;
use std::time::SystemTime;

use dstream_sdk::{Error, Result};

use super::decompression::Unpacked;
use super::encoding::{Encoding, NoCharacter, Transcoder};
use super::found::{Found, io_error};
use crate::input::carried;
use crate::shown::shown;

/// How a file of text is opened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Opening {
    /// A packed file of more bytes, unpacked, is an error.
    pub(crate) max_unpacked_bytes: Option<NonZeroU64>,
    pub(crate) encoding: Encoding,
}

/// Bytes that are made UTF-8 at once.
const ENCODED_BYTES: usize = 64 << 10;

/// The bytes.
pub(crate) struct Source {
    unpacked: Unpacked,
    /// Bytes that were read, unpacked.
    read: u64,
    max_unpacked_bytes: Option<NonZeroU64>,
    transcoder: Option<Transcoder>,
    /// Room for bytes that are not UTF-8 yet.
    encoded: Vec<u8>,
    has_ended: bool,
    /// Bytes that the file had when it was opened, and when it was changed last.
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Source {
    pub(crate) fn open(found: &Found, opening: Opening) -> Result<Source> {
        let failed = |error: io::Error| io_error("opening", &found.path, &error);
        let file = found.open()?;
        let (bytes, modified) = file.now().map_err(failed)?;
        let unpacked = Unpacked::new(file).map_err(failed)?;
        Ok(Source {
            unpacked,
            read: 0,
            max_unpacked_bytes: opening.max_unpacked_bytes,
            transcoder: Transcoder::new(opening.encoding),
            encoded: Vec::new(),
            has_ended: false,
            bytes,
            modified,
        })
    }

    /// Bytes that the file had when it was opened.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Any place of it can be read without what is before.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.unpacked, Unpacked::Plain(_)) && self.transcoder.is_none()
    }

    /// All that was read is still there, and so is the beginning of the file, of which `head` was read.
    ///
    /// # Errors
    /// `Data`: the file was cut, or written anew, while it was read.
    pub(crate) fn check_whole(&mut self, path: &Path, head: &[u8]) -> Result<()> {
        let Unpacked::Plain(file) = &mut self.unpacked else { return Ok(()) };
        let failed = |error: io::Error| io_error("looking at", path, &error);
        let (bytes, modified) = file.now().map_err(failed)?;
        let place = shown(path);
        let again = "run again once nobody writes to it";
        let before = self.read.max(self.bytes);
        if bytes < before {
            return Err(Error::data(format!(
                "`{place}` was cut to {bytes} bytes while it was read, and had {before} before"
            ))
            .hint(again));
        }
        if modified == self.modified || self.transcoder.is_some() {
            return Ok(());
        }
        // Something was appended, most likely.
        let place_before = file.stream_position().map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut now = Vec::with_capacity(head.len());
        file.take(head.len() as u64).read_to_end(&mut now).map_err(failed)?;
        file.seek(SeekFrom::Start(place_before)).map_err(failed)?;
        match now == head {
            true => Ok(()),
            false => Err(Error::data(format!("`{place}` was written anew while it was read")).hint(again)),
        }
    }

    /// Fills `buffer` as far as the file goes.
    pub(crate) fn read_full(&mut self, path: &Path, buffer: &mut [u8]) -> Result<usize> {
        let Some(mut transcoder) = self.transcoder.take() else { return self.read_raw(path, buffer) };
        let mut encoded = std::mem::take(&mut self.encoded);
        encoded.resize(ENCODED_BYTES, 0);
        let mut filled = 0;
        loop {
            filled += transcoder.give(&mut buffer[filled..]);
            if filled == buffer.len() || self.has_ended {
                break;
            }
            let count = self.read_raw(path, &mut encoded)?;
            self.has_ended = count < encoded.len();
            transcoder.add(&encoded[..count], self.has_ended).map_err(|error| no_character(path, error))?;
        }
        (self.transcoder, self.encoded) = (Some(transcoder), encoded);
        Ok(filled)
    }

    fn read_raw(&mut self, path: &Path, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.unpacked.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.read += filled as u64;
                    return Err(self.failed(path, &error));
                }
            }
        }
        self.read += filled as u64;
        self.check_limit(path)?;
        Ok(filled)
    }

    fn check_limit(&self, path: &Path) -> Result<()> {
        match (self.max_unpacked_bytes, self.unpacked.packing()) {
            (Some(limit), Some(_)) if self.read > limit.get() => {
                Err(Error::data(format!("`{}` has more than {limit} bytes, unpacked", shown(path)))
                    .hint("raise `max_unpacked_bytes`, if the file is to be trusted"))
            }
            _ => Ok(()),
        }
    }

    /// Goes to `offset`, where that is possible without reading.
    pub(crate) fn seek(&mut self, path: &Path, offset: u64) -> Result<bool> {
        let (Unpacked::Plain(file), None) = (&mut self.unpacked, &self.transcoder) else { return Ok(false) };
        file.seek(SeekFrom::Start(offset)).map_err(|error| io_error("reading", path, &error))?;
        // Behind the end there is nothing that could be lost.
        self.read = offset.min(self.bytes);
        Ok(true)
    }

    fn failed(&self, path: &Path, error: &io::Error) -> Error {
        // An error with a number is the operating system's.
        let is_of_packing = error.raw_os_error().is_none() && carried(error).is_none();
        let packing = self.unpacked.packing().filter(|_| is_of_packing);
        let Some(packing) = packing else { return io_error("reading", path, error) };
        let (place, read) = (shown(path), self.read);
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::data(format!(
                "`{place}` is cut short: its {packing} data does not end, behind {read} unpacked bytes"
            )),
            io::ErrorKind::OutOfMemory => {
                return Error::unsupported(format!(
                    "`{place}` cannot be unpacked: its {packing} data needs a dictionary of more than 128 MiB"
                ))
                .hint("pack it again with a smaller dictionary, such as that of `xz -9`");
            }
            _ => Error::data(format!(
                "`{place}` is damaged: its {packing} data cannot be read behind {read} unpacked bytes: {error}"
            )),
        }
        .hint("wait until it is written to the end, or copy it again")
    }
}

fn no_character(path: &Path, error: NoCharacter) -> Error {
    let NoCharacter { at, what, hint } = error;
    Error::data(format!("`{}`, byte {}: {what}", shown(path), at + 1))
        .hint(hint.unwrap_or("set `encoding` to that of the file"))
}
