//! What a blackhole keeps on disk.

use arrow::array::RecordBatch;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use dstream_sdk::{CommitRecord, Error, Result, hash_rows, serde_json};

/// The report of a blackhole: what is committed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// By name of the stream.
    pub streams: BTreeMap<String, StreamReport>,
    /// By name of the pipeline; only where records are kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pipelines: BTreeMap<String, PipelineReport>,
}

/// What is committed of one stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamReport {
    /// The table that its rows were meant for.
    pub table: String,
    /// Committed records.
    pub rows: u64,
    /// Bytes of their buffers.
    pub bytes: u64,
    /// Sum of the hashes of the records, as 16 hexadecimal digits: independent of order and batches.
    pub checksum: String,
    /// The generation that was written last; with `overwrite` only its records count.
    pub generation: u64,
    /// Commits that had records of it.
    pub commits: u64,
}

/// The commit records of one pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PipelineReport {
    /// The newest run's.
    pub epoch: u64,
    /// The newest run.
    #[serde(default)]
    pub run: String,
    /// What the engine asked to keep.
    pub records: Vec<CommitRecord>,
}

/// The sum of the hashes of some records: that of a stream is the sum over its batches, whatever their order.
///
/// # Errors
/// `Unsupported`: a column of a type that has no hash.
pub fn checksum(records: &RecordBatch) -> Result<u64> {
    Ok(hash_rows(records)?.into_iter().fold(0, u64::wrapping_add))
}

/// One window's share of a stream, on its way from `prepare` to `commit`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StreamWindow {
    pub(crate) stream: String,
    pub(crate) table: String,
    pub(crate) generation: u64,
    pub(crate) overwrite: bool,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) checksum: u64,
}

impl Report {
    pub(crate) fn add(&mut self, window: &StreamWindow) -> Result<()> {
        let stream = self.streams.entry(window.stream.clone()).or_default();
        if window.overwrite && window.generation > stream.generation {
            *stream = StreamReport::default();
        }
        let before = match stream.checksum.as_str() {
            "" => 0,
            text => u64::from_str_radix(text, 16)
                .map_err(|_| Error::data(format!("the report has `{text}` as a checksum")))?,
        };
        stream.table.clone_from(&window.table);
        stream.generation = window.generation;
        stream.rows += window.rows;
        stream.bytes += window.bytes;
        stream.checksum = format!("{:016x}", before.wrapping_add(window.checksum));
        stream.commits += 1;
        Ok(())
    }

    /// Reads it; empty where there is no file yet.
    pub(crate) fn read(path: &Path) -> Result<Report> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Report::default()),
            Err(error) => return Err(failed("reading", path, &error)),
        };
        serde_json::from_slice(&text).map_err(|error| {
            Error::config(format!("`{}` is not the report of a blackhole: {error}", path.display()))
                .hint("name another file in `options.output`, or remove this one")
        })
    }

    /// Writes it whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| Error::bug(error.to_string()))?;
        let aside = beside(path, "tmp");
        let write = || {
            let mut file = File::create(&aside)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&aside, path)?;
            File::open(folder(path))?.sync_all()
        };
        write().map_err(|error| failed("writing", path, &error))
    }
}

/// Holds the report for one process, until it is dropped.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let path = beside(path, "lock");
    let lock = || {
        let file = File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|error| failed("locking", &path, &error))
}

/// The folder that a file is in.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(extension);
    path.with_file_name(name)
}

fn failed(doing: &str, path: &Path, error: &std::io::Error) -> Error {
    let message = format!("{doing} `{}`: {error}", path.display());
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::not_found(message).hint("make the folder first"),
        std::io::ErrorKind::PermissionDenied => Error::denied(message),
        _ => Error::resource(message),
    }
}
