//! A panic or an error in any callback arrives as one error; the object is poisoned, the library goes on.

#![allow(clippy::unwrap_used)] // a test may

mod echo;

use dstream_abi::*;
use echo::callbacks::callbacks_of;
use std::sync::Arc;
use std::time::Duration;

const TAP: [&str; 6] = ["open", "check", "discover", "plan", "open_reader", "next"];
const TARGET: [&str; 8] = ["open", "check", "begin", "open_writer", "declare", "write", "prepare", "commit"];
const CLOSE_TAP: [&str; 2] = ["close_reader", "close"];
const CLOSE_TARGET: [&str; 2] = ["close_writer", "close"];

/// Calls everything a run calls, in order, and returns the first error. Each side fails in the callback that is named.
fn run(tap: Option<&str>, target: Option<&str>) -> Result<()> {
    let name = format!("{tap:?} {target:?}");
    let records = arrow::array::RecordBatch::try_from_iter([(
        "a",
        Arc::new(arrow::array::Int32Array::from(vec![1])) as arrow::array::ArrayRef,
    )])?;
    echo::give(&name, vec![records]);
    let plugin = echo::plugin();
    let tap = plugin.tap("echo", echo::context(), &echo::config(&name, tap))?;
    tap.check()?;
    tap.discover()?;
    tap.plan(&Selection::default())?;
    let mut reader = tap.open_reader(echo::context(), echo::read_request())?;
    let target = plugin.target("echo", echo::context(), &echo::config(&name, target))?;
    target.check()?;
    target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() })?;
    let mut writer = target.open_writer(echo::context(), echo::write_request())?;
    loop {
        match reader.next(Duration::ZERO) {
            Ok(Next::Message(Message::Schema { stream, version, schema })) => {
                writer.declare(stream, version, schema)?
            }
            Ok(Next::Message(Message::Batch { stream, version, batch, .. })) => {
                if let Err(error) = writer.write(stream, version, batch) {
                    assert!(writer.prepare(1).is_err(), "a writer that failed is not asked again");
                    return Err(error);
                }
            }
            Ok(Next::End) => break,
            Ok(_) => {}
            Err(error) => {
                assert!(reader.next(Duration::ZERO).is_err(), "a reader that failed is not asked again");
                return Err(error);
            }
        }
    }
    writer.prepare(1)?;
    target.commit(&Commit::default())
}

fn is_a_caught_panic(outcome: Result<()>, call: &str) {
    let error = outcome.expect_err(call);
    assert_eq!(error.kind(), ErrorKind::Bug, "{call}: {error}");
    let words = format!("the plugin panicked: asked to panic in {call} at ");
    assert!(error.message().starts_with(&words), "{error}");
}

#[test]
fn every_callback_of_the_header_has_its_case_here() {
    assert_eq!(callbacks_of("ds_tap_v1"), [&TAP[..], &CLOSE_TAP].concat());
    assert_eq!(callbacks_of("ds_target_v1"), [&TARGET[..], &CLOSE_TARGET].concat());
    // The code of an author runs in the first of them; the other answers with what is known when the library is built.
    assert_eq!(callbacks_of("ds_plugin_v1"), ["shutdown", "get_extension"]);
}

#[test]
fn a_panic_in_any_callback_is_one_error_that_names_it() {
    for call in TAP {
        is_a_caught_panic(run(Some(call), None), call);
    }
    for call in TARGET {
        is_a_caught_panic(run(None, Some(call)), call);
    }
    run(None, None).expect("the library goes on");
}

#[test]
fn an_error_of_any_callback_arrives_as_it_was_told() {
    let is_as_told = |outcome: Result<()>, call: &str| {
        let error = outcome.expect_err(call);
        assert_eq!(error.kind(), ErrorKind::Data);
        assert_eq!(error.to_string(), format!("stream `s`: asked to fail in {call}"));
        assert_eq!((error.hint_text(), error.vendor()), (Some("do not ask"), 7));
    };
    for call in TAP {
        is_as_told(run(Some(&format!("error in {call}")), None), call);
    }
    for call in TARGET {
        is_as_told(run(None, Some(&format!("error in {call}"))), call);
    }
}

#[test]
fn a_panic_while_closing_is_nobodys_end() {
    for call in CLOSE_TAP {
        run(Some(call), None).unwrap();
    }
    for call in CLOSE_TARGET {
        run(None, Some(call)).unwrap();
    }
}

#[test]
fn a_panic_as_the_library_starts_or_stops_is_caught() {
    echo::panic_in_hook(Some("start"));
    is_a_caught_panic(run(None, None), "start");
    echo::panic_in_hook(Some("stop"));
    echo::plugin().shutdown(Duration::ZERO);
    echo::panic_in_hook(None);
    run(None, None).expect("the library goes on");
}

#[test]
fn a_panic_while_an_array_is_released_is_nobodys_end() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("asked to panic in release");
        }
    }
    let column = Arc::new(arrow::array::Int32Array::from(vec![1])) as arrow::array::ArrayRef;
    let records = arrow::array::RecordBatch::try_from_iter([("a", column)]).unwrap();
    drop(Batch::from(records).with_guard(Bomb));
}

#[test]
fn a_host_without_a_table_or_with_a_short_one_is_refused_without_a_word() {
    let enter = |host: *const raw::HostV1| {
        let mut root = std::ptr::null();
        // SAFETY: the entry of this very program; it looks at what it is given.
        let status = unsafe { echo::entry()(host, &mut root, std::ptr::null_mut()) };
        assert!(root.is_null());
        status
    };
    assert_eq!(enter(std::ptr::null()), raw::Status::BUG);
    let short = [8u64];
    assert_eq!(enter(short.as_ptr().cast()), raw::Status::BUG);
}
