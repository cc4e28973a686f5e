//! SQLite files as a source: the very types and values arrive, and the file stays as it was.

use dstream_end_to_end::{Database, Sandbox};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::shop::with;

/// From `in.db` to `out.db`.
fn databases(sql: &str, options: Value) -> Sandbox {
    let sandbox = Sandbox::usual();
    Connection::open(sandbox.path("in.db")).expect("opens").execute_batch(sql).expect("SQL");
    tap(&sandbox, json!({"options": options}));
    sandbox.json("target.json", json!({"name": "copy", "type": "sqlite", "connection": {"path": "out.db"}}));
    sandbox
}

fn tap(sandbox: &Sandbox, more: Value) {
    let config = json!({"name": "source", "type": "sqlite", "connection": {"path": "in.db"}});
    sandbox.json("tap.json", with(config, more));
}

fn sync(sandbox: &Sandbox) -> dstream_end_to_end::Run {
    sandbox.sync(&["--state", "state.json"])
}

const EVENTS: &str = "
CREATE TABLE events (id INTEGER PRIMARY KEY, at DATETIME, name TEXT, score REAL, total DECIMAL(8,2), raw BLOB);
INSERT INTO events VALUES (1, '2024-01-01 10:00:00', 'a', 1.5, 12.5, x'00'), (2, '2024-01-01 11:00:00', '', -0.0, 7, NULL),
  (3, '2024-01-01 11:00:00', NULL, NULL, NULL, x'');
CREATE VIEW names AS SELECT name, count(*) AS n FROM events GROUP BY name;";

#[test]
fn a_copy_of_a_copy_has_the_types_and_values_of_the_first() {
    let sandbox = Sandbox::usual();
    let row = |id: usize| {
        format!(
            "{id},{}.{:02},2024-02-{:02}T10:00:00Z,2024-03-{:02},\"k {id}\",true\n",
            id,
            id % 100,
            id % 28 + 1,
            id % 28 + 1
        )
    };
    let rows: String = (1..500).map(row).collect();
    sandbox.write("files/orders.csv", format!("id,total,at,day,word,paid\n{rows}"));
    sandbox.json("tap.json", json!({
        "name": "files", "type": "csv", "connection": {"path": "files"}, "options": {"key_properties": {"orders": ["id"]}, "types": {"total": "decimal(9,2)"}},
    }));
    sandbox.json("target.json", json!({"name": "first", "type": "sqlite", "connection": {"path": "in.db"}}));
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    let schema = |sandbox: &Sandbox| sandbox.read_json("catalog.json")["streams"][0]["schema"].clone();
    let wanted = schema(&sandbox);
    sandbox.sync(&[]).ok();

    tap(&sandbox, json!({}));
    sandbox
        .json("target.json", json!({"name": "second", "type": "sqlite", "connection": {"path": "out.db"}}));
    std::fs::remove_file(sandbox.path("catalog.json")).expect("removed");
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    let types = |schema: &Value| {
        let columns = schema["properties"].as_object().expect("columns").clone();
        columns
            .into_iter()
            .map(|(name, column)| (name, column["x-arrow"]["format"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(types(&schema(&sandbox)), types(&wanted));
    sandbox.sync(&[]).ok();
    let noted = |file: &str| {
        let query = "SELECT \"column\", arrow FROM _dstreams_columns WHERE \"table\" = 'orders' ORDER BY 1";
        Database::open(&sandbox.path(file)).rows(query)
    };
    assert_eq!(noted("out.db"), noted("in.db"));
    let (first, second) = (Database::open(&sandbox.path("in.db")), Database::open(&sandbox.path("out.db")));
    assert_eq!(first.content(), second.content());
    assert_eq!(second.count("orders"), 499);
}

#[test]
fn an_incremental_stream_moves_only_what_is_new_and_the_source_stays_as_it_was() {
    let sandbox = databases(&format!("PRAGMA journal_mode = wal; {EVENTS}"), json!({"tables": ["events"]}));
    let before = std::fs::read(sandbox.path("in.db")).expect("there");
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    let set = [
        "catalog",
        "set",
        "catalog.json",
        "events",
        "--replication-method",
        "INCREMENTAL",
        "--replication-key",
        "at",
    ];
    sandbox.run(&set).ok();
    let run = || {
        sandbox.sync(&["--catalog", "catalog.json", "--state", "state.json", "--report", "report.json"]).ok()
    };
    let rows = || {
        run();
        sandbox.read_json("report.json")["streams"][0]["committed_rows"].as_u64()
    };
    assert_eq!(rows(), Some(3));
    assert_eq!(rows(), Some(0));
    assert_eq!(std::fs::read(sandbox.path("in.db")).expect("there"), before);
    let logs: Vec<String> = sandbox.list(".").into_iter().filter(|name| name.starts_with("in.db")).collect();
    assert_eq!(logs, ["in.db"]);
    let insert = "INSERT INTO events (id, at) VALUES (9, '2024-01-01 11:00:00'), (10, '2024-01-02 00:00:00')";
    Connection::open(sandbox.path("in.db")).expect("opens").execute_batch(insert).expect("SQL");
    assert_eq!(rows(), Some(2));
    assert_eq!(rows(), Some(0));
    let ids = Database::open(&sandbox.path("out.db"))
        .rows("SELECT group_concat(id) FROM (SELECT id FROM events ORDER BY id)");
    assert_eq!(ids, [[rusqlite::types::Value::Text("1,2,3,9,10".into())]]);
}

#[test]
fn views_queries_and_filters_are_streams_like_tables() {
    let options = json!({
        "queries": {"totals": "SELECT sum(total) AS total FROM events"}, "filters": {"events": "id > 1"},
    });
    let sandbox = databases(EVENTS, options);
    sync(&sandbox).ok();
    let copy = Database::open(&sandbox.path("out.db"));
    assert_eq!(copy.tables(), ["events", "names", "totals"]);
    assert_eq!((copy.count("events"), copy.count("names"), copy.count("totals")), (2, 3, 1));
    // A second run takes the place of the first.
    sync(&sandbox).ok();
    let copy = Database::open(&sandbox.path("out.db"));
    assert_eq!((copy.count("events"), copy.count("names"), copy.count("totals")), (2, 3, 1));
}

#[test]
fn a_source_that_cannot_be_read_is_one_error_that_says_what_to_do() {
    let sandbox = databases(EVENTS, json!({}));
    sandbox.write("plain.txt", "plain text");
    for (path, code, says) in [
        ("nowhere.db", 5, "there is no file"),
        ("plain.txt", 3, "not an SQLite database"),
        ("plugins", 3, "is a folder"),
    ] {
        tap(&sandbox, json!({"connection": {"path": path}}));
        let error = sync(&sandbox).fails(code);
        assert!(error.contains(says), "{path}: {error}");
        assert!(!sandbox.path("out.db").exists(), "{path}");
    }
    let holder = Connection::open(sandbox.path("in.db")).expect("opens");
    holder.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    tap(&sandbox, json!({"options": {"busy_timeout_ms": 100, "tables": ["events"]}}));
    let error = sync(&sandbox).fails(5);
    let process = format!("(process {})", std::process::id());
    assert!(error.contains("is locked by") && error.contains(&process), "{error}");
    holder.execute_batch("ROLLBACK; UPDATE events SET total = 'many' WHERE id = 3").expect("unlocked");
    let error = sync(&sandbox).fails(10);
    for word in ["events", "`total`", "rowid 3", "\"events.total\": \"text\""] {
        assert!(error.contains(word), "`{word}`: {error}");
    }
    tap(&sandbox, json!({"options": {"types": {"events.total": "text"}, "tables": ["events"]}}));
    sync(&sandbox).ok();
    let total = Database::open(&sandbox.path("out.db")).rows("SELECT total FROM events ORDER BY id");
    let text = |text: &str| vec![rusqlite::types::Value::Text(text.into())];
    assert_eq!(total, [text("12.5"), text("7"), text("many")]);
}

#[test]
fn a_key_with_nulls_is_refused_by_its_name() {
    let sandbox = databases(
        "CREATE TABLE t (a TEXT PRIMARY KEY, b INT); INSERT INTO t VALUES ('x', 1), (NULL, 2)",
        json!({}),
    );
    let target = json!({
        "name": "copy", "type": "sqlite", "connection": {"path": "out.db"}, "options": {"write_mode": "upsert"},
    });
    sandbox.json("target.json", target);
    let (error, _) = sync(&sandbox).fails_without_hint(10);
    assert!(error.contains("stream `t`") && error.contains("`a`"), "{error}");
}

#[test]
fn a_value_of_a_hundred_million_bytes_arrives_or_is_one_error_that_says_what_to_do() {
    let sandbox = databases(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT, raw BLOB);
         INSERT INTO t VALUES (1, printf('%.*c', 50000000, 'x') || printf('%.*c', 50000000, 'y'), NULL), (2, '', zeroblob(30000000))",
        json!({}),
    );
    let error = sandbox.sync(&["--memory", "64MiB"]).fails(11);
    assert!(
        error.contains("stream `t`") && error.contains("does not fit") && error.contains("--memory"),
        "{error}"
    );
    sandbox.sync(&["--memory", "512MiB"]).ok();
    let count = |query: &str| Database::open(&sandbox.path("out.db")).number(query);
    assert_eq!(count("SELECT sum(length(text)) + sum(length(raw)) FROM t"), 130_000_000);
    assert_eq!(count("SELECT instr(text, 'y') FROM t WHERE id = 1"), 50_000_001);
}
