//! What is durable: begins a run, opens writers, commits windows with their records.

use dstream_sdk::{
    Begun, Commit, ConnectorConfig, Context, Error, OpenTarget, Pipeline, Result, Target, WriteRequest,
    Writer,
};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::client::{Client, Stored};
use crate::gate::{Ahead, Gate};
use crate::options::Settings;
use crate::quote::check_table_name;
use crate::window::{Run, Window};
use crate::writer::SqliteWriter;

/// A SQLite file that is written to.
pub struct SqliteTarget {
    shared: Arc<Shared>,
}

/// What the target and its writers have in common.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) context: Context,
    pub(crate) gate: Gate,
    /// Windows that were prepared and are not committed.
    pub(crate) prepared: Mutex<HashMap<u64, Arc<Window>>>,
    pub(crate) next_id: AtomicU64,
    /// Writers that are open.
    pub(crate) writers: AtomicUsize,
    /// The run that has begun last.
    run: Mutex<Option<String>>,
}

impl Shared {
    pub(crate) fn id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn prepared(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Window>>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of the file: where SQLite keeps its log, and writers what they may not keep in memory.
    pub(crate) fn folder(&self) -> PathBuf {
        folder(&self.settings.path)
    }
}

fn folder(path: &Path) -> PathBuf {
    let real = path.canonicalize();
    real.as_deref().unwrap_or(path).parent().unwrap_or(Path::new("/")).to_owned()
}

impl OpenTarget for SqliteTarget {
    fn open(context: Context, config: ConnectorConfig) -> Result<SqliteTarget> {
        Ok(SqliteTarget {
            shared: Arc::new(Shared {
                settings: Settings::read(&config)?,
                context,
                gate: Gate::default(),
                prepared: Mutex::default(),
                next_id: AtomicU64::new(1),
                writers: AtomicUsize::new(0),
                run: Mutex::default(),
            }),
        })
    }
}

impl Target for SqliteTarget {
    fn check(&self) -> Result<()> {
        let Shared { settings, context, .. } = &*self.shared;
        let path = &settings.path;
        if path.is_dir() {
            return Err(Error::config(format!("`{}` is a folder, not a file", path.display()))
                .hint("add the name of the SQLite file to `path`"));
        }
        let folder = self.shared.folder();
        if !folder.is_dir() {
            return Err(Error::not_found(format!("there is no folder `{}`", folder.display()))
                .hint("make the folder, or correct `path`"));
        }
        // A file without a name, gone when it is closed: the only sure way to know that one can be made.
        tempfile::tempfile_in(&folder).map_err(|error| {
            Error::denied(format!("no file can be made in `{}`: {error}", folder.display()))
                .hint("SQLite keeps its log beside the file: allow writing to the folder")
        })?;
        // Opened by SQLite alone: a plain open and close of the file would drop the locks of this process on it.
        match path.exists() {
            true => Client::open(settings, context)?.check_writable(),
            false => Ok(()),
        }
    }

    fn begin(&self, pipeline: &Pipeline) -> Result<Begun> {
        let Shared { settings, context, gate, .. } = &*self.shared;
        let mut run = self.shared.run.lock().unwrap_or_else(PoisonError::into_inner);
        let permit = gate.replace(context, || Client::create(settings, context))?;
        let begun = permit.client().begin_run(pipeline, run.as_ref() == Some(&pipeline.run))?;
        *run = Some(pipeline.run.clone());
        Ok(begun)
    }

    fn open_writer(&self, context: Context, request: WriteRequest) -> Result<Box<dyn Writer>> {
        for plan in &request.streams {
            check_table_name(&plan.table).map_err(|error| error.stream(&plan.stream))?;
        }
        let run = Run {
            writer: self.shared.id(),
            pipeline: request.pipeline,
            epoch: request.epoch,
            streams: request.streams,
        };
        Ok(Box::new(SqliteWriter::new(self.shared.clone(), context, run, request.buffer_bytes)))
    }

    fn commit(&self, commit: &Commit) -> Result<()> {
        let windows = self.find_windows(commit);
        let mut permit = self.shared.gate.take(&self.shared.context)?;
        // A window of this commit that is written already goes on; what any other wrote ahead makes way.
        let ahead = permit.take_ahead(|ahead| {
            let mut written = windows.iter().flatten().filter(|window| window.run.writer == ahead.writer);
            written.any(|window| window.steps() == ahead.steps)
        });
        let client = permit.client();
        if ahead.is_none() {
            client.begin()?;
        }
        // An error drops the permit, and with it the transaction.
        let stored = write(client, commit, &windows, ahead)?;
        match stored {
            Stored::Before => client.commit()?,
            Stored::Done => client.roll_back(),
        }
        drop(permit);
        let mut prepared = self.shared.prepared();
        commit.windows.iter().filter_map(token).for_each(|token| drop(prepared.remove(&token)));
        Ok(())
    }
}

impl SqliteTarget {
    fn find_windows(&self, commit: &Commit) -> Vec<Option<Arc<Window>>> {
        let prepared = self.shared.prepared();
        commit.windows.iter().map(|window| prepared.get(&token(window)?).cloned()).collect()
    }
}

/// What `prepare` answered.
fn token(window: &dstream_sdk::CommitWindow) -> Option<u64> {
    window.prepared.message.get("window")?.as_u64()
}

/// Everything of a commit but its end.
fn write(
    client: &Client,
    commit: &Commit,
    windows: &[Option<Arc<Window>>],
    ahead: Option<Ahead>,
) -> Result<Stored> {
    let writer_ahead = ahead.as_ref().map(|ahead| ahead.writer);
    let mut loader = ahead.map(|ahead| ahead.loader).unwrap_or_default();
    client.check_epoch(&commit.pipeline, commit.epoch)?;
    if client.compare_records(commit)? == Stored::Done {
        return Ok(Stored::Done);
    }
    for (window, named) in windows.iter().zip(&commit.windows) {
        let Some(window) = window else {
            return Err(Error::unavailable(format!(
                "the window {} of the partition `{}` is not there any more",
                named.window, named.partition
            ))
            .hint("run again: what was not committed is read again"));
        };
        if window.run.epoch != commit.epoch || window.run.pipeline != commit.pipeline {
            return Err(Error::fenced(format!("the window {} belongs to an older run", named.window)));
        }
        if writer_ahead != Some(window.run.writer) {
            loader.load_window(client, window)?;
        }
    }
    for plan in &commit.publish {
        client.publish(&commit.pipeline, plan)?;
    }
    client.store_records(commit)?;
    Ok(Stored::Before)
}

#[cfg(test)]
pub(crate) mod tests;
