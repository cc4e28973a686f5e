//! One lane from its first opening to its end: opens, loads, and opens again where the machine says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dstream_abi::{Context, Error, ErrorKind, ReadRequest, WriteRequest};
use std::num::NonZeroU64;
use tracing::{info_span, warn};

use super::budget::Budget;
use super::extract::Extractor;
use super::load::{Loaded, Loader, buffer_bytes};
use super::run::{ABORT_GRACE, Engine, LaneError, LaneJob, LaneOutcome, Side};
use crate::commit::{Action, Event, LaneStart};

/// A lane is opened again this often without a commit in between.
const MAX_ATTEMPTS: u32 = 5;
/// The first wait before a lane is opened again; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Batches are asked to be at most this large.
const MAX_BATCH_BYTES: u64 = 16 << 20;

/// Moves one partition.
pub(crate) fn run_lane(engine: &Engine, job: &LaneJob) -> LaneOutcome {
    let span = info_span!("lane", partition = job.partition.id);
    let result = span.in_scope(|| Lane { engine, job, attempts: 0 }.run());
    LaneOutcome { partition: job.partition.id.clone(), streams: job.partition.streams.clone(), result }
}

struct Lane<'a> {
    engine: &'a Engine,
    job: &'a LaneJob,
    attempts: u32,
}

impl Lane<'_> {
    fn run(mut self) -> Result<bool, LaneError> {
        let mut side = Side::Target;
        let mut answer = self.ask(Event::LaneReady { partition: self.id() }, side)?;
        loop {
            if self.engine.interrupt.is_stop() && matches!(answer, Action::OpenLane(_)) {
                return Ok(false);
            }
            answer = match answer {
                Action::LaneDone { .. } => return Ok(true),
                Action::OpenLane(start) => {
                    let round = start.round;
                    match self.open_and_load(start) {
                        Ok(Loaded::Answer(action)) => {
                            side = Side::Target;
                            action
                        }
                        Ok(Loaded::Stopped) => return Ok(false),
                        Err(failed) => {
                            side = failed.side;
                            self.ask(
                                Event::LaneFailed { partition: self.id(), round, error: failed.error },
                                side,
                            )?
                        }
                    }
                }
                Action::Fail { error, .. } => self.try_again(error, side)?,
                other => return Err(bug(format!("the commit machine answered {other:?}"))),
            };
        }
    }

    /// Waits and reports the lane ready again, where that may help.
    fn try_again(&mut self, error: Error, side: Side) -> Result<Action, LaneError> {
        let hopeless = error.kind() != ErrorKind::Unavailable || self.attempts >= MAX_ATTEMPTS;
        if hopeless || self.engine.interrupt.is_stop() {
            return Err(LaneError { side, error });
        }
        let wait = FIRST_WAIT.saturating_mul(1 << self.attempts);
        // A source that asks for an hour is not waited for; ten minutes is what an operator would sit through.
        let asked = error.retry_after().map(|ms| Duration::from_millis(ms.min(600_000)));
        let wait = asked.unwrap_or(wait).max(wait);
        self.attempts += 1;
        warn!(
            attempt = self.attempts,
            wait_ms = wait.as_millis() as u64,
            "{error}; the lane is opened again"
        );
        self.engine.interrupt.wait(wait);
        self.ask(Event::LaneReady { partition: self.id() }, side)
    }

    fn open_and_load(&mut self, start: LaneStart) -> Result<Loaded, LaneError> {
        let engine = self.engine;
        let tap_error = |error| LaneError { side: Side::Tap, error };
        let target_error = |error| LaneError { side: Side::Target, error };
        let span = tracing::Span::current();
        let unwanted = Arc::new(AtomicBool::new(false));
        let batch_bytes = (engine.lane_bytes / 8).clamp(1, MAX_BATCH_BYTES);
        let request = ReadRequest {
            partition: self.job.partition.clone(),
            streams: self.job.streams.clone(),
            bookmark: start.bookmark.clone(),
            max_batch_rows: engine.limits.batch_rows,
            max_batch_bytes: NonZeroU64::new(batch_bytes).unwrap_or(NonZeroU64::MIN),
        };
        let context = Context::new(unwanted.clone(), span.clone());
        let reader = engine.tap.open_reader(context, request).map_err(tap_error)?;
        let request = WriteRequest {
            pipeline: engine.pipeline.clone(),
            epoch: start.epoch,
            partition: self.id(),
            streams: start.streams.clone(),
            buffer_bytes: buffer_bytes(engine.lane_bytes),
        };
        let (_, abort) = engine.interrupt.flags();
        let writer = engine.target.open_writer(Context::new(abort, span), request).map_err(target_error)?;
        let budget = Budget::new(engine.lane_bytes);
        let extractor = Extractor::start(&self.job.partition.id, reader, budget, batch_bytes, unwanted)
            .map_err(tap_error)?;
        let mut loader = Loader::new(engine, self.job, &start, writer, &extractor);
        let loaded = loader.run();
        if loader.has_committed() {
            self.attempts = 0;
        }
        drop(loader);
        if !extractor.stop(ABORT_GRACE) {
            warn!("the tap does not come back from `next`; its thread is left behind");
            engine.abandoned.store(true, Ordering::Relaxed);
        }
        loaded
    }

    fn ask(&self, event: Event, side: Side) -> Result<Action, LaneError> {
        self.engine.committer.ask(&self.job.partition.id, event).map_err(|error| LaneError { side, error })
    }

    fn id(&self) -> String {
        self.job.partition.id.clone()
    }
}

fn bug(what: String) -> LaneError {
    LaneError { side: Side::Target, error: Error::bug(what) }
}
