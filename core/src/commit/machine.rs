//! The protocol: events to their parts, and what these share.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use dstream_abi::{Error, ErrorKind, StreamPlan};

use super::lane::{LaneState, Step};
use super::recovery::Recovery;
use super::{Action, Event, Lane, LaneStart, Protocol};
use crate::state::Entry;

/// What all lanes share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The pipeline's identity.
    pub pipeline: String,
    /// This run's.
    pub run: String,
    /// The epoch that the first `begin` answered.
    pub epoch: u64,
    /// The target's manifest says so: its records decide, and the state file is a cache. Otherwise the file decides.
    pub transactional: bool,
}

/// The commit protocol of one run.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(super) fixed: Arc<Fixed>,
    pub(super) epoch: u64,
    pub(super) round: u64,
    pub(super) lanes: BTreeMap<String, LaneState>,
    /// Commits that are called and have not returned.
    pub(super) in_flight: usize,
    /// Streams of which part of this generation is committed.
    pub(super) started: BTreeSet<String>,
    /// Streams to be published of which a partition's last window is being committed.
    pub(super) ending: BTreeSet<String>,
    pub(super) recovery: Option<Recovery>,
    pub(super) fruitless_recoveries: u32,
    pub(super) failure: Option<Error>,
    /// Partitions of a stream that are not complete yet.
    pub(super) remaining: BTreeMap<String, usize>,
    /// Lanes in the step `Held`.
    pub(super) held: BTreeSet<String>,
    /// Whose a window is that is under way.
    pub(super) windows: BTreeMap<u64, String>,
    pub(super) next_window: u64,
}

#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) protocol: Protocol,
    pub(super) run: Run,
    pub(super) lanes: BTreeMap<String, Lane>,
}

impl Machine {
    /// A machine for a run whose first `begin` has returned and whose starts are resolved.
    ///
    /// `lanes` are all partitions of the plan, also those that are complete.
    pub fn new(protocol: Protocol, run: Run, lanes: Vec<Lane>) -> Machine {
        let mut remaining = BTreeMap::new();
        let mut started = BTreeSet::new();
        let mut states = BTreeMap::new();
        for lane in &lanes {
            for plan in &lane.streams {
                *remaining.entry(plan.stream.clone()).or_insert(0) += usize::from(!lane.start.complete);
            }
            started.extend(lane.start.resumed.iter().cloned());
            states.insert(lane.start.partition.clone(), LaneState::new(&lane.start));
        }
        let lanes = lanes.into_iter().map(|lane| (lane.start.partition.clone(), lane)).collect();
        Machine {
            epoch: run.epoch,
            round: 1,
            lanes: states,
            in_flight: 0,
            started,
            ending: BTreeSet::new(),
            recovery: None,
            fruitless_recoveries: 0,
            failure: None,
            remaining,
            held: BTreeSet::new(),
            windows: BTreeMap::new(),
            next_window: 1,
            fixed: Arc::new(Fixed { protocol, run, lanes }),
        }
    }

    /// Takes one event and says what is to be done, in order.
    ///
    /// An event that does not fit what the machine asked for fails the run with a `Bug`.
    #[must_use]
    pub fn handle(&mut self, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        let handled = match event {
            Event::LaneReady { partition } => self.lane_ready(&partition, &mut out),
            Event::WindowClosed { partition, round, rows, bookmark, end_of_partition } => {
                self.window_closed(&partition, round, rows, bookmark, end_of_partition, &mut out)
            }
            Event::Prepared { window, prepared } => self.prepared(window, prepared, &mut out),
            Event::Committed { window } => self.committed_window(window, &mut out),
            Event::CommitUnknown { window } => self.commit_unknown(window, &mut out),
            Event::CommitRefused { window, error } if error.kind() == ErrorKind::Unavailable => {
                self.commit_unknown(window, &mut out)
            }
            Event::CommitRefused { window, error } => self.commit_refused(window, error, &mut out),
            Event::LaneFailed { partition, round, error } => {
                self.lane_failed(&partition, round, error, &mut out)
            }
            Event::Begun(begun) => self.begun(&begun, &mut out),
            Event::BeginFailed { error } => self.begin_failed(error, &mut out),
            Event::StateSaveFailed { error } => {
                self.state_save_failed(error, &mut out);
                Ok(())
            }
        };
        if let Err(misuse) = handled {
            self.fail_run(misuse, &mut out);
        }
        out
    }

    /// What is committed of a partition, as far as the machine knows; `None`: nothing, or it started over and nothing
    /// is committed since.
    pub fn committed(&self, partition: &str) -> Option<&Entry> {
        self.lanes.get(partition).filter(|lane| lane.is_stored).map(|lane| &lane.current)
    }

    /// Calls of `begin` that succeeded; rises when open writers have become useless.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Every lane is done.
    pub fn is_complete(&self) -> bool {
        self.failure.is_none() && self.lanes.values().all(|lane| lane.step == Step::Done)
    }

    /// Why the run has failed, if it has.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// Two machines of one run that hash alike behave alike: epochs count from the target's, rounds from the machine's
    /// own, and windows have no numbers.
    #[doc(hidden)]
    pub fn hash_behaviour<H: Hasher>(&self, target_epoch: u64, state: &mut H) {
        (target_epoch.wrapping_sub(self.epoch), self.in_flight, &self.started, &self.ending).hash(state);
        (&self.recovery, self.fruitless_recoveries, &self.remaining).hash(state);
        for lane in self.lanes.values() {
            (self.round - lane.round, &lane.current, lane.is_stored, &lane.step).hash(state);
        }
        self.failure.as_ref().map(|error| (error.kind(), error.message())).hash(state);
    }

    fn state_save_failed(&mut self, error: Error, out: &mut Vec<Action>) {
        if self.fixed.run.transactional {
            out.push(Action::Warn {
                error: error.context("the target has everything, but not the state file"),
            });
        } else {
            self.fail_run(error, out);
        }
    }

    /// Takes the lane out of its step; a window that it has is dropped.
    fn enter(&mut self, partition: &str, step: Step) {
        self.held.remove(partition);
        if let Some(lane) = self.lanes.get_mut(partition) {
            if let Some(window) = lane.step.window() {
                self.windows.remove(&window.number);
            }
            lane.step = step;
        }
    }

    /// Writers of this round are of no use any more, or will not be.
    pub(super) fn is_stale(&self, round: u64) -> bool {
        self.recovery.is_some() || round != self.round
    }

    /// Opens the lane at its last committed bookmark, or has it wait for the `begin` that is on its way.
    pub(super) fn open_or_park(&mut self, partition: &str, out: &mut Vec<Action>) {
        let (round, epoch, parked) = (self.round, self.epoch, self.recovery.is_some());
        let streams = self.fixed.lanes.get(partition).map(|lane| lane.streams.as_slice()).unwrap_or_default();
        let streams = streams.iter().map(|plan| self.plan_now(partition, plan)).collect();
        self.enter(partition, if parked { Step::Parked } else { Step::Open });
        if let Some(lane) = self.lanes.get_mut(partition).filter(|_| !parked) {
            lane.round = round;
            let bookmark = lane.current.state.bookmark.clone();
            let partition = partition.to_string();
            out.push(Action::OpenLane(LaneStart { partition, round, epoch, bookmark, streams }));
        }
    }

    pub(super) fn plan_now(&self, partition: &str, plan: &StreamPlan) -> StreamPlan {
        let generation =
            self.lanes.get(partition).map_or(plan.generation, |lane| lane.current.state.generation);
        StreamPlan { generation, resumed: self.started.contains(&plan.stream), ..plan.clone() }
    }

    /// The lane has failed; without an error of its own, because the run has.
    pub(super) fn fail_lane(&mut self, partition: &str, error: Option<Error>, out: &mut Vec<Action>) {
        let error =
            error.or_else(|| self.failure.clone()).unwrap_or_else(|| Error::cancelled("the run has ended"));
        self.enter(partition, Step::Failed);
        out.push(Action::Fail { partition: Some(partition.to_string()), error });
    }

    pub(super) fn fail_run(&mut self, error: Error, out: &mut Vec<Action>) {
        if self.failure.is_some() {
            return;
        }
        self.failure = Some(error.clone());
        self.recovery = None;
        out.push(Action::Fail { partition: None, error });
        let parked: Vec<String> =
            self.lanes.iter().filter(|(_, lane)| lane.is_parked()).map(|(name, _)| name.clone()).collect();
        for partition in parked {
            self.fail_lane(&partition, None, out);
        }
    }

    pub(super) fn partition_of(&self, window: u64) -> Result<String, Error> {
        let partition = self.windows.get(&window).cloned();
        partition.ok_or_else(|| Error::bug(format!("there is no window {window} under way")))
    }

    pub(super) fn lane(&mut self, partition: &str) -> Result<&mut LaneState, Error> {
        let lane = self.lanes.get_mut(partition);
        lane.ok_or_else(|| Error::bug(format!("partition `{partition}` is not in the plan of this run")))
    }
}

pub(super) fn unexpected(event: &str, partition: &str, step: &Step) -> Error {
    Error::bug(format!("`{event}` of partition `{partition}` came while the lane was in the step {step:?}"))
}
