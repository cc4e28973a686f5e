//! Places that cannot take what is to be written: one error each, and the next run goes on where that one ended.

use dstream_end_to_end::{Database, Sandbox};
use serde_json::json;

use crate::shop::{count, orders, sync, target};

#[test]
fn a_place_that_no_database_can_stand_at_is_refused_and_left_as_it_is() {
    let sandbox = orders();
    sandbox.write("plain.txt", "do not lose me");
    for (path, code, says) in [
        ("plain.txt/out.db", 6, "plain.txt/out.db"),
        ("nowhere/out.db", 6, "there is no folder"),
        ("plain.txt", 3, "not an SQLite database"),
        ("files", 6, "cannot be opened"),
    ] {
        target(&sandbox, json!({"connection": {"path": path}}));
        let error = sync(&sandbox).fails(code);
        assert!(error.contains(says), "{path}: {error}");
        assert_eq!(sandbox.read("plain.txt"), "do not lose me");
        assert!(!sandbox.path("state.json").exists(), "{path}");
    }
    target(&sandbox, json!({}));
    sync(&sandbox).ok();
    assert_eq!(count(&sandbox), 3);
    let error = sandbox.sync(&["--state", "nowhere/state.json"]).fails(3);
    assert!(error.contains("there is no folder `nowhere`"), "{error}");
}

#[test]
fn a_destination_that_may_only_be_read_is_refused_and_goes_on_once_it_may_be_written() {
    let sandbox = orders();
    sandbox.folder("out");
    target(&sandbox, json!({"connection": {"path": "out/out.db"}}));
    sync(&sandbox).ok();
    sandbox.append("files/orders.csv", "4,Paris\n");
    // Nobody may write to a mount that is read-only; a mode does not keep root from it.
    let mount = "mount --bind out out && mount -o remount,bind,ro out";
    let probe = sandbox.run_command(sandbox.by_shell(&format!("unshare -rm sh -c '{mount}'"), &[]));
    if probe.code != 0 {
        println!("skipped: nothing can be made read-only here: {}", probe.stderr.trim());
        return;
    }
    let script = format!("exec unshare -rm sh -c '{mount} && exec \"$@\"' sh \"$@\"");
    let mut args = vec!["--allow-insecure-plugins"];
    args.extend(SYNC);
    let error = sandbox.run_command(sandbox.by_shell(&script, &args)).fails(6);
    assert!(error.contains("out.db"), "{error}");
    let rows = || Database::open(&sandbox.path("out/out.db")).count("orders");
    assert_eq!(rows(), 3);
    sync(&sandbox).ok();
    assert_eq!(rows(), 4);
}

/// A stream that is larger than the place there is for it, in several commits.
fn large() -> Sandbox {
    let sandbox = Sandbox::usual();
    sandbox.json(
        "tap.json",
        json!({
            "name": "made-up", "type": "synthetic",
            "options": {"rows": 20_000, "columns": [{"name": "text", "type": "text"}], "batch_rows": 500},
        }),
    );
    target(&sandbox, json!({"batch_size": 500}));
    sandbox
}

const SYNC: [&str; 7] =
    ["sync", "--tap-config", "tap.json", "--target-config", "target.json", "--state", "state.json"];

fn check_large(sandbox: &Sandbox, path: &str) {
    let database = Database::open(&sandbox.path(path));
    let query = "SELECT count(*) FROM synthetic WHERE length(text) >= 200 AND id BETWEEN 0 AND 19999";
    assert_eq!(
        (database.number(query), database.number("SELECT count(DISTINCT id) FROM synthetic")),
        (20_000, 20_000)
    );
}

#[test]
fn a_file_that_may_not_grow_is_one_error_and_the_next_run_goes_on() {
    let sandbox = large();
    // As many blocks as a fifth of the records need; without the signal, a write fails as on a full disk.
    let limited = "trap '' XFSZ; ulimit -f 8192; exec \"$@\"";
    let run = sandbox.run_command(sandbox.by_shell(limited, &SYNC));
    let error = run.fails(6);
    assert!(error.contains("synthetic") || error.contains("commit"), "{error}");
    sandbox.run(&SYNC).ok();
    check_large(&sandbox, "out.db");
}

#[test]
fn a_full_disk_is_one_error_with_11_and_the_next_run_goes_on() {
    let sandbox = large();
    sandbox.folder("disk");
    target(&sandbox, json!({"batch_size": 500, "connection": {"path": "disk/out.db"}}));
    let probe = sandbox.program(std::path::Path::new("/bin/sh"));
    let mut probe = probe;
    probe.args(["-c", "unshare -rm mount -t tmpfs -o size=8m none disk"]);
    let probe = sandbox.run_command(probe);
    if probe.code != 0 {
        println!("skipped: no small disk can be made here: {}", probe.stderr.trim());
        return;
    }
    // What is on the small disk is gone with it: it is copied out, to where there is room.
    let script = "unshare -rm sh -c 'mount -t tmpfs -o size=8m none disk || exit 99; \"$@\"; code=$?; \
                  mkdir kept && cp disk/* kept/ && exit $code' sh \"$@\"";
    let mut args = vec!["--allow-insecure-plugins"];
    args.extend(SYNC);
    let run = sandbox.run_command(sandbox.by_shell(script, &args));
    let error = run.fails(11);
    assert!(error.contains("stream `synthetic`") && error.contains("is full"), "{error}");
    assert!(error.contains("free space and run again"), "{error}");
    std::fs::remove_dir(sandbox.path("disk")).expect("empty again");
    std::fs::rename(sandbox.path("kept"), sandbox.path("disk")).expect("moved");
    let committed = Database::open(&sandbox.path("disk/out.db")).count("synthetic");
    assert!(committed > 0 && committed < 20_000, "{committed}");
    println!("{committed} rows fitted");
    sandbox.run(&SYNC).ok();
    check_large(&sandbox, "disk/out.db");
}

#[test]
fn an_output_that_is_full_is_one_error_with_11() {
    let sandbox = large();
    sandbox.json("tap.json", json!({
        "name": "made-up", "type": "synthetic",
        "options": {"streams": [{"name": "a"}, {"name": "b"}, {"name": "c"}], "rows": 20_000, "columns": 2},
    }));
    for args in [&["tap", "-c", "tap.json"][..], &["tap", "-c", "tap.json", "--format", "arrow"]] {
        let error = sandbox.run_command(sandbox.by_shell("exec \"$@\" > /dev/full", args)).fails(11);
        assert!(error.contains("the output cannot be written"), "{error}");
    }
}
