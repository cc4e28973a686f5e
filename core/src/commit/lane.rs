//! What the machine knows of one lane.

use std::hash::{Hash, Hasher};

use dstream_abi::{CommitWindow, Prepared, StreamPlan, WriteMode};
use serde_json::Value;

use crate::state::{Entry, Start};

/// One partition of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Where it starts.
    pub start: Start,
    /// Its streams. The machine sets `generation` and `resumed`.
    pub streams: Vec<StreamPlan>,
}

impl Lane {
    /// The streams that are built aside and published.
    pub(super) fn published(&self) -> impl Iterator<Item = &StreamPlan> {
        self.streams.iter().filter(|plan| plan.write_mode == WriteMode::Overwrite)
    }
}

/// A lane while the run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LaneState {
    /// What the next window goes on from.
    pub(super) current: Entry,
    /// `current` is stored as it is; false before the first commit of a lane that starts over.
    pub(super) is_stored: bool,
    /// The round of its writer.
    pub(super) round: u64,
    pub(super) step: Step,
}

impl LaneState {
    pub(super) fn new(start: &Start) -> LaneState {
        LaneState {
            current: Entry { sequence: start.sequence, state: start.state.clone() },
            is_stored: start.stored.as_ref().is_some_and(|stored| stored.state == start.state),
            round: 0,
            step: if start.complete { Step::Done } else { Step::Idle },
        }
    }

    /// Waits for the machine, and not for a call that is on its way.
    pub(super) fn is_parked(&self) -> bool {
        matches!(self.step, Step::Parked | Step::Held(_) | Step::Unknown(_))
    }
}

/// What a lane is doing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// Not opened yet.
    Idle,
    /// Reads and writes.
    Open,
    /// `prepare` is called.
    Preparing(Window),
    /// Prepared; another partition of a stream that is to be published is about to end, and whoever ends last
    /// publishes.
    Held(Window),
    /// `commit` is called.
    Committing(Window),
    /// Nobody knows whether the commit was done.
    Unknown(Window),
    /// Waits to be opened after the next `begin`.
    Parked,
    /// At its end.
    Done,
    /// Has failed.
    Failed,
}

impl Step {
    /// The records that are under way.
    pub(super) fn window(&self) -> Option<&Window> {
        match self {
            Step::Preparing(window)
            | Step::Held(window)
            | Step::Committing(window)
            | Step::Unknown(window) => Some(window),
            Step::Idle | Step::Open | Step::Parked | Step::Done | Step::Failed => None,
        }
    }
}

/// Records on their way to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) number: u64,
    pub(super) rows: u64,
    /// What the commit makes of the lane.
    pub(super) next: Entry,
    /// It is the last one of the partition.
    pub(super) ends: bool,
    /// The target's answer to `prepare`.
    pub(super) message: Value,
}

/// Without the number: it only has to differ from the others.
impl Hash for Window {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.rows, &self.next, self.ends, &self.message).hash(state);
    }
}

impl Window {
    /// The record is the one of this window.
    pub(super) fn made(&self, stored: &Entry) -> bool {
        let (ours, theirs) = (&self.next.state, &stored.state);
        self.next.sequence == stored.sequence
            && (ours.generation, ours.rows_total, ours.complete)
                == (theirs.generation, theirs.rows_total, theirs.complete)
    }

    pub(super) fn to_commit(&self, partition: &str) -> CommitWindow {
        CommitWindow {
            window: self.number,
            partition: partition.to_string(),
            prepared: Prepared { rows: self.rows, message: self.message.clone() },
        }
    }
}
