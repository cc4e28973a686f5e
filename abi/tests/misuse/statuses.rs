//! What a callback says of itself: functions that are missing, statuses that do not exist, errors without a word.

use dstream_abi::ErrorKind::{Bug, Unavailable, Unsupported};
use dstream_abi::raw::*;
use dstream_abi::*;
use std::time::Duration;

use crate::callbacks::callbacks_of;
use crate::crude::{self, Fault, enter, fault, keep, mend, root_with, tap_table, target_table};
use crate::{given, says};

/// Calls everything that a host calls on a tap, up to the first error.
fn use_tap(plugin: &import::Plugin) -> Result<()> {
    let tap = plugin.tap("crude", given::context(), &given::config())?;
    tap.check()?;
    tap.discover()?;
    tap.plan(&Selection::default())?;
    let mut reader = tap.open_reader(given::context(), given::read_request())?;
    reader.next(Duration::MAX).map(drop)
}

/// Calls everything that a host calls on a target, up to the first error.
fn use_target(plugin: &import::Plugin) -> Result<()> {
    let target = plugin.target("crude", given::context(), &given::config())?;
    target.check()?;
    target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() })?;
    let mut writer = target.open_writer(given::context(), given::write_request())?;
    writer.declare(0, 1, given::records().schema())?;
    writer.write(0, 1, given::records().into())?;
    writer.prepare(1)?;
    target.commit(&Commit::default())
}

/// The callbacks that answer a status: by the name of the test's library, and of the header.
const TAP: [(&str, &str); 6] = [
    ("tap open", "open"),
    ("tap check", "check"),
    ("discover", "discover"),
    ("plan", "plan"),
    ("open_reader", "open_reader"),
    ("next", "next"),
];
const TARGET: [(&str, &str); 8] = [
    ("target open", "open"),
    ("target check", "check"),
    ("begin", "begin"),
    ("open_writer", "open_writer"),
    ("declare", "declare"),
    ("write", "write"),
    ("prepare", "prepare"),
    ("commit", "commit"),
];

fn use_role(call: &str) -> Result<()> {
    let plugin = crude::whole();
    if TAP.iter().any(|(name, _)| *name == call) { use_tap(&plugin) } else { use_target(&plugin) }
}

/// All of them; for Miri, which takes seconds for each, the first.
fn few(statuses: &[i32]) -> impl Iterator<Item = i32> {
    statuses.iter().copied().take(if cfg!(miri) { 1 } else { usize::MAX })
}

#[test]
fn every_callback_of_the_header_has_its_case_here() {
    let named = |calls: &[(&'static str, &'static str)], closes: [&'static str; 2]| -> Vec<&str> {
        calls.iter().map(|(_, name)| *name).chain(closes).collect()
    };
    assert_eq!(callbacks_of("ds_tap_v1"), named(&TAP, ["close_reader", "close"]));
    assert_eq!(callbacks_of("ds_target_v1"), named(&TARGET, ["close_writer", "close"]));
    assert_eq!(callbacks_of("ds_plugin_v1"), ["shutdown", "get_extension"]);
}

#[test]
fn tables_that_are_whole_work() {
    use_tap(&crude::whole()).unwrap();
    use_target(&crude::whole()).unwrap();
}

#[test]
fn a_function_that_is_missing_is_named() {
    macro_rules! without {
        ($use_it:ident, $table:ident, $($field:ident),*) => {$({
            let (mut tap, mut target) = (tap_table(), target_table());
            let _ = (&mut tap, &mut target);
            $table!(tap, target).$field = None;
            let plugin = enter(keep(root_with(keep(tap), keep(target)))).expect("enters");
            let words = format!("plugin `crude` does not implement `{}`", stringify!($field));
            says($use_it(&plugin), Unsupported, &words);
        })*};
    }
    macro_rules! of_tap {
        ($tap:ident, $target:ident) => {
            $tap
        };
    }
    macro_rules! of_target {
        ($tap:ident, $target:ident) => {
            $target
        };
    }
    without!(use_tap, of_tap, open, check, discover, plan, open_reader, next);
    without!(use_target, of_target, open, check, begin, open_writer, declare, write, prepare, commit);
    // What cannot be closed is left.
    let tap = TapV1 { close_reader: None, close: None, ..tap_table() };
    let target = TargetV1 { close_writer: None, close: None, ..target_table() };
    let plugin = enter(keep(root_with(keep(tap), keep(target)))).expect("enters");
    use_tap(&plugin).unwrap();
    use_target(&plugin).unwrap();
}

#[test]
fn an_outcome_that_a_callback_does_not_have_is_no_success() {
    for (call, name) in TAP.into_iter().chain(TARGET) {
        for status in few(&[3, 1, 2, i32::MAX]) {
            if call == "next" && status < 3 {
                continue;
            }
            mend();
            fault(call, Fault::Status(status));
            let words = format!("`{name}` of plugin `crude` answered {status}, which means nothing there");
            says(use_role(call), Bug, &words);
        }
    }
    mend();
    for status in [1, 2, 3, i32::MAX] {
        crude::entry_answers(status);
        let words =
            format!("`dstream_plugin_v1` of plugin `crude` answered {status}, which means nothing there");
        says(enter(keep(root_with(keep(tap_table()), keep(target_table())))), Bug, &words);
    }
    mend();
}

#[test]
fn an_error_without_a_word_keeps_its_kind_and_names_the_call() {
    for (call, name) in TAP.into_iter().chain(TARGET) {
        for status in few(&[-3, -1, -2, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13, i32::MIN]) {
            mend();
            fault(call, Fault::Status(status));
            let words = format!("`{name}` of plugin `crude` failed with status {status} and no word");
            says(use_role(call), ErrorKind::from_code(status), &words);
        }
    }
    mend();
    crude::entry_answers(-3);
    says(
        enter(std::ptr::null()),
        ErrorKind::Config,
        "`dstream_plugin_v1` of plugin `crude` failed with status -3 and no word",
    );
    mend();
}

fn described(host: &HostV1, err: *mut Err, change: impl FnOnce(&mut ErrorDesc)) {
    let mut desc = ErrorDesc {
        struct_size: size_of::<ErrorDesc>() as u32,
        flags: 0,
        code: Status(-6),
        vendor_code: 0,
        retry_after_ms: -1,
        message: Str::new("the server is gone"),
        hint: Str::NONE,
        stream: Str::NONE,
    };
    change(&mut desc);
    let error_set = host.error_set.expect("the host has one");
    // SAFETY: dstream.h, "error_set": the sink of the call that runs, and a description.
    unsafe { error_set(err, &desc) };
}

#[test]
fn an_error_whose_text_is_not_there_counts_as_without_a_word() {
    let cases: [fn(&HostV1, *mut Err); 5] = [
        |host, err| described(host, err, |desc| desc.message = Str::NONE),
        |host, err| described(host, err, |desc| desc.message = Str { ptr: std::ptr::null(), len: 10 }),
        |host, err| described(host, err, |desc| desc.message.len = usize::MAX),
        |host, err| described(host, err, |desc| desc.struct_size = 8),
        // SAFETY: dstream.h, "error_set": a null description describes nothing.
        |host, err| unsafe { host.error_set.expect("the host has one")(err, std::ptr::null()) },
    ];
    for describe in cases {
        fault("plan", Fault::Describes(-6, describe));
        says(use_role("plan"), Unavailable, "`plan` of plugin `crude` failed with status -6 and no word");
    }
    // Nobody listens where there is no sink.
    fault("plan", Fault::Describes(-6, |host, _| described(host, std::ptr::null_mut(), |_| {})));
    says(use_role("plan"), Unavailable, "and no word");
    mend();
}

#[test]
fn an_error_of_any_text_is_one_error_of_text() {
    fault(
        "commit",
        Fault::Describes(-6, |host, err| {
            described(host, err, |desc| {
                desc.message = Str { ptr: b"gone\xff".as_ptr(), len: 5 };
                desc.hint = Str { ptr: std::ptr::null(), len: 3 };
                desc.retry_after_ms = i64::MIN;
            })
        }),
    );
    let error = says(use_role("commit"), Unavailable, "gone\u{fffd}");
    assert_eq!((error.hint_text(), error.stream_name(), error.retry_after()), (None, None, None));
    // An error that is described and not answered is none.
    fault("commit", Fault::Describes(0, |host, err| described(host, err, |_| {})));
    use_role("commit").unwrap();
    mend();
}

#[test]
fn a_log_record_that_is_not_there_or_has_no_text_harms_nobody() {
    fn log(host: &HostV1, record: *const LogRecord) {
        // SAFETY: dstream.h, "log": ctx may be null; what a record claims is looked at.
        unsafe { host.log.expect("the host has one")(std::ptr::null(), record) }
    }
    fault(
        "tap check",
        Fault::Describes(0, |host, _| {
            let nothing = Str { ptr: std::ptr::null(), len: 100 };
            let mut record = LogRecord {
                struct_size: size_of::<LogRecord>() as u32,
                level: u32::MAX,
                target: nothing,
                message: Str { ptr: b"\xff\0gone".as_ptr(), len: 6 },
                spans: nothing,
                fields: std::ptr::null(),
                n_fields: usize::MAX,
            };
            log(host, std::ptr::null());
            log(host, &record);
            record.struct_size = 16;
            log(host, crude::short(&record, 16));
        }),
    );
    use_role("tap check").unwrap();
    mend();
}

#[test]
fn nothing_is_called_after_an_error() {
    let target = crude::whole().target("crude", given::context(), &given::config()).unwrap();
    let mut writer = target.open_writer(given::context(), given::write_request()).unwrap();
    fault("prepare", Fault::Status(-9));
    says(writer.prepare(1), ErrorKind::Schema, "`prepare`");
    mend();
    says(writer.prepare(1), Bug, "a writer was called again after an error");
    let mut reader = crude::reader(vec![]);
    fault("next", Fault::Status(9));
    says(reader.next(Duration::ZERO), Bug, "`next` of plugin `crude` answered 9");
    mend();
    says(reader.next(Duration::ZERO), Bug, "a reader was asked again after an error");
}
