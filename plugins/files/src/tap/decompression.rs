//! Opens a file and sees through gzip and zstd, which it knows by their first bytes.

use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use dstream_sdk::{Error, Result};

use super::found::io_error;
use crate::shown::shown;

/// The bytes of a file, decompressed.
pub(crate) enum Source {
    Plain(File),
    Gzip(Box<MultiGzDecoder<BufReader<File>>>),
    Zstd(Box<zstd::Decoder<'static, BufReader<File>>>),
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Source> {
        let failed = |error: io::Error| io_error("opening", path, &error);
        let mut file = File::open(path).map_err(failed)?;
        // Opening a folder succeeds; only reading it fails, with words that help nobody.
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(Error::unsupported(format!("`{}` is no file", shown(path))));
        }
        let mut magic = Vec::new();
        (&mut file).take(4).read_to_end(&mut magic).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        // Neither can begin a text in UTF-8.
        Ok(match magic[..] {
            [0x1f, 0x8b, ..] => {
                Source::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 17, file))))
            }
            [0x28, 0xb5, 0x2f, 0xfd] => {
                let decoder =
                    zstd::Decoder::with_buffer(BufReader::with_capacity(1 << 17, file)).map_err(failed)?;
                Source::Zstd(Box::new(decoder))
            }
            _ => Source::Plain(file),
        })
    }

    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Source::Plain(_))
    }

    /// Bytes of the file now; `None` where it is packed.
    pub(crate) fn bytes(&self, path: &Path) -> Result<Option<u64>> {
        let Source::Plain(file) = self else { return Ok(None) };
        let metadata = file.metadata().map_err(|error| io_error("looking at", path, &error))?;
        Ok(Some(metadata.len()))
    }

    /// Fills `buffer` as far as the file goes.
    pub(crate) fn read_full(&mut self, path: &Path, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let free = &mut buffer[filled..];
            let outcome = match self {
                Source::Plain(file) => file.read(free),
                Source::Gzip(gzip) => gzip.read(free),
                Source::Zstd(zstd) => zstd.read(free),
            };
            match outcome {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(path, &error)),
            }
        }
        Ok(filled)
    }

    /// Goes to `offset`, where that is possible without reading.
    pub(crate) fn seek(&mut self, path: &Path, offset: u64) -> Result<bool> {
        let Source::Plain(file) = self else { return Ok(false) };
        file.seek(SeekFrom::Start(offset)).map_err(|error| io_error("reading", path, &error))?;
        Ok(true)
    }

    fn failed(&self, path: &Path, error: &io::Error) -> Error {
        let format = match self {
            // An error with a number is the operating system's.
            _ if error.raw_os_error().is_some() => return io_error("reading", path, error),
            Source::Plain(_) => return io_error("reading", path, error),
            Source::Gzip(_) => "gzip",
            Source::Zstd(_) => "zstd",
        };
        let place = shown(path);
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Error::data(format!("`{place}` is cut short: its {format} data does not end"))
            }
            _ => Error::data(format!("`{place}` is damaged: its {format} data cannot be read: {error}")),
        }
        .hint("wait until it is written to the end, or copy it again")
    }
}
