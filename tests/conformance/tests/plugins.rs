//! Connectors for databases, and those that make up or drop rows, keep their promises.

mod kit;

use dstream_abi::ConnectorConfig;
use dstream_conformance::{Role, Row};
use dstream_postgres_server::Server;
use kit::{Loaded, assert_all_pass, config, library_file};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Skipped where a config names no file.
const NO_TRACE: &str = "looking-leaves-no-trace";

#[test]
fn the_tap_synthetic_keeps_its_promises() {
    let library = Loaded::open(&library_file("synthetic"));
    let one_of_each = json!({ "streams": [
        { "name": "all", "rows": 300, "columns": 14 },
        { "name": "keyless", "rows": 50, "columns": 2, "key": false },
        { "name": "none", "rows": 0 },
    ], "nulls": 0.2 });
    let in_parts = json!({ "rows": 100_000, "columns": 1, "partitions": 2 });
    for options in [one_of_each, in_parts] {
        let subject = library.subject("synthetic", Role::Tap).with_config(config("synthetic", None, options));
        assert_all_pass(&subject, Role::Tap, &[NO_TRACE]);
    }
}

const SQLITE_TABLES: &str = "
CREATE TABLE orders (id INTEGER PRIMARY KEY, word TEXT NOT NULL, total DECIMAL(10, 2), at DATETIME, paid BOOLEAN,
  weight REAL, raw BLOB, twice INTEGER GENERATED ALWAYS AS (id * 2), more);
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 149)
  INSERT INTO orders SELECT i, 'kůň ' || i, i * 1.25, date('2024-01-01', (i / 7) || ' days'), i % 2,
    CASE WHEN i % 3 THEN i / 7.0 END, zeroblob(i % 5), i FROM n;
CREATE TABLE codes (code TEXT, part INTEGER, name ANY, PRIMARY KEY (code, part)) STRICT, WITHOUT ROWID;
INSERT INTO codes VALUES ('a', 1, 'x'), ('a', 2, NULL), ('b', 1, 'y');
CREATE TABLE keyless (rowid, price NUMERIC(8, 3));
INSERT INTO keyless VALUES (3, 1.5), (NULL, 2), (3, NULL), (3, 1.5);
CREATE TABLE empty (a INT, b JSON);
CREATE VIEW paid AS SELECT id, total, at FROM orders WHERE paid ORDER BY total DESC;
CREATE VIEW broken AS SELECT z FROM nowhere;
CREATE VIRTUAL TABLE words USING fts5(word);
INSERT INTO words VALUES ('one'), ('two');";

#[test]
fn the_tap_sqlite_keeps_its_promises() {
    let library = Loaded::open(&library_file("sqlite"));
    for journal_mode in ["wal", "delete"] {
        let folder = tempfile::tempdir().expect("temp folder");
        let file = folder.path().join("source.db");
        made_by_another_process(&file, &format!("PRAGMA journal_mode = {journal_mode}; {SQLITE_TABLES}"));
        let options = json!({
            "queries": { "sums": "SELECT word, sum(total) AS total FROM orders GROUP BY word -- by word" },
            "filters": { "orders": "id < 140 -- not all" },
            "types": { "keyless.price": "text" },
        });
        let subject =
            library.subject("sqlite", Role::Tap).with_config(config("sqlite", Some(&file), options));
        assert_all_pass(&subject, Role::Tap, &[]);
    }
}

/// What another process is to do: with SQLite twice in one, each would drop the locks of the other.
const ORDER: &str = "DSTREAMS_KIT_MAKES";

fn made_by_another_process(file: &Path, sql: &str) {
    let mut maker = Command::new(std::env::current_exe().expect("a test has a file"));
    maker.args(["--exact", "a_file_is_made_for_the_others", "--ignored"]);
    let status = maker.env(ORDER, json!([file, sql]).to_string()).status().expect("starts");
    assert!(status.success() && file.is_file());
}

#[test]
#[ignore = "a part of the_tap_sqlite_keeps_its_promises, in another process"]
fn a_file_is_made_for_the_others() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let (file, sql): (String, String) = serde_json::from_str(&order).expect("a file and SQL");
    rusqlite::Connection::open(file).expect("opens").execute_batch(&sql).expect("SQL");
}

/// Types of every form, a key or none, a view, no rows at all.
const POSTGRES: &str = "
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN short AS text CHECK (length(VALUE) < 100);
CREATE TABLE orders (id int8 PRIMARY KEY, word text, total numeric(12,2) NOT NULL, at timestamptz, plain timestamp, day date,
  t time, ok bool, raw bytea, i interval, u uuid, j jsonb, f float8, many int[], deep text[][], m mood, p pair, d short,
  n numeric, net inet, span int4range);
INSERT INTO orders SELECT n, CASE n % 4 WHEN 0 THEN NULL ELSE 'kůň ' || n END, n * 3.01, timestamptz '2024-01-01Z' + n / 3 * interval '1 hour',
  timestamp '2024-01-01' + n * interval '1 hour', date '2024-01-01' + n % 9, time '10:00' + n * interval '1 second', n % 2 = 0,
  decode(repeat('ab', n % 5), 'hex'), n * interval '1 day 2 hours', gen_random_uuid(), jsonb_build_object('n', n), n / 7.0,
  ARRAY[n, NULL], ARRAY[ARRAY['a', 'b']], (ARRAY['sad', 'ok', 'happy'])[1 + n % 3]::mood, ROW(n, 'x'::text)::pair, 'd' || n, n / 3.0,
  '10.0.0.1', int4range(n, n + 5) FROM generate_series(1, 150) n;
CREATE TABLE keyless (at timestamptz, word text);
INSERT INTO keyless SELECT CASE WHEN n % 7 > 0 THEN timestamptz '2024-01-01Z' + n / 5 * interval '1 day' END, 'w' || n FROM generate_series(1, 60) n;
CREATE TABLE parted (id int, part int, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES IN (0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
INSERT INTO parted SELECT n, n % 2 FROM generate_series(1, 50) n;
CREATE TABLE empty (a int, b text);
CREATE VIEW shown AS SELECT id, word FROM orders WHERE id < 20 ORDER BY id;
CREATE MATERIALIZED VIEW kept AS SELECT id, total FROM orders WHERE id < 20 ORDER BY id;
";

#[test]
fn the_tap_postgres_keeps_its_promises() {
    let database = Server::shared().database("kit");
    database.psql(POSTGRES).expect("made");
    let library = Loaded::open(&library_file("postgres"));
    let options = json!({ "queries": { "sums": "SELECT id % 7 AS rest, sum(total) AS total FROM orders GROUP BY 1 ORDER BY 1" } });
    let config =
        ConnectorConfig { connection: json!({ "url": database.url() }), ..config("postgres", None, options) };
    let subject = library.subject("postgres", Role::Tap).with_config(config);
    assert_all_pass(&subject, Role::Tap, &[NO_TRACE]);
}

/// Where the process that reads a table finds out which one.
const QUESTION: &str = "DSTREAMS_KIT_READS";

/// The rows of a table, read by another process: with SQLite twice in one, each would drop the locks of the other.
fn table_of(file: &Path, table: &str) -> Option<Vec<Row>> {
    let mut reader = Command::new(std::env::current_exe().expect("a test has a file"));
    reader.args(["--exact", "a_table_is_read_for_the_others", "--ignored", "--nocapture"]);
    let output = reader.env(QUESTION, json!([file, table]).to_string()).output().expect("starts");
    let said = String::from_utf8(output.stdout).expect("text");
    let rows = said.lines().find_map(|line| line.split_once("rows: ")).expect(&said).1;
    serde_json::from_str(rows).expect("JSON")
}

#[test]
#[ignore = "a part of the_target_sqlite_keeps_its_promises, in another process"]
fn a_table_is_read_for_the_others() {
    let Ok(question) = std::env::var(QUESTION) else { return };
    let (file, table): (String, String) = serde_json::from_str(&question).expect("a file and a table");
    let database = rusqlite::Connection::open(file).expect("opens");
    let known = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let known: i64 = database.query_row(known, [&table], |row| row.get(0)).expect("tables");
    let mut rows = Vec::new();
    if known > 0 {
        let mut query = database.prepare(&format!("SELECT id, word FROM \"{table}\"")).expect("columns");
        let found = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows = found.collect::<Result<Vec<Row>, _>>().expect("rows");
    }
    println!("\nrows: {}", if known > 0 { json!(rows) } else { Value::Null });
}

#[test]
fn the_target_sqlite_keeps_its_promises() {
    let library = Loaded::open(&library_file("sqlite"));
    for journal_mode in ["wal", "delete"] {
        let folder = tempfile::tempdir().expect("temp folder");
        let file = folder.path().join("target.db");
        let options = json!({ "journal_mode": journal_mode, "synchronous": "normal" });
        let subject = library.subject("sqlite", Role::Target);
        let subject = subject
            .with_config(config("sqlite", Some(&file), options))
            .with_read_back(|table: &str| Ok(table_of(&file, table)));
        assert_all_pass(&subject, Role::Target, &["other-modes-are-refused"]);
    }
}

#[test]
fn the_target_postgres_keeps_its_promises() {
    let library = Loaded::open(&library_file("postgres"));
    let database = Server::shared().database("conformance");
    let rows_of = |table: &str| -> Option<Vec<Row>> {
        let name = format!("\"kit\".\"{}\"", table.replace('"', "\"\""));
        let is_there = database.psql(&format!("SELECT to_regclass('{name}') IS NOT NULL")).expect("asks");
        let rows = format!("SELECT coalesce(json_agg(json_build_array(id, word)), '[]') FROM {name}");
        let rows = (is_there == "t").then(|| database.psql(&rows).expect("reads"))?;
        Some(serde_json::from_str(&rows).expect("JSON"))
    };
    let mut config = config("postgres", None, json!({ "schema": "kit" }));
    config.connection = json!({ "url": database.url() });
    let subject = library.subject("postgres", Role::Target);
    let subject = subject.with_config(config).with_read_back(|table: &str| Ok(rows_of(table)));
    assert_all_pass(&subject, Role::Target, &[NO_TRACE, "other-modes-are-refused"]);
}

#[test]
fn the_target_blackhole_keeps_its_promises() {
    let library = Loaded::open(&library_file("synthetic"));
    let folder = tempfile::tempdir().expect("temp folder");
    let report = folder.path().join("report.json");
    let not_claimed = [
        "a-null-in-a-key-is-refused",
        "other-modes-are-refused",
        "records-come-back",
        "a-commit-again-changes-nothing",
        "a-gap-in-sequences-is-refused",
        "epochs-rise",
        "an-older-run-is-fenced",
        "a-run-that-was-taken-over-stays-so",
    ];
    for options in [json!({ "output": report }), json!({ "output": report, "keep_records": true })] {
        let subject = library.subject("blackhole", Role::Target);
        let subject = subject.with_config(config("blackhole", None, options));
        let outcomes = kit::run_all(&subject, Role::Target);
        assert_eq!(kit::failed(&outcomes), [""; 0], "{outcomes:#?}");
        assert_eq!(kit::skipped(&outcomes), not_claimed);
    }
}
