//! What happened and what is to be done.

use dstream_abi::{Begun, Bookmark, Commit, Error, Prepared, StreamPlan};

use crate::state::Entry;

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A lane is about to start, or to start again after it failed. Answer: `OpenLane`, or `LaneDone` where there is
    /// nothing left to do.
    LaneReady {
        /// Which lane.
        partition: String,
    },
    /// The records of a window are written. Answer: `Prepare`; `GoOn` or `LaneDone` where there is nothing to commit.
    WindowClosed {
        /// Which lane.
        partition: String,
        /// As [`LaneStart::round`].
        round: u64,
        /// Records written since the last window.
        rows: u64,
        /// The checkpoint at which it ends. `None` only at the end of a partition whose tap gave no checkpoint after
        /// its last record: then the bookmark stays as it is.
        bookmark: Option<Bookmark>,
        /// The reader has no more records.
        end_of_partition: bool,
    },
    /// `prepare` returned. Answer: `Commit`, or `Fail` where the target counted other rows than the host.
    Prepared {
        /// The window.
        window: u64,
        /// Its answer.
        prepared: Prepared,
    },
    /// `commit` returned `Ok`. Answer: `GoOn` or `LaneDone`.
    Committed {
        /// The window.
        window: u64,
    },
    /// `commit` returned `Unavailable`, or never: nobody knows whether it was done. Answer, later: `OpenLane` or
    /// `LaneDone`, after a `Resolved`.
    CommitUnknown {
        /// The window.
        window: u64,
    },
    /// `commit` returned another error: nothing was committed. Answer: `Fail`. `Fenced` fails the run.
    CommitRefused {
        /// The window.
        window: u64,
        /// Why.
        error: Error,
    },
    /// Reading, writing or `prepare` failed. Answer: `Fail`, or `OpenLane` when the writer was one of an older round.
    /// A lane that tries again says `LaneReady`. `Fenced` fails the run.
    LaneFailed {
        /// Which lane.
        partition: String,
        /// As [`LaneStart::round`].
        round: u64,
        /// Why.
        error: Error,
    },
    /// `begin` returned.
    Begun(Begun),
    /// `begin` failed.
    BeginFailed {
        /// Why. After `Unavailable` the machine asks again.
        error: Error,
    },
    /// The state file could not be saved.
    StateSaveFailed {
        /// Why.
        error: Error,
    },
}

/// Where a lane starts or starts again.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneStart {
    /// Which lane.
    pub partition: String,
    /// Counts the calls of `begin` of this run that succeeded, from 1. The lane repeats it in its events: a writer of
    /// an older round is of no use.
    pub round: u64,
    /// For the writer.
    pub epoch: u64,
    /// For the reader.
    pub bookmark: Option<Bookmark>,
    /// For the writer: the streams of the partition, with `generation` and `resumed` as they are now.
    pub streams: Vec<StreamPlan>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Drop the lane's reader and writer, and open new ones here.
    OpenLane(LaneStart),
    /// Call `prepare`; feed back `Prepared` or `LaneFailed`.
    Prepare {
        /// Which lane.
        partition: String,
        /// The number for `prepare`.
        window: u64,
    },
    /// Call `commit`; feed back `Committed`, `CommitUnknown` or `CommitRefused`.
    Commit {
        /// Which lane.
        partition: String,
        /// The window.
        window: u64,
        /// What to commit.
        commit: Commit,
    },
    /// Write the next window.
    GoOn {
        /// Which lane.
        partition: String,
    },
    /// The lane has reached its end and everything is committed.
    LaneDone {
        /// Which lane.
        partition: String,
    },
    /// What became of a window whose outcome was unknown; comes before the answer to its lane.
    Resolved {
        /// The lane; this is not its answer.
        partition: String,
        /// The window.
        window: u64,
        /// Whether the target has it.
        committed: bool,
        /// Its rows.
        rows: u64,
    },
    /// Call `begin`; feed back `Begun` or `BeginFailed`. Wait before every attempt but the first.
    Begin {
        /// From 1.
        attempt: u32,
    },
    /// Write these entries to the state file, if the run has one; feed back `StateSaveFailed` on an error.
    SaveState {
        /// What has changed.
        entries: Vec<(String, Entry)>,
    },
    /// Tell the user; the run goes on.
    Warn {
        /// What.
        error: Error,
    },
    /// The lane has failed; the others go on. `None`: the run has failed; every lane that waits is told as well.
    Fail {
        /// Which lane.
        partition: Option<String>,
        /// Why.
        error: Error,
    },
}

impl Action {
    /// The lane whose answer this is.
    pub fn partition(&self) -> Option<&str> {
        match self {
            Action::OpenLane(start) => Some(&start.partition),
            Action::Prepare { partition, .. }
            | Action::Commit { partition, .. }
            | Action::GoOn { partition }
            | Action::LaneDone { partition } => Some(partition),
            Action::Fail { partition, .. } => partition.as_deref(),
            Action::Resolved { .. }
            | Action::Begin { .. }
            | Action::SaveState { .. }
            | Action::Warn { .. } => None,
        }
    }
}
