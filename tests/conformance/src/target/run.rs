//! A run against a target under test: begun, written, prepared, committed.

use arrow::datatypes::SchemaRef;
use dstream_abi::{
    Batch, Begun, Commit, CommitRecord, CommitWindow, Pipeline, ReplicationMethod, Result, StreamPlan,
    Target, WriteMode, WriteRequest, Writer,
};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::rows::{Row, batch, schema};
use crate::subject::{Subject, context};
use crate::verdict::{Step, While};

/// A name that no other case and no other seed uses.
pub(crate) fn name(subject: &Subject<'_>, what: &str) -> String {
    format!("dstreams_test_{:08x}_{what}", subject.seed & 0xffff_ffff)
}

/// Numbers of windows: unique in the process, and so in every run.
static WINDOWS: AtomicU64 = AtomicU64::new(1);
static RUNS: AtomicU64 = AtomicU64::new(1);

/// A target that was begun.
pub(crate) struct Run {
    pub(crate) target: Box<dyn Target>,
    pub(crate) pipeline: String,
    pub(crate) begun: Begun,
}

/// A writer of one table, with what it needs to be committed.
pub(crate) struct Lane {
    pub(crate) writer: Box<dyn Writer>,
    pub(crate) plan: StreamPlan,
    pub(crate) partition: String,
    version: u32,
}

/// A plan to write one table.
pub(crate) fn plan(table: &str, write_mode: WriteMode) -> StreamPlan {
    let is_upsert = write_mode == WriteMode::Upsert;
    StreamPlan {
        stream: table.to_owned(),
        table: table.to_owned(),
        write_mode,
        write_mode_is_explicit: false,
        key_properties: if is_upsert { vec!["id".to_owned()] } else { Vec::new() },
        replication_method: ReplicationMethod::Incremental,
        generation: 1,
        resumed: false,
    }
}

/// The record of a partition that is committed for the `sequence`th time.
pub(crate) fn record(key: &str, sequence: u64) -> CommitRecord {
    CommitRecord {
        key: key.to_owned(),
        sequence,
        value: json!({ "bookmark": { "at": sequence }, "odd": "ž\u{1}'" }),
    }
}

impl Run {
    /// Opens the target and begins.
    pub(crate) fn begin(subject: &Subject<'_>, pipeline: &str) -> Step<Run> {
        let target = subject.open_target().during(|| "opening the target".to_owned())?;
        let begun = begin(&*target, pipeline).during(|| "beginning".to_owned())?;
        Ok(Run { target, pipeline: pipeline.to_owned(), begun })
    }

    /// Begins once more with the same target.
    pub(crate) fn begin_again(&mut self) -> Step {
        self.begun = begin(&*self.target, &self.pipeline).during(|| "beginning again".to_owned())?;
        Ok(())
    }

    pub(crate) fn open_lane(&self, plan: StreamPlan) -> Result<Lane> {
        let partition = plan.stream.clone();
        self.open_lane_of(plan, &partition, 32 << 20)
    }

    /// A writer for a partition of a stream.
    pub(crate) fn open_lane_of(&self, plan: StreamPlan, partition: &str, buffer_bytes: u64) -> Result<Lane> {
        let request = WriteRequest {
            pipeline: self.pipeline.clone(),
            epoch: self.begun.epoch,
            partition: partition.to_owned(),
            streams: vec![plan.clone()],
            buffer_bytes,
        };
        let writer = self.target.open_writer(context(), request)?;
        Ok(Lane { writer, plan, partition: partition.to_owned(), version: 0 })
    }

    /// A writer for a table that is declared.
    pub(crate) fn lane(&self, plan: StreamPlan) -> Step<Lane> {
        let table = plan.table.clone();
        let mut lane = self.open_lane(plan).during(|| format!("opening a writer for `{table}`"))?;
        lane.declare(schema()).during(|| format!("declaring `{table}`"))?;
        Ok(lane)
    }

    /// The windows and records as a commit of this run.
    pub(crate) fn commit_of(&self, windows: Vec<CommitWindow>, records: Vec<CommitRecord>) -> Commit {
        Commit {
            pipeline: self.pipeline.clone(),
            epoch: self.begun.epoch,
            windows,
            records,
            publish: Vec::new(),
        }
    }

    pub(crate) fn commit(&self, windows: Vec<CommitWindow>, records: Vec<CommitRecord>) -> Step {
        let commit = self.commit_of(windows, records);
        self.target.commit(&commit).during(|| "committing".to_owned())
    }

    /// Writes rows as one window and commits it as the `sequence`th.
    pub(crate) fn commit_rows(&self, lane: &mut Lane, rows: &[Row], sequence: u64) -> Step {
        lane.write(rows)?;
        let window = lane.prepare()?;
        self.commit(vec![window], vec![record(&lane.partition, sequence)])
    }

    /// As [`Run::commit_rows`], with the table's new generation taking its place.
    pub(crate) fn publish_rows(&self, lane: &mut Lane, rows: &[Row], sequence: u64) -> Step {
        lane.write(rows)?;
        let window = lane.prepare()?;
        let mut commit = self.commit_of(vec![window], vec![record(&lane.partition, sequence)]);
        commit.publish = vec![lane.plan.clone()];
        self.target.commit(&commit).during(|| "committing and publishing".to_owned())
    }
}

pub(crate) fn begin(target: &dyn Target, pipeline: &str) -> Result<Begun> {
    begin_as(target, pipeline, &run_name())
}

/// Begins a run under a name that it may have begun with before.
pub(crate) fn begin_as(target: &dyn Target, pipeline: &str, run: &str) -> Result<Begun> {
    target.begin(&Pipeline { pipeline: pipeline.to_owned(), run: run.to_owned() })
}

/// A name that no run had before.
pub(crate) fn run_name() -> String {
    format!("run-{}", RUNS.fetch_add(1, Ordering::Relaxed))
}

impl Lane {
    pub(crate) fn declare(&mut self, schema: SchemaRef) -> Result<()> {
        self.version += 1;
        self.writer.declare(0, self.version, schema)
    }

    pub(crate) fn write_batch(&mut self, batch: impl Into<Batch>) -> Result<()> {
        self.writer.write(0, self.version, batch.into())
    }

    /// The rows in batches of different sizes, some of them cut out of a larger one.
    pub(crate) fn write(&mut self, rows: &[Row]) -> Step {
        let whole = batch(rows);
        let (first, middle) = (rows.len().min(1), rows.len().div_ceil(2));
        for part in [
            batch(&rows[..first]),
            whole.slice(first, middle - first),
            whole.slice(middle, rows.len() - middle),
        ] {
            self.write_batch(part).during(|| format!("writing to `{}`", self.plan.table))?;
        }
        Ok(())
    }

    /// Ends the window.
    pub(crate) fn prepare(&mut self) -> Step<CommitWindow> {
        let window = WINDOWS.fetch_add(1, Ordering::Relaxed);
        let prepared =
            self.writer.prepare(window).during(|| format!("preparing a window of `{}`", self.plan.table))?;
        Ok(CommitWindow { window, partition: self.partition.clone(), prepared })
    }
}
