//! Tables read whole, in parts, and gone on with.

use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dstream_postgres_server::Database;
use dstream_sdk::{ErrorKind, Selection, Tap};

use crate::tap::testing::*;
use crate::testing::{client, database};

/// About 130 blocks.
const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, word text); \
                     INSERT INTO t SELECT i, repeat('x', 400) || i FROM generate_series(1, 2000) i";

/// Makes the table, and waits until every transaction of the server is younger than it: on a server that others use too,
/// rows of a table that was made a moment ago count as written since.
fn make_table(database: &Database) {
    database.psql(TABLE).unwrap();
    let is_old =
        "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > max(xmin::text::bigint) FROM t";
    let deadline = Instant::now() + Duration::from_secs(60);
    while database.psql(is_old).unwrap().trim() != "t" {
        assert!(Instant::now() < deadline, "a transaction of another session does not end");
    }
}

#[test]
fn parts_together_are_the_whole() {
    let database = database("parts");
    make_table(&database);
    let all = psql(&database, "SELECT * FROM t");
    for partitions in [1, 2, 3, 7] {
        let tap = tap(&database, json!({"partitions": partitions}));
        let selected = select(&tap, "public.t", None);
        assert_eq!(tap.plan(&selection(&selected, &BTreeMap::new())).unwrap().len(), partitions);
        assert_eq!(sorted(read(&tap, &selected, &mut BTreeMap::new()).unwrap()), all);
    }
}

#[test]
fn a_partitioned_table_is_read_by_its_files_and_inherited_rows_with_their_own_table() {
    let database = database("leaves");
    let sql = "CREATE TABLE p (id int, at date) PARTITION BY RANGE (id); \
               CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000); \
               CREATE TABLE p2 (at date, id int); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (1000) TO (5000); \
               INSERT INTO p SELECT i, '2024-01-01' FROM generate_series(1, 3000) i; \
               CREATE TABLE parent (id int); CREATE TABLE child (more int) INHERITS (parent); \
               INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3)";
    database.psql(sql).unwrap();
    for partitions in [1, 2, 4] {
        let tap = tap(&database, json!({"partitions": partitions}));
        let selected = select(&tap, "public.p", None);
        assert_eq!(
            sorted(read(&tap, &selected, &mut BTreeMap::new()).unwrap()),
            psql(&database, "SELECT * FROM p")
        );
    }
    let tap = tap(&database, json!({}));
    assert_eq!(read(&tap, &select(&tap, "public.parent", None), &mut BTreeMap::new()).unwrap(), ["1"]);
    assert_eq!(read(&tap, &select(&tap, "public.child", None), &mut BTreeMap::new()).unwrap(), ["2|3"]);
}

#[test]
fn parts_are_read_in_one_snapshot_while_others_write() {
    let database = database("snapshot");
    make_table(&database);
    let before = psql(&database, "SELECT * FROM t");
    let tap = tap(&database, json!({"partitions": 3}));
    let selected = select(&tap, "public.t", None);
    let partitions = tap.plan(&selection(&selected, &BTreeMap::new())).unwrap();
    let mut rows = Vec::new();
    for partition in &partitions {
        database.psql("UPDATE t SET word = 'moved' WHERE id % 3 = 0; DELETE FROM t WHERE id % 5 = 0; INSERT INTO t SELECT max(id) + 1, 'new' FROM t").unwrap();
        rows.extend(drain(&mut *open(&tap, request(partition, &selected, None, 100)).unwrap()).unwrap().rows);
    }
    assert_eq!(sorted(rows), before);
}

#[test]
fn a_table_cannot_be_altered_while_its_parts_are_read() {
    let database = database("altered");
    make_table(&database);
    let before = psql(&database, "SELECT * FROM t");
    let tap = tap(&database, json!({"partitions": 2}));
    let selected = select(&tap, "public.t", None);
    let partitions = tap.plan(&selection(&selected, &BTreeMap::new())).unwrap();
    let mut rows = Vec::new();
    for partition in &partitions {
        let mut reader = open(&tap, request(partition, &selected, None, 100)).unwrap();
        let mut came = Came::default();
        while came.rows.is_empty() {
            assert!(step(&mut *reader, &mut came).unwrap());
        }
        let altered = database.psql("SET lock_timeout = '100ms'; ALTER TABLE t DROP COLUMN word");
        assert!(altered.unwrap_err().to_string().contains("lock timeout"));
        while step(&mut *reader, &mut came).unwrap() {}
        rows.extend(came.rows);
    }
    assert_eq!(sorted(rows), before);
}

#[test]
fn a_view_whose_table_is_filled_anew_meanwhile_is_not_taken_for_empty() {
    let database = database("refilled");
    database
        .psql("CREATE TABLE t (id int); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT * FROM t")
        .unwrap();
    let tap = tap(&database, json!({}));
    let selected = select(&tap, "public.v", None);
    let plan = tap.plan(&selection(&selected, &BTreeMap::new())).unwrap();
    let mut refill = client(&database);
    refill.run("BEGIN; TRUNCATE t; INSERT INTO t VALUES (7), (8)").unwrap();
    let outcome = std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            drain(&mut *open(&tap, request(&plan[0], &selected, None, 10)).unwrap()).map(|came| came.rows)
        });
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass";
        let deadline = Instant::now() + Duration::from_secs(30);
        while database.psql(waits).unwrap().trim() == "0" {
            assert!(Instant::now() < deadline, "nobody waits for the table");
        }
        refill.run("COMMIT").unwrap();
        reading.join().unwrap()
    });
    // The snapshot is older than its rows: that is no reason to copy nothing over what there was.
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.stream_name()), (ErrorKind::Unavailable, Some("public.v")));
    assert!(error.message().contains("`t` was truncated or rewritten"), "{error}");
    let again = drain(&mut *open(&tap, request(&plan[0], &selected, None, 10)).unwrap()).unwrap();
    assert_eq!(sorted(again.rows), ["7", "8"]);
}

/// Reads the parts as far as `done` says, changes the table, and goes on with what is committed, as a new run does.
fn go_on(partitions: usize, done: &[usize], change: &str) -> (bool, bool) {
    let database = database("resume");
    make_table(&database);
    settle(&database, "t");
    let options = json!({"partitions": partitions});
    let first = tap(&database, options.clone());
    let selected = select(&first, "public.t", None);
    let plan = first.plan(&selection(&selected, &BTreeMap::new())).unwrap();
    let (mut bookmarks, mut rows) = (BTreeMap::new(), Vec::new());
    for (partition, checkpoints) in plan.iter().zip(done) {
        let mut reader = open(&first, request(partition, &selected, None, 50)).unwrap();
        let mut came = Came::default();
        while came.checkpoints.len() < *checkpoints && step(&mut *reader, &mut came).unwrap() {}
        if let Some((covered, bookmark)) = came.checkpoints.last() {
            bookmarks.insert(partition.id.clone(), bookmark.clone());
            rows.extend(came.rows[..*covered].to_vec());
        }
    }
    drop(first);
    database.psql(change).unwrap();
    let second = tap(&database, options);
    // What is at its end is complete for the engine, or will be in a moment: both are gone on with.
    let mut known = selection(&selected, &bookmarks);
    if bookmarks.len() > 1 {
        known.complete = known.bookmarks.extract_if(.., |_, bookmark| bookmark["block"].is_null()).collect();
    }
    let again = second.plan(&known).unwrap();
    let ids = |plan: &[dstream_sdk::Partition]| plan.iter().map(|part| part.id.clone()).collect::<Vec<_>>();
    let goes_on = ids(&again) == ids(&plan);
    assert!(goes_on || ids(&again).iter().all(|id| !ids(&plan).contains(id)));
    if !goes_on {
        (bookmarks, rows) = (BTreeMap::new(), Vec::new());
    }
    for partition in &again {
        let bookmark = bookmarks.get(&partition.id);
        rows.extend(
            drain(&mut *open(&second, request(partition, &selected, bookmark, 50)).unwrap()).unwrap().rows,
        );
    }
    (goes_on, sorted(rows) == psql(&database, "SELECT * FROM t"))
}

#[test]
fn an_interrupted_copy_is_gone_on_with_where_nothing_has_changed() {
    for (partitions, done) in
        [(1, vec![1]), (3, vec![1, 0, 0]), (3, vec![9, 0, 9]), (3, vec![0, 9, 0]), (2, vec![0, 9])]
    {
        assert_eq!(go_on(partitions, &done, "SELECT 1"), (true, true), "{partitions} {done:?}");
    }
}

#[test]
fn rows_that_change_where_nothing_was_read_yet_are_read_as_they_are() {
    for change in [
        "DELETE FROM t WHERE id > 1900",
        "UPDATE t SET word = 'other' WHERE id > 1900",
        // Too large for what is left in the pages that were read.
        "INSERT INTO t SELECT i, (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 59) j) \
         FROM generate_series(3000, 3100) i",
    ] {
        assert_eq!(go_on(3, &[9, 9, 0], change), (true, true), "{change}");
    }
}

#[test]
fn a_copy_starts_over_where_what_was_read_has_changed() {
    let moved =
        "DELETE FROM t WHERE id BETWEEN 1 AND 20; VACUUM t; UPDATE t SET word = 'moved' WHERE id > 1990";
    for change in [
        "INSERT INTO t VALUES (9999, 'x'); DELETE FROM t WHERE id = 1; VACUUM t; UPDATE t SET word = 'y' WHERE id = 2",
        "UPDATE t SET word = word WHERE id = 1",
        "DELETE FROM t WHERE id = 3",
        "BEGIN; SAVEPOINT a; UPDATE t SET word = 'sub' WHERE id = 4; RELEASE a; COMMIT",
        "VACUUM FULL t",
        "TRUNCATE t",
        "ALTER TABLE t ALTER id TYPE int8; ALTER TABLE t ALTER id TYPE int4",
        "CREATE TABLE other AS SELECT * FROM t; DROP TABLE t; ALTER TABLE other RENAME TO t",
        moved,
    ] {
        assert_eq!(go_on(3, &[9, 0, 0], change), (false, true), "{change}");
        assert_eq!(go_on(1, &[1], change), (false, true), "{change}");
    }
}

#[test]
fn a_copy_that_is_complete_is_followed_by_another_one() {
    let database = database("complete");
    make_table(&database);
    for partitions in [1, 3] {
        let tap = tap(&database, json!({"partitions": partitions}));
        let selected = select(&tap, "public.t", None);
        let mut bookmarks = BTreeMap::new();
        read(&tap, &selected, &mut bookmarks).unwrap();
        assert_eq!(bookmarks.len(), partitions);
        let known = Selection { complete: bookmarks, ..selection(&selected, &BTreeMap::new()) };
        let plan = tap.plan(&known).unwrap();
        let mut rows = Vec::new();
        for partition in &plan {
            rows.extend(
                drain(&mut *open(&tap, request(partition, &selected, None, 500)).unwrap()).unwrap().rows,
            );
        }
        assert_eq!(rows.len(), 2000);
    }
}

#[test]
fn a_part_whose_snapshot_is_gone_is_not_read_in_another_one() {
    let database = database("gone");
    make_table(&database);
    let first = tap(&database, json!({"partitions": 2}));
    let selected = select(&first, "public.t", None);
    let plan = first.plan(&selection(&selected, &BTreeMap::new())).unwrap();
    drop(first);
    // The server ends a session a moment after its client has gone, and with it the snapshot.
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let deadline = Instant::now() + Duration::from_secs(30);
    while database.psql(sessions).unwrap().trim() != "0" {
        assert!(Instant::now() < deadline, "the session of the tap does not end");
    }
    let second = tap(&database, json!({"partitions": 2}));
    let error = open(&second, request(&plan[0], &selected, None, 10)).err().unwrap();
    assert_eq!((error.kind(), error.stream_name()), (ErrorKind::BookmarkLost, Some("public.t")));
}

#[test]
fn a_part_is_opened_again_in_the_snapshot_of_the_others() {
    let database = database("again");
    make_table(&database);
    let all = psql(&database, "SELECT * FROM t");
    let tap = tap(&database, json!({"partitions": 2}));
    let selected = select(&tap, "public.t", None);
    let plan = tap.plan(&selection(&selected, &BTreeMap::new())).unwrap();
    let mut rows = Vec::new();
    for partition in &plan {
        drain(&mut *open(&tap, request(partition, &selected, None, 10)).unwrap()).unwrap();
        database.psql("DELETE FROM t WHERE id % 7 = 0").unwrap();
        rows.extend(drain(&mut *open(&tap, request(partition, &selected, None, 10)).unwrap()).unwrap().rows);
    }
    assert_eq!(sorted(rows), all);
}
