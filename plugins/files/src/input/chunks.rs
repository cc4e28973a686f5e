//! What a reader of Parquet asks for: places of a file. Of an object they are fetched before, few requests for many of them,
//! or block after block where they are large.

use bytes::{Buf, Bytes};
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Input, Object};
use dstream_sdk::{Error, Result};

/// Parts that are larger together are not fetched at once.
const AHEAD_BYTES: u64 = 64 << 20;
/// Blocks of one part are not smaller, however many parts there are.
const SMALLEST_BYTES: u64 = 64 << 10;
/// About what the header of a page takes.
const HEADER_BYTES: usize = 512;

/// A file, with those of its parts that were fetched.
pub(crate) enum Chunks {
    File(File),
    Object {
        object: Arc<Mutex<Object>>,
        fetched: Vec<(u64, Bytes)>,
        /// Parts that are read one beside the other, each of them from its beginning to its end.
        parts: Vec<(Range<u64>, Arc<Mutex<Object>>)>,
    },
}

impl Chunks {
    pub(crate) fn new(input: Input) -> Chunks {
        match input {
            Input::File(file) => Chunks::File(file),
            Input::Object(object) => Chunks::Object {
                object: Arc::new(Mutex::new(object)),
                fetched: Vec::new(),
                parts: Vec::new(),
            },
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
                let bytes =
                    ranges.iter().fold(0_u64, |all, range| all.saturating_add(range.end - range.start));
                let (mut fetched, mut parts) = (Vec::new(), Vec::new());
                if bytes <= AHEAD_BYTES {
                    let found = lock(object).parts(&ranges)?;
                    fetched = ranges.iter().map(|range| range.start).zip(found).collect();
                } else {
                    // While one block of a part is looked at, another one is on its way.
                    let largest = (AHEAD_BYTES / 2 / ranges.len() as u64).max(SMALLEST_BYTES);
                    let part = |range: Range<u64>| {
                        let part = lock(object).within(range.clone(), largest);
                        (range, Arc::new(Mutex::new(part)))
                    };
                    parts = ranges.into_iter().map(part).collect();
                }
                Ok(Chunks::Object { object: object.clone(), fetched, parts })
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

impl Chunks {
    /// An object from a place on, by whoever reads the part that it is in.
    fn rest(object: &Arc<Mutex<Object>>, parts: &[(Range<u64>, Arc<Mutex<Object>>)], at: u64) -> Rest {
        let part = parts.iter().find(|(range, _)| range.contains(&at));
        Rest { object: part.map_or(object, |(_, part)| part).clone(), at }
    }
}

impl ChunkReader for Chunks {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Box<dyn Read>> {
        match self {
            Chunks::File(file) => Ok(Box::new(file.get_read(start)?)),
            Chunks::Object { object, fetched, parts } => match rest_of(fetched, start) {
                Some(rest) => Ok(Box::new(rest.reader())),
                None => {
                    Ok(Box::new(BufReader::with_capacity(HEADER_BYTES, Chunks::rest(object, parts, start))))
                }
            },
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        match self {
            Chunks::File(file) => file.get_bytes(start, length),
            Chunks::Object { object, fetched, parts } => match rest_of(fetched, start) {
                Some(rest) if rest.len() >= length => Ok(rest.slice(..length)),
                _ => {
                    let mut bytes = vec![0; length];
                    Chunks::rest(object, parts, start).read_exact(&mut bytes)?;
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
