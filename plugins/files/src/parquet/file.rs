//! One file of Parquet: its footer, and readers of its row groups.

use arrow::datatypes::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use sha2::{Digest, Sha256};
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use dstream_sdk::{Error, Result};

use crate::input::{Chunks, Input};
use crate::shown::shown;
use crate::tap::{Found, io_error};

/// The end of a file: the length of the footer and the magic.
const TAIL_BYTES: u64 = 8;

/// The file.
pub(crate) struct ParquetFile {
    path: PathBuf,
    file: Chunks,
    metadata: ArrowReaderMetadata,
    identity: String,
}

impl ParquetFile {
    /// Reads the footer.
    ///
    /// # Errors
    /// `Data`: it is no whole file of Parquet.
    pub(crate) fn open(found: &Found) -> Result<ParquetFile> {
        let path = &found.path;
        let mut file = found.open()?;
        let identity = identity(path, &mut file)?;
        let file = Chunks::new(file);
        let options = ArrowReaderOptions::new();
        let metadata = guarded(path, || ArrowReaderMetadata::load(&file, options))?;
        Ok(ParquetFile { path: path.to_owned(), file, metadata, identity })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The columns as Arrow has them.
    pub(crate) fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    pub(super) fn metadata(&self) -> &ArrowReaderMetadata {
        &self.metadata
    }

    pub(crate) fn groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    pub(crate) fn rows_of(&self, group: usize) -> u64 {
        u64::try_from(self.metadata.metadata().row_group(group).num_rows()).unwrap_or(0)
    }

    /// What tells this file from one that was written in its place: its length and the hash of its footer, which has the
    /// places, lengths and statistics of all that is in it.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// The bytes of one row in these columns, as they are once unpacked; at least one.
    pub(crate) fn row_bytes(&self, group: usize, columns: &[usize]) -> u64 {
        let group = self.metadata.metadata().row_group(group);
        let of_leaf = |leaf: usize| {
            let root = self.metadata.parquet_schema().get_column_root_idx(leaf);
            let bytes = u64::try_from(group.column(leaf).uncompressed_size()).unwrap_or(0);
            if columns.contains(&root) { bytes } else { 0 }
        };
        let bytes: u64 = (0..group.num_columns()).map(of_leaf).sum();
        (bytes / u64::try_from(group.num_rows()).unwrap_or(0).max(1)).max(1)
    }

    /// Reads one row group from a row on.
    pub(crate) fn read(
        &self,
        group: usize,
        from_row: u64,
        columns: &[usize],
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        self.read_leaves(&self.metadata, mask, group, from_row, batch_rows)
    }

    /// Reads these leaves of one row group from a row on, as the types that `metadata` has for them.
    pub(super) fn read_leaves(
        &self,
        metadata: &ArrowReaderMetadata,
        mask: ProjectionMask,
        group: usize,
        from_row: u64,
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader> {
        // A damaged footer may have chunks of less than no bytes.
        let wanted = guarded(&self.path, || {
            let chunks = self.metadata.metadata().row_group(group).columns().iter().enumerate();
            let wanted = chunks.filter(|(leaf, _)| mask.leaf_included(*leaf)).map(|(_, chunk)| {
                let (at, bytes) = chunk.byte_range();
                at..at.saturating_add(bytes)
            });
            Ok(wanted.collect::<Vec<_>>())
        })?;
        let file = self.file.fetch(wanted.into_iter())?;
        guarded(&self.path, || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
                .with_row_groups(vec![group])
                .with_offset(usize::try_from(from_row).unwrap_or(usize::MAX))
                .with_projection(mask)
                .with_batch_size(batch_rows)
                .build()
        })
    }
}

fn identity(path: &Path, file: &mut Input) -> Result<String> {
    let failed = |error: std::io::Error| io_error("reading", path, &error);
    let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
    let mut tail = [0; TAIL_BYTES as usize];
    let no_file = || {
        Error::data(format!("`{}` is no file of Parquet, or cut short", shown(path)))
            .hint("wait until it is written to the end, or leave it out with the path or a glob")
    };
    if length < TAIL_BYTES {
        return Err(no_file());
    }
    file.seek(SeekFrom::Start(length - TAIL_BYTES)).map_err(failed)?;
    file.read_exact(&mut tail).map_err(failed)?;
    let [a, b, c, d, ..] = tail;
    let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
    if !tail.ends_with(b"PAR1") || footer + TAIL_BYTES > length {
        return Err(no_file());
    }
    file.seek(SeekFrom::Start(length - TAIL_BYTES - footer)).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(footer).read_to_end(&mut bytes).map_err(failed)?;
    let hash: String = Sha256::digest(&bytes)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{length}-{hash}"))
}

/// Runs a step of the library. It asserts on some of what a file may lie about: its panics are damage of the file.
pub(crate) fn guarded<T>(
    path: &Path,
    step: impl FnOnce() -> std::result::Result<T, ParquetError>,
) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(outcome) => outcome.map_err(|error| error_of(path, error)),
        Err(_) => Err(damaged(&shown(path), &"its parts do not fit together")),
    }
}

/// What the library says of a file, by who must act.
fn error_of(path: &Path, error: ParquetError) -> Error {
    let place = shown(path);
    match error {
        ParquetError::NYI(what) => Error::unsupported(format!("`{place}` cannot be read: {what}"))
            .hint("write it again without that, or leave it out with the path or a glob"),
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(error) => io_error("reading", path, &error),
            Err(error) => damaged(&place, &*error),
        },
        other => damaged(&place, &other),
    }
}

fn damaged(place: &str, error: &dyn std::fmt::Display) -> Error {
    let what: String =
        error.to_string().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    Error::data(format!("`{place}` is damaged, or no file of Parquet: {what}"))
        .hint("wait until it is written to the end, or copy it again")
}
