//! One run, from two opened connectors to its outcome.
//!
//! The order matters: what can be wrong without touching the target is found out first, the lock comes before `begin`
//! (which fences older runs), and the tap plans only when it is known where every stream goes on.

mod report; // what a run did, for people and for machines

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use dstream_abi::{
    Error, Pipeline, ReplicationMethod, SelectedStream, Selection, StreamPlan, Tap, Target, WriteMode,
};
use tracing::info;

use crate::commit::{Lane, Machine, Protocol, Run, SeededBug};
use crate::pipeline::{self, Interrupt, Job, LaneJob, Limits, Outcome, Progress, WindowLimits};
use crate::state::{
    Authority, Question, RunLock, Start, State, StateError, StateFile, remove_leftovers, resolve,
};
use crate::tables::TablePlan;

pub use report::{Report, StreamReport, StreamStatus};

/// What is to be moved, and how.
pub struct Request {
    /// Reads.
    pub tap: Arc<dyn Tap>,
    /// Writes.
    pub target: Arc<dyn Target>,
    /// The target's manifest says so.
    pub transactional: bool,
    /// The same in every run: the names of tap and target.
    pub pipeline: String,
    /// What one run at a time may use: tap, target and where they point. `None`: runs do not get in each other's way.
    pub lock_identity: Option<String>,
    /// What must not change for a bookmark to keep its meaning, by name.
    pub fingerprint: BTreeMap<String, String>,
    /// The streams.
    pub streams: Vec<SelectedStream>,
    /// Where each of them goes, in the same order.
    pub tables: Vec<TablePlan>,
    /// Where the state comes from and goes to.
    pub state: StateSource,
    /// Start from the beginning, whatever is known.
    pub full_refresh: bool,
    /// Bounds.
    pub limits: Limits,
    /// The switch.
    pub interrupt: Interrupt,
    /// The commit protocol; tests plant bugs in it.
    pub protocol: Protocol,
}

/// Where the state comes from and goes to.
#[derive(Clone, Debug)]
pub enum StateSource {
    /// Start from the beginning, keep nothing.
    None,
    /// Go on from the file, and keep it up to date.
    File(PathBuf),
    /// Go on from here; whoever reads the output keeps the state.
    Given(Box<State>),
}

/// What was being done when a run could not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Looking at state file, records and bookmarks.
    State,
    /// Looking at what the user asked of the state: a place for the file, a bookmark set by hand.
    Config,
    /// Taking the lock.
    Lock,
    /// Beginning at the target.
    Target,
    /// Planning at the tap.
    Tap,
}

/// Why a run could not start.
#[derive(Clone, Debug)]
pub struct NotStarted {
    /// What was being done.
    pub step: Step,
    /// Why.
    pub error: Error,
}

impl NotStarted {
    fn at(step: Step) -> impl Fn(Error) -> NotStarted {
        move |error| NotStarted { step, error }
    }

    fn of_state(error: StateError) -> NotStarted {
        let step = match error {
            StateError::Locked(_) => Step::Lock,
            StateError::Unusable(_) => Step::State,
            StateError::Other(_) => Step::Config,
        };
        NotStarted { step, error: error.into() }
    }
}

/// A run that is about to move records.
pub struct Prepared {
    job: Job,
    tables: Vec<StreamPlan>,
    /// What the user is told beforehand.
    pub notices: Vec<String>,
    _lock: Option<RunLock>,
}

/// Does everything up to the first record.
///
/// # Errors
/// Nothing was moved; the step says whose error it is.
pub fn prepare(mut request: Request) -> Result<Prepared, NotStarted> {
    for (stream, table) in request.streams.iter_mut().zip(&request.tables) {
        stream.upserted = table.write_mode(false) == WriteMode::Upsert;
        // What comes after a bookmark is not the whole of a table that is to be replaced.
        if table.starts_over {
            stream.replication_method = ReplicationMethod::FullTable;
            stream.replication_key = None;
        }
    }
    let path = match &request.state {
        StateSource::File(path) => Some(path.as_path()),
        StateSource::None | StateSource::Given(_) => None,
    };
    if let Some(path) = path {
        StateFile::check_writable(path).map_err(NotStarted::of_state)?;
    }
    let lock = request.lock_identity.as_deref().map(|identity| RunLock::acquire(identity, path));
    let lock = lock.transpose().map_err(NotStarted::of_state)?;
    if let Some(path) = path.filter(|_| lock.is_some()) {
        remove_leftovers(path);
    }
    let mut state_file = path.map(StateFile::open).transpose().map_err(NotStarted::of_state)?;
    let pipeline = Pipeline { pipeline: request.pipeline.clone(), run: new_run_id() };
    info!(pipeline = pipeline.pipeline, run = pipeline.run, "run begins");
    let begun = request.target.begin(&pipeline).map_err(NotStarted::at(Step::Target))?;
    if let Some(wish) = begun.window.filter(|_| request.limits.window_is_free) {
        request.limits.window = WindowLimits::of_wish(wish);
    }
    let question = Question {
        pipeline: &request.pipeline,
        state: match &request.state {
            StateSource::Given(state) => Some(state),
            StateSource::File(_) | StateSource::None => state_file.as_ref().map(StateFile::state),
        },
        records: &begun.records,
        transactional: request.transactional,
        full_refresh: request.full_refresh,
        streams: &request.streams,
        fingerprint: &request.fingerprint,
        protocol: request.protocol,
    };
    let resolution = resolve(&question).map_err(NotStarted::of_state)?;
    let selection = Selection {
        streams: request.streams.clone(),
        bookmarks: resolution.bookmarks.clone(),
        complete: resolution.complete.clone(),
    };
    let partitions = request.tap.plan(&selection).map_err(NotStarted::at(Step::Tap))?;
    check_plan(&partitions, &request.streams).map_err(NotStarted::at(Step::Tap))?;
    let starts = resolution.starts(&partitions).map_err(NotStarted::of_state)?;
    if let Some(file) = &mut state_file {
        let authority = if request.transactional { Authority::Target } else { Authority::File };
        file.begin_run(&request.pipeline, &pipeline.run, authority, &starts);
    }
    let mut notices = starts.notices;

    let mut lanes = Vec::with_capacity(partitions.len());
    let mut jobs = Vec::with_capacity(partitions.len());
    let mut tables: Vec<StreamPlan> = Vec::new();
    let numbers: HashMap<String, usize> =
        request.streams.iter().enumerate().map(|(at, stream)| (stream.name.clone(), at)).collect();
    let mut has_table = vec![false; request.streams.len()];
    for (partition, start) in partitions.into_iter().zip(starts.lanes) {
        let mut streams = Vec::with_capacity(partition.streams.len());
        let mut plans = Vec::with_capacity(partition.streams.len());
        for name in &partition.streams {
            let Some(&at) = numbers.get(name) else { continue };
            let plan = stream_plan(&request.tables[at], &request.streams[at], &start, &mut notices);
            if !std::mem::replace(&mut has_table[at], true) {
                tables.push(plan.clone());
            }
            plans.push(plan);
            streams.push(request.streams[at].clone());
        }
        jobs.push(LaneJob { partition, streams });
        lanes.push(Lane { start, streams: plans });
    }
    let run = Run {
        pipeline: pipeline.pipeline.clone(),
        run: pipeline.run.clone(),
        epoch: begun.epoch,
        transactional: request.transactional,
    };
    let progress = Arc::new(Progress::new(request.streams.iter().map(|stream| stream.name.as_str())));
    let job = Job {
        tap: request.tap,
        target: request.target,
        pipeline,
        // A protocol that trusts the file does not let it lag behind: it loses records, and doubles none.
        transactional: request.transactional && !request.protocol.has(SeededBug::StateBeforeData),
        lanes: jobs,
        machine: Machine::new(request.protocol, run, lanes),
        state_file,
        limits: request.limits,
        progress,
        interrupt: request.interrupt,
    };
    Ok(Prepared { job, tables, notices, _lock: lock })
}

impl Prepared {
    /// Counters that move while the run goes on.
    pub fn progress(&self) -> Arc<Progress> {
        self.job.progress.clone()
    }

    /// Moves the records.
    pub fn run(self) -> (Outcome, Report) {
        let started = Instant::now();
        let (progress, pipeline) = (self.job.progress.clone(), self.job.pipeline.clone());
        let limit = self.job.limits.rows_per_stream;
        let outcome = pipeline::run(self.job);
        let report = Report::new(&pipeline, &outcome, &progress, &self.tables, limit, started.elapsed());
        (outcome, report)
    }
}

/// What the tap planned can be carried out.
fn check_plan(partitions: &[dstream_abi::Partition], streams: &[SelectedStream]) -> Result<(), Error> {
    let selected: HashSet<&str> = streams.iter().map(|stream| stream.name.as_str()).collect();
    let (mut ids, mut planned) = (HashSet::new(), HashSet::new());
    for partition in partitions {
        if !ids.insert(partition.id.as_str()) {
            return Err(Error::bug(format!("the tap plans partition `{}` twice", partition.id)));
        }
        if partition.streams.is_empty() {
            return Err(Error::bug(format!("partition `{}` of the tap's plan has no stream", partition.id)));
        }
        if let Some(name) = partition.streams.iter().find(|name| !selected.contains(name.as_str())) {
            return Err(Error::bug(format!("the tap plans stream `{name}`, which is not selected")));
        }
        planned.extend(partition.streams.iter().map(String::as_str));
    }
    match streams.iter().find(|stream| !planned.contains(stream.name.as_str())) {
        Some(stream) => Err(Error::bug("the tap plans no partition for it").stream(&stream.name)),
        None => Ok(()),
    }
}

/// How one stream is written in this run.
fn stream_plan(
    table: &TablePlan,
    stream: &SelectedStream,
    start: &Start,
    notices: &mut Vec<String>,
) -> StreamPlan {
    // Until an incremental stream has been read once, it is a copy that is being made; then rows are added to it.
    let write_mode = table.write_mode(!start.state.complete);
    let is_new_copy = start.state.generation > 1 && !start.state.complete && start.resumed.is_empty();
    if let Some(warning) = table.warning().filter(|_| is_new_copy) {
        notices.push(format!("`{}`: {warning}", stream.name));
    }
    StreamPlan {
        stream: stream.name.clone(),
        table: table.table.clone(),
        write_mode,
        write_mode_is_explicit: table.is_explicit,
        key_properties: stream.key_properties.clone(),
        replication_method: stream.replication_method,
        generation: start.state.generation,
        resumed: start.resumed.contains(&stream.name),
    }
}

/// Unique, and sortable by nobody: the time stands beside it wherever it is kept.
fn new_run_id() -> String {
    // Every `RandomState` has keys of its own, from the system's source of randomness.
    let random = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", random(), random())
}
