//! Whole runs between a tap and a target of this process, which do what no plugin of ours does.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use dstream_abi::*;

use super::*;
use crate::commit::{Lane, Machine, Protocol, Run};
use crate::state::{Question, resolve};

const BATCHES: u64 = 40;
const ROWS: u64 = 1000;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
}

/// `BATCHES` batches of `ROWS` numbers, with a checkpoint after each, or none at all.
#[derive(Clone, Copy)]
struct Numbers {
    checkpoints: bool,
    /// Checkpoints from here on say null.
    null_from: Option<u64>,
}

struct NumbersReader {
    tap: Numbers,
    messages: u64,
}

impl Tap for Numbers {
    fn check(&self) -> Result<()> {
        Ok(())
    }
    fn discover(&self) -> Result<Catalog> {
        Ok(Catalog::default())
    }
    fn plan(&self, _: &Selection) -> Result<Vec<Partition>> {
        Ok(vec![])
    }
    fn open_reader(&self, _: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        let done = request.bookmark.and_then(|bookmark| bookmark.as_u64()).unwrap_or(0);
        assert_eq!(done, 0, "these tests begin at the beginning");
        Ok(Box::new(NumbersReader { tap: *self, messages: 0 }))
    }
}

impl Reader for NumbersReader {
    fn next(&mut self, _: Duration) -> Result<Next> {
        let at = self.messages;
        self.messages += 1;
        let (batch, is_checkpoint) = match self.tap.checkpoints {
            _ if at == 0 => return Ok(Message::Schema { stream: 0, version: 1, schema: schema() }.into()),
            true => ((at - 1) / 2, at.is_multiple_of(2)),
            false => (at - 1, false),
        };
        if batch == BATCHES {
            return Ok(Next::End);
        }
        if is_checkpoint {
            let is_null = self.tap.null_from.is_some_and(|from| from <= batch);
            let bookmark = if is_null { serde_json::Value::Null } else { (batch + 1).into() };
            return Ok(Message::Checkpoint { bookmark }.into());
        }
        let numbers = Int64Array::from_iter_values((0..ROWS).map(|n| (batch * ROWS + n) as i64));
        let records = RecordBatch::try_new(schema(), vec![Arc::new(numbers)]).unwrap();
        Ok(Message::Batch { stream: 0, version: 1, batch: records.into(), source_bytes: 0 }.into())
    }
}

/// Keeps every batch, at least until `prepare`.
#[derive(Default)]
struct Keeps {
    for_ever: bool,
    kept: Arc<Mutex<Vec<Batch>>>,
    committed: AtomicU64,
}

struct KeepsWriter {
    for_ever: bool,
    kept: Arc<Mutex<Vec<Batch>>>,
    rows: u64,
}

impl Target for Keeps {
    fn check(&self) -> Result<()> {
        Ok(())
    }
    fn begin(&self, _: &Pipeline) -> Result<Begun> {
        Ok(Begun { epoch: 1, ..Begun::default() })
    }
    fn open_writer(&self, _: Context, _: WriteRequest) -> Result<Box<dyn Writer>> {
        Ok(Box::new(KeepsWriter { for_ever: self.for_ever, kept: self.kept.clone(), rows: 0 }))
    }
    fn commit(&self, commit: &Commit) -> Result<()> {
        let rows = commit.windows.iter().map(|window| window.prepared.rows).sum();
        self.committed.fetch_add(rows, Ordering::Relaxed);
        Ok(())
    }
}

impl Writer for KeepsWriter {
    fn declare(&mut self, _: u32, _: u32, _: SchemaRef) -> Result<()> {
        Ok(())
    }
    fn write(&mut self, _: u32, _: u32, batch: Batch) -> Result<()> {
        self.rows += batch.rows() as u64;
        self.kept.lock().unwrap().push(batch);
        Ok(())
    }
    fn prepare(&mut self, _: u64) -> Result<Prepared> {
        if !self.for_ever {
            self.kept.lock().unwrap().clear();
        }
        Ok(Prepared { rows: std::mem::take(&mut self.rows), ..Prepared::default() })
    }
}

/// Room for about ten batches.
fn run_between(tap: Numbers, target: Arc<Keeps>) -> Outcome {
    let stream = SelectedStream {
        upserted: false,
        name: "n".into(),
        schema: schema(),
        key_properties: vec![],
        replication_method: ReplicationMethod::FullTable,
        replication_key: None,
    };
    let partition = Partition { id: "n".into(), streams: vec!["n".into()], data: serde_json::Value::Null };
    let question = Question {
        pipeline: "p",
        state: None,
        records: &[],
        transactional: true,
        full_refresh: false,
        streams: std::slice::from_ref(&stream),
        fingerprint: &Default::default(),
        protocol: Protocol::DEFAULT,
    };
    let starts = resolve(&question).unwrap().starts(std::slice::from_ref(&partition)).unwrap();
    let plan = StreamPlan {
        stream: "n".into(),
        table: "n".into(),
        write_mode: WriteMode::Append,
        write_mode_is_explicit: true,
        key_properties: vec![],
        replication_method: ReplicationMethod::FullTable,
        generation: 1,
        resumed: false,
    };
    let lanes = starts.lanes.into_iter().map(|start| Lane { start, streams: vec![plan.clone()] }).collect();
    let run_facts = Run { pipeline: "p".into(), run: "r".into(), epoch: 1, transactional: true };
    run(Job {
        tap: Arc::new(tap),
        target,
        pipeline: Pipeline { pipeline: "p".into(), run: "r".into() },
        transactional: true,
        lanes: vec![LaneJob { partition, streams: vec![stream] }],
        machine: Machine::new(Protocol::DEFAULT, run_facts, lanes),
        state_file: None,
        limits: Limits {
            memory_bytes: 10 * ROWS * 8,
            parallel: NonZeroUsize::MIN,
            stall: Duration::from_millis(200),
            ..Limits::default()
        },
        progress: Arc::new(Progress::new(["n"])),
        interrupt: Interrupt::default(),
    })
}

#[test]
fn a_full_lane_commits_what_is_covered_before_its_window_is_full() {
    let target = Arc::new(Keeps::default());
    let outcome = run_between(Numbers { checkpoints: true, null_from: None }, target.clone());
    assert!(matches!(outcome.lanes[0].result, Ok(true)), "{:?}", outcome.lanes);
    assert_eq!(target.committed.load(Ordering::Relaxed), BATCHES * ROWS);
}

#[test]
fn a_target_that_keeps_more_than_its_buffer_fails_the_lane_and_does_not_stall_the_run() {
    for (for_ever, checkpoints) in [(true, true), (true, false), (false, false)] {
        let target = Arc::new(Keeps { for_ever, ..Keeps::default() });
        let outcome = run_between(Numbers { checkpoints, null_from: None }, target);
        let failed = outcome.lanes[0].result.as_ref().expect_err("a fault");
        assert_eq!(failed.side, Side::Target);
        assert_eq!(failed.error.kind(), ErrorKind::Bug);
        assert!(
            failed.error.message().contains("the target keeps more than the 20000 bytes"),
            "{}",
            failed.error
        );
    }
}

#[test]
fn when_a_run_is_over_no_thread_of_it_has_the_target_any_more() {
    let target = Arc::new(Keeps::default());
    drop(run_between(Numbers { checkpoints: true, null_from: None }, target.clone()));
    assert_eq!(Arc::strong_count(&target), 1);
}

#[test]
fn a_bookmark_that_is_null_is_refused_and_what_was_covered_before_it_is_kept() {
    let target = Arc::new(Keeps::default());
    let outcome = run_between(Numbers { checkpoints: true, null_from: Some(3) }, target.clone());
    let failed = outcome.lanes[0].result.as_ref().expect_err("a fault");
    assert_eq!((failed.side, failed.error.kind()), (Side::Tap, ErrorKind::Bug));
    assert!(failed.error.message().contains("null as a bookmark"), "{}", failed.error);
    assert_eq!(target.committed.load(Ordering::Relaxed), 3 * ROWS);
}
