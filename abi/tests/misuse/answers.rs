//! Documents and objects that are not there, or not what they should be.

use dstream_abi::ErrorKind::Bug;
use dstream_abi::raw::Buf;
use dstream_abi::*;

use crate::crude::{self, Fault, counted, fault, mend, released};
use crate::{given, says};

fn ask(call: &str) -> Result<()> {
    let plugin = crude::whole();
    let (tap, target) = (
        plugin.tap("crude", given::context(), &given::config())?,
        plugin.target("crude", given::context(), &given::config())?,
    );
    match call {
        "discover" => tap.discover().map(drop),
        "plan" => tap.plan(&Selection::default()).map(drop),
        "begin" => target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() }).map(drop),
        _ => target.open_writer(given::context(), given::write_request())?.prepare(1).map(drop),
    }
}

/// The callbacks that answer with a document, and what it is called.
const DOCUMENTS: [(&str, &str); 4] = [
    ("discover", "catalog"),
    ("plan", "plan"),
    ("begin", "answer to begin"),
    ("prepare", "answer to prepare"),
];

#[test]
fn an_answer_without_a_text_is_named() {
    for (call, what) in DOCUMENTS {
        let null = || Buf { len: 40, ..Buf::EMPTY };
        let huge = || Buf { ptr: std::ptr::dangling(), len: usize::MAX, ..Buf::EMPTY };
        for make in [|| Buf::EMPTY, null, huge] as [fn() -> Buf; 3] {
            fault(call, Fault::Answers(make));
            says(ask(call), Bug, &format!("plugin `crude` gave no {what}"));
        }
    }
    mend();
}

#[test]
fn an_answer_that_is_no_json_or_another_document_is_named() {
    const GARBLED: [fn() -> Buf; 6] = [
        || counted(""),
        || counted("no JSON"),
        || counted("{\"epoch\":1}} and more"),
        || counted("\"a text\""),
        || counted("{\"streams\": 7, \"epoch\": \"x\", \"rows\": -1}"),
        || Buf { ptr: b"\"\xff\"".as_ptr(), len: 3, ..Buf::EMPTY },
    ];
    for (call, what) in DOCUMENTS {
        // Miri takes seconds for each.
        for make in GARBLED.into_iter().take(if cfg!(miri) { 2 } else { GARBLED.len() }) {
            fault(call, Fault::Answers(make));
            says(ask(call), Bug, &format!("the {what} of plugin `crude` cannot be read: "));
        }
    }
    mend();
}

#[test]
fn an_answer_nested_without_end_is_no_stack_overflow() {
    for (call, what) in DOCUMENTS {
        fault(call, Fault::Answers(|| counted(&"[".repeat(100_000))));
        says(ask(call), Bug, &format!("the {what} of plugin `crude` cannot be read: "));
    }
    mend();
}

#[test]
fn every_answer_is_released_once_whatever_becomes_of_it() {
    for (call, _) in DOCUMENTS {
        mend();
        released();
        ask(call).unwrap();
        assert_eq!(released(), 1, "{call}: read");
        fault(call, Fault::Answers(|| counted("no JSON")));
        ask(call).unwrap_err();
        assert_eq!(released(), 1, "{call}: not understood");
        fault(call, Fault::Status(-5));
        ask(call).unwrap_err();
        assert_eq!(released(), 1, "{call}: given with an error");
    }
    mend();
}

#[test]
fn an_ok_without_an_object_is_an_error() {
    let plugin = crude::whole();
    let tap = || plugin.tap("crude", given::context(), &given::config());
    let target = || plugin.target("crude", given::context(), &given::config());
    fault("tap open", Fault::Status(0));
    says(tap(), Bug, "`open` of plugin `crude` gave no tap");
    fault("target open", Fault::Status(0));
    says(target(), Bug, "`open` of plugin `crude` gave no target");
    mend();
    fault("open_reader", Fault::Status(0));
    let reader = tap().unwrap().open_reader(given::context(), given::read_request());
    says(reader, Bug, "`open_reader` of plugin `crude` gave no reader");
    fault("open_writer", Fault::Status(0));
    let writer = target().unwrap().open_writer(given::context(), given::write_request());
    says(writer, Bug, "`open_writer` of plugin `crude` gave no writer");
    mend();
}
