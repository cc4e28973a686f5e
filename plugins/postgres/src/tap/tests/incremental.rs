//! What came after the bookmark.

use dstream_postgres_server::Database;
use dstream_sdk::{Bookmark, ErrorKind, Partition, Result, SelectedStream};
use serde_json::{Value, json};

use crate::tap::PostgresTap;
use crate::tap::testing::*;
use crate::testing::{client, database};

/// One run; the bookmark goes on.
fn run(tap: &PostgresTap, name: &str, key: &str, bookmark: &mut Option<Bookmark>) -> Result<Vec<String>> {
    let selected = select(tap, name, Some(key));
    let request = request(&Partition::whole(name), &selected, bookmark.as_ref(), 3);
    let came = drain(&mut *open(tap, request)?)?;
    // What came last is covered, or nothing is.
    assert_eq!(came.checkpoints.last().map_or(0, |(rows, _)| *rows), came.rows.len());
    *bookmark = came.last().or_else(|| bookmark.take());
    Ok(came.rows)
}

/// Runs one statement after the other, and reads after each.
fn follow(database: &Database, options: Value, key: &str, steps: &[(&str, &[&str])]) {
    let tap = tap(database, options);
    let mut bookmark = None;
    for (sql, wanted) in steps {
        database.psql(sql).unwrap();
        assert_eq!(
            run(&tap, "public.t", key, &mut bookmark).unwrap(),
            *wanted,
            "after {sql}, at {bookmark:?}"
        );
    }
}

#[test]
fn ties_are_neither_lost_nor_doubled_by_any_type_of_key() {
    let database = database("ties");
    for (r#type, a, b, c) in [
        ("int2", "1", "2", "10"),
        ("int4", "-5", "2", "10"),
        ("int8", "1", "2", "9223372036854775807"),
        ("numeric(9,2)", "9.00", "9.50", "10.00"),
        ("text", "10", "9", "ž"),
        ("date", "0001-01-01", "2024-01-01", "2024-01-02"),
        ("timestamp", "2024-01-01T00:00:00", "2024-01-01T00:00:00.000001", "2024-01-01T00:00:00.000002"),
        ("timestamptz", "1900-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.500Z"),
    ] {
        let row = |word: &str, key: &str| format!("{key}|{word}");
        let table = format!(
            "DROP TABLE IF EXISTS t; CREATE TABLE t (k {type}, word text); INSERT INTO t VALUES ('{b}', 'b'), ('{a}', 'a')"
        );
        let steps: [(&str, &[&str]); 4] = [
            (&table, &[&row("a", a), &row("b", b)]),
            ("SELECT 1", &[]),
            (&format!("INSERT INTO t VALUES ('{b}', 'tie'), ('{a}', 'late')"), &[&row("tie", b)]),
            (&format!("INSERT INTO t VALUES ('{c}', 'c'), ('{b}', 'tie')"), &[&row("tie", b), &row("c", c)]),
        ];
        follow(&database, json!({"text_keys": ["public.t.k"]}), "k", &steps);
    }
}

#[test]
fn a_record_that_is_committed_late_is_read_and_not_skipped() {
    let database = database("late");
    database.psql("CREATE TABLE t (at timestamptz DEFAULT now(), word text)").unwrap();
    let tap = tap(&database, json!({}));
    let words = |bookmark: &mut Option<Bookmark>| -> Vec<String> {
        let rows = run(&tap, "public.t", "at", bookmark).unwrap();
        rows.iter().map(|row| row.split('|').nth(1).unwrap().to_owned()).collect()
    };
    let mut bookmark = None;
    let mut slow = client(&database);
    database.psql("INSERT INTO t (word) VALUES ('first')").unwrap();
    slow.run("BEGIN").unwrap();
    database.psql("INSERT INTO t (word) VALUES ('second')").unwrap();
    assert_eq!(words(&mut bookmark), ["first"]);
    slow.run("INSERT INTO t (word) VALUES ('late')").unwrap();
    assert_eq!(words(&mut bookmark), [""; 0]);
    slow.run("COMMIT").unwrap();
    assert_eq!(words(&mut bookmark), ["late", "second"]);
    assert_eq!(words(&mut bookmark), [""; 0]);
}

#[test]
fn a_smaller_number_that_is_committed_late_is_waited_for() {
    let database = database("numbers");
    database.psql("CREATE TABLE t (id bigserial, word text); INSERT INTO t (word) VALUES ('first')").unwrap();
    let patient = tap(&database, json!({}));
    let tap = tap(&database, json!({"writers_wait_ms": 0}));
    let mut bookmark = None;
    assert_eq!(run(&tap, "public.t", "id", &mut bookmark).unwrap(), ["1|first"]);
    let mut slow = client(&database);
    slow.run("BEGIN; INSERT INTO t (word) VALUES ('late')").unwrap();
    database.psql("INSERT INTO t (word) VALUES ('second')").unwrap();
    assert_eq!(run(&tap, "public.t", "id", &mut bookmark).unwrap(), [""; 0]);
    let selected = select(&patient, "public.t", Some("id"));
    let request = request(&Partition::whole("public.t"), &selected, bookmark.as_ref(), 3);
    let mut reader = open(&patient, request).unwrap();
    let mut came = Came::default();
    for _ in 0..5 {
        assert!(step(&mut *reader, &mut came).unwrap() && came.rows.is_empty());
    }
    slow.run("COMMIT").unwrap();
    while step(&mut *reader, &mut came).unwrap() {}
    assert_eq!(came.rows, ["2|late", "3|second"]);
}

#[test]
fn records_without_a_key_come_once() {
    let database = database("nulls");
    follow(
        &database,
        json!({}),
        "k",
        &[
            (
                "CREATE TABLE t (k int, word text); INSERT INTO t VALUES (NULL, 'x'), (NULL, 'y')",
                &["|x", "|y"],
            ),
            ("INSERT INTO t VALUES (1, 'a')", &["1|a"]),
            ("INSERT INTO t VALUES (NULL, 'z'), (2, 'b')", &["2|b"]),
        ],
    );
}

#[test]
fn a_record_of_the_year_9999_does_not_blind() {
    let database = database("poison");
    database.psql("CREATE TABLE t (at timestamptz, word text); INSERT INTO t VALUES ('9999-12-31', 'poison'), ('2024-01-01', 'a')").unwrap();
    let tap = tap(&database, json!({}));
    let mut bookmark = None;
    assert_eq!(run(&tap, "public.t", "at", &mut bookmark).unwrap(), ["2024-01-01T00:00:00Z|a"]);
    database.psql("INSERT INTO t VALUES ('2024-01-02', 'b'), ('infinity', 'c')").unwrap();
    assert_eq!(run(&tap, "public.t", "at", &mut bookmark).unwrap(), ["2024-01-02T00:00:00Z|b"]);
}

/// Records with a key would stand twice as well, where the target appends.
#[test]
fn more_rows_of_one_value_than_a_bookmark_names_come_once_where_nothing_replaces_them() {
    let database = database("crowd");
    let sql = "CREATE TABLE t (k int, id int PRIMARY KEY); INSERT INTO t SELECT 7, n FROM generate_series(1, 5000) n";
    database.psql(sql).unwrap();
    let tap = tap(&database, json!({}));
    let read = |upserted: bool, bookmark: Option<&Bookmark>| {
        let selected = SelectedStream { upserted, ..select(&tap, "public.t", Some("k")) };
        drain(&mut *open(&tap, request(&Partition::whole("public.t"), &selected, bookmark, 3_000))?)
    };
    for upserted in [false, true] {
        let first = read(upserted, None).unwrap();
        assert_eq!(first.rows.len(), 5_000);
        let second = read(upserted, first.last().as_ref()).unwrap();
        assert_eq!(second.rows.len(), if upserted { 5_000 } else { 0 });
    }
    let bookmark = read(false, None).unwrap().last();
    database.psql("INSERT INTO t VALUES (7, 5001)").unwrap();
    assert_eq!(read(false, bookmark.as_ref()).unwrap_err().kind(), ErrorKind::BookmarkLost);
}

#[test]
fn a_lookback_reads_again_and_does_not_go_back() {
    let database = database("lookback");
    follow(
        &database,
        json!({"lookback": {"public.t": 2}}),
        "k",
        &[
            (
                "CREATE TABLE t (k int, id int PRIMARY KEY); INSERT INTO t VALUES (1, 1), (5, 5)",
                &["1|1", "5|5"],
            ),
            ("INSERT INTO t VALUES (2, 2), (3, 3)", &["3|3", "5|5"]),
            ("INSERT INTO t VALUES (6, 6)", &["3|3", "5|5", "6|6"]),
        ],
    );
    database.psql("ALTER TABLE t DROP CONSTRAINT t_pkey").unwrap();
    let tap = tap(&database, json!({"lookback": {"public.t": 2}}));
    assert_eq!(run(&tap, "public.t", "k", &mut None).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn a_wall_clock_is_not_trusted_beyond_the_earliest_zone() {
    let database = database("zones");
    let sql = "CREATE TABLE t (at timestamp, word text); \
               INSERT INTO t VALUES ((now() AT TIME ZONE 'UTC') - interval '3 hours', 'three'), (now() AT TIME ZONE 'UTC' - interval '1 second', 'now')";
    database.psql(sql).unwrap();
    let words = |options| -> Vec<String> {
        let rows = run(&tap(&database, options), "public.t", "at", &mut None).unwrap();
        rows.iter().map(|row| row.split('|').nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(words(json!({})), ["three", "now"]);
    assert_eq!(words(json!({"time_zone": "America/New_York"})), [""; 0]);
    database.psql("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Etc/GMT+2'); END $$").unwrap();
    assert_eq!(words(json!({})), ["three"]);
    assert_eq!(words(json!({"time_zone": "UTC"})), ["three", "now"]);
}

#[test]
fn where_others_cannot_be_seen_the_last_minutes_wait() {
    let database = database("hidden");
    let user = format!("seer_{}", database.name());
    let sql = "CREATE TABLE t (at timestamptz, word text); INSERT INTO t VALUES (now() - interval '1 hour', 'old'), (now(), 'new')";
    database.psql(&format!("{sql}; CREATE ROLE {user} LOGIN; GRANT SELECT ON t TO {user}")).unwrap();
    let url = database.url().replace("postgres@", &format!("{user}@"));
    let count = |options| run(&tap_at(&url, options), "public.t", "at", &mut None).unwrap().len();
    assert_eq!(count(json!({})), 2, "nobody else is there");
    let _other = client(&database);
    assert_eq!(count(json!({})), 1);
    assert_eq!(count(json!({"hold_back_seconds": 0})), 2);
    database.psql(&format!("GRANT pg_monitor TO {user}")).unwrap();
    assert_eq!(count(json!({})), 2);
    database.psql(&format!("DROP OWNED BY {user}; DROP ROLE {user}")).unwrap();
}

#[test]
fn a_table_that_was_made_again_is_another_one() {
    let database = database("remade");
    database.psql("CREATE TABLE t (k int); INSERT INTO t VALUES (5)").unwrap();
    let tap = tap(&database, json!({}));
    let mut bookmark = None;
    run(&tap, "public.t", "k", &mut bookmark).unwrap();
    database.psql("DROP TABLE t; CREATE TABLE t (k int); INSERT INTO t VALUES (3)").unwrap();
    let error = run(&tap, "public.t", "k", &mut bookmark).unwrap_err();
    assert_eq!((error.kind(), error.stream_name()), (ErrorKind::BookmarkLost, Some("public.t")));
    assert!(error.hint_text().unwrap().contains("--full-refresh --streams public.t"), "{error:?}");
    // Set by hand, a bookmark names no table.
    let mut by_hand = Some(json!({"k": 1}));
    assert_eq!(run(&tap, "public.t", "k", &mut by_hand).unwrap(), ["3"]);
}

#[test]
fn filters_views_and_queries_are_followed_too() {
    let database = database("views");
    database.psql("CREATE TABLE t (k int, word text); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'a'); CREATE VIEW v AS SELECT * FROM t WHERE word = 'a'").unwrap();
    let tap = tap(
        &database,
        json!({"filters": {"public.t": "word = 'b'"}, "queries": {"q": "SELECT k * 10 AS k FROM t"}}),
    );
    for (stream, first, second) in [
        ("public.t", vec!["2|b"], vec!["9|b"]),
        ("public.v", vec!["1|a", "3|a"], vec![]),
        ("q", vec!["10", "20", "30"], vec!["90"]),
    ] {
        database.psql("DELETE FROM t WHERE k = 9").unwrap();
        let mut bookmark = None;
        assert_eq!(run(&tap, stream, "k", &mut bookmark).unwrap(), first);
        database.psql("INSERT INTO t VALUES (9, 'b')").unwrap();
        assert_eq!(run(&tap, stream, "k", &mut bookmark).unwrap(), second);
    }
}

#[test]
fn a_prepared_transaction_is_waited_for() {
    let options = dstream_postgres_server::Options::default().setting("max_prepared_transactions", "5");
    let server = dstream_postgres_server::Server::start(&options).unwrap();
    let database = server.database("prepared").unwrap();
    database
        .psql("CREATE TABLE t (id bigserial, at timestamptz DEFAULT now()); INSERT INTO t DEFAULT VALUES")
        .unwrap();
    let tap = tap(&database, json!({"writers_wait_ms": 0}));
    for key in ["id", "at"] {
        let mut bookmark = None;
        let before = run(&tap, "public.t", key, &mut bookmark).unwrap().len();
        database.psql("BEGIN; INSERT INTO t DEFAULT VALUES; PREPARE TRANSACTION 'late'; INSERT INTO t DEFAULT VALUES").unwrap();
        assert_eq!(run(&tap, "public.t", key, &mut bookmark).unwrap(), [""; 0], "{key}");
        database.psql("COMMIT PREPARED 'late'").unwrap();
        assert_eq!(run(&tap, "public.t", key, &mut bookmark).unwrap().len(), 2, "{key}, after {before}");
    }
}

#[test]
fn one_that_is_prepared_while_it_is_waited_for_has_not_ended() {
    let options = dstream_postgres_server::Options::default().setting("max_prepared_transactions", "5");
    let server = dstream_postgres_server::Server::start(&options).unwrap();
    let database = server.database("prepared").unwrap();
    database.psql("CREATE TABLE t (id bigserial, word text)").unwrap();
    let tap = tap(&database, json!({}));
    let mut slow = client(&database);
    slow.run("BEGIN; INSERT INTO t (word) VALUES ('late')").unwrap();
    database.psql("INSERT INTO t (word) VALUES ('second')").unwrap();
    let selected = select(&tap, "public.t", Some("id"));
    let mut reader = open(&tap, request(&Partition::whole("public.t"), &selected, None, 3)).unwrap();
    let mut came = Came::default();
    for sql in ["SELECT 1", "PREPARE TRANSACTION 'late'", "COMMIT PREPARED 'late'"] {
        for _ in 0..4 {
            assert!(step(&mut *reader, &mut came).unwrap() && came.rows.is_empty());
        }
        slow.run(sql).unwrap();
    }
    while step(&mut *reader, &mut came).unwrap() {}
    assert_eq!(came.rows, ["1|late", "2|second"]);
}
