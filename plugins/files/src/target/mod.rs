//! What is durable of files that are written: begins a run, opens writers, commits windows with their records.

mod encode; // what a format does with batches
mod entry; // one entry of the log
mod log; // what was committed, in order
mod names; // tables and pipelines as names of files
mod open; // from a plan to the files that it writes
mod options; // what the user may set
mod state; // what is durable, and how a commit changes it
mod writer; // one partition being written

pub(crate) use encode::{Encode, Encoding};
#[cfg(test)]
pub(crate) use options::ParquetTargetOptions;

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dstream_sdk::{
    Begun, Commit, ConnectorConfig, Context, Error, OpenTarget, Pipeline, Result, StreamPlan, TableClaim,
    Target, WindowWish, WriteRequest, Writer,
};

use crate::parquet::ParquetEncoding;
use crate::shown::shown;
use crate::store::{Local, Step, Store};
use log::Log;
use state::{Change, DataFile, Published, Standing, State, Written};
use writer::{FilesWriter, PreparedStream};

/// A window is a file.
const WINDOW: WindowWish = WindowWish { rows: 1_000_000, bytes: 512 << 20, seconds: 300 };

/// Target for files of Parquet.
pub(crate) type ParquetTarget = FilesTarget<ParquetEncoding>;

/// An encoding that is made from what the user wrote.
pub(crate) trait FromConfig: Sized {
    fn from_config(config: &ConnectorConfig) -> Result<Self>;
}

/// Target for a folder of files: one folder a table.
pub(crate) struct FilesTarget<E> {
    shared: Arc<Shared>,
    _encoding: PhantomData<fn() -> E>,
}

/// What the target and its writers have in common.
pub(crate) struct Shared {
    root: PathBuf,
    open_store: Box<OpenStore>,
    encoding: Box<dyn Encoding>,
    run: Mutex<Option<Run>>,
}

/// Opens the place where files go, which is made where it is missing.
type OpenStore = dyn Fn() -> Result<Arc<dyn Store>> + Send + Sync;

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
    ending: &'static str,
}

impl Shared {
    fn run(&self) -> MutexGuard<'_, Option<Run>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Encoding + FromConfig + 'static> OpenTarget for FilesTarget<E> {
    fn open(context: Context, config: ConnectorConfig) -> Result<FilesTarget<E>> {
        let root = crate::options::folder(&config)?;
        let encoding = E::from_config(&config)?;
        let folder = root.clone();
        let open_store =
            move || -> Result<Arc<dyn Store>> { Ok(Arc::new(Local::open(context.clone(), &folder)?)) };
        Ok(FilesTarget::new(root, Box::new(open_store), encoding))
    }
}

impl<E: Encoding + 'static> FilesTarget<E> {
    fn new(root: PathBuf, open_store: Box<OpenStore>, encoding: E) -> FilesTarget<E> {
        let shared = Shared { root, open_store, encoding: Box::new(encoding), run: Mutex::default() };
        FilesTarget { shared: Arc::new(shared), _encoding: PhantomData }
    }
}

impl<E: Encoding + 'static> Target for FilesTarget<E> {
    fn check(&self) -> Result<()> {
        let root = &self.shared.root;
        // The nearest folder that is there: the others are made by a run.
        let absolute = std::path::absolute(root).unwrap_or_else(|_| root.clone());
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
        *run = Some(Run { store, log, name, notes, writers, ending });
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
            return Ok(());
        }
        let (change, steps) = plan(run, commit)?;
        run.log.commit(change, steps)
    }
}

/// What a commit changes, and what is to be done to files for that.
fn plan(run: &Run, commit: &Commit) -> Result<(Change, Vec<Step>)> {
    let number = run.log.number() + 1;
    let mut change = Change {
        epoch: commit.epoch,
        records: commit.records.clone(),
        written: Vec::new(),
        published: Vec::new(),
    };
    let mut steps = Vec::new();
    let mut after = run.log.state().clone();
    let ending = run.ending;
    for window in &commit.windows {
        let streams: Vec<PreparedStream> =
            serde_json::from_value(window.prepared.message.clone()).map_err(|error| {
                Error::bug(format!("window {} was not prepared here: {error}", window.window))
            })?;
        for stream in streams {
            add_written(&mut change, &mut steps, &after, commit, (number, ending), stream);
        }
    }
    after.apply(&change);
    for plan in &commit.publish {
        publish(&mut change, &mut steps, run, &commit.pipeline, &after, plan)?;
    }
    Ok((change, steps))
}

fn add_written(
    change: &mut Change,
    steps: &mut Vec<Step>,
    before: &State,
    commit: &Commit,
    (number, ending): (u64, &str),
    stream: PreparedStream,
) {
    let pipeline = &commit.pipeline;
    let aside = before.tables.get(&stream.plan.table).and_then(|table| table.aside.as_ref());
    let claim = TableClaim { pipeline, epoch: commit.epoch, plan: &stream.plan };
    let begins =
        stream.is_aside && !aside.is_some_and(|copy| claim.is_of_this_copy(&State::owner(copy, pipeline)));
    let first: usize = change.written.iter().map(|written| written.files.len()).sum();
    let mut files = Vec::new();
    for (at, staged) in stream.files.into_iter().enumerate() {
        if stream.is_aside {
            files.push(staged);
            continue;
        }
        let name = format!(
            "{}/{}",
            names::encoded(&stream.plan.table),
            open::part_name(pipeline, number, first + at, ending)
        );
        steps.push(Step::Move { from: staged.name, to: name.clone() });
        files.push(DataFile { name, ..staged });
    }
    change.written.push(Written {
        table: stream.plan.table,
        is_aside: stream.is_aside,
        generation: stream.plan.generation,
        begins,
        schema: stream.schema,
        files,
    });
}

fn publish(
    change: &mut Change,
    steps: &mut Vec<Step>,
    run: &Run,
    pipeline: &str,
    after: &State,
    plan: &StreamPlan,
) -> Result<()> {
    let number = run.log.number() + 1;
    let table = after.tables.get(&plan.table);
    let Some(copy) = table.and_then(|table| table.aside.as_ref()) else {
        return Err(Error::bug(format!("the table `{}` has no copy to be published", plan.table)));
    };
    let folder = names::encoded(&plan.table);
    // The copy is all that the table has: rows that somebody else put beside the old ones go with them.
    let ending = format!(".{}", run.ending);
    let there = run.store.list(&folder)?.into_iter().map(|file| file.name);
    let old: Vec<String> = there.filter(|name| name.ends_with(&ending)).collect();
    let mut files = Vec::new();
    let mut renamed = Vec::new();
    for (at, staged) in copy.files.iter().enumerate() {
        let part = open::part_name(pipeline, number, at, run.ending);
        files.push(DataFile { name: format!("{folder}/{part}"), ..staged.clone() });
        renamed.push((staged.name.clone(), part));
    }
    steps.push(match renamed.is_empty() {
        false => Step::Replace { folder, files: renamed, old },
        true => Step::Remove { files: old.iter().map(|name| format!("{folder}/{name}")).collect() },
    });
    change.published.push(Published { table: plan.table.clone(), files });
    Ok(())
}

#[cfg(test)]
mod tests;
