//! A table that is made again between two runs, and what does not make it another one.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use dstream_sdk::*;
use serde_json::{Value, json};

use super::kit::*;

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT, name TEXT)";

/// A table that another one follows, read up to `n` 5.
fn read_once() -> (Source, Value) {
    let source =
        source(&format!("{TABLE}; CREATE TABLE later (x); INSERT INTO t VALUES (1, 3, 'a'), (2, 5, 'b')"));
    let bookmark = source.follow(json!({}), "t", "n", None, 10).unwrap().last_bookmark().unwrap();
    (source, bookmark)
}

fn read_on(source: &Source, bookmark: &Value) -> Result<(Vec<i64>, Value)> {
    let reading = source.follow(json!({}), "t", "n", Some(bookmark.clone()), 1)?;
    let ids = reading.batches.iter().map(|batch| batch["id"].as_primitive::<Int64Type>().values().to_vec());
    Ok((ids.collect::<Vec<_>>().concat(), reading.last_bookmark().unwrap()))
}

#[test]
fn a_table_that_was_made_again_is_another_one() {
    for rows in ["(1, 3, 'x')", "(7, 4, 'x'), (8, 5, 'b')", "(1, 3, 'x'), (2, 9, 'y'), (3, 10, 'z')"] {
        let (source, bookmark) = read_once();
        source.sql(&format!("DROP TABLE t; {TABLE}; INSERT INTO t VALUES {rows}; VACUUM"));
        let lost = read_on(&source, &bookmark);
        assert_error(lost, ErrorKind::BookmarkLost, &["stream `t`", "made again"]);
        let hint = read_on(&source, &bookmark).unwrap_err().hint_text().unwrap().to_owned();
        assert!(hint.contains("--full-refresh --streams t"), "{hint}");
        // Set by hand, a bookmark names no table.
        assert!(read_on(&source, &json!({"n": 3})).is_ok());
    }
}

#[test]
fn the_only_table_made_again_is_known_by_its_older_rows() {
    let source = source(&format!("{TABLE}; INSERT INTO t VALUES (1, 5, 'a')"));
    let bookmark = source.follow(json!({}), "t", "n", None, 10).unwrap().last_bookmark().unwrap();
    source.sql(&format!("DROP TABLE t; {TABLE}"));
    // As long as it is empty there is nothing to lose.
    let (ids, bookmark) = read_on(&source, &bookmark).unwrap();
    assert_eq!(ids, [0; 0]);
    source.sql("INSERT INTO t VALUES (1, 3, 'x')");
    assert_error(read_on(&source, &bookmark), ErrorKind::BookmarkLost, &["stream `t`", "made again"]);
}

#[test]
fn a_table_that_was_changed_is_still_the_same_one() {
    for (change, wanted) in [
        ("VACUUM; CREATE INDEX i ON t (n); CREATE TABLE more (x); DROP TABLE later; VACUUM", vec![]),
        ("ALTER TABLE t ADD COLUMN more; UPDATE t SET n = 6 WHERE id = 2", vec![2]),
        ("CREATE TABLE more (x); DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (9, 9, 'c')", vec![9]),
        ("CREATE TABLE more (x); DELETE FROM t; VACUUM", vec![]),
        ("DROP TABLE later; CREATE TABLE later (x); INSERT INTO t VALUES (9, 5, 'c')", vec![9]),
        // As the manual of SQLite tells to alter a table.
        (
            "CREATE TABLE new_t (id INTEGER PRIMARY KEY, n INT, name TEXT); INSERT INTO new_t SELECT * FROM t; DROP TABLE t;
             ALTER TABLE new_t RENAME TO t; INSERT INTO t VALUES (0, 5, 'before'), (9, 9, 'c')",
            vec![0, 9],
        ),
    ] {
        let (source, bookmark) = read_once();
        source.sql(change);
        let (ids, bookmark) = read_on(&source, &bookmark).unwrap_or_else(|error| panic!("{change}: {error}"));
        assert_eq!(ids, wanted, "{change}");
        source.sql("INSERT INTO t (id, n) VALUES (100, 100)");
        assert_eq!(read_on(&source, &bookmark).unwrap().0, [100], "{change}");
    }
}

#[test]
fn a_damaged_note_of_the_table_is_refused() {
    let (source, mut bookmark) = read_once();
    bookmark["@table"] = json!("x");
    assert_error(read_on(&source, &bookmark), ErrorKind::BookmarkLost, &["@table", "damaged"]);
}
