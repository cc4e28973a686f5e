//! Tables that are there, columns that come and go.

use super::kit::*;
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, NullArray, RecordBatch, StringArray,
};
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
fn a_schema_may_change_within_a_window_of_an_upsert() {
    let place = place();
    let batches = [numbers(0..2), people(&[(1, "a")]), numbers(1..3), people(&[(2, "b")])];
    place.run().sync(&plan("t", WriteMode::Upsert), &batches).unwrap();
    assert_eq!(place.rows("SELECT id, name FROM t ORDER BY id"), ["0|NULL", "1|NULL", "2|b"]);
}

#[test]
fn a_wider_type_is_taken_and_another_one_is_refused() {
    let place = place();
    let run = place.run();
    let append = plan("t", WriteMode::Append);
    run.sync(&append, &[with("x", Arc::new(Int32Array::from(vec![7])))]).unwrap();
    run.sync(&append, &[with("x", Arc::new(Int64Array::from(vec![i64::MAX])))]).unwrap();
    run.sync(&append, &[with("x", Arc::new(Int32Array::from(vec![8])))]).unwrap();
    run.sync(&append, &[with("x", Arc::new(NullArray::new(1)))]).unwrap();
    for other in [Arc::new(StringArray::from(vec!["7"])) as ArrayRef, Arc::new(Float64Array::from(vec![7.0]))]
    {
        let outcome = run.sync(&append, &[with("x", other)]);
        assert_error(outcome, ErrorKind::Schema, &["`x`", "`t`", "int8"]);
    }
    assert_eq!(
        place.rows("SELECT x, pg_typeof(x) FROM t"),
        ["7|bigint", "9223372036854775807|bigint", "8|bigint", "NULL|bigint"]
    );
}

#[test]
fn a_column_that_a_view_needs_is_not_widened_and_the_view_is_named() {
    let place = place();
    let run = place.run();
    let append = plan("t", WriteMode::Append);
    run.sync(&append, &[with("x", Arc::new(Int32Array::from(vec![7])))]).unwrap();
    place.sql("CREATE VIEW totals AS SELECT sum(x) FROM t");
    let outcome = run.sync(&append, &[with("x", Arc::new(Int64Array::from(vec![8])))]);
    assert_error(outcome, ErrorKind::Schema, &["`x`", "`t`", "view totals"]);
    assert_eq!(place.rows("SELECT x, pg_typeof(x) FROM t"), ["7|integer"]);
}

#[test]
fn a_column_of_nulls_is_made_with_the_type_that_comes_later() {
    let place = place();
    let run = place.run();
    for (table, later, sql) in [
        ("a", Arc::new(Int64Array::from(vec![7])) as ArrayRef, "bigint"),
        ("b", Arc::new(StringArray::from(vec!["007"])), "text"),
        ("c", Arc::new(Float64Array::from(vec![-0.0])), "double precision"),
    ] {
        run.sync(&plan(table, WriteMode::Append), &[with("x", Arc::new(NullArray::new(1)))]).unwrap();
        run.sync(&plan(table, WriteMode::Append), &[with("x", later)]).unwrap();
        assert_eq!(place.rows(&format!("SELECT pg_typeof(x) FROM {table}")), [sql; 2]);
    }
    assert_eq!(
        place.rows("SELECT x::text FROM a UNION ALL SELECT x FROM b UNION ALL SELECT x::text FROM c"),
        ["NULL", "7", "NULL", "007", "NULL", "-0"]
    );
    let nothing = batch(vec![("x", Arc::new(NullArray::new(3)))]);
    run.sync(&plan("d", WriteMode::Append), &[nothing]).unwrap();
    assert_eq!(place.rows("SELECT count(*), count(x) FROM d"), ["3|0"]);
}

#[test]
fn columns_that_a_table_cannot_have_are_refused_by_name() {
    let place = place();
    let run = place.run();
    let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let long = "é".repeat(32);
    for (names, words) in [
        (["id", "id"], vec!["two columns", "`id`"]),
        (["id", "ctid"], vec!["`ctid`"]),
        (["id", ""], vec!["is empty"]),
        (["id", "a\0b"], vec!["NUL"]),
        (["id", &long], vec!["63 bytes"]),
    ] {
        let fields: Vec<_> = names
            .iter()
            .map(|name| arrow::datatypes::Field::new(*name, arrow::datatypes::DataType::Int64, true))
            .collect();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        let rows = RecordBatch::try_new(schema, vec![one.clone(), one.clone()]).unwrap();
        assert_error(run.sync(&plan("t", WriteMode::Append), &[rows]), ErrorKind::Schema, &words);
    }
    // Names that differ in case, or that are words of SQL, are names like any other.
    let odd = batch(vec![("Id", one.clone()), ("id", one.clone()), ("select", one.clone()), ("oid", one)]);
    run.sync(&plan("t", WriteMode::Append), &[odd]).unwrap();
    assert_eq!(place.rows("SELECT \"Id\", id, \"select\", oid FROM t"), ["1|1|1|1"]);
}

#[test]
fn a_stream_without_columns_or_with_too_many_is_refused() {
    let place = place();
    let run = place.run();
    let none = RecordBatch::new_empty(arrow::datatypes::Schema::empty().into());
    assert_error(run.sync(&plan("t", WriteMode::Append), &[none]), ErrorKind::Schema, &["`t`"]);
    let wide = |count: usize| {
        let one: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
        let names = std::iter::once("id".to_owned()).chain((1..count).map(|at| format!("c{at}")));
        let names: Vec<_> = names.collect();
        batch(names.iter().map(|name| (name.as_str(), one.clone())).collect())
    };
    run.sync(&plan("wide", WriteMode::Append), &[wide(1600)]).unwrap();
    run.sync(&plan("keyed", WriteMode::Upsert), &[wide(1599)]).unwrap();
    assert_error(run.sync(&plan("t", WriteMode::Append), &[wide(1601)]), ErrorKind::Schema, &["1601"]);
    assert_error(run.sync(&plan("t", WriteMode::Upsert), &[wide(1600)]), ErrorKind::Schema, &["1599"]);
    assert_eq!((place.count("wide"), place.count("keyed")), (1, 1));
    assert_eq!(place.tables(), ["keyed", "wide"]);
}

#[test]
fn a_row_wider_than_a_page_is_refused_and_what_stood_there_stays() {
    let place = place();
    let run = place.run();
    let wide = |id: i64, value: &ArrayRef| {
        let id: ArrayRef = Arc::new(Int64Array::from(vec![id]));
        let names: Vec<_> = (1..1_500).map(|at| format!("c{at}")).collect();
        let columns = names.iter().map(|name| (name.as_str(), value.clone()));
        batch(std::iter::once(("id", id)).chain(columns).collect())
    };
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    // Too short to be moved out of the row.
    let text: ArrayRef = Arc::new(StringArray::from(vec!["sixteen letters."]));
    for (name, value) in [("numbers", number), ("texts", text)] {
        let null = arrow::array::new_null_array(value.data_type(), 1);
        for mode in [WriteMode::Append, WriteMode::Upsert] {
            let plan = plan(&format!("{name}_{mode}"), mode);
            run.sync(&plan, &[wide(1, &null)]).unwrap();
            let outcome = run.sync(&plan, &[wide(2, &null), wide(3, &value)]);
            let error = outcome.as_ref().unwrap_err();
            assert!(error.hint_text().is_some_and(|hint| hint.contains("columns")), "{error:?}");
            assert_error(outcome, ErrorKind::Data, &[&format!("stream `{}`", plan.stream), "8160"]);
            assert_eq!(place.rows(&format!("SELECT id FROM {}", plan.table)), ["1"]);
        }
    }
}

#[test]
fn hostile_names_stay_names() {
    let place = place();
    let run = place.run();
    let name = "x\"; DROP TABLE _dstreams_state;-- 😀\n'";
    for mode in [WriteMode::Append, WriteMode::Upsert, WriteMode::Overwrite] {
        let mut plan = plan(&format!("{mode} {name}"), mode);
        plan.key_properties = vec![name.into()];
        let rows = batch(vec![
            (name, Arc::new(Int64Array::from(vec![1]))),
            ("$1", Arc::new(Int64Array::from(vec![2]))),
        ]);
        run.sync_and_publish(&plan, &[rows], std::slice::from_ref(&plan)).unwrap();
    }
    let wanted =
        "SELECT count(*) FROM pg_class WHERE relname ~ '^(append|upsert|overwrite) x' AND relkind = 'r'";
    assert_eq!(place.rows(wanted), ["3"]);
    let nul = batch(vec![("a\0b", Arc::new(Int64Array::from(vec![1])))]);
    assert_error(run.sync(&plan("t", WriteMode::Append), &[nul]), ErrorKind::Schema, &["NUL"]);
    for table in ["_dstreams_state", "_DSTREAMS_x", "", "a\0b", &"x".repeat(64)] {
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
        place.sql(&format!("CREATE TABLE \"{table}\" (id bigint PRIMARY KEY, name text)"));
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
    let outcome = run.sync(&explicit("t", WriteMode::Overwrite), &[numbers(1..2)]);
    assert_error(outcome, ErrorKind::Config, &["`first`", "`t`"]);
    assert_eq!(place.count("t"), 2);
    // The first pipeline still owns it.
    place.run_of("first").sync(&plan("t", WriteMode::Append), &[numbers(2..3)]).unwrap();
    assert_eq!(place.count("t"), 3);
}

#[test]
fn what_is_no_table_is_never_written() {
    let place = place();
    let run = place.run();
    place.sql(
        "CREATE VIEW v AS SELECT 1::bigint AS id; CREATE MATERIALIZED VIEW m AS SELECT 1::bigint AS id;
         CREATE SEQUENCE s; CREATE FOREIGN DATA WRAPPER w; CREATE SERVER o FOREIGN DATA WRAPPER w;
         CREATE FOREIGN TABLE f (id bigint) SERVER o",
    );
    for (name, word) in
        [("v", "a view"), ("m", "a materialised view"), ("s", "a sequence"), ("f", "a foreign table")]
    {
        for mode in [WriteMode::Append, WriteMode::Upsert, WriteMode::Overwrite] {
            let outcome = run.replace(&explicit(name, mode), &[numbers(0..1)]);
            assert_error(outcome, ErrorKind::Config, &[word, &format!("`{name}`")]);
        }
    }
}

#[test]
fn a_table_that_would_alter_values_is_refused() {
    let place = place();
    let run = place.run();
    let rows = with("x", Arc::new(StringArray::from(vec!["007"])));
    for (table, columns, word) in [
        ("a", "id bigint, x numeric", "numeric"),
        ("b", "id bigint, x integer", "int4"),
        ("c", "id text, x text", "`id`"),
        ("e", "id bigint, x text, y text NOT NULL", "`y`"),
        ("g", "id bigint, x varchar(2)", "`x`"),
    ] {
        place.sql(&format!("CREATE TABLE {table} ({columns})"));
        let outcome = run.sync(&explicit(table, WriteMode::Append), std::slice::from_ref(&rows));
        assert!(outcome.is_err(), "{table}");
        let error = outcome.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Schema | ErrorKind::Data), "{error}");
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(place.count(table), 0);
    }
    place.sql("CREATE TABLE f (y text NOT NULL DEFAULT 'y', x varchar, id bigint)");
    run.sync(&explicit("f", WriteMode::Append), std::slice::from_ref(&rows)).unwrap();
    assert_eq!(place.rows("SELECT * FROM f"), ["y|007|0"]);
}

#[test]
fn what_the_server_computes_is_left_to_it() {
    let place = place();
    let run = place.run();
    let rows = people(&[(1, "a"), (2, "b")]);
    for mode in [WriteMode::Append, WriteMode::Upsert] {
        let table = mode.to_string();
        place.sql(&format!(
            "CREATE TABLE \"{table}\" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
               name text GENERATED ALWAYS AS ('nr ' || (id::text COLLATE \"C\")) STORED)"
        ));
        let plan = explicit(&table, mode);
        run.sync(&plan, std::slice::from_ref(&rows)).unwrap();
        assert_eq!(place.rows(&format!("SELECT * FROM {table} ORDER BY 1")), ["1|nr 1", "2|nr 2"]);
    }
    place.sql("CREATE TABLE t (id bigint PRIMARY KEY, name bigint GENERATED ALWAYS AS IDENTITY)");
    let rows = batch(vec![
        ("id", Arc::new(Int64Array::from(vec![1]))),
        ("name", Arc::new(Int64Array::from(vec![7]))),
    ]);
    let outcome = run.sync(&explicit("t", WriteMode::Upsert), std::slice::from_ref(&rows));
    assert_error(outcome, ErrorKind::Schema, &["`name`", "IDENTITY"]);
    run.sync(&explicit("t", WriteMode::Append), &[rows]).unwrap();
    assert_eq!(place.rows("SELECT * FROM t"), ["1|7"]);
}

#[test]
fn upsert_needs_a_unique_index_that_tells_all_keys_apart() {
    let place = place();
    let run = place.run();
    let rows = [people(&[(1, "a"), (1, "b")])];
    let refused = [
        "CREATE TABLE t (id bigint, name text)",
        "CREATE INDEX i ON t (id)",
        "CREATE UNIQUE INDEX p ON t (id) WHERE name = 'a'",
        "CREATE UNIQUE INDEX w ON t (id, name)",
        "CREATE UNIQUE INDEX e ON t ((id + 0))",
        "ALTER TABLE t ADD CONSTRAINT d UNIQUE (id) DEFERRABLE INITIALLY DEFERRED",
    ];
    for sql in refused {
        place.sql(sql);
        let outcome = run.sync(&explicit("t", WriteMode::Upsert), &rows);
        assert_eq!(
            outcome.as_ref().unwrap_err().hint_text().unwrap().split(',').next(),
            Some("run `CREATE UNIQUE INDEX ON \"t\" (\"id\")`")
        );
        assert_error(outcome, ErrorKind::Schema, &["unique index", "`id`"]);
    }
    place.sql("ALTER TABLE t DROP CONSTRAINT d; CREATE UNIQUE INDEX u ON t (id) INCLUDE (name)");
    run.sync(&explicit("t", WriteMode::Upsert), &rows).unwrap();
    assert_eq!(place.rows("SELECT * FROM t"), ["1|b"]);
}

#[test]
fn keys_that_a_collation_or_a_type_takes_for_one_are_refused() {
    let place = place();
    let run = place.run();
    place.sql(
        "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE a (id text COLLATE blind PRIMARY KEY);
         CREATE TABLE b (id text COLLATE \"C\" PRIMARY KEY)",
    );
    let rows = [batch(vec![("id", Arc::new(StringArray::from(vec!["a", "A"])))])];
    let outcome = run.sync(&explicit("a", WriteMode::Upsert), &rows);
    assert_error(outcome, ErrorKind::Schema, &["`id`", "collation"]);
    run.sync(&explicit("b", WriteMode::Upsert), &rows).unwrap();
    assert_eq!((place.count("a"), place.count("b")), (0, 2));
}

#[test]
fn rows_that_a_table_would_swallow_stop_the_window() {
    let place = place();
    let run = place.run();
    place.sql(
        "CREATE TABLE t (id bigint PRIMARY KEY, name text);
         CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN IF new.id = 2 THEN RETURN NULL; END IF; RETURN new; END';
         CREATE TRIGGER skip BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION skip();
         CREATE TABLE r (id bigint, name text); CREATE RULE no AS ON INSERT TO r DO INSTEAD NOTHING;
         CREATE TABLE p (id bigint, name text CHECK (name <> 'no'))",
    );
    let rows = [people(&[(1, "a"), (2, "a"), (2, "b")])];
    for mode in [WriteMode::Append, WriteMode::Upsert] {
        assert_error(run.sync(&explicit("t", mode), &rows[..]), ErrorKind::Data, &[]);
    }
    run.sync(&explicit("t", WriteMode::Upsert), &[people(&[(1, "a"), (1, "b"), (3, "c")])]).unwrap();
    assert_error(run.sync(&explicit("r", WriteMode::Append), &rows), ErrorKind::Schema, &["rules"]);
    let rows = [people(&[(1, "ok"), (2, "no")])];
    assert_error(
        run.sync(&explicit("p", WriteMode::Append), &rows),
        ErrorKind::Data,
        &["p_name_check", "`p`"],
    );
    assert_eq!((place.count("t"), place.count("r"), place.count("p")), (2, 0, 0));
}

#[test]
fn partitioned_tables_take_rows_where_a_key_allows() {
    let place = place();
    let run = place.run();
    place.sql(
        "CREATE TABLE t (id bigint PRIMARY KEY, name text) PARTITION BY RANGE (id);
         CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
         CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20)",
    );
    run.sync(&explicit("t", WriteMode::Append), &[people(&[(1, "a"), (11, "b")])]).unwrap();
    run.sync(&explicit("t", WriteMode::Upsert), &[people(&[(1, "c"), (12, "d")])]).unwrap();
    assert_eq!(
        place.rows("SELECT tableoid::regclass, * FROM t ORDER BY id"),
        ["t1|1|c", "t2|11|b", "t2|12|d"]
    );
    let outcome = run.sync(&explicit("t", WriteMode::Append), &[people(&[(99, "a")])]);
    assert_error(outcome, ErrorKind::Data, &["`t`", "partition"]);
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
