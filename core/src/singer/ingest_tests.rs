//! The loop of `dstreams target` against a target in memory.

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use dstream_abi::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::tests::{open, plan, record};
use super::{BatchLimits, IngestOptions, Ingested, SingerReader, Source, StreamSchema, ingest};
use crate::arrows::{ArrowsReader, ArrowsTarget};

/// A target that keeps everything as `stream → ids`, transactionally.
#[derive(Default)]
struct Memory {
    tables: Arc<Mutex<Tables>>,
    /// Records that its writers do not count.
    uncounted: u64,
    /// Commits that succeed and say that nobody knows.
    unsure: Mutex<u32>,
}

#[derive(Default)]
struct Tables {
    committed: BTreeMap<String, Vec<i64>>,
    aside: BTreeMap<String, Vec<i64>>,
    record: Option<CommitRecord>,
    commits: u32,
    versions: Vec<(String, u32)>,
}

struct MemoryWriter {
    tables: Arc<Mutex<Tables>>,
    stream: String,
    ids: Vec<i64>,
    uncounted: u64,
}

impl Target for Memory {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn begin(&self, _: &Pipeline) -> Result<Begun> {
        let records = self.tables.lock().unwrap().record.clone().into_iter().collect();
        Ok(Begun { epoch: 1, records, window: None })
    }

    fn open_writer(&self, _: Context, request: WriteRequest) -> Result<Box<dyn Writer>> {
        assert_eq!(request.partition, request.streams[0].stream);
        let stream = request.partition;
        Ok(Box::new(MemoryWriter {
            tables: self.tables.clone(),
            stream,
            ids: vec![],
            uncounted: self.uncounted,
        }))
    }

    fn commit(&self, commit: &Commit) -> Result<()> {
        let mut tables = self.tables.lock().unwrap();
        let stored = tables.record.as_ref().map_or(0, |record| record.sequence);
        let [record] = commit.records.as_slice() else { panic!("one record a commit") };
        if stored == record.sequence {
            return Ok(());
        }
        assert_eq!(stored + 1, record.sequence);
        for window in &commit.windows {
            let ids: Vec<i64> = serde_json::from_value(window.prepared.message.clone()).unwrap();
            tables.aside.entry(window.partition.clone()).or_default().extend(ids);
        }
        for (stream, ids) in tables.aside.clone() {
            let is_overwrite = stream.starts_with("full");
            if !is_overwrite {
                tables.committed.entry(stream.clone()).or_default().extend(&ids);
                tables.aside.remove(&stream);
            } else if commit.publish.iter().any(|plan| plan.stream == stream) {
                tables.committed.insert(stream.clone(), ids);
                tables.aside.remove(&stream);
            }
        }
        tables.record = Some(record.clone());
        tables.commits += 1;
        let mut unsure = self.unsure.lock().unwrap();
        if *unsure > 0 {
            *unsure -= 1;
            return Err(Error::unavailable("the connection is gone").retry_after_ms(0));
        }
        Ok(())
    }
}

impl Writer for MemoryWriter {
    fn declare(&mut self, _: u32, version: u32, _: SchemaRef) -> Result<()> {
        self.tables.lock().unwrap().versions.push((self.stream.clone(), version));
        Ok(())
    }

    fn write(&mut self, _: u32, _: u32, batch: Batch) -> Result<()> {
        let batch = batch.into_records()?;
        let ids = batch.column_by_name("id").unwrap().as_any().downcast_ref::<Int64Array>().unwrap();
        self.ids.extend(ids.values());
        Ok(())
    }

    fn prepare(&mut self, _: u64) -> Result<Prepared> {
        let ids = std::mem::take(&mut self.ids);
        Ok(Prepared { rows: ids.len() as u64 - self.uncounted, message: json!(ids) })
    }
}

fn schema(stream: &str) -> String {
    format!(
        r#"{{"type":"SCHEMA","stream":"{stream}","key_properties":["id"],"schema":{{"properties":{{"id":{{"type":"integer"}}}}}}}}"#
    )
}

fn row(stream: &str, id: i64) -> String {
    format!(r#"{{"type":"RECORD","stream":"{stream}","record":{{"id":{id}}}}}"#)
}

fn state(value: i64) -> String {
    format!(r#"{{"type":"STATE","value":{value}}}"#)
}

fn mode(shape: &StreamSchema) -> Result<StreamPlan> {
    let mut plan = plan(&shape.stream, &["id"]);
    if shape.stream.starts_with("full") {
        plan.write_mode = WriteMode::Overwrite;
    }
    Ok(plan)
}

struct Outcome {
    result: Result<Ingested>,
    states: Vec<Value>,
}

fn take(source: &mut dyn Source, target: &Memory, every: Duration, interrupt: &Arc<AtomicBool>) -> Outcome {
    let mut options = IngestOptions::new(Pipeline { pipeline: "p".into(), run: "r".into() });
    options.commit_every = every;
    let mut states = Vec::new();
    let mut on_state = |value: &Value| {
        states.push(value.clone());
        Ok(())
    };
    let result = ingest(source, target, &options, &mut mode, &mut on_state, interrupt);
    Outcome { result, states }
}

fn lines(lines: &[String], target: &Memory, every: Duration) -> Outcome {
    let input = io::Cursor::new(lines.join("\n").into_bytes());
    let mut source = SingerReader::new(input, BatchLimits { rows: 3, ..BatchLimits::default() }).unwrap();
    take(&mut source, target, every, &Arc::default())
}

const ALWAYS: Duration = Duration::ZERO;
const NEVER: Duration = Duration::from_secs(1 << 30);

#[test]
fn every_state_is_committed_with_what_it_covers() {
    let target = Memory::default();
    let input =
        [schema("a"), schema("b"), row("a", 1), state(1), row("a", 2), row("b", 1), state(2), row("a", 3)];
    let outcome = lines(&input, &target, ALWAYS);
    assert_eq!(outcome.states, [json!(1), json!(2)]);
    let streams = vec![("a".to_owned(), 3), ("b".to_owned(), 1)];
    assert_eq!(outcome.result.unwrap(), Ingested { streams, commits: 3 });
    let tables = target.tables.lock().unwrap();
    assert_eq!(tables.committed, [("a".to_owned(), vec![1, 2, 3]), ("b".to_owned(), vec![1])].into());
    assert_eq!(tables.record, Some(CommitRecord { key: "singer".into(), sequence: 3, value: json!(2) }));
}

#[test]
fn states_that_come_fast_share_a_commit() {
    let target = Memory::default();
    let mut input = vec![schema("a")];
    input.extend((1..=100).flat_map(|id| [row("a", id), state(id)]));
    let outcome = lines(&input, &target, NEVER);
    assert_eq!((outcome.states, outcome.result.unwrap().commits), (vec![json!(100)], 1));
    assert_eq!(target.tables.lock().unwrap().committed["a"].len(), 100);
}

#[test]
fn a_second_run_goes_on_with_the_sequence() {
    let target = Memory::default();
    lines(&[schema("a"), row("a", 1), state(1)], &target, ALWAYS).result.unwrap();
    lines(&[schema("a"), row("a", 2), state(2)], &target, ALWAYS).result.unwrap();
    assert_eq!(target.tables.lock().unwrap().record.as_ref().unwrap().sequence, 2);
}

#[test]
fn an_error_drops_what_is_behind_the_last_commit() {
    let target = Memory::default();
    let outcome = lines(&[schema("a"), row("a", 1), state(1), row("a", 2), "{".into()], &target, ALWAYS);
    assert_eq!(outcome.result.unwrap_err().kind(), ErrorKind::Data);
    assert_eq!(outcome.states, [json!(1)]);
    assert_eq!(target.tables.lock().unwrap().committed["a"], [1]);
}

#[test]
fn a_target_that_counts_otherwise_commits_nothing() {
    let target = Memory { uncounted: 1, ..Memory::default() };
    let outcome = lines(&[schema("a"), row("a", 1), row("a", 2), state(1)], &target, ALWAYS);
    let error = outcome.result.unwrap_err();
    assert_eq!((error.kind(), error.stream_name()), (ErrorKind::Data, Some("a")));
    assert!(error.message().starts_with("2 records were written, the target counted 1"), "{error}");
    assert_eq!((outcome.states.len(), target.tables.lock().unwrap().commits), (0, 0));
}

#[test]
fn a_commit_nobody_knows_of_is_asked_for_again() {
    let target = Memory { unsure: Mutex::new(2), ..Memory::default() };
    let outcome = lines(&[schema("a"), row("a", 1), state(1)], &target, ALWAYS);
    outcome.result.unwrap();
    assert_eq!(target.tables.lock().unwrap().committed["a"], [1]);
}

#[test]
fn an_overwritten_table_changes_with_the_end() {
    let target = Memory::default();
    target.tables.lock().unwrap().committed.insert("full".into(), vec![9]);
    let outcome = lines(&[schema("full"), row("full", 1), state(1), "{".into()], &target, ALWAYS);
    outcome.result.unwrap_err();
    assert_eq!(target.tables.lock().unwrap().committed["full"], [9]);
    target.tables.lock().unwrap().aside.clear();
    lines(&[schema("full"), row("full", 1), state(1), row("full", 2)], &target, ALWAYS).result.unwrap();
    assert_eq!(target.tables.lock().unwrap().committed["full"], [1, 2]);
}

#[test]
fn an_empty_stream_is_declared_and_committed() {
    let target = Memory::default();
    let outcome = lines(&[schema("a"), schema("a")], &target, ALWAYS);
    assert_eq!(outcome.result.unwrap().commits, 1);
    assert_eq!(target.tables.lock().unwrap().versions, [("a".to_owned(), 1)]);
    assert_eq!(lines(&[], &target, ALWAYS).result.unwrap().commits, 0);
}

#[test]
fn other_keys_within_one_input_are_refused() {
    let target = Memory::default();
    let other = schema("a").replace(r#"["id"]"#, "[]");
    let error = lines(&[schema("a"), other], &target, ALWAYS).result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
}

/// Gives its bytes, then calls `then`, then stays silent until it is dropped.
struct Silent<F> {
    bytes: io::Cursor<Vec<u8>>,
    then: Option<F>,
    ends: bool,
    hang: std::sync::mpsc::Receiver<()>,
}

impl<F: FnOnce()> Read for Silent<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        if count == 0 {
            if let Some(then) = self.then.take() {
                then();
            }
            if !self.ends {
                let _ = self.hang.recv();
            }
        }
        Ok(count)
    }
}

fn interrupted(input: &[String], ends: bool) -> (Memory, Outcome) {
    let (target, interrupt) = (Memory::default(), Arc::new(AtomicBool::new(false)));
    let (hold, hang) = std::sync::mpsc::channel();
    let flag = interrupt.clone();
    let bytes = io::Cursor::new((input.join("\n") + "\n").into_bytes());
    let input = Silent { bytes, then: Some(move || flag.store(true, Ordering::Relaxed)), ends, hang };
    let mut source = SingerReader::new(input, BatchLimits::default()).unwrap();
    let outcome = take(&mut source, &target, NEVER, &interrupt);
    drop(hold);
    (target, outcome)
}

#[test]
fn an_interrupt_stops_at_the_last_state() {
    for ends in [true, false] {
        let (target, outcome) = interrupted(&[schema("a"), row("a", 1), state(1), row("a", 2)], ends);
        assert_eq!(outcome.result.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!((outcome.states.len(), target.tables.lock().unwrap().commits), (0, 0));
    }
}

#[test]
fn a_silent_input_is_committed_up_to_its_state() {
    let target = Memory::default();
    let (hold, hang) = std::sync::mpsc::channel();
    let bytes = io::Cursor::new([schema("a"), row("a", 1), state(1), String::new()].join("\n").into_bytes());
    let mut source =
        SingerReader::new(Silent { bytes, then: None::<fn()>, ends: false, hang }, BatchLimits::default())
            .unwrap();
    let interrupt = Arc::new(AtomicBool::new(false));
    let mut options = IngestOptions::new(Pipeline { pipeline: "p".into(), run: "r".into() });
    options.commit_every = NEVER;
    // The state comes while the input hangs; only then is the run told to stop.
    let mut on_state = |_: &Value| {
        interrupt.store(true, Ordering::Relaxed);
        Ok(())
    };
    let result = ingest(&mut source, &target, &options, &mut mode, &mut on_state, &interrupt);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(target.tables.lock().unwrap().committed["a"], [1]);
    drop(hold);
}

#[test]
fn arrow_segments_go_through_the_same_loop() {
    let sink = super::tests::Sink::default();
    let out = ArrowsTarget::new(sink.clone());
    let mut writer = open(&out, vec![plan("a", &["id"])]);
    let batch = |ids: Vec<i64>| {
        let names = StringArray::from_iter_values(ids.iter().map(i64::to_string));
        RecordBatch::try_from_iter([
            ("id", Arc::new(Int64Array::from(ids)) as _),
            ("name", Arc::new(names) as _),
        ])
        .unwrap()
    };
    writer.declare(0, 1, batch(vec![]).schema()).unwrap();
    writer.write(0, 1, batch(vec![1, 2]).into()).unwrap();
    out.commit(&record("a", 1, json!(2))).unwrap();
    writer.write(0, 1, batch(vec![3]).into()).unwrap();
    let cut = sink.bytes();
    out.finish().unwrap();
    let target = Memory::default();
    let mut source = ArrowsReader::new(io::Cursor::new(sink.bytes())).unwrap();
    let outcome = take(&mut source, &target, ALWAYS, &Arc::default());
    assert_eq!(outcome.result.unwrap().streams, [("a".to_owned(), 3)]);
    assert_eq!(outcome.states, [json!({"bookmarks": {"a": 2}})]);
    // What was cut is committed up to its last state.
    let target = Memory::default();
    let outcome =
        take(&mut ArrowsReader::new(io::Cursor::new(cut)).unwrap(), &target, ALWAYS, &Arc::default());
    assert_eq!(outcome.result.unwrap_err().kind(), ErrorKind::Data);
    assert_eq!(outcome.states, [json!({"bookmarks": {"a": 2}})]);
    assert_eq!(target.tables.lock().unwrap().committed["a"], [1, 2]);
}
