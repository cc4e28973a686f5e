//! Out and in again.

use arrow::array::{
    Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampSecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema};
use dstream_abi::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::samples::{batch, every_field};
use super::seed::Seed;
use super::{BatchLimits, Incoming, SingerReader, SingerTarget, Source, StreamSchema};

/// Bytes that a target wrote.
#[derive(Clone, Default)]
pub(crate) struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.bytes()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(crate) fn plan(stream: &str, keys: &[&str]) -> StreamPlan {
    StreamPlan {
        stream: stream.into(),
        table: stream.into(),
        write_mode: WriteMode::Append,
        write_mode_is_explicit: false,
        key_properties: keys.iter().map(|key| (*key).to_owned()).collect(),
        replication_method: ReplicationMethod::FullTable,
        generation: 1,
        resumed: false,
    }
}

pub(crate) fn open(target: &dyn Target, streams: Vec<StreamPlan>) -> Box<dyn Writer> {
    let begun = target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() }).unwrap();
    assert!(begun.records.is_empty());
    let request = WriteRequest {
        pipeline: "p".into(),
        epoch: begun.epoch,
        partition: "p".into(),
        streams,
        buffer_bytes: 1 << 20,
    };
    target.open_writer(Context::detached(Arc::new(AtomicBool::new(false))), request).unwrap()
}

pub(crate) fn record(key: &str, sequence: u64, value: Value) -> Commit {
    let records = vec![CommitRecord { key: key.into(), sequence, value }];
    Commit { pipeline: "p".into(), epoch: 1, records, ..Commit::default() }
}

fn print(batches: &[RecordBatch]) -> Result<Sink> {
    let sink = Sink::default();
    let target = SingerTarget::new(sink.clone());
    let mut writer = open(&target, vec![plan("s", &[])]);
    writer.declare(0, 1, batches[0].schema())?;
    for batch in batches {
        writer.write(0, 1, batch.clone().into())?;
    }
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(writer.prepare(1)?.rows, rows as u64);
    Ok(sink)
}

/// Everything that a source says, with records of one stream joined.
pub(crate) fn drain(source: &mut dyn Source) -> Result<Vec<Incoming>> {
    let mut all: Vec<Incoming> = Vec::new();
    loop {
        match source.next(Duration::from_secs(60))? {
            Incoming::End => return Ok(all),
            Incoming::Pending => panic!("an input that is whole kept somebody waiting"),
            Incoming::Records { stream, records } => match all.last_mut() {
                Some(Incoming::Records { stream: last, records: before }) if *last == stream => {
                    *before = concat_batches(&records.schema(), [&*before, &records])?;
                }
                _ => all.push(Incoming::Records { stream, records }),
            },
            other => all.push(other),
        }
    }
}

pub(super) fn read(input: impl Into<Vec<u8>>) -> Result<Vec<Incoming>> {
    let limits = BatchLimits { rows: 7, batch_bytes: 4096, held_bytes: 10_000 };
    drain(&mut SingerReader::new(io::Cursor::new(input.into()), limits)?)
}

pub(super) fn schema_of(message: &Incoming) -> &StreamSchema {
    match message {
        Incoming::Schema { schema, .. } => schema,
        other => panic!("{other:?} is no schema"),
    }
}

pub(super) fn records_of(message: &Incoming) -> &RecordBatch {
    match message {
        Incoming::Records { records, .. } => records,
        other => panic!("{other:?} is no batch"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_type_comes_back_bit_by_bit(seed in any::<u64>(), rows in 1..20usize, skip in 0..3usize) {
        let mut seed = Seed(seed);
        let whole = batch(every_field(), rows + skip, &mut seed);
        // A slice has offsets, which an encoder forgets easily.
        let before = whole.slice(skip, rows);
        let sink = print(&[before.slice(0, rows / 2), before.slice(rows / 2, rows - rows / 2)]).unwrap();
        // As JSON alone: `serde_json` has no number for 1e400, which a JSON column may hold.
        for line in String::from_utf8(sink.bytes()).unwrap().lines() {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok());
        }
        let after = read(sink.bytes()).unwrap();
        prop_assert_eq!(&schema_of(&after[0]).schema, &before.schema());
        let after = records_of(&after[1]);
        for (at, field) in before.schema().fields().iter().enumerate() {
            prop_assert_eq!(
                after.column(at).to_data(), before.column(at).to_data(), "{} {}", field.name(), field.data_type()
            );
        }
    }
}

fn one(name: &str, column: impl Array + 'static) -> RecordBatch {
    RecordBatch::try_from_iter([(name, Arc::new(column) as ArrayRef)]).unwrap()
}

fn records(sink: &Sink) -> Vec<Value> {
    let records = sink.lines().into_iter().filter(|line| line["type"] == "RECORD");
    records.map(|mut line| line["record"].take()).collect()
}

#[test]
fn what_is_printed_is_what_singer_tools_expect() {
    let sink = Sink::default();
    let target = SingerTarget::new(sink.clone())
        .with_replication_keys([("orders".to_owned(), "id".to_owned())].into())
        .with_clock(|| chrono::DateTime::from_timestamp_micros(1_767_225_600_000_001).unwrap());
    let mut writer = open(&target, vec![plan("orders", &["id"]), plan("empty", &[])]);
    let batch = one("id", Int64Array::from(vec![1, i64::MAX]));
    writer.declare(0, 1, batch.schema()).unwrap();
    writer.declare(1, 1, batch.schema()).unwrap();
    writer.write(0, 1, batch.into()).unwrap();
    assert_eq!(writer.prepare(1).unwrap().rows, 2);
    target.commit(&record("orders", 1, json!({"bookmark": 7}))).unwrap();
    let mut lines = sink.lines();
    let schema = lines[0]["schema"].take();
    assert_eq!(schema["properties"]["id"]["type"], json!(["integer"]));
    assert_eq!(schema["properties"]["id"]["x-arrow"]["format"], "l");
    lines[1]["schema"].take();
    assert_eq!(
        lines,
        [
            json!({"type": "SCHEMA", "stream": "orders", "schema": null, "key_properties": ["id"], "bookmark_properties": ["id"]}),
            json!({"type": "SCHEMA", "stream": "empty", "schema": null, "key_properties": []}),
            json!({"type": "RECORD", "stream": "orders", "record": {"id": 1}, "time_extracted": "2026-01-01T00:00:00.000001Z"}),
            json!({"type": "RECORD", "stream": "orders", "record": {"id": i64::MAX}, "time_extracted": "2026-01-01T00:00:00.000001Z"}),
            json!({"type": "STATE", "value": {"bookmarks": {"orders": {"bookmark": 7}}}}),
        ]
    );
}

#[test]
fn values_are_written_as_the_catalog_says() {
    let sink =
        print(&[one("t", TimestampSecondArray::from(vec![0]).with_timezone("Europe/Berlin"))]).unwrap();
    assert_eq!(records(&sink), [json!({"t": "1970-01-01T00:00:00Z"})]);
    let sink = print(&[one("t", TimestampSecondArray::from(vec![0]))]).unwrap();
    assert_eq!(records(&sink), [json!({"t": "1970-01-01T00:00:00"})]);
    let decimal = arrow::array::Decimal128Array::from(vec![-150]).with_precision_and_scale(12, 3).unwrap();
    assert_eq!(records(&print(&[one("d", decimal)]).unwrap()), [json!({"d": "-0.150"})]);
    let binary = arrow::array::BinaryArray::from(vec![&b"\xff\0"[..]]);
    assert_eq!(records(&print(&[one("b", binary)]).unwrap()), [json!({"b": "/wA="})]);
}

#[test]
fn a_number_that_json_lacks_names_stream_column_and_record() {
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let first = one("price", Float64Array::from(vec![1.0, 2.0]));
        let error = print(&[first, one("price", Float64Array::from(vec![3.0, wrong]))]).err().unwrap();
        assert_eq!((error.kind(), error.stream_name()), (ErrorKind::Data, Some("s")));
        assert!(error.message().starts_with("column `price`, record 4: "), "{error}");
    }
}

#[test]
fn what_would_change_is_refused() {
    let json_column = Field::new("j", DataType::Utf8, true)
        .with_metadata([("ARROW:extension:name".to_owned(), "arrow.json".to_owned())].into());
    for wrong in ["", "{", "null", "1 2", "NaN"] {
        let schema = Arc::new(Schema::new(vec![json_column.clone()]));
        let column = Arc::new(StringArray::from(vec![wrong]));
        let batch = RecordBatch::try_new(schema, vec![column]).unwrap();
        assert_eq!(print(&[batch]).err().unwrap().kind(), ErrorKind::Data, "{wrong}");
    }
    for wrong in [i64::MAX, -62_167_219_201, 253_402_300_800] {
        let error = print(&[one("t", TimestampSecondArray::from(vec![wrong]))]).err().unwrap();
        assert!(error.message().contains("outside the years"), "{error}");
    }
    let twice = DataType::Struct(vec![Field::new("a", DataType::Int8, true); 2].into());
    let schema = Arc::new(Schema::new(vec![Field::new("s", twice, true)]));
    assert_eq!(print(&[RecordBatch::new_empty(schema)]).err().unwrap().kind(), ErrorKind::Unsupported);
}

#[test]
fn json_columns_stay_on_their_line() {
    let field = Field::new("j", DataType::Utf8, true)
        .with_metadata([("ARROW:extension:name".to_owned(), "arrow.json".to_owned())].into());
    let column = Arc::new(StringArray::from(vec!["\n{\r\n  \"a\":\t1\n}\n"]));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap();
    let sink = print(&[batch]).unwrap();
    assert_eq!(records(&sink), [json!({"j": {"a": 1}})]);
}

#[test]
fn two_partitions_of_one_stream_share_its_schema() {
    let sink = Sink::default();
    let target = SingerTarget::new(sink.clone());
    let mut first = open(&target, vec![plan("s", &[])]);
    let request = WriteRequest {
        pipeline: "p".into(),
        epoch: 1,
        partition: "q".into(),
        streams: vec![plan("s", &[])],
        buffer_bytes: 0,
    };
    let mut second = target.open_writer(Context::detached(Arc::default()), request).unwrap();
    let (narrow, wide) = (one("a", Int64Array::from(vec![1])), one("b", Int64Array::from(vec![2])));
    first.declare(0, 1, narrow.schema()).unwrap();
    second.declare(0, 1, narrow.schema()).unwrap();
    second.declare(0, 2, wide.schema()).unwrap();
    first.write(0, 1, narrow.into()).unwrap();
    second.write(0, 2, wide.into()).unwrap();
    let types: Vec<Value> = sink.lines().iter().map(|line| line["type"].clone()).collect();
    assert_eq!(types, ["SCHEMA", "SCHEMA", "SCHEMA", "RECORD", "SCHEMA", "RECORD"]);
}

#[test]
fn commits_are_fenced_and_in_sequence() {
    let sink = Sink::default();
    let target = SingerTarget::new(sink.clone()).with_state(
        json!({"bookmarks": {"old": 1}, "currently_syncing": "old"}).as_object().unwrap().clone(),
    );
    let pipeline = Pipeline { pipeline: "p".into(), run: "r".into() };
    target.begin(&pipeline).unwrap();
    target.commit(&record("a", 1, json!(1))).unwrap();
    target.commit(&record("a", 1, json!(1))).unwrap();
    assert_eq!(target.commit(&record("a", 3, json!(3))).unwrap_err().kind(), ErrorKind::Bug);
    let expected =
        json!({"type": "STATE", "value": {"bookmarks": {"old": 1, "a": 1}, "currently_syncing": "old"}});
    assert_eq!(sink.lines(), [expected]);
    target.begin(&pipeline).unwrap();
    assert_eq!(target.commit(&record("a", 2, json!(2))).unwrap_err().kind(), ErrorKind::Fenced);
}

#[test]
fn a_closed_pipe_ends_the_run_without_a_panic() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let target = SingerTarget::new(writer);
    let mut writer = open(&target, vec![plan("s", &[])]);
    let error = writer.declare(0, 1, Arc::new(Schema::empty())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(error.message().contains("closed by its reader"), "{error}");
    let error = target.commit(&record("s", 1, json!(1))).unwrap_err();
    assert!(error.message().contains("failed before"), "{error}");
}

proptest! {
    #[test]
    fn broken_json_is_refused_where_serde_refuses_it(text in "[\\[\\]{}\",:\\\\ueE0-9.+\\-a-f nul tr\n\t€]{0,24}") {
        let mut cursor = super::json::Cursor::new(&text);
        let ours = cursor.skip().and_then(|_| cursor.end()).is_ok();
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        // serde does not look into the strings that it skips: only a full parse finds half a surrogate pair.
        let theirs = theirs && (serde_json::from_str::<Value>(&text).is_ok() || !text.contains("\\u"));
        prop_assert_eq!(ours, theirs, "{:?}", text);
    }

    #[test]
    fn damaged_messages_never_panic(seed in any::<u64>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = print(&[batch(every_field(), 3, &mut Seed(seed))]).unwrap().bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = read(bytes);
    }
}
