//! A panic or an error in any callback arrives as one error; the object is poisoned, the library goes on.

#![allow(clippy::unwrap_used)] // a test may

mod echo;

use dstream_abi::*;
use std::sync::Arc;
use std::time::Duration;

/// Calls everything a run calls, in order, and returns the first error.
fn run(panic_in: &str) -> Result<()> {
    let records = arrow::array::RecordBatch::try_from_iter([(
        "a",
        Arc::new(arrow::array::Int32Array::from(vec![1])) as arrow::array::ArrayRef,
    )])?;
    echo::give(panic_in, vec![records]);
    let plugin = echo::plugin();
    let tap = plugin.tap("echo", echo::context(), &echo::config(panic_in, Some(panic_in)))?;
    tap.check()?;
    tap.discover()?;
    tap.plan(&Selection { streams: vec![], bookmarks: Default::default() })?;
    let mut reader = tap.open_reader(echo::context(), echo::read_request())?;
    let target = plugin.target("echo", echo::context(), &echo::config(panic_in, Some(panic_in)))?;
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

const CALLS: [&str; 13] = [
    "open",
    "check",
    "discover",
    "plan",
    "open_reader",
    "next",
    "begin",
    "open_writer",
    "declare",
    "write",
    "prepare",
    "commit",
    "none",
];

#[test]
fn a_panic_in_any_callback_is_one_error_that_names_it() {
    for call in CALLS {
        match run(call) {
            Ok(()) => assert_eq!(call, "none"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Bug, "{call}");
                let message = error.message();
                assert!(
                    message.contains(&format!("the plugin panicked: asked to panic in {call}")),
                    "{message}"
                );
            }
        }
    }
    run("nothing").expect("the library goes on");
}

#[test]
fn an_error_of_any_callback_arrives_as_it_was_told() {
    for call in CALLS.iter().filter(|call| **call != "none") {
        let error = run(&format!("error in {call}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert_eq!(error.to_string(), format!("stream `s`: asked to fail in {call}"));
        assert_eq!((error.hint_text(), error.vendor()), (Some("do not ask"), 7));
    }
}

#[test]
fn a_panic_while_closing_is_nobodys_end() {
    for call in ["close", "close_reader", "close_writer"] {
        run(call).unwrap();
    }
}
