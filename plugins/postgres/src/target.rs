//! What is durable: begins a run, opens writers, commits windows with their records.

mod check; // whether the database can be written to
mod commit; // the end of a window
mod control; // the control tables: fence, records, ownership
mod first; // first copies of streams with a key
mod hanging; // what hangs on a table
mod look; // what is there
mod make; // tables are made and widened
mod older; // sessions of older runs
mod options; // what the user may set
mod refill; // a table is kept and filled anew
mod route; // how rows get into their table
mod swap; // what was built aside takes the table's place

pub(crate) use commit::{commit_again, finish, store};
pub(crate) use control::{Fence, Stored, check_epoch, note_change};
pub(crate) use first::FirstCopies;
pub(crate) use make::make_ready;
pub(crate) use older::{Mark, mark};
#[cfg(test)]
pub(crate) use options::TargetOptions;
pub(crate) use options::{NulInText, TargetSettings};
pub(crate) use route::{Check, Route, Stage};

use dstream_sdk::{
    Begun, Commit, ConnectorConfig, Context, Error, OpenTarget, Pipeline, Result, Target, WriteRequest,
    Writer,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client::Client;
use crate::table::{Run, check_table_name};
use crate::writer::{Lane, PostgresWriter};

/// A database that is written to.
pub(crate) struct PostgresTarget {
    shared: Arc<Shared>,
}

/// What the target and its writers have in common.
pub(crate) struct Shared {
    settings: Arc<TargetSettings>,
    context: Context,
    control: Mutex<Control>,
    lanes: Mutex<HashMap<u64, Arc<Mutex<Lane>>>>,
    next_writer: AtomicU64,
    first_copies: Arc<FirstCopies>,
}

/// Of the run as a whole.
#[derive(Default)]
struct Control {
    /// The session that begins a run, and commits what has no window.
    client: Option<Client>,
    /// The run that has begun last.
    run: Option<String>,
}

impl Shared {
    /// The sessions of the writers that are open.
    pub(crate) fn lanes(&self) -> MutexGuard<'_, HashMap<u64, Arc<Mutex<Lane>>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenTarget for PostgresTarget {
    fn open(context: Context, config: ConnectorConfig) -> Result<PostgresTarget> {
        Ok(PostgresTarget {
            shared: Arc::new(Shared {
                settings: Arc::new(TargetSettings::read(&config)?),
                context,
                control: Mutex::default(),
                lanes: Mutex::default(),
                next_writer: AtomicU64::new(1),
                first_copies: Arc::default(),
            }),
        })
    }
}

impl Target for PostgresTarget {
    fn check(&self) -> Result<()> {
        let mut client = Client::connect(&self.shared.settings.server, &self.shared.context)?;
        check::check(&mut client, &self.shared.settings)
    }

    fn begin(&self, pipeline: &Pipeline) -> Result<Begun> {
        let Shared { settings, context, .. } = &*self.shared;
        let mut control = self.shared.control();
        control.client = None;
        let mut client = Client::connect(&settings.server, context)?;
        check::check_primary(&mut client, settings)?;
        let is_again = control.run.as_ref() == Some(&pipeline.run);
        let begun = control::begin_run(&mut client, settings, pipeline, is_again)?;
        *control = Control { client: Some(client), run: Some(pipeline.run.clone()) };
        Ok(begun)
    }

    fn open_writer(&self, context: Context, request: WriteRequest) -> Result<Box<dyn Writer>> {
        for plan in &request.streams {
            check_table_name(&plan.table).map_err(|error| error.stream(&plan.stream))?;
        }
        let run = Arc::new(Run {
            pipeline: request.pipeline,
            epoch: request.epoch,
            streams: request.streams,
            first_copies: self.shared.first_copies.clone(),
        });
        let lane = Lane::new(self.shared.settings.clone(), context, run.clone());
        let id = self.shared.next_writer.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(PostgresWriter::new(self.shared.clone(), id, run, lane)))
    }

    fn commit(&self, commit: &Commit) -> Result<()> {
        let lane = match commit.windows.as_slice() {
            [] => None,
            [window] => {
                let writer = window.prepared.message.get("writer").and_then(serde_json::Value::as_u64);
                writer.and_then(|writer| self.shared.lanes().get(&writer).cloned())
            }
            _ => {
                return Err(Error::unsupported("a commit of several windows: each has its own transaction")
                    .hint("commit them one by one"));
            }
        };
        match lane {
            Some(lane) => lane.lock().unwrap_or_else(PoisonError::into_inner).commit(commit),
            None => self.commit_without_writer(commit),
        }
    }
}

impl PostgresTarget {
    fn commit_without_writer(&self, commit: &Commit) -> Result<()> {
        let Shared { settings, context, .. } = &*self.shared;
        let mut control = self.shared.control();
        let mut client = match control.client.take() {
            Some(client) if !client.is_lost() => client,
            Some(_) => Client::connect(&settings.server, context)?,
            None => return Err(Error::bug("the database is written before `begin`")),
        };
        let outcome = match commit.windows.is_empty() {
            true => commit::commit(&mut client, settings, commit),
            false => commit_again(&mut client, settings, commit),
        };
        if outcome.is_err() {
            // The error that is told is the first one.
            let _ = client.roll_back();
        }
        control.client = Some(client);
        outcome
    }
}

#[cfg(test)]
mod tests;
