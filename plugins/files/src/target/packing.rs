//! Bytes into a file, packed or not.

use flate2::write::GzEncoder;
use std::io::{self, Write};

use crate::store::{Staged, io_error};
use dstream_sdk::{Error, Result};

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    /// With this level.
    Gzip(u32),
    Zstd(i32),
}

/// A file that is written, in one part or several: what is packed is one member or frame for each.
pub(crate) struct PackedFile {
    packing: Packing,
    part: Option<Part>,
}

enum Part {
    Plain(Box<dyn Staged>),
    Gzip(GzEncoder<Box<dyn Staged>>),
    Zstd(zstd::Encoder<'static, Box<dyn Staged>>),
}

impl Packing {
    /// What comes after the ending of the format.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Packing::Plain => "",
            Packing::Gzip(_) => ".gz",
            Packing::Zstd(_) => ".zst",
        }
    }

    fn part(self, file: Box<dyn Staged>) -> io::Result<Part> {
        Ok(match self {
            Packing::Plain => Part::Plain(file),
            Packing::Gzip(level) => Part::Gzip(GzEncoder::new(file, flate2::Compression::new(level))),
            Packing::Zstd(level) => Part::Zstd(zstd::Encoder::new(file, level)?),
        })
    }
}

impl PackedFile {
    pub(crate) fn new(packing: Packing, file: Box<dyn Staged>) -> Result<PackedFile> {
        let part = packing.part(file).map_err(failed)?;
        Ok(PackedFile { packing, part: Some(part) })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.part {
            Some(Part::Plain(file)) => file.write_all(bytes),
            Some(Part::Gzip(file)) => file.write_all(bytes),
            Some(Part::Zstd(file)) => file.write_all(bytes),
            None => return Err(ended()),
        }
        .map_err(failed)
    }

    /// Bytes that the file has got; what the packer still holds is not among them.
    pub(crate) fn bytes(&self) -> u64 {
        match &self.part {
            Some(Part::Plain(file)) => file.bytes(),
            Some(Part::Gzip(file)) => file.get_ref().bytes(),
            Some(Part::Zstd(file)) => file.get_ref().bytes(),
            None => 0,
        }
    }

    /// Ends a part, so that what comes next can be read without it; answers where.
    pub(crate) fn end_part(&mut self) -> Result<u64> {
        let file = self.end()?;
        let bytes = file.bytes();
        self.part = Some(self.packing.part(file).map_err(failed)?);
        Ok(bytes)
    }

    /// Ends the file; answers its bytes, which are durable then.
    pub(crate) fn finish(mut self) -> Result<u64> {
        self.end()?.finish()
    }

    fn end(&mut self) -> Result<Box<dyn Staged>> {
        match self.part.take() {
            Some(Part::Plain(file)) => Ok(file),
            Some(Part::Gzip(file)) => file.finish().map_err(failed),
            Some(Part::Zstd(file)) => file.finish().map_err(failed),
            None => Err(ended()),
        }
    }
}

fn failed(error: io::Error) -> Error {
    io_error("writing", "a staged file", &error)
}

fn ended() -> Error {
    Error::bug("a file is written after an error ended it")
}
