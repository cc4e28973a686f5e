//! The session of a writer, and the window that is open in it: one transaction, from the first batch to its commit.

use arrow::array::RecordBatch;
use bytes::BytesMut;
use dstream_sdk::{Commit, Context, Error, ErrorKind, Result, StreamPlan, tracing};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::Kind;
use super::nul::{Changes, without_nul};
use crate::client::{Client, SAME_ROW_TWICE, UNIQUE_VIOLATION};
use crate::encode::{END, Encoder, HEAD};
use crate::table::{Run, Shape};
use crate::target::{self, Check, Fence, Mark, Route, Stage, Stored, TargetSettings};

/// How long it may take to find out why a session was lost.
const ASKING: Duration = Duration::from_secs(2);

/// A session with its window.
pub(crate) struct Lane {
    settings: Arc<TargetSettings>,
    context: Context,
    run: Arc<Run>,
    client: Option<Client>,
    window: Window,
    /// The session was used before: what it had open is lost with it.
    was_open: bool,
}

/// What was written since the last commit.
#[derive(Default)]
struct Window {
    rows: u64,
    copying: Option<Copying>,
    /// Rows that wait in a table of the session, by stream.
    staged: BTreeMap<u32, Staged>,
    /// Tables of the session that had rows in this transaction.
    used: HashSet<String>,
    is_prepared: bool,
    /// Texts that were changed, by stream.
    changes: BTreeMap<u32, Changes>,
}

/// A COPY that is under way.
struct Copying {
    kind: Kind,
    route: Arc<Route>,
    rows: u64,
    /// What is not sent yet.
    out: BytesMut,
}

struct Staged {
    version: u32,
    route: Arc<Route>,
    rows: u64,
}

impl Lane {
    pub(crate) fn new(settings: Arc<TargetSettings>, context: Context, run: Arc<Run>) -> Lane {
        Lane { settings, context, run, client: None, window: Window::default(), was_open: false }
    }

    /// Makes the table of a stream ready.
    ///
    /// # Errors
    /// As [`target::make_ready`].
    pub(crate) fn declare(&mut self, stream: u32, plan: &StreamPlan, shape: &Shape) -> Result<Route> {
        self.end_copy()?;
        // Rows of an older version go before its table changes.
        self.flush(stream)?;
        let (settings, run) = (self.settings.clone(), self.run.clone());
        let made = self.client().and_then(|client| {
            let route = target::make_ready(client, &settings, &run, plan, shape)?;
            if let Some(stage) = &route.stage {
                client.run(&stage.create)?;
            }
            Ok(route)
        });
        made.map_err(|error| self.explain(error))
    }

    /// Changes what the server cannot hold, where the user wants that.
    ///
    /// # Errors
    /// `Data`: it cannot be changed.
    pub(crate) fn change_text(&mut self, stream: u32, records: RecordBatch) -> Result<RecordBatch> {
        without_nul(records, self.settings.nul_in_text, self.window.changes.entry(stream).or_default())
    }

    /// Sends the rows of a batch.
    ///
    /// # Errors
    /// `Data`: a value that the column cannot hold. `Unavailable`: the session was lost. `Fenced`: a newer run owns the
    /// pipeline.
    pub(crate) fn send(
        &mut self,
        kind: Kind,
        route: &Arc<Route>,
        encoder: &mut Encoder,
        records: &RecordBatch,
    ) -> Result<()> {
        let sent = self.start_copy(kind, route).and_then(|()| {
            let (Some(client), Some(copying)) = (&mut self.client, &mut self.window.copying) else {
                return Err(Error::bug("a COPY was started and is not there"));
            };
            encoder.encode(records, &mut copying.out, |out| client.copy_send(out))?;
            copying.rows += records.num_rows() as u64;
            Ok(())
        });
        self.window.rows += records.num_rows() as u64;
        sent.map_err(|error| self.explain(self.met(route, error)))
    }

    /// Rows of a first copy that have one key: from now on they are merged, so the lane has to come again.
    fn met(&self, route: &Route, error: Error) -> Error {
        match &route.first_copy {
            Some(table) if error.vendor() == UNIQUE_VIOLATION => {
                self.run.first_copies.give_up(table);
                Error::unavailable(format!(
                    "two rows for the table `{table}` have one key: from here on they are merged"
                ))
                .hint("run again: what was not committed is read again")
            }
            _ => error,
        }
    }

    fn start_copy(&mut self, kind: Kind, route: &Arc<Route>) -> Result<()> {
        if self.window.copying.as_ref().is_some_and(|copying| copying.kind == kind) {
            return Ok(());
        }
        self.begin()?;
        self.end_copy()?;
        let (stream, version) = kind;
        if self.window.staged.get(&stream).is_some_and(|staged| staged.version != version) {
            self.flush(stream)?;
        }
        if let Some(stage) = &route.stage
            && !self.window.staged.contains_key(&stream)
        {
            if !self.window.used.insert(stage.create.clone()) {
                self.client()?.run(&stage.empty)?;
            }
            self.window.staged.insert(stream, Staged { version, route: route.clone(), rows: 0 });
        }
        self.client()?.start_copy_in(&route.copy)?;
        self.window.copying =
            Some(Copying { kind, route: route.clone(), rows: 0, out: BytesMut::from(HEAD) });
        Ok(())
    }

    /// Begins the transaction of the window.
    fn begin(&mut self) -> Result<()> {
        if self.client()?.is_in_transaction() {
            return Ok(());
        }
        let (settings, run) = (self.settings.clone(), self.run.clone());
        let client = self.client()?;
        client.run("BEGIN")?;
        // A run that was fenced does not send rows for nothing.
        target::check_epoch(client, &settings, &run.pipeline, run.epoch, Fence::Look)
    }

    /// Ends the COPY that is under way, and compares what the server counted.
    fn end_copy(&mut self) -> Result<()> {
        let Some(mut copying) = self.window.copying.take() else { return Ok(()) };
        let client = self.client()?;
        copying.out.extend_from_slice(END);
        let taken = client.copy_send(&mut copying.out).and_then(|()| client.finish_copy_in());
        let taken = taken.map_err(|error| self.met(&copying.route, error))?;
        if taken != copying.rows {
            return Err(kept_out(copying.rows, taken));
        }
        if let Some(staged) = self.window.staged.get_mut(&copying.kind.0) {
            staged.rows += taken;
        }
        Ok(())
    }

    /// Moves the rows of a stream that wait in a table of the session.
    fn flush(&mut self, stream: u32) -> Result<()> {
        let Some(staged) = self.window.staged.remove(&stream) else { return Ok(()) };
        let Some(stage) = &staged.route.stage else { return Ok(()) };
        move_rows(self.client()?, stage, staged.rows)
    }

    /// Ends the window; answers how many rows are in it, or the stream that cannot be.
    ///
    /// # Errors
    /// As [`Lane::send`].
    pub(crate) fn prepare(&mut self) -> Result<u64, (Option<u32>, Error)> {
        let copied = self.window.copying.as_ref().map(|copying| copying.kind.0);
        self.end_copy().map_err(|error| (copied, self.explain(error)))?;
        let streams: Vec<u32> = self.window.staged.keys().copied().collect();
        for stream in streams {
            self.flush(stream).map_err(|error| (Some(stream), self.explain(error)))?;
        }
        for (stream, changes) in std::mem::take(&mut self.window.changes) {
            self.note(stream, &changes).map_err(|error| (Some(stream), self.explain(error)))?;
        }
        self.window.is_prepared = true;
        Ok(self.window.rows)
    }

    /// Says which texts are not what they were, in the log and beside the rows.
    fn note(&mut self, stream: u32, changes: &Changes) -> Result<()> {
        let (settings, run) = (self.settings.clone(), self.run.clone());
        let name = run.streams.get(stream as usize).map_or("", |plan| plan.stream.as_str());
        for (column, values) in changes {
            tracing::warn!(stream = name, column, values, "NUL in text was changed, as `nul_in_text` says");
            target::note_change(self.client()?, &settings, &run, name, column, *values)?;
        }
        Ok(())
    }

    /// Commits the window that was prepared.
    ///
    /// # Errors
    /// As [`dstream_sdk::Target::commit`].
    pub(crate) fn commit(&mut self, commit: &Commit) -> Result<()> {
        if self.run.epoch != commit.epoch || self.run.pipeline != commit.pipeline {
            return Err(Error::fenced("the window belongs to an older run").hint("let the newer run finish"));
        }
        let window = std::mem::take(&mut self.window);
        let settings = self.settings.clone();
        let stored = self.client().and_then(|client| match window.is_prepared {
            true => target::store(client, &settings, commit),
            false => target::commit_again(client, &settings, commit).map(|()| Stored::Done),
        });
        let outcome = match stored {
            Ok(Stored::Done) => Ok(()),
            // From here on an error may come after the commit: it is not explained by a newer run.
            Ok(Stored::Before) => self.client().and_then(target::finish),
            Err(error) => Err(self.explain(error)),
        };
        if outcome.is_err() {
            // Whatever is open ends with the session.
            self.client = None;
        }
        outcome
    }

    /// The session; a new one where there was none.
    fn client(&mut self) -> Result<&mut Client> {
        match &mut self.client {
            Some(client) if !client.is_lost() => {}
            None if !self.was_open => {
                let mut client = Client::connect(&self.settings.server, &self.context)?;
                target::mark(&mut client, &self.run.pipeline, self.run.epoch, Mark::Session)?;
                self.client = Some(client);
                self.was_open = true;
            }
            _ => {
                return Err(Error::unavailable(
                    "the session of the writer was lost, with what was not committed",
                )
                .hint("run again: what was not committed is read again"));
            }
        }
        self.client.as_mut().ok_or_else(|| Error::bug("the session of the writer is gone"))
    }

    /// A session that was lost may have been ended by a newer run.
    fn explain(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Unavailable || self.context.is_cancelled() {
            return error;
        }
        // Whoever waited for the network once does not wait as long again.
        let mut server = (*self.settings.server).clone();
        server.connect_timeout = server.connect_timeout.min(ASKING);
        server.network_timeout = server.network_timeout.min(ASKING);
        let asked = Client::connect(&Arc::new(server), &self.context).and_then(|mut client| {
            target::check_epoch(&mut client, &self.settings, &self.run.pipeline, self.run.epoch, Fence::Look)
        });
        match asked {
            Err(fenced) if fenced.kind() == ErrorKind::Fenced => fenced,
            _ => error,
        }
    }
}

/// Moves rows from a table of the session into the table of their stream.
fn move_rows(client: &mut Client, stage: &Stage, rows: u64) -> Result<()> {
    if let Some(delete) = &stage.delete {
        client.execute(delete, &[])?;
    }
    let wanted = match &stage.check {
        Check::All => Some(rows),
        Check::Ask(sql) => client.query(sql, &[])?.first().map(|row| row.number(0)).transpose()?,
        Check::Nothing => None,
    };
    let changed = client.execute(&stage.insert, &[]).map_err(|error| match error.vendor() {
        SAME_ROW_TWICE => Error::data("records with different keys are one to the unique index of the table")
            .hint(
                "its collation or type ignores differences: give the key columns a deterministic collation",
            ),
        _ => error,
    })?;
    match wanted {
        Some(wanted) if wanted != changed => Err(kept_out(wanted, changed)),
        _ => Ok(()),
    }
}

fn kept_out(sent: u64, taken: u64) -> Error {
    Error::data(format!("{sent} rows were sent and the table took {taken}: a trigger keeps rows out"))
        .hint("change the trigger so that it refuses a row with an error, or drop it")
}
