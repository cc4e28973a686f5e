//! Bugs on purpose, and the harness that finds each.

use anyhow::Result;
use clap::ValueEnum;
use std::fmt;

use crate::campaign;
use crate::durability;
use crate::fencing;
use crate::pair::Pair;
use crate::subject::Subject;
use crate::verdict::Verdict;
use std::time::Duration;

/// More kills than any of them needs.
const KILLS: u64 = 200;
/// More runs that sleep than one needs.
const SLEEPERS: u64 = 10;

/// A bug that a `dstreams` with the feature `seeded-bugs` can be told to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bug {
    /// The state file is saved before the data is committed, and trusted by the next run.
    StateBeforeData,
    /// A bookmark amid rows of one value is taken for the end of them.
    CheckpointInsideTies,
    /// Values of a replication key are compared as text: 10 comes before 9.
    StringCursor,
    /// A target asks nobody whether a newer run has taken over.
    MissingFence,
    /// Nulls are written as the values that stand under them.
    IgnoredNullBitmap,
    /// The state file is put in its place before it is on disk.
    DroppedFsync,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 6] = [
        Bug::StateBeforeData,
        Bug::CheckpointInsideTies,
        Bug::StringCursor,
        Bug::MissingFence,
        Bug::IgnoredNullBitmap,
        Bug::DroppedFsync,
    ];

    /// What the harness has to count where the bug is.
    pub fn shows_in(self, verdict: &Verdict) -> u64 {
        match self {
            // A row of which a newer version is lost is an altered one, and a reader beside the run may see first that a copy
            // lacks rows.
            Bug::StateBeforeData | Bug::CheckpointInsideTies => verdict.lost + verdict.altered + verdict.torn,
            Bug::StringCursor => verdict.doubled,
            Bug::MissingFence => verdict.wedged,
            Bug::IgnoredNullBitmap => verdict.altered,
            Bug::DroppedFsync => verdict.state,
        }
    }

    /// Lets the harness look at a subject that has this bug, or none.
    ///
    /// # Errors
    /// It cannot be carried out; a violation is none.
    pub fn hunt(self, subject: &Subject, seed: u64) -> Result<Verdict> {
        let kill = |pair| {
            let request = campaign::Request { pair, seed, kills: KILLS, until_violation: true };
            campaign::run(subject, request).map(|figures| figures.verdict)
        };
        match self {
            Bug::StateBeforeData => kill(Pair::CsvSqlite),
            Bug::CheckpointInsideTies => kill(Pair::PgPgUpsert),
            Bug::StringCursor => kill(Pair::PgPgAppend),
            Bug::IgnoredNullBitmap => kill(Pair::CsvPg),
            Bug::MissingFence => {
                let limit = Duration::from_secs(60);
                let request = fencing::Request { pair: Pair::CsvPg, seed, trials: SLEEPERS, limit };
                fencing::sleepers(subject, request).map(|figures| figures.verdict)
            }
            Bug::DroppedFsync => durability::watch(subject, seed),
        }
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("no bug is hidden");
        to.write_str(value.get_name())
    }
}
