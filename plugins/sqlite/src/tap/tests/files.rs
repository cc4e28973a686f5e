//! Files that are locked, damaged, encrypted, not there; and what reading leaves of them.

use dstream_sdk::*;
use rusqlite::Connection;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::kit::*;

const ROWS: &str = "
CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT);
WITH RECURSIVE i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i WHERE i < 4999)
INSERT INTO t SELECT i, 'some text that takes room ' || i FROM i;";

#[test]
fn reading_leaves_a_file_in_wal_mode_as_it_was() {
    let source = source(&format!("PRAGMA journal_mode = wal; {ROWS}"));
    let before = (source.files(), std::fs::read(&source.path).unwrap());
    assert_eq!(before.0, ["in.db"]);
    let tap = source.tap(json!({}));
    tap.check().unwrap();
    assert_eq!(source.files(), ["in.db"]);
    let stream = wanted(&source.stream(json!({}), "t"), None);
    assert_eq!(read(&tap, &stream, None, 100).unwrap().rows(), 5_000);
    assert_eq!((source.files(), std::fs::read(&source.path).unwrap()), before);
}

#[test]
fn a_log_with_changes_is_read_and_stays_a_log() {
    let source = source(&format!("PRAGMA journal_mode = wal; {ROWS}"));
    let writer = Connection::open(&source.path).unwrap();
    writer.execute_batch("PRAGMA wal_autocheckpoint = 0; INSERT INTO t VALUES (9999, 'late')").unwrap();
    let (main, log) = (std::fs::read(&source.path).unwrap(), source.folder.path().join("in.db-wal"));
    let before = std::fs::read(&log).unwrap();
    assert!(!before.is_empty());
    assert_eq!(source.read(json!({}), "t").unwrap().num_rows(), 5_001);
    assert_eq!(std::fs::read(&log).unwrap(), before);
    assert_eq!(std::fs::read(&source.path).unwrap(), main);
    // As it is left by a program that died.
    drop(writer);
    std::fs::write(&log, &before).unwrap();
    std::fs::write(&source.path, &main).unwrap();
    assert_eq!(source.read(json!({}), "t").unwrap().num_rows(), 5_001);
    assert_eq!(std::fs::read(&log).unwrap(), before);
    assert_eq!(std::fs::read(&source.path).unwrap(), main);
}

#[test]
fn rows_that_are_written_meanwhile_are_not_seen() {
    let source = source(&format!("PRAGMA journal_mode = wal; {ROWS}"));
    let stream = wanted(&source.stream(json!({}), "t"), None);
    let tap = source.tap(json!({}));
    let mut reader = tap.open_reader(context(), request(&stream, None, 100)).unwrap();
    source
        .sql("DELETE FROM t WHERE id > 10; INSERT INTO t VALUES (-5, 'new'); ALTER TABLE t DROP COLUMN name");
    let mut rows = 0;
    loop {
        match reader.next(Duration::from_secs(60)).unwrap() {
            Next::Message(Message::Batch { batch, .. }) => rows += batch.rows(),
            Next::End => break,
            _ => {}
        }
    }
    assert_eq!(rows, 5_000);
}

#[test]
fn a_locked_file_is_waited_for_and_then_the_error_says_who_holds_it() {
    let source = source(ROWS);
    let holder = Connection::open(&source.path).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let tap = source.tap(json!({"busy_timeout_ms": 150}));
    let started = Instant::now();
    assert_error(tap.check(), ErrorKind::Unavailable, &["is locked by", crate::target::tests::kit::HOLDER]);
    assert!(started.elapsed() >= Duration::from_millis(150));
    holder.execute_batch("COMMIT").unwrap();
    tap.check().unwrap();
}

#[test]
fn a_file_that_is_no_database_is_one_error() {
    let source = source(ROWS);
    let at = |name: &str| {
        let path = source.folder.path().join(name);
        Source { path, folder: tempfile::tempdir().unwrap() }
    };
    std::fs::write(
        source.folder.path().join("text"),
        "plain text, and more of it than a header has".repeat(50),
    )
    .unwrap();
    std::fs::create_dir(source.folder.path().join("folder")).unwrap();
    assert_error(at("nothing").tap(json!({})).check(), ErrorKind::NotFound, &["there is no file"]);
    assert_error(
        at("text").tap(json!({})).check(),
        ErrorKind::Config,
        &["not an SQLite database", "encrypted"],
    );
    assert_error(at("folder").tap(json!({})).check(), ErrorKind::Config, &["is a folder"]);
    assert_error(at("text/x").tap(json!({})).check(), ErrorKind::NotFound, &[""]);
}

#[test]
fn a_damaged_page_is_an_error_and_no_end() {
    let source = source(ROWS);
    let stream = wanted(&source.stream(json!({}), "t"), None);
    let mut bytes = std::fs::read(&source.path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    std::fs::write(&source.path, bytes).unwrap();
    let outcome = read(&source.tap(json!({})), &stream, None, 100);
    assert_error(outcome, ErrorKind::Data, &["stream `t`", "is damaged"]);
}

#[test]
fn a_run_that_is_stopped_ends_a_query_that_has_no_row_yet() {
    let source = source(ROWS);
    let slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT CAST(max(i) AS INT) AS m FROM n";
    let tap = source.tap(json!({"queries": {"q": slow}, "types": {"q.m": "int64"}}));
    let stream = wanted(&tap.discover().unwrap().streams.pop().unwrap(), None);
    let flag = Arc::new(AtomicBool::new(false));
    let mut reader = tap.open_reader(Context::detached(flag.clone()), request(&stream, None, 10)).unwrap();
    assert!(matches!(reader.next(Duration::from_secs(60)).unwrap(), Next::Message(Message::Schema { .. })));
    assert!(matches!(reader.next(Duration::ZERO).unwrap(), Next::Pending));
    flag.store(true, Ordering::Relaxed);
    assert_eq!(reader.next(Duration::from_secs(60)).unwrap_err().kind(), ErrorKind::Cancelled);
    drop(reader);
    // One that is dropped ends as well, though nobody stopped the run.
    let mut reader = tap.open_reader(context(), request(&stream, None, 10)).unwrap();
    assert!(matches!(reader.next(Duration::from_secs(60)).unwrap(), Next::Message(Message::Schema { .. })));
}

#[test]
fn a_batch_has_no_more_rows_and_bytes_than_were_asked_for() {
    let source = source(ROWS);
    let stream = wanted(&source.stream(json!({}), "t"), None);
    let rows = read(&source.tap(json!({})), &stream, None, 777).unwrap();
    assert!(rows.batches.iter().all(|batch| batch.num_rows() <= 777) && rows.rows() == 5_000);
    let mut request = request(&stream, None, usize::MAX);
    request.max_batch_bytes = 10_000.try_into().unwrap();
    let mut reader = source.tap(json!({})).open_reader(context(), request).unwrap();
    let mut batches = 0;
    loop {
        match reader.next(Duration::from_secs(60)).unwrap() {
            Next::Message(Message::Batch { batch, .. }) => {
                batches += 1;
                assert!(batch.bytes() < 11_000, "{}", batch.bytes());
            }
            Next::End => break,
            _ => {}
        }
    }
    assert!(batches > 10);
}

#[test]
fn a_commit_that_a_program_left_halfway_is_not_read() {
    let source = source(ROWS);
    let writer = Connection::open(&source.path).unwrap();
    writer.execute_batch("PRAGMA cache_size = 5; BEGIN; UPDATE t SET name = name || ' changed'").unwrap();
    // As both files are on the disk when the program dies.
    let half = Source { path: source.path.clone(), folder: tempfile::tempdir().unwrap() };
    let half = Source { path: half.folder.path().join("in.db"), ..half };
    for name in ["in.db", "in.db-journal"] {
        std::fs::copy(source.folder.path().join(name), half.folder.path().join(name)).unwrap();
    }
    let before = half.files();
    assert_error(half.tap(json!({})).check(), ErrorKind::Unavailable, &["left in the middle of a commit"]);
    assert_eq!(half.files(), before);
    half.sql("SELECT 1 FROM t");
    assert_eq!(half.read(json!({"filters": {"t": "name LIKE '%changed'"}}), "t").unwrap().num_rows(), 0);
}
