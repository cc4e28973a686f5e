//! What the target promises.

use serde_json::{Value, json};
use std::sync::Arc;

use super::*;
use crate::{ColumnType, StreamSpec, checksum};
use dstream_sdk::{
    CommitRecord, CommitWindow, ErrorKind, Prepared, ReplicationMethod, StreamPlan, WriteMode,
};

fn open(options: Value) -> Result<Blackhole> {
    let config =
        serde_json::from_value(json!({"name": "n", "type": "blackhole", "options": options})).unwrap();
    Blackhole::open(Context::detached(Arc::default()), config)
}

fn request(epoch: u64, write_mode: WriteMode, generation: u64) -> WriteRequest {
    WriteRequest {
        pipeline: "p".into(),
        epoch,
        partition: "orders".into(),
        streams: vec![StreamPlan {
            stream: "orders".into(),
            table: "orders".into(),
            write_mode,
            write_mode_is_explicit: false,
            key_properties: vec!["id".into()],
            replication_method: ReplicationMethod::FullTable,
            generation,
            resumed: false,
        }],
        buffer_bytes: 1 << 20,
    }
}

fn orders() -> StreamSpec {
    StreamSpec::new("orders", 100, 1, &[("total", ColumnType::Decimal), ("note", ColumnType::HardText)])
}

fn prepared(target: &Blackhole, request: WriteRequest, ranges: &[(u64, u64)]) -> Prepared {
    let mut writer = target.open_writer(Context::detached(Arc::default()), request).unwrap();
    writer.declare(0, 1, orders().schema()).unwrap();
    for (from, to) in ranges {
        writer.write(0, 1, orders().records(*from..*to).unwrap().into()).unwrap();
    }
    writer.prepare(1).unwrap()
}

fn commit_of(epoch: u64, sequence: u64, prepared: Prepared) -> Commit {
    Commit {
        pipeline: "p".into(),
        epoch,
        windows: vec![CommitWindow { window: 1, partition: "orders".into(), prepared }],
        records: vec![CommitRecord { key: "orders".into(), sequence, value: json!({"row": sequence}) }],
        publish: vec![],
    }
}

fn pipeline() -> Pipeline {
    Pipeline { pipeline: "p".into(), run: "r".into() }
}

#[test]
fn the_report_counts_what_is_committed_whatever_the_batches() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("report.json");
    let target = open(json!({"output": output})).unwrap();
    target.check().unwrap();
    assert_eq!(target.begin(&pipeline()).unwrap().records, []);
    let lost = prepared(&target, request(1, WriteMode::Append, 1), &[(0, 50)]);
    assert_eq!(lost.rows, 50);
    let kept = prepared(&target, request(1, WriteMode::Append, 1), &[(60, 100), (0, 7), (7, 60)]);
    target.commit(&commit_of(1, 1, kept)).unwrap();
    let report = Report::read(&output).unwrap();
    let stream = &report.streams["orders"];
    let wanted = checksum(&orders().records(0..100).unwrap()).unwrap();
    assert_eq!((stream.rows, stream.checksum.as_str()), (100, format!("{wanted:016x}").as_str()));
    assert!(report.pipelines.is_empty());
}

#[test]
fn kept_records_make_a_commit_happen_once() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("report.json");
    let target = open(json!({"output": output, "keep_records": true})).unwrap();
    let epoch = target.begin(&pipeline()).unwrap().epoch;
    let first = commit_of(epoch, 1, prepared(&target, request(epoch, WriteMode::Append, 1), &[(0, 40)]));
    target.commit(&first).unwrap();
    target.commit(&first).unwrap();
    assert_eq!(Report::read(&output).unwrap().streams["orders"].rows, 40);

    let skipped = commit_of(epoch, 3, prepared(&target, request(epoch, WriteMode::Append, 1), &[(40, 50)]));
    assert_eq!(target.commit(&skipped).unwrap_err().kind(), ErrorKind::Bug);

    let again = open(json!({"output": output, "keep_records": true})).unwrap();
    let begun = again.begin(&pipeline()).unwrap();
    assert_eq!((begun.epoch, begun.records[0].sequence), (epoch + 1, 1));
    let late = commit_of(epoch, 2, prepared(&target, request(epoch, WriteMode::Append, 1), &[(40, 50)]));
    assert_eq!(target.commit(&late).unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(Report::read(&output).unwrap().streams["orders"].rows, 40);
}

#[test]
fn a_new_generation_starts_the_count_over_only_when_overwriting() {
    for (write_mode, rows) in [(WriteMode::Overwrite, 10), (WriteMode::Append, 30), (WriteMode::Upsert, 30)] {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("report.json");
        let target = open(json!({"output": output})).unwrap();
        target.commit(&commit_of(1, 1, prepared(&target, request(1, write_mode, 1), &[(0, 20)]))).unwrap();
        target.commit(&commit_of(1, 2, prepared(&target, request(1, write_mode, 2), &[(0, 10)]))).unwrap();
        assert_eq!(Report::read(&output).unwrap().streams["orders"].rows, rows, "{write_mode}");
    }
}

#[test]
fn a_slow_target_ends_with_the_run() {
    for options in [json!({"delay_ms_per_batch": 3_600_000}), json!({"bytes_per_second": 1})] {
        let target = open(options).unwrap();
        let cancelled = Context::detached(Arc::new(true.into()));
        let mut writer = target.open_writer(cancelled, request(1, WriteMode::Append, 1)).unwrap();
        let error = writer.write(0, 1, orders().records(0..100).unwrap().into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }
}

#[test]
fn a_config_that_cannot_be_meant_is_refused() {
    assert_eq!(
        open(json!({"keep_records": true})).unwrap_err().to_string(),
        "`options.keep_records` without `options.output`"
    );
    let nowhere = open(json!({"output": "/no/such/folder/report.json"})).unwrap();
    assert_eq!(nowhere.check().unwrap_err().kind(), ErrorKind::NotFound);
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.json");
    std::fs::write(&other, "[1]").unwrap();
    assert_eq!(open(json!({"output": other})).unwrap().check().unwrap_err().kind(), ErrorKind::Config);
}
