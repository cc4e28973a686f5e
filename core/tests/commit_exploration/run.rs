//! A run: the real machine, with models of the lanes around it.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use dstream_abi::{
    Begun, Error, Partition, Prepared, ReplicationMethod, SelectedStream, StreamPlan, WriteMode,
};
use dstream_core::commit::{Action, Event, Lane, LaneStart, Machine, Run};
use dstream_core::state::{Authority, Entry, Question, State, resolve};

use super::target::{Flight, WriterModel};
use super::world::Scenario;

/// What a lane's thread still has to do, in order.
#[derive(Clone, Debug)]
pub(crate) enum Todo {
    Prepare { window: u64 },
    Commit { window: u64, flight: Box<Flight> },
    Begin,
    Save { entries: Vec<(String, Entry)> },
}

/// Where a lane is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// Reads and writes; rows from `from` on are not in a window yet.
    Reading {
        from: u64,
    },
    /// Waits for the machine.
    Waiting,
    Done,
    Failed,
}

#[derive(Clone, Debug)]
pub(crate) struct LaneModel {
    pub(crate) mode: Mode,
    pub(crate) todo: VecDeque<Todo>,
    writer: Option<WriterModel>,
    round: u64,
    /// The window under way.
    window: (u64, u64),
}

/// A process that runs `dstreams sync --state`.
#[derive(Clone, Debug)]
pub(crate) enum RunModel {
    /// The state file is read, `begin` is next.
    Starting { state: Arc<State> },
    /// What is in the file as far as this run knows, and a lane for each partition.
    Going { machine: Box<Machine>, state: Arc<State>, lanes: Vec<LaneModel> },
}

impl RunModel {
    /// `begin` has answered: decides where to start, and starts every lane. `None`: the run refuses to start.
    pub(crate) fn begun(scenario: &Scenario, state: &Arc<State>, begun: &Begun) -> Option<RunModel> {
        let method =
            if scenario.overwrite { ReplicationMethod::FullTable } else { ReplicationMethod::Incremental };
        let schema = Arc::new(arrow::datatypes::Schema::empty());
        let mut names: Vec<&str> = scenario.partitions.iter().map(|part| part.stream).collect();
        names.dedup();
        let streams = names.iter().map(|name| SelectedStream {
            upserted: false,
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
            state: Some(state.as_ref()),
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
        let mut state = Arc::clone(state);
        let authority = if transactional { Authority::Target } else { Authority::File };
        Arc::make_mut(&mut state).begin_run("model", "run", authority, &starts);
        let run = Run { pipeline: "model".into(), run: "run".into(), epoch: begun.epoch, transactional };
        let lanes = starts.lanes.into_iter().zip(scenario.partitions).map(|(start, part)| Lane {
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

    /// Epochs are counted from the target's: how high they are makes no difference.
    pub(crate) fn hash_from<H: Hasher>(&self, epoch: u64, state: &mut H) {
        match self {
            RunModel::Starting { state: file } => (0, file).hash(state),
            RunModel::Going { machine, state: file, lanes } => {
                (1, file).hash(state);
                machine.hash_behaviour(epoch, state);
                for lane in lanes {
                    (&lane.mode, lane.window, lane.todo.len()).hash(state);
                    if let Some(writer) = &lane.writer {
                        writer.hash_from(epoch, state);
                    }
                    for todo in &lane.todo {
                        match todo {
                            Todo::Prepare { .. } => 0.hash(state),
                            Todo::Commit { flight, .. } => flight.hash_from(epoch, state),
                            Todo::Begin => 1.hash(state),
                            Todo::Save { entries } => entries.hash(state),
                        }
                    }
                }
            }
        }
    }

    /// Gives the machine an event of one lane's thread and hands out what it answers.
    pub(crate) fn feed(&mut self, scenario: &Scenario, thread: usize, event: Event) {
        let RunModel::Going { machine, lanes, .. } = self else {
            unreachable!("only a run that goes on has lanes")
        };
        let mut prepared = None;
        for action in machine.handle(event) {
            let owner = action.partition().map_or(thread, |partition| scenario.index_of(partition));
            let lane = &mut lanes[owner];
            match action {
                Action::OpenLane(start) => lane.open(start),
                // Nobody else can do anything between the end of the window and this.
                Action::Prepare { window, .. } if scenario.partitions.len() == 1 => prepared = Some(window),
                Action::Prepare { window, .. } => lane.todo.push_back(Todo::Prepare { window }),
                Action::Commit { window, commit, .. } => {
                    let writer = lane.writer.as_ref().expect("a lane that commits has a writer");
                    let (from, to) = lane.window;
                    let flight =
                        Flight::new(&commit, scenario.partitions[owner].stream, writer, owner, from, to);
                    lane.todo.push_back(Todo::Commit { window, flight: Box::new(flight) });
                }
                Action::GoOn { .. } => lane.mode = Mode::Reading { from: lane.window.1 },
                Action::LaneDone { .. } => lane.mode = Mode::Done,
                Action::Fail { partition: Some(_), .. } => lane.mode = Mode::Failed,
                Action::Begin { .. } => lane.todo.push_back(Todo::Begin),
                Action::SaveState { entries } => lane.todo.push_back(Todo::Save { entries }),
                Action::Resolved { .. } | Action::Warn { .. } | Action::Fail { partition: None, .. } => {}
            }
        }
        if let Some(window) = prepared {
            self.prepare(scenario, 0, window);
        }
    }

    /// Ends a window at `to`.
    pub(crate) fn close(&mut self, scenario: &Scenario, lane: usize, to: u64, end_of_partition: bool) {
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

    pub(crate) fn prepare(&mut self, scenario: &Scenario, lane: usize, window: u64) {
        let RunModel::Going { lanes, .. } = self else { unreachable!("only a run that goes on has lanes") };
        let (from, to) = lanes[lane].window;
        let prepared = Prepared { rows: to - from, message: serde_json::Value::Null };
        self.feed(scenario, lane, Event::Prepared { window, prepared });
    }

    pub(crate) fn is_over(&self) -> bool {
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

pub(crate) fn lost() -> Error {
    Error::unavailable("the reply was lost")
}
