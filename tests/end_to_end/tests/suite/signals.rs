//! Told to stop: what was read is committed, the run ends with 128 and the signal, and the next run moves exactly the rest.

use dstream_end_to_end::{Database, Run, Sandbox, Started};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const ROWS: u64 = 200_000;

/// Two made-up streams: rows of `keyed` replace others, rows of `plain` would stand twice.
fn made_up(sandbox: &Sandbox) {
    sandbox.json("tap.json", json!({
        "name": "made-up", "type": "synthetic",
        "options": {
            "streams": [{"name": "keyed"}, {"name": "plain", "key": false}], "rows": ROWS, "batch_rows": 500,
            "columns": [{"name": "number", "type": "int64"}, {"name": "word", "type": "utf8"}],
        },
    }));
}

fn sqlite(sandbox: &Sandbox, file: &str) {
    sandbox.json(
        "target.json",
        json!({
            "name": "local", "type": "sqlite", "connection": {"path": file}, "batch_size": 1000,
            "options": {"synchronous": "normal"},
        }),
    );
}

fn commits(run: &Started) -> usize {
    run.stderr().matches(": commit window=").count()
}

/// Waits for some commits, sends the signal and waits for the end.
fn stop(sandbox: &Sandbox, signal: Signal) -> Run {
    let mut run = sandbox.start_sync(&["-v", "--state", "state.json", "--report", "report.json"]);
    run.wait_for("commits", |run| (commits(run) > 6).then_some(()));
    run.signal(signal);
    run.finish()
}

/// It was stopped, and what it committed is what the state file says. `before`: what was committed before it, by stream.
fn check_stopped(sandbox: &Sandbox, run: &Run, code: i32, before: &mut BTreeMap<String, u64>) {
    assert_eq!(run.code, code, "{run}");
    assert!(!run.stderr.contains("error:"), "to be stopped is no error: {run}");
    assert!(run.stderr.contains("stopping: what was read is being committed"), "{run}");
    let (report, state) = (sandbox.read_json("report.json"), sandbox.read_json("state.json"));
    assert_eq!(report["interrupted"], json!(true));
    for stream in report["streams"].as_array().expect("streams") {
        let name = stream["stream"].as_str().expect("a name");
        let committed = before.entry(name.to_owned()).or_default();
        *committed += stream["committed_rows"].as_u64().expect("a number");
        assert_eq!(stream["status"], "interrupted", "{run}");
        assert_eq!(state["bookmarks"][name]["bookmark"]["row"], *committed, "{name}: {run}");
    }
}

/// Both tables hold the same rows, equally often.
fn check_same(sandbox: &Sandbox, one: &str, other: &str) {
    let database = Database::open(&sandbox.path(one));
    database.rows(&format!("ATTACH '{}' AS other", sandbox.path(other).display()));
    for table in ["keyed", "plain"] {
        let count = i64::try_from(ROWS).expect("a number of rows");
        assert_eq!(database.count(table), count, "{table}");
        let more = |left: &str, right: &str| {
            database.number(&format!(
                "SELECT count(*) FROM (SELECT number, word, count(*) FROM {left}.{table} GROUP BY 1, 2 EXCEPT \
                 SELECT number, word, count(*) FROM {right}.{table} GROUP BY 1, 2)"
            ))
        };
        assert_eq!((more("main", "other"), more("other", "main")), (0, 0), "{table}");
    }
}

#[test]
fn a_sync_into_sqlite_that_is_stopped_goes_on_exactly() {
    let sandbox = Sandbox::usual();
    made_up(&sandbox);
    sqlite(&sandbox, "undisturbed.db");
    sandbox.sync(&["--quiet"]).ok();
    sqlite(&sandbox, "out.db");
    let mut committed = BTreeMap::new();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let run = stop(&sandbox, signal);
        check_stopped(&sandbox, &run, code, &mut committed);
    }
    assert!(committed.values().all(|rows| *rows > 0 && *rows < ROWS), "{committed:?}");
    sandbox.sync(&["--state", "state.json"]).ok();
    check_same(&sandbox, "out.db", "undisturbed.db");
    println!("stopped three times, the last time at {committed:?} of {ROWS} rows");
}

#[test]
fn a_sync_into_a_slow_target_that_is_stopped_goes_on_exactly() {
    let sandbox = Sandbox::new(&["synthetic"]);
    made_up(&sandbox);
    let blackhole = |delay: u64, output: &str| {
        sandbox.json(
            "target.json",
            json!({
                "name": "nothing", "type": "blackhole", "batch_size": 2000,
                "options": {"output": output, "keep_records": true, "delay_ms_per_batch": delay},
            }),
        );
    };
    blackhole(0, "undisturbed.json");
    sandbox.sync(&["--quiet", "--state", "undisturbed-state.json"]).ok();
    blackhole(25, "out.json");
    let mut committed = BTreeMap::new();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let run = stop(&sandbox, signal);
        check_stopped(&sandbox, &run, code, &mut committed);
    }
    blackhole(0, "out.json");
    sandbox.sync(&["--state", "state.json"]).ok();
    let sums = |file: &str| {
        let report = sandbox.read_json(file);
        ["keyed", "plain"].map(|name| {
            [report["streams"][name]["rows"].clone(), report["streams"][name]["checksum"].clone()]
        })
    };
    assert_eq!(sums("out.json"), sums("undisturbed.json"), "rows and the sum of their hashes");
    assert_eq!(sums("out.json")[0][0], json!(ROWS));
}

/// Runs that may end before the target has its first batch.
const TRIES: usize = 50;

#[test]
fn a_second_signal_ends_a_run_that_a_target_holds_up() {
    let sandbox = Sandbox::new(&["synthetic"]);
    made_up(&sandbox);
    let delayed = |delay: u64| {
        sandbox.json(
            "target.json",
            json!({
                "name": "nothing", "type": "blackhole",
                "options": {"output": "out.json", "delay_ms_per_batch": delay, "keep_records": true},
            }),
        );
    };
    delayed(600_000);
    for (first, second, code) in [(Signal::INT, Signal::INT, 130), (Signal::INT, Signal::TERM, 143)] {
        let run = (0..TRIES).find_map(|_| {
            let mut run = sandbox.start_sync(&["-v", "--state", "state.json"]);
            run.wait_for("a lane", has_lane);
            run.signal(first);
            run.wait_for("the answer to the first signal", |run| {
                run.stderr().contains("stopping: ").then_some(())
            });
            // It ends by itself where the signal came before the target had its first batch: that is another test.
            (!run.ends_within(Duration::from_millis(500))).then_some(run)
        });
        let run = run.expect("the target holds a run up");
        let start = Instant::now();
        run.signal(second);
        let run = run.finish();
        let took = start.elapsed();
        assert_eq!(run.code, code, "{run}");
        assert!(took < Duration::from_secs(20), "{took:?}");
        assert!(!run.stderr.contains("error:"), "{run}");
        println!("ended {took:?} after the second signal");
    }
    // Nothing was committed, so that all of it comes.
    delayed(0);
    sandbox.sync(&["--state", "state.json"]).ok();
    let report = sandbox.read_json("out.json");
    assert_eq!([&report["streams"]["keyed"]["rows"], &report["streams"]["plain"]["rows"]], [&json!(ROWS); 2]);
}

/// The thread that reads a lane is there: the target is about to be given its first batch, or has it.
fn has_lane(run: &Started) -> Option<()> {
    let threads = std::fs::read_dir(format!("/proc/{}/task", run.pid())).ok()?;
    let names =
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    names.into_iter().any(|name| name.starts_with("extract")).then_some(())
}

#[test]
fn a_tap_that_is_stopped_prints_whole_messages_and_goes_on_from_its_last_state() {
    let sandbox = Sandbox::usual();
    made_up(&sandbox);
    let mut run = sandbox.start(sandbox.command(&["tap", "-c", "tap.json"]));
    run.wait_for("messages", |run| (run.stdout_bytes() > 1_000_000).then_some(()));
    run.signal(Signal::TERM);
    let first = run.finish();
    assert_eq!(first.code, 143, "{}", first.stderr);
    assert!(!first.stderr.contains("error:"), "{}", first.stderr);
    let messages = |text: &str| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).expect("a whole message")).collect()
    };
    let printed = messages(&first.stdout);
    let state = printed.last().filter(|last| last["type"] == "STATE").expect("a state at the end");
    sandbox.json("kept.json", state["value"].clone());
    let rest = sandbox.run(&["tap", "-c", "tap.json", "--state", "kept.json", "--quiet"]).ok();
    let records = |messages: &[Value], stream: &str| {
        messages.iter().filter(|message| message["type"] == "RECORD" && message["stream"] == stream).count()
    };
    let rest = messages(&rest.stdout);
    for stream in ["keyed", "plain"] {
        let (before, after) = (records(&printed, stream), records(&rest, stream));
        println!("{stream}: {before} records, then {after}");
        assert_eq!((before + after) as u64, ROWS, "{stream}");
    }
}

#[test]
fn a_target_that_is_stopped_takes_the_rest_when_it_is_sent_again() {
    let sandbox = Sandbox::usual();
    made_up(&sandbox);
    sqlite(&sandbox, "out.db");
    sandbox.run(&["tap", "-c", "tap.json", "-o", "data.jsonl"]).ok();
    let target = ["target", "-c", "target.json", "-i", "data.jsonl"];
    let mut run = sandbox.start(sandbox.command(&target));
    run.wait_for("a file", |_| {
        sandbox.path("out.db-wal").metadata().is_ok_and(|wal| wal.len() > 500_000).then_some(())
    });
    run.signal(Signal::INT);
    let run = run.finish();
    assert_eq!(run.code, 130, "{run}");
    sandbox.run(&target).ok();
    let database = Database::open(&sandbox.path("out.db"));
    let count = i64::try_from(ROWS).expect("a number of rows");
    let query = "SELECT count(DISTINCT id) FROM keyed";
    assert_eq!((database.count("keyed"), database.number(query)), (count, count), "{run}");
}
