//! `tap` and `target`, in two processes: the same as `sync`.

use dstream_end_to_end::{Database, Sandbox};
use serde_json::json;

use crate::nyc::nyc;

/// Every type, with nulls.
fn every_type() -> Sandbox {
    let sandbox = Sandbox::usual();
    sandbox.json("tap.json", json!({
        "name": "made-up", "type": "synthetic",
        "options": {
            "streams": [{"name": "one"}, {"name": "two", "key": false}], "rows": 1500, "columns": 14, "nulls": 0.2,
            "seed": 20_240_229,
        },
    }));
    sandbox
}

fn target(sandbox: &Sandbox, file: &str) {
    sandbox.json("target.json", json!({"name": "local", "type": "sqlite", "connection": {"path": file}}));
}

/// Tables, columns and rows of `sync`, of a pipe of Singer messages, of a file of them, and of a file of Arrow batches.
fn compare(sandbox: &Sandbox) {
    target(sandbox, "sync.db");
    sandbox.sync(&[]).ok();
    let wanted = Database::open(&sandbox.path("sync.db")).content();
    let check = |file: &str| {
        let found = Database::open(&sandbox.path(file)).content();
        assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{file}");
        for (table, rows) in &wanted {
            assert_eq!(found[table].len(), rows.len(), "{file} {table}");
            let different = found[table].iter().zip(rows).find(|(found, wanted)| found != wanted);
            assert_eq!(different, None, "{file} {table}");
        }
    };

    target(sandbox, "pipe.db");
    let pipe = "dstreams=$1; shift; \"$dstreams\" \"$@\" tap -c tap.json | \"$dstreams\" \"$@\" target -c target.json";
    let run = sandbox.run_command(sandbox.by_shell(pipe, &[])).ok();
    assert!(run.stdout.lines().last().is_some_and(|state| state.starts_with("{\"bookmarks\":")), "{run}");
    check("pipe.db");

    for name in ["data.jsonl", "data.arrows"] {
        target(sandbox, &format!("{name}.db"));
        sandbox.run(&["tap", "-c", "tap.json", "-o", name]).ok();
        sandbox.run(&["target", "-c", "target.json", "-i", name]).ok();
        check(&format!("{name}.db"));
    }

    target(sandbox, "arrow-pipe.db");
    let pipe = "dstreams=$1; shift; \"$dstreams\" \"$@\" tap -c tap.json --format arrow | \"$dstreams\" \"$@\" target \
                -c target.json --format arrow";
    sandbox.run_command(sandbox.by_shell(pipe, &[])).ok();
    check("arrow-pipe.db");
}

#[test]
fn real_files_through_a_pipe_give_what_sync_gives() {
    compare(&nyc(json!({"streams": ["air*", "planes"]})));
}

#[test]
fn every_type_through_a_pipe_gives_what_sync_gives() {
    compare(&every_type());
}

#[test]
fn a_reader_that_has_enough_ends_the_tap_without_a_word() {
    let sandbox = every_type();
    sandbox.json("tap.json", json!({
        "name": "made-up", "type": "synthetic",
        "options": {"streams": [{"name": "a"}, {"name": "b"}, {"name": "c"}], "rows": 50_000, "columns": 2},
    }));
    for format in ["singer", "arrow"] {
        let head = "{ \"$@\"; echo $? > code; } | head -c 100 > head.txt";
        let run = sandbox.run_command(sandbox.by_shell(head, &["tap", "-c", "tap.json", "--format", format]));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
        assert_eq!(sandbox.read("code"), "141\n", "{format}");
        assert_eq!(std::fs::read(sandbox.path("head.txt")).expect("a file").len(), 100);
    }
    let run = sandbox.run_command(sandbox.by_shell("{ \"$@\"; echo $? > code; } | true", &["--help"]));
    assert_eq!(run.stderr, "");
}

#[test]
fn messages_that_are_cut_or_are_none_are_refused_by_their_line() {
    let sandbox = every_type();
    target(&sandbox, "out.db");
    sandbox.run(&["tap", "-c", "tap.json", "-o", "data.jsonl"]).ok();
    let whole = sandbox.read("data.jsonl");
    let target = || sandbox.run(&["target", "-c", "target.json", "-i", "data.jsonl"]);
    sandbox.write("data.jsonl", &whole[..whole.len() / 2]);
    let error = target().fails(10);
    assert!(error.starts_with("line "), "{error}");
    sandbox.write("data.jsonl", "hello\n");
    let error = target().fails(10);
    assert!(error.starts_with("line 1"), "{error}");
    let error = sandbox.run(&["target", "-c", "target.json", "-i", "none.jsonl"]).fails(3);
    assert!(error.contains("none.jsonl"), "{error}");
    sandbox.write("data.arrows", "hello\n");
    let run = sandbox.run(&["target", "-c", "target.json", "-i", "data.arrows"]);
    run.fails(run.code);
    assert!([5, 10].contains(&run.code), "{run}");
    // The whole of it comes, once.
    sandbox.write("data.jsonl", whole);
    target().ok();
}
