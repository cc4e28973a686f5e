//! First copies of streams with a key.

use super::kit::*;
use arrow::array::RecordBatch;
use dstream_sdk::{ErrorKind, WriteMode, with_unique_columns};
use serde_json::json;

/// As a source with `id` for its primary key gives them.
fn unique(rows: &[(i64, &str)]) -> RecordBatch {
    let rows = people(rows);
    let schema = with_unique_columns(rows.schema(), &["id".to_owned()]);
    RecordBatch::try_new(schema, rows.columns().to_vec()).unwrap()
}

/// Tables of sessions, through which rows pass that are merged.
fn stages(place: &Place) -> Vec<String> {
    place.rows("SELECT relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'")
}

const ROWS: &str = "SELECT id, name FROM u ORDER BY id";

#[test]
fn rows_with_a_key_that_the_source_keeps_unique_are_not_merged_in_their_first_copy() {
    let place = place();
    let run = place.run();
    let plan = plan("u", WriteMode::Upsert);
    for rows in [unique(&[(1, "a"), (2, "b")]), unique(&[(3, "c")])] {
        let mut writer = run.writer(std::slice::from_ref(&plan));
        writer.declare(0, 1, rows.schema()).unwrap();
        assert_eq!(stages(&place), [""; 0]);
        drop(writer);
        run.sync(&plan, &[rows]).unwrap();
    }
    assert_eq!(place.rows(ROWS), ["1|a", "2|b", "3|c"]);
    // A later run finds rows, and merges.
    place.run().sync(&plan, &[unique(&[(2, "B"), (4, "d")])]).unwrap();
    assert_eq!(place.rows(ROWS), ["1|a", "2|B", "3|c", "4|d"]);
}

#[test]
fn two_rows_of_a_first_copy_with_one_key_are_merged_when_the_lane_comes_again() {
    let place = place();
    let run = place.run();
    let plan = plan("u", WriteMode::Upsert);
    let twice = [unique(&[(1, "old"), (2, "b")]), unique(&[(1, "new")])];
    assert_error(run.sync(&plan, &twice), ErrorKind::Unavailable, &["`u`", "one key", "merged"]);
    assert_eq!(place.count("u"), 0);
    run.sync(&plan, &twice).unwrap();
    assert_eq!(place.rows(ROWS), ["1|new", "2|b"]);
}

#[test]
fn a_key_of_an_earlier_window_is_merged_too() {
    let place = place();
    let run = place.run();
    let plan = plan("u", WriteMode::Upsert);
    run.sync(&plan, &[unique(&[(1, "old"), (2, "b")])]).unwrap();
    let later = [unique(&[(3, "c"), (1, "new")])];
    assert_error(run.sync(&plan, &later), ErrorKind::Unavailable, &["one key"]);
    assert_eq!(place.rows(ROWS), ["1|old", "2|b"]);
    run.sync(&plan, &later).unwrap();
    assert_eq!(place.rows(ROWS), ["1|new", "2|b", "3|c"]);
}

#[test]
fn rows_are_merged_where_nobody_vouches_for_their_key() {
    let place = place();
    let plan = plan("u", WriteMode::Upsert);
    let other = people(&[(1, "old"), (1, "new")]);
    let by_name = with_unique_columns(other.schema(), &["name".to_owned()]);
    for rows in [other.clone(), RecordBatch::try_new(by_name, other.columns().to_vec()).unwrap()] {
        place.run().sync(&plan, &[rows]).unwrap();
        assert_eq!(place.rows(ROWS), ["1|new"]);
        place.sql("TRUNCATE u");
    }
}

#[test]
fn rows_that_mark_themselves_as_deleted_are_merged() {
    let place = place();
    let plan = plan("u", WriteMode::Upsert);
    let rows = unique(&[(1, "a"), (2, "x")]);
    let run = place.run_with(json!({"deletes": "hard", "delete_column": "name"}));
    run.sync(&plan, &[rows]).unwrap();
    assert_eq!(place.count("u"), 0);
}

#[test]
fn a_unique_index_of_the_user_keeps_its_word() {
    let place = place();
    place.run().sync(&plan("u", WriteMode::Upsert), &[unique(&[])]).unwrap();
    place.sql("CREATE UNIQUE INDEX ON u (name)");
    let run = place.run();
    let plan = plan("u", WriteMode::Upsert);
    let rows = [unique(&[(1, "same"), (2, "same")])];
    assert_error(run.sync(&plan, &rows), ErrorKind::Unavailable, &["one key"]);
    assert_error(run.sync(&plan, &rows), ErrorKind::Data, &["u_name_idx"]);
    assert_eq!(place.count("u"), 0);
}
