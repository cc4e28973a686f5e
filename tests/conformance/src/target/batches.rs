//! What becomes of the batches that a target is given.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use dstream_abi::{Batch, Context, ErrorKind, WriteMode, WriteRequest};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use super::commits::any_mode;
use super::run::{Run, name, plan, record};
use crate::rows::{batch, rows, schema};
use crate::subject::Subject;
use crate::tap::waiting::SOON;
use crate::verdict::{Step, While, ensure, fail};

/// Counts how often batches are released.
#[derive(Clone, Default)]
struct Releases(Arc<AtomicUsize>);

struct Guard(Releases);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Releases {
    fn guarded(&self, records: RecordBatch) -> Batch {
        Batch::from(records).with_guard(Box::new(Guard(self.clone())))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A target lets go of every batch, once: at the latest when it is closed, also where writing failed.
pub(crate) fn batches_are_let_go(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "let_go");
    let releases = Releases::default();
    let run = Run::begin(subject, &table)?;
    let mode = any_mode(subject)?;
    let mut given = 0;
    // Committed, prepared, and only written.
    let mut lanes = Vec::new();
    for (at, fate) in ["committed", "prepared", "written"].into_iter().enumerate() {
        let from = at as i64 * 100;
        let mut lane = run.lane(plan(&format!("{table}_{fate}"), mode))?;
        for part in 0..10 {
            let part = batch(&rows(from + part * 10..from + part * 10 + 10));
            lane.write_batch(releases.guarded(part)).during(|| "writing".to_owned())?;
            given += 1;
        }
        if fate != "written" {
            let window = lane.prepare()?;
            if fate == "committed" {
                run.commit(vec![window], vec![record(&lane.partition, 1)])?;
            }
        }
        lanes.push(lane);
    }
    // Refused, where the target looks for it: a null in a key.
    if subject.target_manifest().is_some_and(|target| target.write_modes.contains(&WriteMode::Upsert)) {
        let mut keyed = plan(&format!("{table}_refused"), WriteMode::Upsert);
        keyed.key_properties = vec!["word".to_owned()];
        let mut lane = run.open_lane(keyed)?;
        if lane.declare(schema()).is_ok() {
            // Whether it fails is the matter of another case.
            let _ = lane.write_batch(releases.guarded(batch(&rows(0..10))));
            given += 1;
        }
        lanes.push(lane);
    }
    drop(lanes);
    drop(run);
    let released = releases.count();
    ensure(released == given, || {
        format!("{released} of {given} batches were released when everything was closed")
    })?;
    Ok(format!("{given} batches"))
}

/// A window that is larger than what the host lets a writer keep arrives as any other.
pub(crate) fn a_window_larger_than_the_buffer_arrives(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "large");
    let run = Run::begin(subject, &table)?;
    let mut lane = run.open_lane_of(plan(&table, any_mode(subject)?), &table, 1)?;
    lane.declare(schema())?;
    for part in 0..50 {
        lane.write(&rows(part * 100..part * 100 + 100))?;
    }
    let window = lane.prepare()?;
    run.commit(vec![window], vec![record(&table, 1)])?;
    drop((lane, run));
    subject.check_rows(&table, &rows(0..5000))?;
    Ok("5000 rows with a buffer of one byte".to_owned())
}

/// A column more in the next version of a schema is added, or refused before any batch of it.
pub(crate) fn a_new_column_is_added_or_refused(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "wider");
    let run = Run::begin(subject, &table)?;
    let mut lane = run.lane(plan(&table, any_mode(subject)?))?;
    run.commit_rows(&mut lane, &rows(0..10), 1)?;
    let mut fields: Vec<_> = schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("more", DataType::Int64, true)));
    let wider = Arc::new(Schema::new(fields));
    match lane.declare(wider.clone()).map_err(|error| (error.kind(), error)) {
        Err((ErrorKind::Schema | ErrorKind::Unsupported, _)) => {
            drop((lane, run));
            subject.check_rows(&table, &rows(0..10))?;
            return Ok("refused".to_owned());
        }
        Err((kind, error)) => {
            return fail(format!("`{}` in place of `schema`: {error}", kind.name()));
        }
        Ok(()) => {}
    }
    let narrow = batch(&rows(10..20));
    let more = Arc::new(arrow::array::Int64Array::from_iter((0..10).map(|n| (n % 2 == 0).then_some(n))));
    let columns = narrow.columns().iter().cloned().chain([more as arrow::array::ArrayRef]).collect();
    lane.write_batch(RecordBatch::try_new(wider, columns)?)
        .during(|| "a batch of the new version".to_owned())?;
    let window = lane.prepare()?;
    run.commit(vec![window], vec![record(&table, 2)])?;
    drop((lane, run));
    subject.check_rows(&table, &rows(0..20))?;
    Ok("added".to_owned())
}

/// Once the run is told to stop, no call of a writer goes on for long.
pub(crate) fn a_cancelled_writer_comes_back(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "cancel");
    let run = Run::begin(subject, &table)?;
    let flag = Arc::new(AtomicBool::new(false));
    let request = WriteRequest {
        pipeline: table.clone(),
        epoch: run.begun.epoch,
        partition: table.clone(),
        streams: vec![plan(&table, any_mode(subject)?)],
        buffer_bytes: 1 << 20,
    };
    let mut writer = run.target.open_writer(Context::detached(flag.clone()), request)?;
    writer.declare(0, 1, schema())?;
    writer.write(0, 1, batch(&rows(0..10)).into())?;
    flag.store(true, Ordering::Relaxed);
    let start = Instant::now();
    // A thread of its own: a writer that never comes back must not take the kit with it.
    let (sender, outcomes) = mpsc::channel();
    std::thread::spawn(move || {
        let outcome = writer.write(0, 1, batch(&rows(10..20)).into());
        let _ = sender.send(outcome);
        drop((writer, run));
    });
    match outcomes.recv_timeout(SOON).map(|outcome| outcome.map_err(|error| (error.kind(), error))) {
        Ok(Ok(()) | Err((ErrorKind::Cancelled, _))) => Ok(format!("{:.1?}", start.elapsed())),
        Ok(Err((kind, error))) => fail(format!("`{}` in place of `cancelled`: {error}", kind.name())),
        Err(_) => fail(format!("`write` did not come back within {SOON:?}")),
    }
}
