//! Reading and writing the file: a catalog is whole or not there.

use dstream_abi::{Error, Result};
use serde_json::Value;
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use super::{CatalogFile, StreamEntry};
use crate::config::{absolute, read_object, type_name};

/// Ten thousand streams of a hundred columns fit well.
const LIMIT_BYTES: u64 = 512 << 20;

impl CatalogFile {
    /// Reads a catalog file, of this program or of another one that speaks Singer.
    ///
    /// # Errors
    /// `Config`: no such file, not JSON, no catalog.
    pub fn load(path: &Path) -> Result<CatalogFile> {
        let place = format!("catalog `{}`", absolute(path).display());
        let object = read_object(path, "catalog", LIMIT_BYTES)?;
        CatalogFile::from_object(object).map_err(|error| error.context(place))
    }

    pub(super) fn from_object(mut object: serde_json::Map<String, Value>) -> Result<CatalogFile> {
        let streams = match object.shift_remove("streams") {
            Some(Value::Array(streams)) => streams,
            Some(other) => {
                return Err(Error::config(format!("`streams` must be a list, found {}", type_name(&other)))
                    .hint("run `dstreams discover` to make a catalog"));
            }
            None => {
                return Err(Error::config("there is no `streams`: this is no catalog")
                    .hint("run `dstreams discover` to make one"));
            }
        };
        let tap = object.shift_remove("tap").filter(|tap| !tap.is_null());
        let tap = tap.map(serde_json::from_value).transpose();
        let tap = tap.map_err(|error| Error::config(format!("`tap` is not {{type, name}}: {error}")))?;
        let mut file = CatalogFile { tap, streams: Vec::with_capacity(streams.len()), other: object };
        for (index, value) in streams.into_iter().enumerate() {
            let stream: StreamEntry = serde_json::from_value(value)
                .map_err(|error| Error::config(format!("`streams[{index}]`: {error}")))?;
            if stream.name().is_empty() {
                return Err(Error::config(format!("`streams[{index}]` has no `tap_stream_id`")));
            }
            file.streams.push(stream);
        }
        let mut seen = HashSet::new();
        if let Some(twice) = file.names().find(|name| !seen.insert(*name)) {
            return Err(Error::config(format!("two streams are named `{twice}`")));
        }
        Ok(file)
    }

    /// The text of the file.
    ///
    /// # Errors
    /// `Bug`: it has no JSON form.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map_err(|error| Error::bug(format!("the JSON of the catalog: {error}")))
    }

    /// Writes the file: pretty, always in the same order, and never half.
    ///
    /// # Errors
    /// `Config`: the place cannot be written to. `Resource`: the disk is full.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut text = self.to_json()?;
        text.push('\n');
        replace(path, text.as_bytes()).map_err(|error| {
            let message = format!("catalog `{}` cannot be written: {error}", absolute(path).display());
            match error.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    Error::resource(message)
                }
                _ => Error::config(message).hint("check that the folder exists and may be written to"),
            }
        })
    }
}

/// The file keeps its old content until all of the new one is on disk.
fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    // A link stays a link: what it points to is replaced.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| absolute(path));
    if path.metadata().is_ok_and(|meta| !meta.is_file()) {
        // A pipe or `/dev/stdout` has nothing to keep.
        return std::fs::OpenOptions::new().write(true).open(&path)?.write_all(content);
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "no file name"));
    };
    let mut aside = std::ffi::OsString::from(".");
    aside.push(name);
    aside.push(format!(".{}.new", std::process::id()));
    let aside = folder.join(aside);
    let result = write_new(&aside, content).and_then(|()| std::fs::rename(&aside, &path));
    if result.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&aside);
        return result;
    }
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

fn write_new(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
