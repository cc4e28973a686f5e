//! Batches that a writer may not keep in memory: in a file without a name beside the database, gone with the process.

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use dstream_sdk::{Error, Result};
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Seek, SeekFrom, Write};
use std::path::Path;

/// The file.
#[derive(Debug)]
pub(crate) struct Spill {
    file: File,
    end: u64,
}

impl Spill {
    /// Makes the file in `folder`.
    ///
    /// # Errors
    /// `Resource`, `Denied`: the folder takes no file.
    pub(crate) fn create(folder: &Path) -> Result<Spill> {
        let file = tempfile::tempfile_in(folder).map_err(|error| failed(folder, &error))?;
        Ok(Spill { file, end: 0 })
    }

    /// Appends a batch and says where it is.
    ///
    /// # Errors
    /// `Resource`: the disk is full.
    pub(crate) fn push(&mut self, folder: &Path, records: &RecordBatch) -> Result<u64> {
        let start = self.end;
        let written = (|| {
            self.file.seek(SeekFrom::Start(start))?;
            let mut writer = StreamWriter::try_new(BufWriter::new(&self.file), &records.schema())?;
            writer.write(records)?;
            writer.into_inner()?.flush()?;
            self.file.stream_position().map_err(arrow::error::ArrowError::from)
        })();
        self.end = written.map_err(|error: arrow::error::ArrowError| match error {
            arrow::error::ArrowError::IoError(_, error) => failed(folder, &error),
            error => Error::bug(format!("setting a batch aside: {error}")),
        })?;
        Ok(start)
    }

    /// Reads the batch at `start`.
    ///
    /// # Errors
    /// `Unavailable`: the file cannot be read.
    pub(crate) fn read(&self, start: u64) -> Result<RecordBatch> {
        let wrong = |error: &dyn std::fmt::Display| {
            Error::unavailable(format!("reading back a batch that was set aside: {error}"))
        };
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start)).map_err(|error| wrong(&error))?;
        let mut reader = StreamReader::try_new(BufReader::new(file), None).map_err(|error| wrong(&error))?;
        match reader.next() {
            Some(records) => records.map_err(|error| wrong(&error)),
            None => Err(wrong(&"it is not there")),
        }
    }
}

fn failed(folder: &Path, error: &std::io::Error) -> Error {
    let folder = folder.display();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::resource(format!("the disk with `{folder}` is full"))
                .hint("free space and run again: committed rows are safe, the rest is read again")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Error::denied(format!("no file can be made in `{folder}`: {error}"))
                .hint("SQLite keeps its log there: allow writing to the folder")
        }
        _ => Error::unavailable(format!("setting a batch aside in `{folder}`: {error}")),
    }
    .vendor_code(error.raw_os_error().unwrap_or(0))
}
