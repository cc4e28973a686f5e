//! Starts the lanes of a run and waits for them.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dstream_abi::{Error, Partition, Pipeline, SelectedStream, Tap, Target};

use super::committer::Committer;
use super::extract::POLL;
use super::lane::run_lane;
use super::{Progress, WindowLimits};
use crate::commit::Machine;
use crate::state::StateFile;

/// How a run is told to stop. Cheap to clone; every clone is the same switch.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    stop: Arc<AtomicBool>,
    abort: Arc<AtomicBool>,
    failure: Arc<Mutex<Option<Error>>>,
}

impl Interrupt {
    /// Stop pulling, commit what is covered by a checkpoint, end. Safe to call from a signal handler: one atomic store.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Roll back what is not committed, end now.
    pub fn abort(&self) {
        self.stop();
        self.abort.store(true, Ordering::Relaxed);
    }

    /// The flags behind `stop` and `abort`, for whoever sets flags only.
    pub fn flags(&self) -> (Arc<AtomicBool>, Arc<AtomicBool>) {
        (self.stop.clone(), self.abort.clone())
    }

    /// The run is to stop.
    pub fn is_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.is_abort()
    }

    /// The run is to end now.
    pub fn is_abort(&self) -> bool {
        self.abort.load(Ordering::Relaxed)
    }

    /// The run has failed as a whole.
    pub(crate) fn fail(&self, error: Error) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.abort();
    }

    /// Waits, at most until the run is to stop.
    pub(crate) fn wait(&self, duration: Duration) {
        let deadline = Instant::now() + duration;
        while !self.is_stop() && Instant::now() < deadline {
            std::thread::park_timeout(POLL.min(deadline.saturating_duration_since(Instant::now())));
        }
    }
}

/// What bounds a run.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of batches in flight, in the whole run.
    pub memory_bytes: u64,
    /// Lanes at a time.
    pub parallel: NonZeroUsize,
    /// Records in a batch, at most.
    pub batch_rows: NonZeroUsize,
    /// When a window ends.
    pub window: WindowLimits,
    /// The target may have it end otherwise: the user did not say.
    pub window_is_free: bool,
    /// Records of each stream, at most.
    pub rows_per_stream: Option<u64>,
    /// How long an interrupted run may take to commit what it has.
    pub grace: Duration,
    /// How long a target may keep more than its buffer while everything waits for it.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory_bytes: 128 << 20,
            parallel: NonZeroUsize::new(4).expect("four is not zero"),
            batch_rows: NonZeroUsize::new(65_536).expect("65,536 is not zero"),
            window: WindowLimits::default(),
            window_is_free: false,
            rows_per_stream: None,
            grace: Duration::from_secs(30),
            stall: Duration::from_secs(60),
        }
    }
}

/// One partition to be moved.
#[derive(Clone, Debug)]
pub struct LaneJob {
    /// What to read.
    pub partition: Partition,
    /// Its streams as the user wants them.
    pub streams: Vec<SelectedStream>,
}

/// Everything a run needs.
pub struct Job {
    /// Reads.
    pub tap: Arc<dyn Tap>,
    /// Writes.
    pub target: Arc<dyn Target>,
    /// Who writes.
    pub pipeline: Pipeline,
    /// The target's manifest says so.
    pub transactional: bool,
    /// Every partition of the plan.
    pub lanes: Vec<LaneJob>,
    /// The machine that has the same lanes.
    pub machine: Machine,
    /// Where the state is saved.
    pub state_file: Option<StateFile>,
    /// Bounds.
    pub limits: Limits,
    /// Counters, shared with whoever shows them.
    pub progress: Arc<Progress>,
    /// The switch.
    pub interrupt: Interrupt,
}

/// How one lane ended.
#[derive(Clone, Debug)]
pub struct LaneOutcome {
    /// Which partition.
    pub partition: String,
    /// Its streams.
    pub streams: Vec<String>,
    /// `Ok(true)`: read to its end and committed. `Ok(false)`: stopped before, everything covered is committed.
    pub result: Result<bool, LaneError>,
}

/// Why a lane failed, and on which side.
#[derive(Clone, Debug)]
pub struct LaneError {
    /// Whose error it is.
    pub side: Side,
    /// The error.
    pub error: Error,
}

/// Whose error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Reading.
    Tap,
    /// Writing, preparing, committing.
    Target,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Every lane.
    pub lanes: Vec<LaneOutcome>,
    /// The run failed as a whole: fenced, or the state could not be saved.
    pub failure: Option<Error>,
    /// The run was told to stop.
    pub interrupted: bool,
    /// A plugin did not come back from a call: its threads are left behind, and the process must end without waiting for
    /// them.
    pub abandoned: bool,
}

/// What all lanes share.
pub(crate) struct Engine {
    pub(crate) tap: Arc<dyn Tap>,
    pub(crate) target: Arc<dyn Target>,
    pub(crate) pipeline: String,
    pub(crate) committer: Committer,
    pub(crate) limits: Limits,
    pub(crate) lane_bytes: u64,
    pub(crate) progress: Arc<Progress>,
    pub(crate) interrupt: Interrupt,
    pub(crate) abandoned: AtomicBool,
    /// Records that may still be read, by stream.
    pub(crate) rows_left: std::collections::HashMap<String, AtomicU64>,
}

/// Moves every lane, `limits.parallel` at a time, and waits for them. A lane that fails does not stop the others.
pub fn run(job: Job) -> Outcome {
    let parallel = job.limits.parallel.get().min(job.lanes.len().max(1));
    let names = job.lanes.iter().flat_map(|lane| lane.partition.streams.iter().cloned());
    let rows_left = job.limits.rows_per_stream;
    let rows_left = names.filter_map(|name| rows_left.map(|rows| (name, AtomicU64::new(rows)))).collect();
    let engine = Arc::new(Engine {
        committer: Committer::new(
            job.target.clone(),
            job.pipeline.clone(),
            job.transactional,
            job.machine,
            job.state_file,
            job.interrupt.clone(),
        ),
        tap: job.tap,
        target: job.target,
        pipeline: job.pipeline.pipeline,
        lane_bytes: (job.limits.memory_bytes / parallel as u64).max(1),
        limits: job.limits,
        progress: job.progress,
        interrupt: job.interrupt,
        abandoned: AtomicBool::new(false),
        rows_left,
    });
    let mut waiting: BTreeMap<usize, LaneJob> = job.lanes.iter().cloned().enumerate().collect();
    let queue = Arc::new(Mutex::new(job.lanes.into_iter().enumerate().collect::<VecDeque<_>>()));
    let (sender, results) = channel();
    let mut threads = Vec::with_capacity(parallel);
    for at in 0..parallel {
        let (shared, queue, sender) = (engine.clone(), queue.clone(), sender.clone());
        let spawned = std::thread::Builder::new().name(format!("load {at}")).spawn(move || {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some((number, lane)) = next else { break };
                if sender.send((number, run_lane(&shared, &lane))).is_err() {
                    break;
                }
            }
        });
        match spawned {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                engine.interrupt.fail(Error::resource(format!("no thread can be started: {error}")));
            }
        }
    }
    drop(sender);
    let mut lanes = Vec::with_capacity(waiting.len());
    let (mut stop_since, mut abort_since) = (None, None);
    while !waiting.is_empty() {
        match results.recv_timeout(POLL) {
            Ok((number, outcome)) => {
                waiting.remove(&number);
                lanes.push(outcome);
            }
            Err(RecvTimeoutError::Timeout) => {}
            // The threads are gone: what is left was never started, or its thread ended by a panic of the host.
            Err(RecvTimeoutError::Disconnected) => break,
        }
        let has_waited =
            |since: &mut Option<Instant>, grace| since.get_or_insert_with(Instant::now).elapsed() >= grace;
        if engine.interrupt.is_stop() && has_waited(&mut stop_since, engine.limits.grace) {
            engine.interrupt.abort();
        }
        if engine.interrupt.is_abort() && has_waited(&mut abort_since, ABORT_GRACE) {
            engine.abandoned.store(true, Ordering::Relaxed);
            break;
        }
    }
    if !engine.abandoned.load(Ordering::Relaxed) {
        // A thread that has told its last outcome still has the target, which would otherwise be closed by the end of
        // the process: too late for it to put away its log.
        for thread in threads {
            // A panic of the host was told above, as a lane that never ended.
            let _ = thread.join();
        }
    }
    finish(&engine, lanes, waiting.into_values())
}

/// How long plugins may take to come back once their contexts are cancelled.
pub(crate) const ABORT_GRACE: Duration = Duration::from_secs(5);

fn finish(engine: &Engine, mut lanes: Vec<LaneOutcome>, left: impl Iterator<Item = LaneJob>) -> Outcome {
    let interrupted = engine.interrupt.is_stop();
    for lane in left {
        let result = match interrupted {
            true => Ok(false),
            false => {
                Err(LaneError { side: Side::Tap, error: Error::bug("a thread of the engine ended early") })
            }
        };
        lanes.push(LaneOutcome { partition: lane.partition.id, streams: lane.partition.streams, result });
    }
    let mut failure = engine.interrupt.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Err(error) = engine.committer.finish() {
        failure.get_or_insert(error);
    }
    let abandoned = engine.abandoned.load(Ordering::Relaxed);
    Outcome { lanes, interrupted: interrupted && failure.is_none(), failure, abandoned }
}
