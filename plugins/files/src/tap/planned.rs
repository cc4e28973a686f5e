//! What a run found, for all its readers: they read the same files, and the same content of each.

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::found::{Found, FoundStream, io_error};
use crate::input::{Input, Origin};
use crate::shown::shown;
use dstream_sdk::{Error, Result};

/// Bytes at the beginning of a file, and as many at its end, that tell it from another one.
const LOOKED_AT_BYTES: u64 = 64 << 10;

/// What was found, and what the files looked like when the first reader opened them.
pub(super) struct Planned {
    streams: HashMap<String, FoundStream>,
    ends: Mutex<HashMap<PathBuf, Ends>>,
}

type Ends = [u8; 32];

impl Planned {
    pub(super) fn new(streams: Vec<FoundStream>) -> Planned {
        let named = |found: FoundStream| (found.stream.clone(), found);
        Planned { streams: streams.into_iter().map(named).collect(), ends: Mutex::default() }
    }

    /// # Errors
    /// `Schema`: there is none of this name.
    pub(super) fn stream(&self, name: &str) -> Result<&FoundStream> {
        self.streams.get(name).ok_or_else(|| {
            Error::schema(format!("no file has the records of the stream `{name}` any more"))
                .stream(name)
                .hint("run `dstreams discover` again")
        })
    }

    /// Opens a file of which others read other parts.
    ///
    /// # Errors
    /// `Data`: theirs is another one. That it is the same is told by its beginning and by what was its end when it was
    /// found, before and after it is opened; what was appended since makes no difference.
    pub(super) fn open_shared<T>(&self, file: &Found, open: impl FnOnce() -> Result<T>) -> Result<T> {
        if file.origin != Origin::Local {
            // All parts of an object are asked for by its tag.
            return open();
        }
        let before = ends(file)?;
        let opened = open()?;
        let mut known = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let first = known.entry(file.path.clone()).or_insert(before);
        if *first != before || before != ends(file)? {
            return Err(written_anew(&file.path));
        }
        Ok(opened)
    }
}

/// What is at both ends of a file as it was found.
fn ends(file: &Found) -> Result<Ends> {
    let failed = |error: io::Error| io_error("reading", &file.path, &error);
    let mut input = file.open()?;
    let mut hash = Sha256::new();
    let looked_at = file.bytes.min(LOOKED_AT_BYTES);
    for at in [0, file.bytes - looked_at] {
        let part = read_at(&mut input, at, looked_at).map_err(failed)?;
        if part.len() as u64 != looked_at {
            return Err(written_anew(&file.path));
        }
        hash.update(part);
    }
    Ok(hash.finalize().into())
}

fn read_at(input: &mut Input, at: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let mut part = Vec::with_capacity(bytes as usize);
    input.seek(SeekFrom::Start(at))?;
    input.take(bytes).read_to_end(&mut part)?;
    Ok(part)
}

fn written_anew(path: &Path) -> Error {
    Error::data(format!("file `{}` was written anew while parts of it were read", shown(path)))
        .hint("run again once nobody writes to it")
}
