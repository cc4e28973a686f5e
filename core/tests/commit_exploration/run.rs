//! A run: the real machine, with models of the lanes around it.

use std::collections::{BTreeMap, VecDeque};

use dstream_abi::{
    Begun, Error, Partition, Prepared, ReplicationMethod, SelectedStream, StreamPlan, WriteMode,
};
use dstream_core::commit::{Action, Event, Lane, LaneStart, Machine, Run};
use dstream_core::state::{Authority, Entry, Question, State, resolve};

use super::target::{Flight, WriterModel};
use super::world::Scenario;

/// What a lane's thread still has to do, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Todo {
    Prepare { window: u64 },
    Commit { window: u64, flight: Flight },
    Begin,
    Save { entries: Vec<(String, Entry)> },
}

/// Where a lane is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Reads and writes; rows from `from` on are not in a window yet.
    Reading {
        from: u64,
    },
    /// Waits for the machine.
    Waiting,
    Done,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LaneModel {
    pub mode: Mode,
    pub todo: VecDeque<Todo>,
    writer: Option<WriterModel>,
    round: u64,
    /// The window under way.
    window: (u64, u64),
}

/// A process that runs `dstreams sync --state`.
#[derive(Clone, Debug, Hash)]
pub enum RunModel {
    /// The state file is read, `begin` is next.
    Starting {
        state: State,
    },
    Going {
        machine: Box<Machine>,
        state: State,
        lanes: Vec<LaneModel>,
    },
}

impl RunModel {
    /// `begin` has answered: decides where to start, and starts every lane. `None`: the run refuses to start.
    pub fn begun(scenario: &Scenario, state: &State, begun: &Begun) -> Option<RunModel> {
        let method =
            if scenario.overwrite { ReplicationMethod::FullTable } else { ReplicationMethod::Incremental };
        let schema = std::sync::Arc::new(arrow::datatypes::Schema::empty());
        let mut names: Vec<&str> = scenario.partitions.iter().map(|part| part.stream).collect();
        names.dedup();
        let streams = names.iter().map(|name| SelectedStream {
            name: name.to_string(),
            schema: schema.clone(),
            key_properties: vec![],
            replication_method: method,
            replication_key: None,
        });
        let streams: Vec<_> = streams.collect();
        let fingerprint = BTreeMap::new();
        let question = Question {
            pipeline: "model",
            state: Some(state),
            records: &begun.records,
            transactional: scenario.rules.transactional,
            full_refresh: false,
            streams: &streams,
            fingerprint: &fingerprint,
            protocol: scenario.protocol,
        };
        let partitions: Vec<Partition> = scenario
            .partitions
            .iter()
            .map(|part| Partition {
                id: part.id.to_string(),
                streams: vec![part.stream.to_string()],
                data: serde_json::Value::Null,
            })
            .collect();
        let starts = resolve(&question).and_then(|resolution| resolution.starts(&partitions)).ok()?;
        let transactional = scenario.rules.transactional;
        let mut state = state.clone();
        let authority = if transactional { Authority::Target } else { Authority::File };
        state.begin_run("model", "run", authority, &starts);
        let run = Run { pipeline: "model".into(), run: "run".into(), epoch: begun.epoch, transactional };
        let lanes = starts.lanes.into_iter().zip(&scenario.partitions).map(|(start, part)| Lane {
            start,
            streams: vec![StreamPlan {
                stream: part.stream.to_string(),
                table: part.stream.to_string(),
                write_mode: if scenario.overwrite { WriteMode::Overwrite } else { WriteMode::Append },
                write_mode_is_explicit: false,
                key_properties: vec![],
                replication_method: method,
                generation: 0,
                resumed: false,
            }],
        });
        let machine = Box::new(Machine::new(scenario.protocol, run, lanes.collect()));
        let lane =
            LaneModel { mode: Mode::Waiting, todo: VecDeque::new(), writer: None, round: 0, window: (0, 0) };
        let mut run = RunModel::Going { machine, state, lanes: vec![lane; scenario.partitions.len()] };
        for (index, part) in scenario.partitions.iter().enumerate() {
            run.feed(scenario, index, Event::LaneReady { partition: part.id.to_string() });
        }
        Some(run)
    }

    /// Gives the machine an event of one lane's thread and hands out what it answers.
    pub fn feed(&mut self, scenario: &Scenario, thread: usize, event: Event) {
        let RunModel::Going { machine, lanes, .. } = self else {
            unreachable!("only a run that goes on has lanes")
        };
        for action in machine.handle(event) {
            let owner = action.partition().map_or(thread, |partition| scenario.index_of(partition));
            let lane = &mut lanes[owner];
            match action {
                Action::OpenLane(start) => lane.open(start),
                Action::Prepare { window, .. } => lane.todo.push_back(Todo::Prepare { window }),
                Action::Commit { window, commit, .. } => {
                    let writer = lane.writer.as_ref().expect("a lane that commits has a writer");
                    let (from, to) = lane.window;
                    let flight =
                        Flight::new(&commit, scenario.partitions[owner].stream, writer, owner, from, to);
                    lane.todo.push_back(Todo::Commit { window, flight });
                }
                Action::GoOn { .. } => lane.mode = Mode::Reading { from: lane.window.1 },
                Action::LaneDone { .. } => lane.mode = Mode::Done,
                Action::Fail { partition: Some(_), .. } => lane.mode = Mode::Failed,
                Action::Begin { .. } => lane.todo.push_back(Todo::Begin),
                Action::SaveState { entries } => lane.todo.push_back(Todo::Save { entries }),
                Action::Resolved { .. } | Action::Warn { .. } | Action::Fail { partition: None, .. } => {}
            }
        }
    }

    /// Ends a window at `to`.
    pub fn close(&mut self, scenario: &Scenario, lane: usize, to: u64, end_of_partition: bool) {
        let RunModel::Going { lanes, .. } = self else { unreachable!("only a run that goes on has lanes") };
        let Mode::Reading { from } = lanes[lane].mode else {
            unreachable!("only a lane that reads ends windows")
        };
        lanes[lane].mode = Mode::Waiting;
        lanes[lane].window = (from, to);
        let event = Event::WindowClosed {
            partition: scenario.partitions[lane].id.to_string(),
            round: lanes[lane].round,
            rows: to - from,
            bookmark: Some(to.into()),
            end_of_partition,
        };
        self.feed(scenario, lane, event);
    }

    pub fn prepare(&mut self, scenario: &Scenario, lane: usize, window: u64) {
        let RunModel::Going { lanes, .. } = self else { unreachable!("only a run that goes on has lanes") };
        let (from, to) = lanes[lane].window;
        let prepared = Prepared { rows: to - from, message: serde_json::Value::Null };
        self.feed(scenario, lane, Event::Prepared { window, prepared });
    }

    pub fn is_over(&self) -> bool {
        let RunModel::Going { lanes, .. } = self else { return false };
        lanes.iter().all(|lane| lane.todo.is_empty() && matches!(lane.mode, Mode::Done | Mode::Failed))
    }
}

impl LaneModel {
    fn open(&mut self, start: LaneStart) {
        let plan = &start.streams[0];
        self.writer = Some(WriterModel {
            epoch: start.epoch,
            generation: plan.generation,
            resumed: plan.resumed,
            is_aside: plan.write_mode == WriteMode::Overwrite,
        });
        self.round = start.round;
        let from = start.bookmark.and_then(|bookmark| bookmark.as_u64()).unwrap_or(0);
        self.mode = Mode::Reading { from };
    }
}

pub fn lost() -> Error {
    Error::unavailable("the reply was lost")
}
