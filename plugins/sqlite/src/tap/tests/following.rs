//! Following a replication key: nothing is lost, nothing comes twice.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use dstream_sdk::*;
use serde_json::json;

use super::kit::*;

const TIES: &str = "
CREATE TABLE t (id INTEGER PRIMARY KEY, n INT, r REAL, d DECIMAL(8,2), at DATETIME, day DATE);
WITH RECURSIVE i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i WHERE i < 99)
INSERT INTO t SELECT i, i / 7, i / 7 / 2.0, i / 7 * 1.25, datetime('2024-01-01', (i / 7) || ' hours'),
  date('2024-01-01', (i / 7) || ' days') FROM i ORDER BY random();";

fn ids(reading: &Reading) -> Vec<i64> {
    let ids = reading.batches.iter().map(|batch| batch["id"].as_primitive::<Int64Type>().values().to_vec());
    ids.collect::<Vec<_>>().concat()
}

#[test]
fn reading_on_from_any_bookmark_gives_exactly_the_rest() {
    let source = source(TIES);
    for key in ["id", "n", "r", "d", "at", "day"] {
        let all = source.follow(json!({}), "t", key, None, 9).unwrap();
        assert_eq!(ids(&all).len(), 100, "{key}");
        assert_eq!(all.bookmarks.last().unwrap().0, all.batches.len());
        for (batches, bookmark) in &all.bookmarks {
            let rest = source.follow(json!({}), "t", key, Some(bookmark.clone()), 13).unwrap();
            let done: usize = all.batches[..*batches].iter().map(|batch| batch.num_rows()).sum();
            assert_eq!(ids(&rest), ids(&all)[done..], "{key} from {bookmark}");
        }
    }
}

#[test]
fn rows_that_come_later_with_the_value_of_the_bookmark_come_once() {
    let source = source(TIES);
    for key in ["n", "r", "d", "at", "day"] {
        let first = source.follow(json!({}), "t", key, None, 50).unwrap();
        source.sql(
            "INSERT INTO t SELECT -1, n, r, d, at, day FROM t WHERE id = 99;
             INSERT INTO t SELECT 1000, n + 1, r + 1, d + 1, datetime(at, '1 hour'), date(day, '1 day') FROM t WHERE id = 99;
             INSERT INTO t SELECT -2, n, r, d, at, day FROM t WHERE id = 3"
        );
        let second = source.follow(json!({}), "t", key, first.last_bookmark(), 50).unwrap();
        assert_eq!(ids(&second), [-1, 1000], "{key}");
        let third = source.follow(json!({}), "t", key, second.last_bookmark(), 50).unwrap();
        assert_eq!((third.rows(), third.last_bookmark()), (0, second.last_bookmark()), "{key}");
        source.sql("DELETE FROM t WHERE id < 0 OR id > 99");
    }
}

#[test]
fn rows_without_a_value_are_read_in_the_first_run_alone() {
    let source =
        source("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT); INSERT INTO t VALUES (1, NULL), (2, NULL)");
    let first = source.follow(json!({}), "t", "n", None, 1).unwrap();
    assert_eq!(ids(&first), [1, 2]);
    assert_eq!(first.last_bookmark(), Some(json!({"n": null})));
    source.sql("INSERT INTO t VALUES (3, NULL), (4, 7)");
    let second = source.follow(json!({}), "t", "n", first.last_bookmark(), 1).unwrap();
    assert_eq!(ids(&second), [4]);
    let empty = super::kit::source("CREATE TABLE t (id INT, n INT)");
    let nothing = empty.follow(json!({}), "t", "n", None, 1).unwrap();
    assert_eq!(nothing.last_bookmark(), Some(json!({"n": null})));
}

#[test]
fn ten_thousand_rows_of_one_value_lose_nothing_at_any_bookmark() {
    let source = source(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT);
         WITH RECURSIVE i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i WHERE i < 12000)
         INSERT INTO t SELECT i, CASE WHEN i < 1000 THEN i WHEN i < 11000 THEN 5000 ELSE i END FROM i",
    );
    let all = source.follow(json!({}), "t", "n", None, 500).unwrap();
    assert_eq!(all.rows(), 12_001);
    for (batches, bookmark) in &all.bookmarks {
        let rest = source.follow(json!({}), "t", "n", Some(bookmark.clone()), 5_000).unwrap();
        let done: usize = all.batches[..*batches].iter().map(|batch| batch.num_rows()).sum();
        assert_eq!(ids(&rest), ids(&all)[done..], "{done}");
    }
}

#[test]
fn dates_that_are_not_written_alike_are_refused_and_never_skipped() {
    for (first, second) in [
        ("2024-01-01T00:00:00", "2024-01-01 05:00:00"),
        ("2024-01-01 00:00:00", "2024-01-01 05:00:00.000"),
        ("2024-01-01 00:00:00Z", "2024-01-01 05:00:00"),
        ("2024-01-01", "2024-01-02 00:00:00"),
        ("2024-01-01", "01/02/2024"),
        ("2024-01-01 00:00:00+02:00", "2024-01-01 05:00:00+02:00"),
    ] {
        let source = source("CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME)");
        source.sql(&format!("INSERT INTO t VALUES (1, '{first}')"));
        let run = |bookmark| source.follow(json!({}), "t", "at", bookmark, 10);
        let outcome = run(None);
        if first.contains('+') {
            assert_error(outcome, ErrorKind::Data, &["`at`", "not written alike"]);
            continue;
        }
        let bookmark = outcome.unwrap().last_bookmark();
        source.sql(&format!("INSERT INTO t VALUES (2, '{second}')"));
        assert_error(run(bookmark.clone()), ErrorKind::Data, &["`at`", "not written alike"]);
        assert_error(run(None), ErrorKind::Data, &["`at`", "not written alike"]);
        source.sql("UPDATE t SET at = 5 WHERE id = 2");
        assert!(run(bookmark).is_err(), "a number is no date");
    }
}

#[test]
fn a_column_without_an_order_is_refused_as_replication_key() {
    let source = source(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, raw BLOB); INSERT INTO t VALUES (1, '9', x'')",
    );
    assert_eq!(source.stream(json!({}), "t").replication_keys, ["id"]);
    assert_error(source.follow(json!({}), "t", "name", None, 1), ErrorKind::Config, &["`name`", "no order"]);
    let unsupported = source.follow(json!({}), "t", "raw", None, 1).unwrap_err();
    assert!(matches!(unsupported.kind(), ErrorKind::Config | ErrorKind::Unsupported), "{unsupported}");
}

#[test]
fn a_bookmark_of_something_else_is_refused() {
    let source = source(TIES);
    for bookmark in [json!("x"), json!([]), json!({"other": 1}), json!({"n": "x"}), json!({"n": {}})] {
        let error = source.follow(json!({}), "t", "n", Some(bookmark.clone()), 10).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::BookmarkLost | ErrorKind::Config), "{bookmark}: {error}");
    }
    let wanted = wanted(&source.stream(json!({}), "t"), None);
    let outcome = read(&source.tap(json!({})), &wanted, Some(json!({"id": 1})), 10);
    assert_error(outcome, ErrorKind::BookmarkLost, &["full table"]);
}

#[test]
fn lookback_begins_earlier_and_needs_a_key() {
    let source = source(TIES);
    let first = source.follow(json!({}), "t", "n", None, 50).unwrap();
    let again = source.follow(json!({"lookback": {"t": 2}}), "t", "n", first.last_bookmark(), 50).unwrap();
    assert_eq!(ids(&again), (84..100).collect::<Vec<_>>());
    assert_eq!(again.last_bookmark(), first.last_bookmark());
    assert_error(
        source.follow(
            json!({"lookback": {"t": 2}}),
            "t",
            "at",
            Some(json!({"at": "2024-01-01 00:00:00"})),
            5,
        ),
        ErrorKind::Config,
        &["`lookback`", "`at`"],
    );
    let keyless = super::kit::source("CREATE TABLE t (n INT)");
    let outcome = keyless.follow(json!({"lookback": {"t": 2}}), "t", "n", Some(json!({"n": 1})), 5);
    assert_error(outcome, ErrorKind::Config, &["not upserted"]);
    // The newest rows are gone: the bookmark stays where it was.
    source.sql("DELETE FROM t WHERE n > 12");
    let less = source.follow(json!({"lookback": {"t": 2}}), "t", "n", first.last_bookmark(), 50).unwrap();
    assert_eq!(less.last_bookmark().unwrap()["n"], first.last_bookmark().unwrap()["n"]);
}

#[test]
fn what_this_connector_wrote_is_followed_by_its_own_type() {
    use crate::target::tests::kit as write;
    use arrow::array::*;
    use std::sync::Arc;
    let place = write::place();
    let dates = Date32Array::from(vec![-1, 0, 20_000]);
    let times = TimestampNanosecondArray::from(vec![-1, 0, 1_700_000_000_000_000_001]).with_timezone("UTC");
    let decimals = Decimal128Array::from(vec![-1_050, 950, 10_000]).with_precision_and_scale(10, 2).unwrap();
    let large = UInt64Array::from(vec![9, 10, u64::MAX]);
    let records = write::batch(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
        ("day", Arc::new(dates)),
        ("at", Arc::new(times)),
        ("total", Arc::new(decimals)),
        ("large", Arc::new(large)),
    ]);
    place.run().sync(&write::plan("t", WriteMode::Append), &[records]).unwrap();
    let source = Source { path: place.path, folder: place.folder };
    for key in ["id", "day", "at", "total", "large"] {
        let all = source.follow(json!({}), "t", key, None, 1).unwrap();
        assert_eq!(ids(&all), [1, 2, 3], "{key}");
        for (batches, bookmark) in &all.bookmarks {
            let rest = source.follow(json!({}), "t", key, Some(bookmark.clone()), 5).unwrap();
            assert_eq!(ids(&rest), ids(&all)[*batches..], "{key} {bookmark}");
        }
    }
    let hour =
        source.follow(json!({"lookback": {"t": 3600}}), "t", "day", Some(json!({"day": "1970-01-02"})), 5);
    assert!(hour.is_err(), "no key");
}

#[test]
fn a_row_of_the_year_9999_does_not_blind() {
    for (declared, key, values) in [
        ("DATETIME", "at", ["9999-12-31 00:00:00", "2024-01-01 00:00:00", "2024-01-02 00:00:00"]),
        ("DATETIME", "at", ["9999-12-31T00:00:00Z", "2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"]),
        ("DATE", "at", ["9999-12-31", "2024-01-01", "2024-01-02"]),
        ("TIME", "at", ["23:59:58", "00:00:01", "23:59:59"]),
    ] {
        let [poison, first, second] = values;
        let source = source(&format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, at {declared}); INSERT INTO t VALUES (1, '{poison}'), (2, '{first}'), (3, NULL)"
        ));
        let run = |bookmark| source.follow(json!({}), "t", key, bookmark, 10).unwrap();
        let is_day = declared == "TIME";
        let first_run = run(None);
        assert_eq!(ids(&first_run), if is_day { vec![3, 2, 1] } else { vec![3, 2] }, "{poison}");
        source.sql(&format!("INSERT INTO t VALUES (4, '{second}')"));
        assert_eq!(ids(&run(first_run.last_bookmark())), [4], "{poison}");
    }
}

#[test]
fn a_time_that_has_come_somewhere_is_read() {
    for (form, offset, is_read) in [
        ("%Y-%m-%d %H:%M:%S", "+13 hours", true),
        ("%Y-%m-%dT%H:%M", "+13 hours", true),
        ("%Y-%m-%d %H:%M:%S", "+15 hours", false),
        ("%Y-%m-%dT%H:%M:%fZ", "-1 second", true),
        ("%Y-%m-%dT%H:%M:%fZ", "+1 hours", false),
        ("%Y-%m-%d", "+0 days", true),
        ("%Y-%m-%d", "+2 days", false),
    ] {
        let source = source(&format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME); INSERT INTO t VALUES (1, strftime('{form}', 'now', '{offset}'))"
        ));
        let reading = source.follow(json!({}), "t", "at", None, 10).unwrap();
        assert_eq!(reading.rows(), usize::from(is_read), "{form} {offset}");
    }
}
