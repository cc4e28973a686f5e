//! Malformed batches, fed by a real library: each ends in one clear error, or is repaired, or cannot be known.

mod host;

use arrow::array::{Array, AsArray, Int32Array, RecordBatch};
use arrow::datatypes::Int32Type;
use dstream_abi::{Error, ErrorKind, Message, Next, Result};
use dstream_faulty::CASES;
use serde_json::json;
use std::time::Duration;

/// The case whose fault nobody in the process can see: its address is not null, and reading there ends the process.
const DANGLING: usize = 24;

/// The batch of a case as a target would see it.
fn batch(case: usize) -> Result<RecordBatch> {
    let mut reader = host::reader("faulty", json!({ "malformed": case }))?;
    loop {
        match reader.next(Duration::ZERO)? {
            Next::Message(Message::Batch { batch, .. }) => return batch.into_records(),
            Next::End => panic!("no batch"),
            _ => {}
        }
    }
}

fn refused(case: usize) -> Error {
    match batch(case) {
        Ok(records) => panic!("case {case} ({}) was taken: {records:?}", CASES[case]),
        Err(error) => error,
    }
}

#[test]
fn the_case_that_is_well_formed_is_taken() {
    let batch = batch(0).expect("well formed");
    assert_eq!(batch.column(0).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["a", "bc"]);
}

#[test]
fn every_malformed_batch_ends_in_one_clear_error() {
    let repaired = [13, 14];
    let mut panics = 0;
    for case in (1..CASES.len()).filter(|case| *case != DANGLING && !repaired.contains(case)) {
        let error = refused(case);
        let expected: &[ErrorKind] = match case {
            17 | 18 | 25 => &[ErrorKind::Schema, ErrorKind::Unsupported],
            29 => &[ErrorKind::Bug],
            _ => &[ErrorKind::Data],
        };
        assert!(
            expected.contains(&error.kind()),
            "case {case} ({}): {:?} {error}",
            CASES[case],
            error.kind()
        );
        assert_eq!(error.stream_name(), Some("numbers"), "case {case}: {error}");
        // A panic of arrow-rs that was caught is an answer too, but not a clear one.
        panics += usize::from(error.message().contains("panicked") || error.message().contains(".rs:"));
    }
    assert_eq!(panics, 0, "errors that show a panic");
}

#[test]
fn wrong_null_counts_are_counted_again_and_nothing_else_changes() {
    let claimed_none = batch(13).expect("repaired");
    assert_eq!(
        claimed_none.column(0).as_primitive::<Int32Type>(),
        &Int32Array::from(vec![Some(1), None, Some(3), None])
    );
    let claimed_three = batch(14).expect("repaired");
    assert_eq!(claimed_three.column(0).null_count(), 1);
    assert_eq!(
        claimed_three.column(0).as_primitive::<Int32Type>(),
        &Int32Array::from(vec![Some(1), Some(2), Some(3), None])
    );
}

#[test]
fn after_a_malformed_batch_the_reader_is_done_and_the_library_goes_on() {
    let mut reader = host::reader("faulty", json!({ "malformed": 1 })).expect("opens");
    reader.next(Duration::ZERO).expect("the schema is fine");
    reader.next(Duration::ZERO).expect_err("malformed");
    reader.next(Duration::ZERO).expect_err("only to be closed");
    drop(reader);
    assert_eq!(host::run("faulty", json!({}), json!({})).expect("runs"), 4);
}
