//! A job, and all that do it.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

use crate::dstreams::{LAKE, committed};
use crate::world::{Sink, World};

/// One job.
pub(crate) struct Workload {
    /// What `--only` calls it.
    pub(crate) number: u8,
    /// What is moved.
    pub(crate) title: &'static str,
    /// Rows that a run moves.
    pub(crate) rows: u64,
    /// All that do it, in the order in which they take turns.
    pub(crate) contenders: Vec<Contender>,
    /// MiB that `dstreams` has to stay below.
    pub(crate) peak: f64,
    /// What has to hold.
    pub(crate) goals: Vec<Goal>,
    /// What is not measured, and why.
    pub(crate) notes: Vec<String>,
}

/// Why somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The program of this repository.
    Dstreams,
    /// A part of its job, to see where time goes; no goal is set.
    Part,
    /// What people use in its place.
    Peer,
    /// Bytes moved with nothing done to them.
    Limit,
}

/// One way to do a job.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    /// For the shell, in the folder of the world.
    pub(crate) command: String,
    /// What the sink is before.
    pub(crate) sink: Sink,
    /// Copied to `state.json` before; without one there is no state.
    pub(crate) state: Option<&'static str>,
    /// How it is seen that the job is done.
    pub(crate) check: Check,
}

/// Something that has to be there after a run.
pub(crate) enum Check {
    /// What a statement says of the database `sink`.
    Sink(String, String),
    /// What a statement of DuckDB says of files.
    Files(String, String),
    /// What a statement says of the SQLite file `out.db`.
    Sqlite(String, String),
    /// As many rows as the report of `dstreams` says are committed.
    Committed(u64),
    /// As many rows as psql says were copied, all commands together.
    Copied(u64),
    /// A word in the output.
    Says(String),
}

/// A wall time that may not be above `at_most` times that of a peer.
pub(crate) struct Goal {
    pub(crate) of: &'static str,
    pub(crate) against: &'static str,
    pub(crate) at_most: f64,
}

impl Contender {
    /// One that starts without state and with nothing in the sink.
    pub(crate) fn new(name: &'static str, role: Role, command: String, check: Check) -> Contender {
        Contender { name, role, command, sink: Sink::Empty, state: None, check }
    }

    /// As it is, with this in the sink before.
    pub(crate) fn into(mut self, sink: Sink) -> Contender {
        self.sink = sink;
        self
    }

    /// As it is, with this state before.
    pub(crate) fn on_from(mut self, state: &'static str) -> Contender {
        self.state = Some(state);
        self
    }

    /// Puts everything back as it has to be before a run.
    pub(crate) fn reset(&self, world: &World) -> Result<()> {
        for file in ["state.json", "state.json.prev", "report.json", "out.parquet", "out.csv", "out.db"] {
            let _ = fs::remove_file(world.folder.join(file));
        }
        let lake = world.folder.join(LAKE);
        if lake.exists() {
            fs::remove_dir_all(lake)?;
        }
        if let Some(state) = self.state {
            fs::copy(world.folder.join(state), world.folder.join("state.json"))?;
        }
        world.reset(self.sink)
    }

    /// Sees that the job is done.
    pub(crate) fn check(&self, world: &World, log: &Path) -> Result<()> {
        let said = || fs::read_to_string(log).context("no log");
        let (found, expected) = match &self.check {
            Check::Sink(statement, expected) => (world.psql("sink", statement)?, expected.clone()),
            Check::Files(statement, expected) => {
                (world.python.query(&world.folder, statement)?, expected.clone())
            }
            Check::Sqlite(statement, expected) => {
                (world.python.query_sqlite(&world.folder, "out.db", statement)?, expected.clone())
            }
            Check::Committed(rows) => (committed(world)?.to_string(), rows.to_string()),
            Check::Copied(rows) => (copied(&said()?).to_string(), rows.to_string()),
            Check::Says(word) => {
                let said = said()?;
                (if said.contains(word) { word.clone() } else { said }, word.clone())
            }
        };
        ensure!(found == expected, "`{}` is wrong: there is {found}, not {expected}", self.name);
        Ok(())
    }
}

/// The sum of what `COPY n` says.
fn copied(said: &str) -> u64 {
    said.lines().filter_map(|line| line.strip_prefix("COPY ")?.trim().parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_all_copies_are_counted_together() {
        assert_eq!(copied("COPY 3\nnotice\nCOPY 4\n"), 7);
    }
}
