//! What is durable of files that are written: begins a run, opens writers, commits windows with their records.

mod commit; // from a commit to what is done to files
mod encode; // what a format does with batches
mod entry; // one entry of the log
mod log; // what was committed, in order
mod names; // tables and pipelines as names of files
mod open; // from a plan to the files that it writes
mod options; // what the user may set
mod packing; // bytes into a file, packed or not
mod state; // what is durable, and how a commit changes it
mod streams; // columns that the user names
mod writer; // one partition being written

pub(crate) use encode::{Encode, Encoding, Ended, check_names, inexact};
#[cfg(test)]
pub(crate) use options::{ArrowTargetOptions, CsvTargetOptions, JsonlTargetOptions};
pub(crate) use options::{Files, Layout, RollingOptions, level_of};
pub(crate) use packing::{PackedFile, Packing};
pub(crate) use streams::ByStream;

#[cfg(feature = "fuzzing")]
pub(crate) use entry::rewritten as rewritten_entry;

use std::marker::PhantomData;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dstream_sdk::{
    Begun, Commit, ConnectorConfig, Context, Error, OpenTarget, Pipeline, Result, Target, WindowWish,
    WriteRequest, Writer,
};

use crate::csv::CsvEncoding;
use crate::ipc::IpcEncoding;
use crate::jsonl::JsonlEncoding;
use crate::options::Place;
use crate::parquet::ParquetEncoding;
use crate::shown::shown;
use crate::store::{Local, Objects, Store};
use log::Log;
use state::Standing;
use writer::FilesWriter;

/// A window is a file.
const WINDOW: WindowWish = WindowWish { rows: 1_000_000, bytes: 512 << 20, seconds: 300 };

/// Target for files of comma-separated values.
pub(crate) type CsvTarget = FilesTarget<CsvEncoding>;

/// Target for files of JSON lines.
pub(crate) type JsonlTarget = FilesTarget<JsonlEncoding>;

/// Target for files of Parquet.
pub(crate) type ParquetTarget = FilesTarget<ParquetEncoding>;

/// Target for files of Arrow IPC.
pub(crate) type ArrowTarget = FilesTarget<IpcEncoding>;

/// An encoding that is made from what the user wrote.
pub(crate) trait FromConfig: Sized {
    fn from_config(config: &ConnectorConfig) -> Result<(Self, Files)>;
}

/// Target for a folder of files: one folder a table, or one file.
pub(crate) struct FilesTarget<E> {
    shared: Arc<Shared>,
    _encoding: PhantomData<fn() -> E>,
}

/// What the target and its writers have in common.
pub(crate) struct Shared {
    check: Box<Check>,
    open_store: Box<OpenStore>,
    encoding: Box<dyn Encoding>,
    files: Files,
    run: Mutex<Option<Run>>,
}

/// Opens the place where files go, which is made where it is missing.
type OpenStore = dyn Fn() -> Result<Arc<dyn Store>> + Send + Sync;

/// Looks whether files can be made there.
type Check = dyn Fn() -> Result<()> + Send + Sync;

/// A run that has begun.
struct Run {
    store: Arc<dyn Store>,
    log: Log,
    /// Its name.
    name: String,
    /// The folder of what the pipeline notes.
    notes: String,
    /// Writers that were opened.
    writers: u64,
    /// What comes after the last dot of the names of files.
    ending: String,
    layout: Layout,
}

impl Shared {
    fn run(&self) -> MutexGuard<'_, Option<Run>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Encoding + FromConfig + 'static> OpenTarget for FilesTarget<E> {
    fn open(context: Context, config: ConnectorConfig) -> Result<FilesTarget<E>> {
        let place = crate::options::target_place(&context, &config)?;
        let (encoding, mut files) = E::from_config(&config)?;
        let (check, open_store): (Box<Check>, Box<OpenStore>) = match place {
            Place::Folder(root) => {
                let folder = root.clone();
                (
                    Box::new(move || check_folder(&root)),
                    Box::new(move || Ok(Arc::new(Local::open(context.clone(), &folder)?))),
                )
            }
            Place::Bucket(bucket) => {
                files.fit_to_objects()?;
                Objects::new(bucket.clone())?;
                let again = bucket.clone();
                (
                    Box::new(move || Objects::new(bucket.clone())?.check()),
                    Box::new(move || Ok(Arc::new(Objects::new(again.clone())?))),
                )
            }
        };
        Ok(FilesTarget::new(check, open_store, Box::new(encoding), files))
    }
}

impl<E> FilesTarget<E> {
    fn new(
        check: Box<Check>,
        open_store: Box<OpenStore>,
        encoding: Box<dyn Encoding>,
        files: Files,
    ) -> FilesTarget<E> {
        let shared = Shared { check, open_store, encoding, files, run: Mutex::default() };
        FilesTarget { shared: Arc::new(shared), _encoding: PhantomData }
    }
}

fn check_folder(root: &Path) -> Result<()> {
    // The nearest folder that is there: the others are made by a run.
    let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let there = absolute.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    if !there.is_dir() {
        return Err(Error::config(format!("`{}` is a file, not a folder", shown(there)))
            .hint("choose another folder with `path`"));
    }
    // A file without a name, gone when it is closed: the only sure way to know that one can be made.
    tempfile::tempfile_in(there).map(drop).map_err(|error| {
        Error::denied(format!("no file can be made in `{}`: {error}", shown(there)))
            .hint("give this user the right to write there, or choose another folder")
    })
}

impl<E: 'static> Target for FilesTarget<E> {
    fn check(&self) -> Result<()> {
        (self.shared.check)()
    }

    fn begin(&self, pipeline: &Pipeline) -> Result<Begun> {
        let mut run = self.shared.run();
        let has_begun = run.as_ref().is_some_and(|run| run.name == pipeline.run);
        let store = (self.shared.open_store)()?;
        let notes = names::notes_of(&pipeline.pipeline);
        let lock = store.lock(&format!("{notes}/lock"))?;
        let mut log = Log::open(store.clone(), &pipeline.pipeline, &notes)?;
        log.begin(pipeline, has_begun)?;
        drop(lock);
        let state = log.state();
        let records = state.records.values().cloned().collect();
        let begun = Begun { epoch: state.epoch, records, window: Some(WINDOW) };
        open::remove_leftovers(&*store, &notes, state)?;
        let name = pipeline.run.clone();
        let writers = run.as_ref().map_or(0, |run| run.writers);
        let ending = self.shared.encoding.ending();
        let layout = self.shared.files.layout;
        *run = Some(Run { store, log, name, notes, writers, ending, layout });
        Ok(begun)
    }

    fn open_writer(&self, context: Context, request: WriteRequest) -> Result<Box<dyn Writer>> {
        Ok(Box::new(FilesWriter::open(self.shared.clone(), context, request)?))
    }

    fn commit(&self, commit: &Commit) -> Result<()> {
        let mut guard = self.shared.run();
        let run = guard.as_mut().ok_or_else(|| Error::bug("a commit before a run has begun"))?;
        let _lock = run.store.lock(&format!("{}/lock", run.notes))?;
        if run.log.state().compare(commit)? == Standing::Done {
            return run.log.settle();
        }
        let (change, steps) = commit::plan(run, commit, &self.shared.encoding.dialect())?;
        run.log.commit(change, steps)
    }
}

#[cfg(test)]
mod tests;
