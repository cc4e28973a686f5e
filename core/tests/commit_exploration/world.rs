//! Everything there is in the model, and every step it can take.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use dstream_abi::Error;
use dstream_core::commit::{Event, Protocol};
use dstream_core::state::State;

use super::folded::Folded;
use super::run::{Mode, RunModel, Todo, lost};
use super::target::{Flight, Outcome, Target, TargetRules};

/// One partition of the source: its rows never change, and there is a checkpoint after each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) id: &'static str,
    pub(crate) stream: &'static str,
    pub(crate) rows: u64,
}

/// What is explored, and how far.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) protocol: Protocol,
    pub(crate) rules: TargetRules,
    /// `FULL_TABLE` built aside and published; otherwise `INCREMENTAL`, appended.
    pub(crate) overwrite: bool,
    pub(crate) partitions: &'static [Part],
    /// Runs that are started, two of them at once at most.
    pub(crate) runs: u8,
    pub(crate) crashes: u8,
    /// Replies that are lost, and saves that fail.
    pub(crate) faults: u8,
    /// Saving the state file takes time, and may fail. Otherwise it is done in one step with what it follows.
    pub(crate) saves_apart: bool,
}

impl Scenario {
    pub(crate) fn index_of(&self, partition: &str) -> usize {
        self.partitions
            .iter()
            .position(|part| part.id == partition)
            .expect("the machine names planned partitions")
    }
}

/// A state of the model.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) target: Arc<Target>,
    pub(crate) file: Option<Arc<State>>,
    pub(crate) runs: [Option<Arc<RunModel>>; 2],
    /// Commits on their way whose sender does not wait any more.
    pub(crate) floating: Vec<Flight>,
    started: u8,
    crashes: u8,
    faults: u8,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Fine,
    /// Done, and the caller does not learn it.
    ReplyLost,
    /// Not done (a commit: not yet), and the caller does not learn it.
    RequestLost,
}

/// One step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A new run reads the state file.
    Start(usize),
    /// It begins.
    Begin(usize, Fate),
    /// A lane ends a window.
    Close { run: usize, lane: usize, to: u64, end: bool },
    /// A lane's thread does what is next.
    Do { run: usize, lane: usize, fate: Fate },
    /// A run dies; what its threads were doing is done, or is not: a bit for each lane.
    Crash { run: usize, done: u8 },
    /// A commit whose sender is gone arrives.
    Arrive(usize),
}

impl World {
    pub(crate) fn new(scenario: &Scenario) -> World {
        World {
            target: Arc::default(),
            file: None,
            runs: [None, None],
            floating: Vec::new(),
            started: scenario.runs,
            crashes: scenario.crashes,
            faults: scenario.faults,
        }
    }

    /// Worlds that hash alike behave alike: it makes no difference how high epochs are, which run has which slot, and
    /// in which order commits float.
    pub(crate) fn hash(&self) -> u64 {
        let epoch = self.target.epoch;
        let hash_of = |hash: &dyn Fn(&mut Folded)| {
            let mut hasher = Folded::new();
            hash(&mut hasher);
            hasher.finish()
        };
        let runs = self.runs.iter().flatten().map(|run| hash_of(&|hasher| run.hash_from(epoch, hasher)));
        let mut runs: Vec<u64> = runs.collect();
        runs.sort_unstable();
        let floating = self.floating.iter().map(|flight| hash_of(&|hasher| flight.hash_from(epoch, hasher)));
        let mut floating: Vec<u64> = floating.collect();
        floating.sort_unstable();
        hash_of(&|hasher| {
            (&self.target.records, &self.target.tables, &self.file, &runs, &floating).hash(hasher);
            (self.started, self.crashes, self.faults).hash(hasher);
        })
    }

    /// The same world after everybody died, with what is needed for one more run.
    pub(crate) fn quiet(&self) -> World {
        let (target, file) = (self.target.clone(), self.file.clone());
        World { target, file, runs: [None, None], floating: vec![], started: 1, crashes: 0, faults: 0 }
    }

    pub(crate) fn steps(&self, scenario: &Scenario) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.started > 0
            && let Some(slot) = self.runs.iter().position(Option::is_none)
        {
            steps.push(Step::Start(slot));
        }
        let fates: &[Fate] = match self.faults {
            0 => &[Fate::Fine],
            _ => &[Fate::Fine, Fate::ReplyLost, Fate::RequestLost],
        };
        for (run, model) in self.runs.iter().enumerate() {
            match model.as_deref() {
                None => {}
                Some(RunModel::Starting { .. }) => {
                    steps.extend(fates.iter().map(|fate| Step::Begin(run, *fate)));
                    steps.extend((self.crashes > 0).then_some(Step::Crash { run, done: 0 }));
                }
                Some(RunModel::Going { lanes, .. }) => {
                    let mut busy = 0_u8;
                    for (lane, model) in lanes.iter().enumerate() {
                        let rows = scenario.partitions[lane].rows;
                        match (model.todo.front(), &model.mode) {
                            (Some(Todo::Prepare { .. }), _) => {
                                steps.push(Step::Do { run, lane, fate: Fate::Fine });
                            }
                            (Some(Todo::Save { .. }), _) => {
                                busy |= 1 << lane;
                                let fates = fates.iter().filter(|fate| **fate != Fate::ReplyLost);
                                steps.extend(fates.map(|fate| Step::Do { run, lane, fate: *fate }));
                            }
                            (Some(_), _) => {
                                busy |= 1 << lane;
                                steps.extend(fates.iter().map(|fate| Step::Do { run, lane, fate: *fate }));
                            }
                            (None, Mode::Reading { from }) => {
                                let ends = (from + 1..=rows).map(|to| (to, false)).chain([(rows, true)]);
                                steps.extend(ends.map(|(to, end)| Step::Close { run, lane, to, end }));
                            }
                            (None, _) => {}
                        }
                    }
                    if self.crashes > 0 {
                        let subsets = (0..=busy).filter(|done| done & !busy == 0);
                        steps.extend(subsets.map(|done| Step::Crash { run, done }));
                    }
                }
            }
        }
        steps.extend((0..self.floating.len()).map(Step::Arrive));
        steps
    }

    pub(crate) fn take(&mut self, scenario: &Scenario, step: Step) {
        match step {
            Step::Start(slot) => {
                self.started -= 1;
                self.runs[slot] =
                    Some(Arc::new(RunModel::Starting { state: self.file.clone().unwrap_or_default() }));
            }
            Step::Begin(slot, fate) => {
                self.faults -= u8::from(fate != Fate::Fine);
                let run = self.runs[slot].take();
                let Some(RunModel::Starting { state }) = run.as_deref() else {
                    unreachable!("only a run that starts begins so")
                };
                if fate != Fate::RequestLost {
                    let begun = Arc::make_mut(&mut self.target).begin(scenario.rules);
                    if fate == Fate::Fine {
                        self.runs[slot] = RunModel::begun(scenario, state, &begun).map(Arc::new);
                    }
                }
            }
            Step::Close { run, lane, to, end } => self.run(run).close(scenario, lane, to, end),
            Step::Do { run, lane, fate } => self.work(scenario, run, lane, fate),
            Step::Crash { run, done } => self.crash(scenario, run, done),
            Step::Arrive(index) => {
                let flight = self.floating.remove(index);
                Arc::make_mut(&mut self.target).commit(scenario.rules, &flight);
            }
        }
        if !scenario.saves_apart {
            self.save_at_once(scenario);
        }
        for run in &mut self.runs {
            if run.as_ref().is_some_and(|run| run.is_over()) {
                *run = None;
            }
        }
        // Nothing of an older epoch can land: such commits need not be kept in mind.
        let epoch = self.target.epoch;
        self.floating.retain(|flight| !scenario.rules.fence || flight.epoch == epoch);
    }

    fn run(&mut self, slot: usize) -> &mut RunModel {
        Arc::make_mut(self.runs[slot].as_mut().expect("steps are taken of runs that are there"))
    }

    fn work(&mut self, scenario: &Scenario, slot: usize, lane: usize, fate: Fate) {
        self.faults -= u8::from(fate != Fate::Fine);
        let RunModel::Going { lanes, .. } = self.run(slot) else {
            unreachable!("only a run that goes on works")
        };
        let todo = lanes[lane].todo.pop_front().expect("steps are taken of lanes that have something to do");
        let event = match todo {
            Todo::Prepare { window } => return self.run(slot).prepare(scenario, lane, window),
            Todo::Save { entries } if fate == Fate::Fine => {
                let RunModel::Going { state, .. } = self.run(slot) else { unreachable!("as above") };
                Arc::make_mut(state).absorb(entries);
                self.file = Some(state.clone());
                return;
            }
            Todo::Save { entries } => {
                let RunModel::Going { state, .. } = self.run(slot) else { unreachable!("as above") };
                Arc::make_mut(state).absorb(entries);
                Event::StateSaveFailed { error: Error::resource("no space") }
            }
            Todo::Begin if fate == Fate::RequestLost => Event::BeginFailed { error: lost() },
            Todo::Begin => {
                let begun = Arc::make_mut(&mut self.target).begin(scenario.rules);
                if fate == Fate::Fine { Event::Begun(begun) } else { Event::BeginFailed { error: lost() } }
            }
            Todo::Commit { window, flight } if fate == Fate::RequestLost => {
                self.floating.push(*flight);
                Event::CommitUnknown { window }
            }
            Todo::Commit { window, flight } => {
                match (fate, Arc::make_mut(&mut self.target).commit(scenario.rules, &flight)) {
                    (Fate::Fine, Outcome::Done) => Event::Committed { window },
                    (Fate::Fine, Outcome::Fenced) => {
                        Event::CommitRefused { window, error: Error::fenced("a newer run owns the pipeline") }
                    }
                    (Fate::Fine, Outcome::Refused) => {
                        Event::CommitRefused { window, error: Error::data("the sequence does not follow") }
                    }
                    _ => Event::CommitUnknown { window },
                }
            }
        };
        self.run(slot).feed(scenario, lane, event);
    }

    fn save_at_once(&mut self, scenario: &Scenario) {
        for slot in 0..self.runs.len() {
            for lane in 0..scenario.partitions.len() {
                let saves = |world: &World| match world.runs[slot].as_deref() {
                    Some(RunModel::Going { lanes, .. }) => {
                        matches!(lanes[lane].todo.front(), Some(Todo::Save { .. }))
                    }
                    _ => false,
                };
                while saves(self) {
                    self.work(scenario, slot, lane, Fate::Fine);
                }
            }
        }
    }

    fn crash(&mut self, scenario: &Scenario, slot: usize, done: u8) {
        self.crashes -= 1;
        let run = self.runs[slot].take().map(Arc::unwrap_or_clone);
        let Some(RunModel::Going { lanes, mut state, .. }) = run else { return };
        for (lane, mut model) in lanes.into_iter().enumerate() {
            let is_done = done & (1 << lane) != 0;
            match model.todo.pop_front() {
                Some(Todo::Commit { flight, .. }) if is_done => {
                    Arc::make_mut(&mut self.target).commit(scenario.rules, &flight);
                }
                Some(Todo::Commit { flight, .. }) => self.floating.push(*flight),
                Some(Todo::Begin) if is_done => {
                    Arc::make_mut(&mut self.target).begin(scenario.rules);
                }
                Some(Todo::Save { entries }) if is_done => {
                    Arc::make_mut(&mut state).absorb(entries);
                    self.file = Some(state.clone());
                }
                _ => {}
            }
        }
    }
}
