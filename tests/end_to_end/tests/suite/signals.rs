//! Told to stop: what was read is committed, the run ends with 128 and the signal, and the next run moves exactly the rest.

use dstream_end_to_end::{Database, Run, Sandbox, Started};
use rustix::process::Signal;
use serde_json::{Value, json};
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

fn check_stopped(sandbox: &Sandbox, run: &Run, code: i32) {
    assert_eq!(run.code, code, "{run}");
    assert!(!run.stderr.contains("error:"), "to be stopped is no error: {run}");
    assert!(run.stderr.contains("stopping: what was read is being committed"), "{run}");
    let report = sandbox.read_json("report.json");
    assert_eq!(report["interrupted"], json!(true));
    for stream in report["streams"].as_array().expect("streams") {
        assert_eq!(
            (&stream["status"], &stream["read_rows"]),
            (&json!("interrupted"), &stream["committed_rows"]),
            "{run}"
        );
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
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let run = stop(&sandbox, signal);
        check_stopped(&sandbox, &run, code);
    }
    let bookmark =
        |stream: &str| sandbox.read_json("state.json")["bookmarks"][stream]["bookmark"]["row"].as_u64();
    let stopped_at = [bookmark("keyed"), bookmark("plain")];
    assert!(stopped_at.iter().all(|row| row.is_some_and(|row| row > 0 && row < ROWS)), "{stopped_at:?}");
    sandbox.sync(&["--state", "state.json"]).ok();
    check_same(&sandbox, "out.db", "undisturbed.db");
    println!("stopped three times, the last time at rows {stopped_at:?} of {ROWS}");
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
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let run = stop(&sandbox, signal);
        check_stopped(&sandbox, &run, code);
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
        let mut run = sandbox.start_sync(&["-v", "--state", "state.json"]);
        run.wait_for("a lane", has_lane);
        run.signal(first);
        run.wait_for("the answer to the first signal", |run| {
            run.stderr().contains("stopping: ").then_some(())
        });
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
fn tap_and_target_are_stopped_by_a_signal_as_well() {
    let sandbox = Sandbox::usual();
    made_up(&sandbox);
    sqlite(&sandbox, "out.db");
    // The reader of the pipe never reads: the tap waits for it.
    let blocked = "\"$@\" 2> said.txt & echo $! > pid; wait $!; echo $? > code";
    let mut command =
        sandbox.by_shell(&format!("mkfifo pipe; ( {blocked} ) > pipe"), &["tap", "-c", "tap.json", "-v"]);
    command.stdin(std::process::Stdio::null());
    let run = sandbox.start(command);
    let pipe = {
        let path = sandbox.path("pipe");
        let mut run = run;
        run.wait_for("a pipe", |_| path.exists().then_some(()));
        let pipe = std::fs::File::open(&path).expect("the other end of the pipe");
        run.wait_for("the tap", |_| {
            std::fs::read_to_string(sandbox.path("said.txt"))
                .is_ok_and(|said| said.contains("run begins"))
                .then_some(())
        });
        (pipe, run)
    };
    let (pipe, run) = pipe;
    let pid: i32 = sandbox.read("pid").trim().parse().expect("a number");
    let pid = rustix::process::Pid::from_raw(pid).expect("a number");
    rustix::process::kill_process(pid, Signal::TERM).expect("a signal");
    // Its messages are read now, so that it comes to its orderly end.
    let mut messages = String::new();
    std::io::Read::read_to_string(&mut { pipe }, &mut messages).expect("messages");
    drop(run.finish());
    assert_eq!(sandbox.read("code"), "143\n", "{}", sandbox.read("said.txt"));
    // What it printed is whole messages, and its last state covers records that are out.
    let last = messages
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a whole message"))
        .next_back();
    println!("{} messages, the last is {}", messages.lines().count(), last.unwrap_or_default()["type"]);
}
