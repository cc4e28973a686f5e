//! Which files there are, what they hold, readers of them.

mod bookmark; // how far a share of a stream is read
mod decode; // what a format does with the bytes of a window
mod decompression; // gzip, zstd, bzip2 and xz, by their first bytes
mod encoding; // text that is not UTF-8
mod format; // what is special to one type of file
mod found; // a file, a folder or a glob -> streams and their files
mod glob; // the files that a glob matches
mod hive; // columns in the names of folders
mod look; // what files hold, looked at by several threads
mod patterns; // streams that the user names
mod place; // where to read on in a file of text
mod planned; // what a run found, for all its readers
mod position; // lines and records before the window
mod reader; // a share of a stream, as messages
mod share; // which part of a stream's files one reader reads
mod source; // the bytes of a file of text, unpacked
mod text; // the records of one file of text
mod tree; // where files are looked for
mod typed; // columns of files that say their types
mod walk; // from piece to piece through a file of text
mod window; // slides over the bytes of a file

pub(crate) use decode::{Decode, Decoded, Room, Start, Stop, batch, more, too_long};
pub(crate) use encoding::Encoding;
pub(crate) use format::{Format, Given, Limits, Records};
pub(crate) use found::{Found, has_ending, io_error};
pub(crate) use patterns::{Globs, Patterns};
pub(crate) use position::{LineEnd, Position};
pub(crate) use share::Pieces;
pub(crate) use source::{Opening, Source};
pub(crate) use text::open_text;
pub(crate) use typed::{Chosen, TypedColumns};
pub(crate) use walk::{Walk, Way};
pub(crate) use window::Window;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use dstream_sdk::{
    Catalog, ConnectorConfig, Context, Error, OpenTap, Partition, ReadRequest, Reader, Result, Selection, Tap,
};

use crate::options::{self, Place};
use bookmark::Progress;
use found::FoundStream;
use planned::Planned;
use reader::FilesReader;
use share::{PIECE_BYTES, Share};
use tree::Tree;

/// Below this, one reader is done before a second one has found its place.
const BYTES_PER_PART: u64 = 64 << 20;
/// The same, of files.
const FILES_PER_PART: u64 = 64;
const MAX_PARTS: usize = 4;

/// Tap for the files of a path.
pub(crate) struct FilesTap<F> {
    context: Context,
    place: Place,
    format: Arc<F>,
    /// Bytes of a piece of text.
    piece_bytes: u64,
    /// What was found when a run was planned.
    planned: Mutex<Option<Arc<Planned>>>,
}

impl<F: Format> OpenTap for FilesTap<F> {
    fn open(context: Context, config: ConnectorConfig) -> Result<FilesTap<F>> {
        let place = options::tap_place(&context, &config)?;
        Ok(FilesTap::of_place(context, place, F::from_config(&config)?))
    }
}

impl<F: Format> FilesTap<F> {
    pub(crate) fn of_place(context: Context, place: Place, format: F) -> FilesTap<F> {
        FilesTap {
            context,
            place,
            format: Arc::new(format),
            piece_bytes: PIECE_BYTES,
            planned: Mutex::default(),
        }
    }

    #[cfg(feature = "fuzzing")]
    pub(crate) fn cut_into(mut self, piece_bytes: u64) -> FilesTap<F> {
        self.piece_bytes = piece_bytes;
        self
    }

    fn streams(&self) -> Result<Vec<FoundStream>> {
        let patterns = self.format.patterns();
        let (tree, path) = match &self.place {
            Place::Folder(path) => (Tree::Local, path.clone()),
            Place::Bucket(bucket) => {
                let path = PathBuf::from(&bucket.address().key);
                (Tree::of_bucket(bucket, &path)?, path)
            }
        };
        match patterns.is_empty() {
            true => found::streams(&tree, &path, F::ENDINGS),
            false => patterns.streams(&tree, &path, F::ENDINGS),
        }
    }

    /// What is there now, for this run from here on.
    fn plan_anew(&self) -> Result<Arc<Planned>> {
        let planned = Arc::new(Planned::new(self.streams()?));
        *self.planned.lock().unwrap_or_else(PoisonError::into_inner) = Some(planned.clone());
        Ok(planned)
    }

    fn planned(&self) -> Result<Arc<Planned>> {
        let planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner).clone();
        planned.map_or_else(|| self.plan_anew(), Ok)
    }

    /// What the options say of columns and streams that there are not is a slip.
    fn check_options(&self, catalog: &Catalog) -> Result<()> {
        let names: Vec<&str> = catalog.streams.iter().map(|stream| stream.name.as_str()).collect();
        self.format.keys().check_used(&names)?;
        let has =
            |column: &str| catalog.streams.iter().any(|stream| stream.schema.field_with_name(column).is_ok());
        match self.format.named_columns().into_iter().find(|column| !has(column)) {
            Some(column) => {
                Err(Error::config(format!("`types` names the column `{column}`, which no file has"))
                    .hint("run `dstreams discover` without it to see the columns"))
            }
            None => Ok(()),
        }
    }

    /// In how many parts a stream is read: as before, where some of it was read; else by its size.
    fn parts_of(&self, found: &FoundStream, selection: &Selection) -> u64 {
        let before = [&selection.bookmarks, &selection.complete].into_iter().find_map(|known| {
            let beginning = format!("{}#", found.stream);
            let of_parts = known.range(beginning.clone()..).take_while(|(id, _)| id.starts_with(&beginning));
            let mut ids = known.get_key_value(&found.stream).into_iter().chain(of_parts);
            ids.find_map(|(id, _)| parts_in(id, &found.stream))
        });
        let bytes: u64 = found.files.iter().map(|file| file.bytes).sum();
        let by_size = (bytes / BYTES_PER_PART).max(found.files.len() as u64 / FILES_PER_PART);
        before.unwrap_or_else(|| by_size.clamp(1, max_parts()))
    }
}

/// As many as can be at work at once: of a file of text each looks through what is between its pieces.
fn max_parts() -> u64 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_PARTS)) as u64
}

/// The partitions that a stream is cut into, in the id of one of them.
fn parts_in(id: &str, stream: &str) -> Option<u64> {
    if id == stream {
        return Some(1);
    }
    let (_, parts) = id.strip_prefix(stream)?.strip_prefix('#')?.split_once('/')?;
    parts.parse().ok().filter(|parts| *parts > 1)
}

impl<F: Format> Tap for FilesTap<F> {
    fn check(&self) -> Result<()> {
        for found in self.streams()? {
            for file in &found.files {
                self.format.check(file).map_err(|error| error.stream(&found.stream))?;
            }
        }
        Ok(())
    }

    fn discover(&self) -> Result<Catalog> {
        let streams = look::describe(&self.context, &*self.format, &self.streams()?, self.piece_bytes)?;
        let catalog = Catalog { streams };
        self.check_options(&catalog)?;
        Ok(catalog)
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        let planned = self.plan_anew()?;
        let mut partitions = Vec::new();
        for selected in &selection.streams {
            let found = planned.stream(&selected.name)?;
            let parts = self.parts_of(found, selection);
            for part in 0..parts {
                let whole = Partition::whole(&selected.name);
                let id = if parts > 1 { format!("{}#{}/{parts}", selected.name, part + 1) } else { whole.id };
                let share = Share { part, parts, piece_bytes: self.piece_bytes };
                let data = serde_json::to_value(share)
                    .map_err(|error| Error::bug(format!("a partition is no JSON: {error}")))?;
                partitions.push(Partition { id, streams: whole.streams, data });
            }
        }
        Ok(partitions)
    }

    fn open_reader(&self, context: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        let [stream] = &request.streams[..] else {
            return Err(Error::bug("a file is one stream, the request has another number of them"));
        };
        let share = match request.partition.data {
            serde_json::Value::Null => Share { piece_bytes: self.piece_bytes, ..Share::WHOLE },
            data => serde_json::from_value(data)
                .map_err(|error| Error::bug(format!("this partition was not planned here: {error}")))?,
        };
        let named = |error: Error| match error.stream_name() {
            Some(_) => error,
            None => error.stream(&stream.name),
        };
        let planned = self.planned()?;
        let files = planned.stream(&stream.name)?.files.clone();
        bookmark::check_room(&files, share).map_err(named)?;
        let progress = match request.bookmark {
            Some(bookmark) => Progress::resume(bookmark, share, &self.format.fingerprint()).map_err(named)?,
            None => Progress::new(share, self.format.fingerprint()),
        };
        let limits = Limits { rows: request.max_batch_rows, bytes: request.max_batch_bytes };
        let (format, schema) = (self.format.clone(), stream.schema.clone());
        let reader = FilesReader::new(context, format, schema, limits, planned, files, progress);
        Ok(Box::new(reader.map_err(named)?))
    }
}

/// The error of a run that was told to stop.
pub(crate) fn check_cancelled(context: &Context) -> Result<()> {
    match context.is_cancelled() {
        true => Err(Error::cancelled("the run was told to stop")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod share_tests;
#[cfg(test)]
pub(crate) use share_tests::rows_of_part;
#[cfg(test)]
mod tests;
