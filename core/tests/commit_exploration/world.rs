//! Everything there is in the model, and every step it can take.

use dstream_abi::Error;
use dstream_core::commit::{Event, Protocol};
use dstream_core::state::State;

use super::run::{Mode, RunModel, Todo, lost};
use super::target::{Flight, Outcome, Target, TargetRules};

/// One partition of the source: its rows never change, and there is a checkpoint after each.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub id: &'static str,
    pub stream: &'static str,
    pub rows: u64,
}

/// What is explored, and how far.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub protocol: Protocol,
    pub rules: TargetRules,
    /// `FULL_TABLE` built aside and published; otherwise `INCREMENTAL`, appended.
    pub overwrite: bool,
    pub partitions: Vec<Part>,
    /// Runs that are started, two of them at once at most.
    pub runs: u8,
    pub crashes: u8,
    /// Replies that are lost, and saves that fail.
    pub faults: u8,
}

impl Scenario {
    pub fn index_of(&self, partition: &str) -> usize {
        self.partitions
            .iter()
            .position(|part| part.id == partition)
            .expect("the machine names planned partitions")
    }
}

/// A state of the model.
#[derive(Clone, Debug, Hash)]
pub struct World {
    pub target: Target,
    pub file: Option<State>,
    pub runs: [Option<RunModel>; 2],
    /// Commits on their way whose sender does not wait any more.
    pub floating: Vec<Flight>,
    started: u8,
    crashes: u8,
    faults: u8,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Fine,
    /// Done, and the caller does not learn it.
    ReplyLost,
    /// Not done (a commit: not yet), and the caller does not learn it.
    RequestLost,
}

/// One step.
#[derive(Clone, Copy, Debug)]
pub enum Step {
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
    pub fn new(scenario: &Scenario) -> World {
        World {
            target: Target::default(),
            file: None,
            runs: [None, None],
            floating: Vec::new(),
            started: scenario.runs,
            crashes: scenario.crashes,
            faults: scenario.faults,
        }
    }

    /// The same world after everybody died, with what is needed for one more run.
    pub fn quiet(&self) -> World {
        let (target, file) = (self.target.clone(), self.file.clone());
        World { target, file, runs: [None, None], floating: vec![], started: 1, crashes: 0, faults: 0 }
    }

    pub fn steps(&self, scenario: &Scenario) -> Vec<Step> {
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
            match model {
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

    pub fn take(&mut self, scenario: &Scenario, step: Step) {
        match step {
            Step::Start(slot) => {
                self.started -= 1;
                self.runs[slot] = Some(RunModel::Starting { state: self.file.clone().unwrap_or_default() });
            }
            Step::Begin(slot, fate) => {
                self.faults -= u8::from(fate != Fate::Fine);
                let Some(RunModel::Starting { state }) = self.runs[slot].take() else {
                    unreachable!("only a run that starts begins so")
                };
                if fate != Fate::RequestLost {
                    let begun = self.target.begin(scenario.rules);
                    if fate == Fate::Fine {
                        self.runs[slot] = RunModel::begun(scenario, &state, &begun);
                    }
                }
            }
            Step::Close { run, lane, to, end } => self.run(run).close(scenario, lane, to, end),
            Step::Do { run, lane, fate } => self.work(scenario, run, lane, fate),
            Step::Crash { run, done } => self.crash(scenario, run, done),
            Step::Arrive(index) => {
                let flight = self.floating.remove(index);
                self.target.commit(scenario.rules, &flight);
            }
        }
        for run in &mut self.runs {
            if run.as_ref().is_some_and(RunModel::is_over) {
                *run = None;
            }
        }
        // Nothing of an older epoch can land: such commits need not be kept in mind.
        let epoch = self.target.epoch;
        self.floating.retain(|flight| !scenario.rules.fence || flight.epoch == epoch);
        self.floating.sort_by_key(|flight| format!("{flight:?}"));
    }

    fn run(&mut self, slot: usize) -> &mut RunModel {
        self.runs[slot].as_mut().expect("steps are taken of runs that are there")
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
                state.absorb(entries);
                self.file = Some(state.clone());
                return;
            }
            Todo::Save { entries } => {
                let RunModel::Going { state, .. } = self.run(slot) else { unreachable!("as above") };
                state.absorb(entries);
                Event::StateSaveFailed { error: Error::resource("no space") }
            }
            Todo::Begin if fate == Fate::RequestLost => Event::BeginFailed { error: lost() },
            Todo::Begin => {
                let begun = self.target.begin(scenario.rules);
                if fate == Fate::Fine { Event::Begun(begun) } else { Event::BeginFailed { error: lost() } }
            }
            Todo::Commit { window, flight } if fate == Fate::RequestLost => {
                self.floating.push(flight);
                Event::CommitUnknown { window }
            }
            Todo::Commit { window, flight } => match (fate, self.target.commit(scenario.rules, &flight)) {
                (Fate::Fine, Outcome::Done) => Event::Committed { window },
                (Fate::Fine, Outcome::Fenced) => {
                    Event::CommitRefused { window, error: Error::fenced("a newer run owns the pipeline") }
                }
                (Fate::Fine, Outcome::Refused) => {
                    Event::CommitRefused { window, error: Error::data("the sequence does not follow") }
                }
                _ => Event::CommitUnknown { window },
            },
        };
        self.run(slot).feed(scenario, lane, event);
    }

    fn crash(&mut self, scenario: &Scenario, slot: usize, done: u8) {
        self.crashes -= 1;
        let Some(RunModel::Going { lanes, mut state, .. }) = self.runs[slot].take() else { return };
        for (lane, mut model) in lanes.into_iter().enumerate() {
            let is_done = done & (1 << lane) != 0;
            match model.todo.pop_front() {
                Some(Todo::Commit { flight, .. }) if is_done => {
                    self.target.commit(scenario.rules, &flight);
                }
                Some(Todo::Commit { flight, .. }) => self.floating.push(flight),
                Some(Todo::Begin) if is_done => {
                    self.target.begin(scenario.rules);
                }
                Some(Todo::Save { entries }) if is_done => {
                    state.absorb(entries);
                    self.file = Some(state.clone());
                }
                _ => {}
            }
        }
    }
}
