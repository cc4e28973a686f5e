//! A real library that breaks the contract in other ways: each ends in an error of its own.

mod host;

use dstream_abi::{Batch, Error, ErrorKind, Message, Pipeline};
use serde_json::{Value, json};
use std::time::Duration;

fn tap_fails(options: Value) -> Error {
    host::run("faulty", options, json!({})).expect_err("a fault")
}

fn target_fails(options: Value) -> Error {
    host::run("faulty", json!({}), options).expect_err("a fault")
}

fn says(error: &Error, kind: ErrorKind, part: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(part), "{error}");
}

const TAP: [&str; 6] = ["open", "check", "discover", "plan", "open_reader", "next"];
const TARGET: [&str; 8] = ["open", "check", "begin", "open_writer", "declare", "write", "prepare", "commit"];

#[test]
fn without_a_fault_the_run_goes_through() {
    assert_eq!(host::run("faulty", json!({}), json!({})).expect("runs"), 4);
}

#[test]
fn a_huge_error_text_is_cut_and_holds_no_wrong_byte() {
    for call in TAP {
        let error = tap_fails(json!({ "huge_error": call }));
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{call}");
        assert!(error.message().len() < 100_000, "{call}: {} bytes", error.message().len());
        assert!(error.hint_text().is_none_or(|hint| hint.len() < 100_000), "{call}");
        assert!(error.has_row_data());
        assert_eq!(error.retry_after(), None);
    }
    for call in TARGET {
        assert_eq!(target_fails(json!({ "huge_error": call })).kind(), ErrorKind::Unavailable, "{call}");
    }
}

#[test]
fn an_error_without_a_word_names_the_call() {
    for call in TAP {
        says(&tap_fails(json!({ "silent_error": call })), ErrorKind::Bug, &format!("`{call}`"));
    }
    for call in TARGET {
        says(&target_fails(json!({ "silent_error": call })), ErrorKind::Bug, &format!("`{call}`"));
    }
}

#[test]
fn an_ok_without_an_object_is_an_error() {
    for call in ["open", "open_reader"] {
        says(&tap_fails(json!({ "null_object": call })), ErrorKind::Bug, &format!("`{call}`"));
    }
    for call in ["open", "open_writer"] {
        says(&target_fails(json!({ "null_object": call })), ErrorKind::Bug, &format!("`{call}`"));
    }
}

#[test]
fn an_answer_that_is_no_json_or_not_there_is_an_error() {
    for fault in ["not_json", "no_answer"] {
        for call in ["discover", "plan"] {
            assert_eq!(tap_fails(json!({ fault: call })).kind(), ErrorKind::Bug, "{call}");
        }
        for call in ["begin", "prepare"] {
            assert_eq!(target_fails(json!({ fault: call })).kind(), ErrorKind::Bug, "{call}");
        }
    }
    says(&tap_fails(json!({ "not_json": "next" })), ErrorKind::Bug, "a bookmark is not JSON");
}

#[test]
fn a_status_that_does_not_exist_is_an_error() {
    says(&tap_fails(json!({ "strange_status": 7 })), ErrorKind::Bug, "answered 7");
    says(&tap_fails(json!({ "strange_status": -7777 })), ErrorKind::Bug, "status -7777");
    says(&tap_fails(json!({ "strange_status": i32::MIN })), ErrorKind::Bug, "`next`");
}

#[test]
fn an_unknown_message_is_skipped_only_where_that_is_allowed() {
    assert_eq!(
        host::run("faulty", json!({ "unknown_message": "ignorable" }), json!({})).expect("skipped"),
        4
    );
    says(&tap_fails(json!({ "unknown_message": "needed" })), ErrorKind::Unsupported, "kind 99");
}

#[test]
fn messages_out_of_order_are_errors() {
    says(&tap_fails(json!({ "batch_before_schema": true })), ErrorKind::Bug, "before that schema");
    says(&tap_fails(json!({ "schema_version": 2 })), ErrorKind::Bug, "schema version 2 comes after 0");
    says(&tap_fails(json!({ "schema_version": 0 })), ErrorKind::Bug, "schema version 0 comes after 0");
    says(&tap_fails(json!({ "stream_index": 1 })), ErrorKind::Bug, "names stream 1 of 1");
    says(&tap_fails(json!({ "stream_index": u32::MAX })), ErrorKind::Bug, "names stream 4294967295 of 1");
}

#[test]
fn a_bookmark_of_32_mib_passes_and_one_byte_more_does_not() {
    let limit = 32 << 20;
    assert_eq!(host::run("faulty", json!({ "bookmark_bytes": limit }), json!({})).expect("fits"), 4);
    says(&tap_fails(json!({ "bookmark_bytes": limit + 1 })), ErrorKind::Bug, "33554433 bytes");
}

#[test]
fn log_records_full_of_noise_disturb_nobody() {
    assert_eq!(host::run("faulty", json!({ "logs": 20 }), json!({})).expect("runs"), 4);
}

#[test]
fn a_tap_that_ignores_cancel_comes_back_in_its_own_time() {
    let mut reader = host::reader("faulty", json!({ "ignores_cancel": 1 })).expect("opens");
    assert_eq!(host::read_all(&mut *reader).expect("late, but complete").len(), 4);
}

#[test]
fn a_lie_about_rows_reaches_the_host_which_compares() {
    assert_eq!(host::run("faulty", json!({}), json!({ "row_count_lie": 3 })).expect("runs"), 7);
    // A count below zero is no count.
    assert_eq!(target_fails(json!({ "row_count_lie": -5 })).kind(), ErrorKind::Bug);
}

#[test]
fn a_batch_that_the_target_left_is_released_by_the_host() {
    struct Guard(std::sync::mpsc::Sender<()>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.send(()).expect("somebody waits");
        }
    }
    let (sender, released) = std::sync::mpsc::channel();
    let target = host::target("faulty", json!({ "leaves_batch": true })).expect("opens");
    let mut writer = host::writer(&*target).expect("opens");
    let mut reader = host::reader("faulty", json!({})).expect("opens");
    for message in host::read_all(&mut *reader).expect("reads") {
        if let Message::Batch { stream, version, batch, .. } = message {
            let batch: Batch = batch.with_guard(Guard(sender.clone()));
            writer.write(stream, version, batch).expect("says that it took it");
        }
    }
    released.recv_timeout(Duration::ZERO).expect("released once the call was over");
}

#[test]
fn a_function_that_is_missing_is_named() {
    let tap = host::tap("hollow", json!({})).expect("opens");
    says(&tap.check().expect_err("null"), ErrorKind::Unsupported, "`check`");
    says(&tap.discover().expect_err("null"), ErrorKind::Unsupported, "`discover`");
    says(&tap.plan(&Default::default()).expect_err("null"), ErrorKind::Unsupported, "`plan`");
    let mut reader = tap.open_reader(host::context(), host::read_request()).expect("opens");
    says(&reader.next(Duration::ZERO).expect_err("null"), ErrorKind::Unsupported, "`next`");

    let target = host::target("hollow", json!({})).expect("opens");
    says(&target.check().expect_err("null"), ErrorKind::Unsupported, "`check`");
    let pipeline = Pipeline { pipeline: "p".into(), run: "r".into() };
    says(&target.begin(&pipeline).expect_err("null"), ErrorKind::Unsupported, "`begin`");
    says(&target.commit(&Default::default()).expect_err("null"), ErrorKind::Unsupported, "`commit`");
    let schema = host::read_request().streams[0].schema.clone();
    let declared = host::writer(&*target).expect("opens").declare(0, 1, schema.clone());
    says(&declared.expect_err("null"), ErrorKind::Unsupported, "`declare`");
    let records = arrow::array::RecordBatch::new_empty(schema);
    let written = host::writer(&*target).expect("opens").write(0, 1, records.into());
    says(&written.expect_err("null"), ErrorKind::Unsupported, "`write`");
    let prepared = host::writer(&*target).expect("opens").prepare(1);
    says(&prepared.expect_err("null"), ErrorKind::Unsupported, "`prepare`");
}

#[test]
fn a_role_that_the_library_does_not_have_is_named() {
    let config = host::config("nothing", json!({}));
    let error = host::library().tap("nothing", host::context(), &config).err().expect("no such tap");
    says(&error, ErrorKind::NotFound, "no tap `nothing`");
}
