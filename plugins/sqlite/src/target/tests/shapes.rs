//! Tables that are there, columns that come and go.

use super::kit::*;
use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, NullArray, RecordBatch, StringArray};
use dstream_sdk::*;
use std::sync::Arc;

fn explicit(table: &str, mode: WriteMode) -> StreamPlan {
    StreamPlan { write_mode_is_explicit: true, ..plan(table, mode) }
}

fn with(name: &str, array: ArrayRef) -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..array.len() as i64));
    batch(vec![("id", id), (name, array)])
}

#[test]
fn a_new_column_is_added_and_a_lost_one_stays() {
    let place = place();
    for mode in [WriteMode::Append, WriteMode::Upsert] {
        let plan = plan(&mode.to_string(), mode);
        let run = place.run();
        run.sync(&plan, &[people(&[(0, "a"), (9, "b")])]).unwrap();
        run.sync(&plan, &[with("email", Arc::new(StringArray::from(vec!["x@y"])))]).unwrap();
    }
    assert_eq!(place.rows("SELECT id, name, email FROM append"), ["0|a|NULL", "9|b|NULL", "0|NULL|x@y"]);
    // A record replaces the whole row, also what its stream no longer says.
    assert_eq!(place.rows("SELECT id, name, email FROM upsert ORDER BY id"), ["0|NULL|x@y", "9|b|NULL"]);
}

#[test]
fn upsert_leaves_columns_alone_that_a_user_added() {
    let place = place();
    let run = place.run();
    run.sync(&plan("t", WriteMode::Upsert), &[people(&[(1, "a")])]).unwrap();
    place.sql("ALTER TABLE t ADD COLUMN note TEXT; UPDATE t SET note = 'mine'");
    run.sync(&plan("t", WriteMode::Upsert), &[people(&[(1, "b")])]).unwrap();
    assert_eq!(place.rows("SELECT * FROM t"), ["1|b|mine"]);
}

#[test]
fn a_schema_may_change_within_a_window() {
    let place = place();
    let batches = [numbers(0..1), people(&[(1, "a")]), numbers(2..3)];
    place.run().sync(&plan("t", WriteMode::Append), &batches).unwrap();
    assert_eq!(place.rows("SELECT id, name FROM t"), ["0|NULL", "1|a", "2|NULL"]);
}

#[test]
fn a_type_that_would_alter_values_is_refused_and_one_that_would_not_is_taken() {
    let place = place();
    let run = place.run();
    let append = plan("t", WriteMode::Append);
    run.sync(&append, &[with("x", Arc::new(Int32Array::from(vec![7])))]).unwrap();
    run.sync(&append, &[with("x", Arc::new(Int64Array::from(vec![i64::MAX])))]).unwrap();
    run.sync(&append, &[with("x", Arc::new(NullArray::new(1)))]).unwrap();
    for other in [Arc::new(StringArray::from(vec!["7"])) as ArrayRef, Arc::new(Float64Array::from(vec![7.0]))]
    {
        assert_error(
            run.sync(&append, &[with("x", other)]),
            ErrorKind::Schema,
            &["`x`", "`t`", "whole numbers"],
        );
    }
    assert_eq!(
        place.rows("SELECT x, typeof(x) FROM t"),
        ["7|integer", "9223372036854775807|integer", "NULL|null"]
    );
    let arrow = place.rows("SELECT arrow FROM _dstreams_columns WHERE \"column\" = 'x'");
    assert!(arrow[0].contains("\"l\""), "{arrow:?}");
}

#[test]
fn a_column_of_nulls_takes_any_type_later() {
    let place = place();
    let run = place.run();
    for (table, later) in [
        ("a", Arc::new(Int64Array::from(vec![7])) as ArrayRef),
        ("b", Arc::new(StringArray::from(vec!["007"]))),
        ("c", Arc::new(Float64Array::from(vec![-0.0]))),
    ] {
        run.sync(&plan(table, WriteMode::Append), &[with("x", Arc::new(NullArray::new(1)))]).unwrap();
        run.sync(&plan(table, WriteMode::Append), &[with("x", later)]).unwrap();
    }
    assert_eq!(
        place.rows("SELECT x FROM a UNION ALL SELECT x FROM b UNION ALL SELECT x FROM c"),
        ["NULL", "7", "NULL", "007", "NULL", "-0.0"]
    );
}

#[test]
fn column_names_that_are_one_to_sqlite_are_refused_by_both_names() {
    let run = place();
    let run = run.run();
    let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let both = batch(vec![("Id", one.clone()), ("id", one)]);
    assert_error(run.sync(&plan("t", WriteMode::Append), &[both]), ErrorKind::Schema, &["`Id`", "`id`"]);
}

#[test]
fn a_stream_without_columns_or_with_too_many_is_refused() {
    let place = place();
    let run = place.run();
    let none = RecordBatch::new_empty(arrow::datatypes::Schema::empty().into());
    assert_error(run.sync(&plan("t", WriteMode::Append), &[none]), ErrorKind::Schema, &["`t`"]);
    let wide = |count: usize| {
        let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let names: Vec<_> = (0..count).map(|at| format!("c{at}")).collect();
        batch(names.iter().map(|name| (name.as_str(), one.clone())).collect())
    };
    run.sync(&plan("wide", WriteMode::Append), &[wide(2000)]).unwrap();
    assert_error(run.sync(&plan("t", WriteMode::Append), &[wide(2001)]), ErrorKind::Schema, &["2001"]);
}

#[test]
fn hostile_names_stay_names() {
    let place = place();
    let run = place.run();
    let name = "x\"; DROP TABLE _dstreams_state;-- 😀\n'[select]";
    for mode in [WriteMode::Append, WriteMode::Upsert, WriteMode::Overwrite] {
        let mut plan = plan(&format!("{mode} {name}"), mode);
        plan.key_properties = vec![name.into()];
        let rows = batch(vec![
            (name, Arc::new(Int64Array::from(vec![1]))),
            ("", Arc::new(Int64Array::from(vec![2]))),
        ]);
        run.sync_and_publish(&plan, &[rows], std::slice::from_ref(&plan)).unwrap();
    }
    assert_eq!(place.tables().len(), 3);
    let nul = batch(vec![("a\0b", Arc::new(Int64Array::from(vec![1])))]);
    assert_error(run.sync(&plan("t", WriteMode::Append), &[nul]), ErrorKind::Schema, &["NUL"]);
    for table in ["sqlite_x", "_dstreams_state", "", "a\0b"] {
        let outcome = run.sync(&plan(table, WriteMode::Append), &[numbers(0..1)]);
        assert_error(outcome, ErrorKind::Config, &["table name"]);
    }
}

#[test]
fn a_table_that_this_pipeline_did_not_make_needs_an_explicit_mode() {
    let place = place();
    let run = place.run();
    for mode in [WriteMode::Append, WriteMode::Upsert, WriteMode::Overwrite] {
        let table = mode.to_string();
        place.sql(&format!("CREATE TABLE \"{table}\" (id INTEGER PRIMARY KEY, name TEXT)"));
        let rows = [people(&[(1, "a")])];
        let refused = run.sync_and_publish(&plan(&table, mode), &rows, &[plan(&table, mode)]);
        assert_error(refused, ErrorKind::Config, &["did not make", &table]);
        let taken = explicit(&table, mode);
        run.sync_and_publish(&taken, &rows, std::slice::from_ref(&taken)).unwrap();
        assert_eq!(place.count(&table), 1);
    }
}

#[test]
fn the_table_of_another_pipeline_is_shared_only_explicitly_and_never_overwritten() {
    let place = place();
    place.run_of("first").sync(&plan("t", WriteMode::Append), &[numbers(0..1)]).unwrap();
    let run = place.run_of("second");
    let outcome = run.sync(&plan("t", WriteMode::Append), &[numbers(1..2)]);
    assert_error(outcome, ErrorKind::Config, &["`first`", "`t`"]);
    run.sync(&explicit("t", WriteMode::Append), &[numbers(1..2)]).unwrap();
    let outcome = run.sync(&explicit("T", WriteMode::Overwrite), &[numbers(1..2)]);
    assert_error(outcome, ErrorKind::Config, &["`first`", "`T`"]);
    assert_eq!(place.count("t"), 2);
    // The first pipeline still owns it.
    place.run_of("first").sync(&plan("t", WriteMode::Append), &[numbers(2..3)]).unwrap();
    assert_eq!(place.count("t"), 3);
}

#[test]
fn a_view_is_never_written() {
    let place = place();
    let run = place.run();
    place.sql("CREATE VIEW v AS SELECT 1 AS id");
    assert_error(
        run.sync(&explicit("v", WriteMode::Append), &[numbers(0..1)]),
        ErrorKind::Config,
        &["view", "`v`"],
    );
}

#[test]
fn a_table_that_would_alter_values_is_refused() {
    let place = place();
    let run = place.run();
    let rows = with("x", Arc::new(StringArray::from(vec!["007"])));
    for (table, columns, word) in [
        ("a", "id INTEGER, x NUMERIC", "NUMERIC"),
        ("b", "id INTEGER, x INTEGER", "INTEGER"),
        ("c", "id TEXT, x TEXT", "`id`"),
        ("d", "id INTEGER, x TEXT AS (id)", "`x`"),
        ("e", "id INTEGER, x TEXT, y TEXT NOT NULL", "`y`"),
    ] {
        place.sql(&format!("CREATE TABLE {table} ({columns})"));
        let outcome = run.sync(&explicit(table, WriteMode::Append), std::slice::from_ref(&rows));
        assert_error(outcome, ErrorKind::Schema, &[word, table]);
    }
    place.sql(
        "CREATE TABLE f (id BIGINT, x VARCHAR(2), y TEXT NOT NULL DEFAULT 'y') STRICT"
            .trim_end_matches(" STRICT"),
    );
    run.sync(&explicit("f", WriteMode::Append), std::slice::from_ref(&rows)).unwrap();
    place.sql("CREATE TABLE g (id INTEGER, x ANY) STRICT");
    run.sync(&explicit("g", WriteMode::Append), &[rows]).unwrap();
    assert_eq!(place.rows("SELECT * FROM f"), ["0|007|y"]);
    assert_eq!(place.rows("SELECT * FROM g"), ["0|007"]);
}

#[test]
fn a_negative_zero_is_refused_where_the_table_would_lose_its_sign() {
    let place = place();
    let run = place.run();
    place.sql("CREATE TABLE t (id INTEGER, x REAL)");
    let rows = |value| [with("x", Arc::new(Float64Array::from(vec![1.0, value])))];
    let outcome = run.sync(&explicit("t", WriteMode::Append), &rows(-0.0));
    assert_error(outcome, ErrorKind::Data, &["-0.0", "`x`", "row 2"]);
    run.sync(&explicit("t", WriteMode::Append), &rows(0.0)).unwrap();
    assert_eq!(place.rows("SELECT x FROM t"), ["1.0", "0.0"]);
}

#[test]
fn upsert_needs_a_unique_index_that_tells_all_keys_apart() {
    let place = place();
    let run = place.run();
    let rows = [people(&[(1, "a"), (1, "b")])];
    let refused = [
        ("CREATE TABLE t (id INTEGER, name TEXT)", "unique index"),
        ("CREATE INDEX i ON t (id)", "unique index"),
        ("CREATE UNIQUE INDEX p ON t (id) WHERE name = 'a'", "unique index"),
        ("CREATE UNIQUE INDEX w ON t (id, name)", "unique index"),
        ("CREATE UNIQUE INDEX n ON t (id COLLATE NOCASE)", "collation"),
    ];
    for (sql, word) in refused {
        place.sql(sql);
        assert_error(run.sync(&explicit("t", WriteMode::Upsert), &rows), ErrorKind::Schema, &[word, "`id`"]);
    }
    place.sql("DROP INDEX n; CREATE UNIQUE INDEX u ON t (id)");
    run.sync(&explicit("t", WriteMode::Upsert), &rows).unwrap();
    assert_eq!(place.rows("SELECT * FROM t"), ["1|b"]);
}

#[test]
fn rows_that_a_table_would_swallow_stop_the_commit() {
    let place = place();
    let run = place.run();
    place.sql(
        "CREATE TABLE t (id INTEGER, name TEXT UNIQUE ON CONFLICT REPLACE);
         CREATE TABLE u (id INTEGER, name TEXT);
         CREATE TRIGGER skip BEFORE INSERT ON u WHEN new.id = 2 BEGIN SELECT raise(IGNORE); END;",
    );
    let rows = [people(&[(1, "a"), (2, "a")])];
    assert_error(run.sync(&explicit("t", WriteMode::Append), &rows), ErrorKind::Data, &["UNIQUE"]);
    assert_error(run.sync(&explicit("u", WriteMode::Append), &rows), ErrorKind::Data, &["trigger"]);
    let many: Vec<_> = (0..100).map(|id| (id, "b")).collect();
    assert_error(run.sync(&explicit("t", WriteMode::Append), &[people(&many)]), ErrorKind::Data, &["UNIQUE"]);
    assert_error(
        run.sync(&explicit("u", WriteMode::Append), &[people(&many)]),
        ErrorKind::Data,
        &["trigger"],
    );
    assert_eq!((place.count("t"), place.count("u")), (0, 0));
}

#[test]
fn a_table_dropped_by_the_user_is_missed_unless_the_stream_starts_over() {
    let place = place();
    let run = place.run();
    run.sync(&plan("t", WriteMode::Append), &[numbers(0..3)]).unwrap();
    place.sql("DROP TABLE t");
    let resumed = StreamPlan { resumed: true, ..plan("t", WriteMode::Append) };
    assert_error(place.run().sync(&resumed, &[numbers(3..4)]), ErrorKind::Schema, &["`t`", "gone"]);
    let again = StreamPlan { generation: 2, ..plan("t", WriteMode::Append) };
    place.run().sync(&again, &[numbers(0..4)]).unwrap();
    assert_eq!(place.count("t"), 4);
}

#[test]
fn a_batch_of_other_columns_than_declared_is_refused() {
    let place = place();
    let run = place.run();
    let mut writer = run.writer(&[plan("t", WriteMode::Append)]);
    writer.declare(0, 1, numbers(0..0).schema()).unwrap();
    assert_error(writer.write(0, 1, people(&[(1, "a")]).into()), ErrorKind::Schema, &["`t`"]);
    let mut writer = run.writer(&[plan("t", WriteMode::Append)]);
    assert_error(writer.write(0, 1, numbers(0..1).into()), ErrorKind::Bug, &["version 1"]);
    assert_error(writer.declare(7, 1, numbers(0..0).schema()), ErrorKind::Bug, &["stream 7"]);
}
