//! What a reader of Parquet asks for: places of a file. Of an object they are fetched before, few requests for many of them.

use bytes::{Buf, Bytes};
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Input, Object};
use dstream_sdk::{Error, Result};

/// A file, with those of its parts that were fetched.
pub(crate) enum Chunks {
    File(File),
    Object { object: Arc<Mutex<Object>>, fetched: Vec<(u64, Bytes)> },
}

impl Chunks {
    pub(crate) fn new(input: Input) -> Chunks {
        match input {
            Input::File(file) => Chunks::File(file),
            Input::Object(object) => {
                Chunks::Object { object: Arc::new(Mutex::new(object)), fetched: Vec::new() }
            }
        }
    }

    /// The same file with these parts at hand, those from before gone.
    pub(crate) fn fetch(&self, ranges: impl Iterator<Item = Range<u64>>) -> Result<Chunks> {
        match self {
            Chunks::File(file) => {
                let file = file.try_clone();
                file.map(Chunks::File).map_err(|error| {
                    Error::resource(format!("a file cannot be opened once more: {error}"))
                        .hint("raise the limit of open files")
                })
            }
            Chunks::Object { object, .. } => {
                let ranges: Vec<Range<u64>> = ranges.collect();
                let parts = lock(object).parts(&ranges)?;
                let fetched = ranges.iter().map(|range| range.start).zip(parts).collect();
                Ok(Chunks::Object { object: object.clone(), fetched })
            }
        }
    }
}

fn lock(object: &Mutex<Object>) -> std::sync::MutexGuard<'_, Object> {
    object.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was fetched from a place on.
fn rest_of(fetched: &[(u64, Bytes)], from: u64) -> Option<Bytes> {
    let holds = |(at, bytes): &&(u64, Bytes)| *at <= from && from < *at + bytes.len() as u64;
    fetched.iter().find(holds).map(|(at, bytes)| bytes.slice((from - at) as usize..))
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        match self {
            Chunks::File(file) => file.len(),
            Chunks::Object { object, .. } => lock(object).length(),
        }
    }
}

impl ChunkReader for Chunks {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Box<dyn Read>> {
        match self {
            Chunks::File(file) => Ok(Box::new(file.get_read(start)?)),
            Chunks::Object { object, fetched } => match rest_of(fetched, start) {
                Some(rest) => Ok(Box::new(rest.reader())),
                None => Ok(Box::new(Rest { object: object.clone(), at: start })),
            },
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        match self {
            Chunks::File(file) => file.get_bytes(start, length),
            Chunks::Object { object, fetched } => match rest_of(fetched, start) {
                Some(rest) if rest.len() >= length => Ok(rest.slice(..length)),
                _ => {
                    let mut bytes = vec![0; length];
                    Rest { object: object.clone(), at: start }.read_exact(&mut bytes)?;
                    Ok(bytes.into())
                }
            },
        }
    }
}

/// An object from a place on.
struct Rest {
    object: Arc<Mutex<Object>>,
    at: u64,
}

impl Read for Rest {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::{Seek, SeekFrom};
        let mut object = lock(&self.object);
        object.seek(SeekFrom::Start(self.at))?;
        let count = object.read(buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}
