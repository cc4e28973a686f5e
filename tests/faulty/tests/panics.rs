//! A panic in any callback of a real library arrives as one error; the library and the run go on.

mod host;

use dstream_abi::{Error, ErrorKind, Pipeline};
use serde_json::json;

const TAP: [&str; 5] = ["open", "check", "discover", "plan", "open_reader"];
const TARGET: [&str; 8] = ["open", "check", "begin", "open_writer", "declare", "write", "prepare", "commit"];

fn is_a_caught_panic(error: &Error, call: &str) {
    assert_eq!(error.kind(), ErrorKind::Bug, "{call}: {error}");
    assert!(error.message().contains(&format!("the plugin panicked: asked to panic in {call}")), "{error}");
}

#[test]
fn without_a_fault_the_run_goes_through() {
    assert_eq!(host::run("panicky", json!({}), json!({})).expect("runs"), 4);
}

#[test]
fn a_panic_in_any_callback_of_a_tap_is_one_error() {
    for call in TAP.into_iter().chain(["next"]) {
        is_a_caught_panic(
            &host::run("panicky", json!({ "panic_in": call }), json!({})).expect_err(call),
            call,
        );
    }
    assert_eq!(host::run("panicky", json!({}), json!({})).expect("the library goes on"), 4);
}

#[test]
fn a_panic_in_any_callback_of_a_target_is_one_error() {
    for call in TARGET {
        is_a_caught_panic(
            &host::run("panicky", json!({}), json!({ "panic_in": call })).expect_err(call),
            call,
        );
    }
    assert_eq!(host::run("panicky", json!({}), json!({})).expect("the library goes on"), 4);
}

#[test]
fn a_panic_while_something_is_closed_goes_no_further() {
    for call in ["close_reader", "close"] {
        assert_eq!(host::run("panicky", json!({ "panic_in": call }), json!({})).expect(call), 4);
    }
    for call in ["close_writer", "close"] {
        assert_eq!(host::run("panicky", json!({}), json!({ "panic_in": call })).expect(call), 4);
    }
}

#[test]
fn any_payload_is_caught_even_one_that_panics_when_it_is_dropped() {
    for payload in ["number", "bomb"] {
        for call in TAP {
            let options = json!({ "panic_in": call, "payload": payload });
            let error = host::run("panicky", options, json!({})).expect_err(payload);
            assert!(error.message().contains("the plugin panicked"), "{error}");
        }
    }
}

#[test]
fn what_panicked_is_not_asked_again_and_its_neighbours_work() {
    let target = host::target("panicky", json!({ "panic_in": "prepare" })).expect("opens");
    let mut broken = host::writer(&*target).expect("opens");
    let mut neighbour = host::writer(&*target).expect("opens");
    broken.prepare(1).expect_err("panics");
    broken.prepare(1).expect_err("stays broken");
    neighbour.declare(0, 1, host::read_request().streams[0].schema.clone()).expect("another writer works");
    target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() }).expect("the target works");
}
