//! A file that is read: of this machine, or of an object store.

mod chunks; // what a reader of Parquet asks for
mod object; // an object, block after block

pub(crate) use chunks::Chunks;
pub(crate) use object::Object;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use dstream_sdk::{Error, Result};

use crate::remote::{Bucket, Seen};
use crate::shown::shown;
use crate::tap::io_error;

/// Where a file is.
#[derive(Clone)]
pub(crate) enum Origin {
    /// On this machine, at its path.
    Local,
    /// In a bucket.
    Object(Arc<Bucket>, Seen),
}

impl PartialEq for Origin {
    fn eq(&self, other: &Origin) -> bool {
        match (self, other) {
            (Origin::Local, Origin::Local) => true,
            (Origin::Object(_, one), Origin::Object(_, other)) => one == other,
            _ => false,
        }
    }
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Local => f.write_str("Local"),
            Origin::Object(_, seen) => seen.fmt(f),
        }
    }
}

/// A file that is open.
pub(crate) enum Input {
    File(File),
    Object(Object),
}

impl Input {
    /// Opens a file.
    ///
    /// # Errors
    /// `Unsupported`: it is a folder, or something else that is no file.
    pub(crate) fn open(path: &Path, origin: &Origin) -> Result<Input> {
        match origin {
            Origin::Object(bucket, seen) => Ok(Input::Object(Object::new(bucket.clone(), seen.clone()))),
            Origin::Local => {
                let failed = |error: io::Error| io_error("opening", path, &error);
                let file = File::open(path).map_err(failed)?;
                // Opening a folder succeeds; only reading it fails, with words that help nobody.
                match file.metadata().map_err(failed)?.is_file() {
                    true => Ok(Input::File(file)),
                    false => Err(Error::unsupported(format!("`{}` is no file", shown(path)))),
                }
            }
        }
    }

    /// How long it is now, and when it was changed last. An object is what it was when it was found, or an error.
    pub(crate) fn now(&self) -> io::Result<(u64, Option<SystemTime>)> {
        match self {
            Input::File(file) => file.metadata().map(|metadata| (metadata.len(), metadata.modified().ok())),
            Input::Object(object) => Ok((object.length(), None)),
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::File(file) => file.read(buffer),
            Input::Object(object) => object.read(buffer),
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        match self {
            Input::File(file) => file.seek(place),
            Input::Object(object) => object.seek(place),
        }
    }
}

/// An error of the house on its way through a library that knows those of the system alone.
pub(crate) fn carry(error: Error) -> io::Error {
    io::Error::other(Carried(error))
}

/// The error that was carried.
pub(crate) fn carried(error: &io::Error) -> Option<Error> {
    error.get_ref()?.downcast_ref::<Carried>().map(|carried| carried.0.clone())
}

#[derive(Debug)]
struct Carried(Error);

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Carried {}
