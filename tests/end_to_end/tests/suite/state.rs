//! Where a run begins: the beginning, the state file, the record of the target, or where the user says.

use dstream_end_to_end::{Database, Run, Sandbox};
use serde_json::json;

/// From one file to SQLite, every row added as it comes: a row that is moved twice stands twice.
fn orders() -> Sandbox {
    let sandbox = Sandbox::usual();
    sandbox.write("files/orders.csv", "id,city\n1,Bern\n2,Rome\n3,Oslo\n");
    sandbox.json("tap.json", json!({"name": "shop", "type": "csv", "connection": {"path": "files"}}));
    sandbox.json("target.json", json!({
        "name": "local", "type": "sqlite", "connection": {"path": "out.db"}, "options": {"write_mode": "append"},
    }));
    sandbox
}

fn ids(sandbox: &Sandbox) -> String {
    let rows = Database::open(&sandbox.path("out.db")).rows("SELECT id FROM orders ORDER BY rowid");
    let id = |row: &Vec<dstream_end_to_end::Value>| match row[0] {
        dstream_end_to_end::Value::Integer(id) => id.to_string(),
        ref other => format!("{other:?}"),
    };
    rows.iter().map(id).collect()
}

fn sync(sandbox: &Sandbox) -> Run {
    sandbox.sync(&["--state", "state.json"]).ok()
}

#[test]
fn without_a_state_file_every_run_starts_from_the_beginning() {
    let sandbox = orders();
    sandbox.sync(&[]).ok();
    sandbox.sync(&[]).ok();
    assert_eq!(ids(&sandbox), "123123");
    assert!(!sandbox.list("").iter().any(|name| name.contains("state")));
}

#[test]
fn with_a_state_file_a_run_continues() {
    let sandbox = orders();
    sync(&sandbox);
    sync(&sandbox);
    sandbox.append("files/orders.csv", "4,Paris\n");
    let run = sync(&sandbox);
    assert_eq!(ids(&sandbox), "1234");
    assert!(!run.stderr.contains("note:"), "{run}");
    let leftovers: Vec<String> =
        sandbox.list("").into_iter().filter(|name| name.starts_with("state")).collect();
    assert_eq!(leftovers, ["state.json", "state.json.lock", "state.json.prev"]);
}

#[test]
fn the_record_of_the_target_wins_over_a_file_that_lags_behind() {
    let sandbox = orders();
    sync(&sandbox);
    let old = sandbox.read("state.json");
    sandbox.append("files/orders.csv", "4,Paris\n");
    sync(&sandbox);
    for lagging in [Some(&old), None] {
        match lagging {
            Some(old) => drop(sandbox.write("state.json", old)),
            None => std::fs::remove_file(sandbox.path("state.json")).expect("removed"),
        }
        let run = sync(&sandbox);
        assert!(
            run.stderr.contains("note: `orders`: the target is ahead of the state file and wins"),
            "{run}"
        );
        assert_eq!(ids(&sandbox), "1234");
        // The file is up to date again.
        assert!(!sync(&sandbox).stderr.contains("note:"));
    }
}

#[test]
fn a_bookmark_set_by_hand_wins_over_both_once_and_the_run_says_so() {
    let sandbox = orders();
    sync(&sandbox);
    let early = sandbox.read_json("state.json")["bookmarks"]["orders"]["bookmark"].to_string();
    sandbox.append("files/orders.csv", "4,Paris\n5,Lima\n");
    sync(&sandbox);
    assert_eq!(ids(&sandbox), "12345");
    sandbox.run(&["state", "set", "state.json", "orders", &early]).ok();
    let run = sync(&sandbox);
    assert!(run.stderr.contains("note: `orders`: goes on from the bookmark that was set by hand"), "{run}");
    assert_eq!(ids(&sandbox), "1234545");
    let run = sync(&sandbox);
    assert!(!run.stderr.contains("note:"), "{run}");
    assert_eq!(ids(&sandbox), "1234545", "once");
}

#[test]
fn a_stream_cleared_by_hand_starts_over_once_and_the_run_says_so() {
    let sandbox = orders();
    sandbox.write("files/users.csv", "id\n1\n");
    sync(&sandbox);
    sandbox.run(&["state", "clear", "state.json", "orders"]).ok();
    let run = sync(&sandbox);
    assert!(
        run.stderr.contains("note: `orders`: starts over, because its bookmark was cleared by hand"),
        "{run}"
    );
    assert!(!run.stderr.contains("`users`"), "{run}");
    assert_eq!(ids(&sandbox), "123123");
    assert!(!sync(&sandbox).stderr.contains("note:"));
    assert_eq!(ids(&sandbox), "123123", "once");

    sandbox.run(&["state", "clear", "state.json"]).ok();
    let run = sync(&sandbox);
    for stream in ["orders", "users"] {
        assert!(run.stderr.contains(&format!("note: `{stream}`: starts over")), "{run}");
    }
    assert_eq!(Database::open(&sandbox.path("out.db")).count("users"), 2);
    let error = sandbox.run(&["state", "clear", "state.json", "order"]).fails(3);
    assert!(error.contains("did you mean `orders`?"), "{error}");
}

#[test]
fn a_bookmark_that_the_tap_cannot_read_is_refused_and_nothing_is_written() {
    let sandbox = orders();
    sync(&sandbox);
    sandbox.run(&["state", "set", "state.json", "orders", "{\"row\": 7}"]).ok();
    let error = sandbox.sync(&["--state", "state.json"]).fails(8);
    assert!(error.contains("stream `orders`") && error.contains("--full-refresh"), "{error}");
    assert_eq!(ids(&sandbox), "123");
}

#[test]
fn a_state_file_that_is_cut_is_refused_and_never_taken_as_empty() {
    let sandbox = orders();
    sync(&sandbox);
    let whole = sandbox.read("state.json");
    for length in [0, 1, 2, whole.len() / 3, whole.len() / 2, whole.len() - 3] {
        sandbox.write("state.json", &whole[..length]);
        let error = sandbox.sync(&["--state", "state.json"]).fails(8);
        assert!(error.contains("state.json") && error.contains(".prev"), "{length}: {error}");
        assert_eq!(sandbox.read("state.json"), whole[..length], "it is left as it is");
        sandbox.run(&["state", "view", "state.json"]).fails(8);
        sandbox.run(&["state", "clear", "state.json"]).fails(8);
        sandbox.run(&["tap", "-c", "tap.json", "--state", "state.json"]).fails(8);
    }
    // One letter of a bookmark, and the file is still JSON.
    sandbox.write("state.json", whole.replace("\"records\": 3", "\"records\": 2"));
    let error = sandbox.sync(&["--state", "state.json"]).fails(8);
    assert!(error.contains("state.json"), "{error}");
    assert_eq!(ids(&sandbox), "123");

    // As the hint says.
    std::fs::remove_file(sandbox.path("state.json")).expect("removed");
    sandbox.append("files/orders.csv", "4,Paris\n");
    sync(&sandbox);
    assert_eq!(ids(&sandbox), "1234");
}

#[test]
fn the_state_of_another_pipeline_and_a_target_that_was_set_back_are_refused() {
    let sandbox = orders();
    sync(&sandbox);
    let database = std::fs::read(sandbox.path("out.db")).expect("the file is there");
    sandbox.append("files/orders.csv", "4,Paris\n");
    sync(&sandbox);
    sandbox.write("out.db", database);
    let error = sandbox.sync(&["--state", "state.json"]).fails(8);
    assert!(error.contains("the target is older than the state file"), "{error}");

    sandbox
        .json("target.json", json!({"name": "other", "type": "sqlite", "connection": {"path": "other.db"}}));
    let error = sandbox.sync(&["--state", "state.json"]).fails(8);
    assert!(
        error.contains("the state file belongs to pipeline `shop/local`, this is `shop/other`"),
        "{error}"
    );
}

#[test]
fn of_two_runs_of_one_pipeline_at_once_the_second_ends_with_9() {
    let sandbox = Sandbox::usual();
    sandbox.json("tap.json", json!({"name": "made-up", "type": "synthetic", "options": {"rows": 100_000}}));
    sandbox.json("target.json", json!({
        "name": "slow", "type": "blackhole", "options": {"output": "report.json", "delay_ms_per_batch": 100_000},
    }));
    let mut first = sandbox.start_sync(&["-v", "--state", "state.json"]);
    first.wait_for("the run begins", |run| run.stderr().contains("run begins").then_some(()));
    for more in [&["--state", "state.json"][..], &["--state", "other.json"], &[]] {
        let error = sandbox.sync(more).fails(9);
        assert!(
            error.contains("is already running") && error.contains(&format!("pid {}", first.pid())),
            "{error}"
        );
    }
    // Another pipeline with the same state file.
    sandbox.json("target.json", json!({"name": "other", "type": "blackhole"}));
    let error = sandbox.sync(&["--state", "state.json"]).fails(9);
    assert!(error.contains("is used by another run"), "{error}");
    // However a run ends, its lock ends with it.
    drop(first);
    sandbox.sync(&["--state", "state.json"]).ok();
}
