//! What a run did, for people and for machines.

use std::collections::HashMap;
use std::time::Duration;

use dstream_abi::{ErrorKind, Pipeline, StreamPlan};
use serde::Serialize;

use crate::pipeline::{LaneOutcome, Outcome, Progress};

/// What a run did.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The pipeline's identity.
    pub pipeline: String,
    /// The run's.
    pub run: String,
    /// From the first record to the last commit, in seconds.
    pub seconds: f64,
    /// The run was told to stop.
    pub interrupted: bool,
    /// Why the run failed as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Every stream.
    pub streams: Vec<StreamReport>,
}

/// What became of one stream.
#[derive(Clone, Debug, Serialize)]
pub struct StreamReport {
    /// Its name.
    pub stream: String,
    /// Where it went.
    pub table: String,
    /// How rows entered it.
    pub write_mode: dstream_abi::WriteMode,
    /// Number of this copy of the stream.
    pub generation: u64,
    /// How it ended.
    pub status: StreamStatus,
    /// Records that the tap handed out.
    pub read_rows: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Records that are durable.
    pub committed_rows: u64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamStatus {
    /// Everything that there was is committed.
    Complete,
    /// As many as the user's limit allows are committed; there may be more.
    Limited,
    /// Stopped before; everything that a checkpoint covers is committed.
    Interrupted,
    /// Failed; what was committed before stays.
    Failed,
}

impl std::fmt::Display for StreamStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            StreamStatus::Complete => "complete",
            StreamStatus::Limited => "limited",
            StreamStatus::Interrupted => "interrupted",
            StreamStatus::Failed => "failed",
        })
    }
}

impl Report {
    pub(super) fn new(
        pipeline: &Pipeline,
        outcome: &Outcome,
        progress: &Progress,
        tables: &[StreamPlan],
        limit: Option<u64>,
        elapsed: Duration,
    ) -> Report {
        let mut lanes: HashMap<&str, Vec<&LaneOutcome>> = HashMap::new();
        for lane in &outcome.lanes {
            lane.streams.iter().for_each(|stream| lanes.entry(stream).or_default().push(lane));
        }
        let lanes = |plan: &StreamPlan| lanes.get(plan.stream.as_str()).map_or(&[][..], Vec::as_slice);
        let interrupted = outcome.interrupted;
        let report = |plan| StreamReport::new(plan, lanes(plan), interrupted, progress, limit);
        let streams = tables.iter().map(report).collect();
        Report {
            pipeline: pipeline.pipeline.clone(),
            run: pipeline.run.clone(),
            seconds: elapsed.as_secs_f64(),
            interrupted: outcome.interrupted,
            error: outcome.failure.as_ref().map(ToString::to_string),
            streams,
        }
    }
}

impl StreamReport {
    fn new(
        plan: &StreamPlan,
        lanes: &[&LaneOutcome],
        interrupted: bool,
        progress: &Progress,
        limit: Option<u64>,
    ) -> StreamReport {
        let error = lanes.iter().find_map(|lane| lane.result.as_ref().err());
        // A lane that gave up a call because the run was told to stop has not failed.
        let error = error.filter(|failed| !(interrupted && failed.error.kind() == ErrorKind::Cancelled));
        let counters = progress.stream(&plan.stream);
        let is_limited = limit.is_some_and(|limit| counters.is_some_and(|count| count.read_rows() >= limit));
        let status = match error {
            Some(_) => StreamStatus::Failed,
            None if !lanes.iter().all(|lane| matches!(lane.result, Ok(true))) => StreamStatus::Interrupted,
            None if is_limited => StreamStatus::Limited,
            None => StreamStatus::Complete,
        };
        StreamReport {
            stream: plan.stream.clone(),
            table: plan.table.clone(),
            write_mode: plan.write_mode,
            generation: plan.generation,
            status,
            read_rows: counters.map_or(0, |counters| counters.read_rows()),
            read_bytes: counters.map_or(0, |counters| counters.read_bytes()),
            committed_rows: counters.map_or(0, |counters| counters.committed_rows()),
            error: error.map(|failed| failed.error.to_string()),
        }
    }
}
