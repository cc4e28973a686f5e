//! Append, upsert, overwrite.

use super::kit::*;
use arrow::array::{Int64Array, StringArray};
use dstream_sdk::*;
use std::sync::Arc;

#[test]
fn append_makes_every_record_a_row() {
    let place = place();
    let run = place.run();
    for _ in 0..2 {
        run.sync(&plan("t", WriteMode::Append), &[people(&[(1, "a"), (1, "a")])]).unwrap();
    }
    assert_eq!(place.rows("SELECT * FROM t"), ["1|a"; 4]);
}

#[test]
fn upsert_replaces_the_row_of_the_key_and_the_newest_wins() {
    let place = place();
    let run = place.run();
    let upsert = plan("t", WriteMode::Upsert);
    run.sync(&upsert, &[people(&[(1, "a"), (2, "b"), (1, "c")]), people(&[(2, "d")])]).unwrap();
    assert_eq!(place.rows("SELECT * FROM t ORDER BY id"), ["1|c", "2|d"]);
    run.sync(&upsert, &[people(&[(2, "e"), (3, "f")])]).unwrap();
    assert_eq!(place.rows("SELECT * FROM t ORDER BY id"), ["1|c", "2|e", "3|f"]);
}

#[test]
fn upsert_keeps_the_newest_of_many_rows_with_few_keys() {
    let place = place();
    let names: Vec<String> = (0..1000).map(|row| format!("n{row}")).collect();
    let rows: Vec<(i64, &str)> =
        names.iter().enumerate().map(|(row, name)| ((row % 7) as i64, name.as_str())).collect();
    place.run().sync(&plan("t", WriteMode::Upsert), &[people(&rows)]).unwrap();
    let expected: Vec<String> =
        (0..7).map(|id| format!("{id}|n{}", (0..1000).rev().find(|row| row % 7 == id).unwrap())).collect();
    assert_eq!(place.rows("SELECT * FROM t ORDER BY id"), expected);
}

#[test]
fn upsert_takes_rows_that_are_keys_alone() {
    let place = place();
    let run = place.run();
    for _ in 0..2 {
        run.sync(&plan("t", WriteMode::Upsert), &[numbers(0..100), numbers(50..101)]).unwrap();
    }
    assert_eq!(place.rows("SELECT count(*), max(id) FROM t"), ["101|100"]);
}

#[test]
fn upsert_takes_a_key_of_several_columns() {
    let place = place();
    let mut upsert = plan("t", WriteMode::Upsert);
    upsert.key_properties = vec!["name".into(), "id".into()];
    place.run().sync(&upsert, &[people(&[(1, "a"), (1, "b"), (1, "a")])]).unwrap();
    assert_eq!(place.rows("SELECT * FROM t ORDER BY name"), ["1|a", "1|b"]);
}

#[test]
fn upsert_without_a_key_or_with_an_unknown_one_is_refused() {
    let place = place();
    let run = place.run();
    let mut upsert = plan("t", WriteMode::Upsert);
    upsert.key_properties = vec![];
    assert_error(run.sync(&upsert, &[numbers(0..1)]), ErrorKind::Config, &["key"]);
    upsert.key_properties = vec!["other".into()];
    assert_error(run.sync(&upsert, &[numbers(0..1)]), ErrorKind::Config, &["`other`"]);
}

#[test]
fn a_null_key_is_refused_with_the_column_and_the_row() {
    let place = place();
    let run = place.run();
    let rows = batch(vec![
        ("id", Arc::new(Int64Array::from(vec![Some(1), None]))),
        ("name", Arc::new(StringArray::from(vec!["a", "b"]))),
    ]);
    assert_error(
        run.sync(&plan("t", WriteMode::Upsert), &[rows]),
        ErrorKind::Data,
        &["`id`", "row 2", "`t`"],
    );
    assert_eq!(place.count("t"), 0);
}

#[test]
fn an_empty_stream_still_makes_its_table() {
    let place = place();
    let run = place.run();
    for mode in [WriteMode::Append, WriteMode::Upsert] {
        let table = mode.to_string();
        run.sync(&plan(&table, mode), &[people(&[])]).unwrap();
        assert_eq!(place.count(&table), 0);
    }
    let mut writer = run.writer(&[plan("declared", WriteMode::Append)]);
    writer.declare(0, 1, people(&[]).schema()).unwrap();
    let commit = run.commit_of(writer.prepare(1).unwrap(), "declared", 1);
    run.target.commit(&commit).unwrap();
    assert_eq!(place.count("declared"), 0);
    let overwrite = plan("over", WriteMode::Overwrite);
    run.sync_and_publish(&overwrite, &[people(&[])], std::slice::from_ref(&overwrite)).unwrap();
    assert_eq!(place.count("over"), 0);
}

fn generation(number: u64, resumed: bool) -> StreamPlan {
    StreamPlan { generation: number, resumed, ..plan("t", WriteMode::Overwrite) }
}

#[test]
fn overwritten_rows_stay_until_the_new_ones_are_published() {
    let place = place();
    let run = place.run();
    let first = generation(1, false);
    run.sync_and_publish(&first, &[numbers(0..3)], std::slice::from_ref(&first)).unwrap();
    assert_eq!(place.count("t"), 3);

    let run = place.run();
    let second = generation(2, false);
    run.sync(&second, &[numbers(10..14)]).unwrap();
    run.sync(&second, &[numbers(14..15)]).unwrap();
    assert_eq!(place.rows("SELECT min(id), count(*) FROM t"), ["0|3"]);
    let publish = Commit {
        pipeline: "p".into(),
        epoch: run.begun.epoch,
        records: vec![CommitRecord { key: "t".into(), sequence: 4, value: 0.into() }],
        publish: vec![second],
        ..Commit::default()
    };
    run.target.commit(&publish).unwrap();
    assert_eq!(place.rows("SELECT min(id), count(*) FROM t"), ["10|5"]);
    run.target.commit(&publish).unwrap();
    assert_eq!(place.tables(), ["t"]);
    assert!(place.rows("SELECT relname FROM pg_class WHERE relname LIKE '%\\_new%'").is_empty());
}

#[test]
fn a_resumed_generation_goes_on_with_what_was_built_aside() {
    let place = place();
    place.run().sync(&generation(1, false), &[numbers(0..3)]).unwrap();
    let resumed = generation(1, true);
    place.run().sync_and_publish(&resumed, &[numbers(3..5)], std::slice::from_ref(&resumed)).unwrap();
    assert_eq!(place.count("t"), 5);
}

#[test]
fn a_generation_that_starts_over_drops_what_was_built_aside() {
    let place = place();
    place.run().sync(&generation(1, false), &[numbers(0..3)]).unwrap();
    // The number may be the same, where the user cleared the state.
    for number in [1, 2] {
        let again = generation(number, false);
        place.run().sync_and_publish(&again, &[numbers(3..5)], std::slice::from_ref(&again)).unwrap();
        assert_eq!(place.count("t"), 2);
        place.run().sync(&generation(2, false), &[numbers(0..9)]).unwrap();
    }
}

#[test]
fn partitions_of_one_generation_build_the_same_table() {
    let place = place();
    let run = place.run();
    let plan = generation(1, false);
    let mut writers: Vec<_> = (0..3)
        .map(|at| {
            let mut writer = run.writer(std::slice::from_ref(&plan));
            writer.declare(0, 1, numbers(0..0).schema()).unwrap();
            writer.write(0, 1, numbers(at * 10..at * 10 + 10).into()).unwrap();
            writer
        })
        .collect();
    for (at, writer) in writers.iter_mut().enumerate() {
        let mut commit = run.commit_of(writer.prepare(1).unwrap(), &format!("t/{at}"), 1);
        if at == 2 {
            commit.publish = vec![plan.clone()];
        }
        run.target.commit(&commit).unwrap();
    }
    assert_eq!(place.count("t"), 30);
}

#[test]
fn rows_of_a_published_generation_go_into_the_table() {
    let place = place();
    let run = place.run();
    let first = generation(1, false);
    run.sync_and_publish(&first, &[numbers(0..3)], std::slice::from_ref(&first)).unwrap();
    run.sync(&first, &[numbers(3..4)]).unwrap();
    place.run().sync(&generation(1, true), &[numbers(4..5)]).unwrap();
    assert_eq!(place.count("t"), 5);
}

#[test]
fn publishing_what_was_not_built_is_refused() {
    let place = place();
    let run = place.run();
    let commit = Commit {
        pipeline: "p".into(),
        epoch: run.begun.epoch,
        publish: vec![generation(1, false)],
        ..Commit::default()
    };
    assert_error(run.target.commit(&commit), ErrorKind::NotFound, &["`t`"]);
}

#[test]
fn what_was_built_aside_and_dropped_by_someone_is_missed() {
    let place = place();
    place.run().sync(&generation(1, false), &[numbers(0..3)]).unwrap();
    place.sql("DROP TABLE _dstreams_new_t");
    let outcome = place.run().sync(&generation(1, true), &[numbers(3..5)]);
    assert_error(outcome, ErrorKind::Schema, &["`t`", "gone"]);
}

/// A table with some rows, and a second generation of others.
fn replaced(place: &Place, sql: &str, mode: WriteMode) -> dstream_sdk::Result<()> {
    let first = StreamPlan { write_mode: mode, ..generation(1, false) };
    place.run().replace(&first, &[people(&[(1, "a"), (2, "b")])]).unwrap();
    place.sql(sql);
    place.run().replace(&generation(2, false), &[people(&[(2, "c"), (3, "d")])])
}

#[test]
fn a_table_that_nothing_hangs_on_is_replaced_by_the_new_one() {
    let place = place();
    let oid = "SELECT 't'::regclass::oid";
    place.run().replace(&generation(1, false), &[people(&[(1, "a")])]).unwrap();
    let before = place.rows(oid);
    place.run().replace(&generation(2, false), &[numbers(7..8)]).unwrap();
    assert_ne!(place.rows(oid), before);
    assert_eq!(place.rows("SELECT * FROM t"), ["7"]);
}

#[test]
fn what_hangs_on_a_table_stays_when_its_rows_are_replaced() {
    for (sql, question) in [
        ("CREATE VIEW v AS SELECT sum(id) FROM t", "SELECT * FROM v"),
        ("CREATE VIEW v AS SELECT t FROM t", "SELECT count(*) FROM v"),
        (
            "CREATE MATERIALIZED VIEW m AS SELECT id FROM t",
            "SELECT relname FROM pg_class WHERE relname = 'm'",
        ),
        ("CREATE FUNCTION f(t) RETURNS bigint LANGUAGE sql AS 'SELECT $1.id'", "SELECT sum(f(t)) FROM t"),
        ("CREATE INDEX i ON t (lower(name))", "SELECT indexdef FROM pg_indexes WHERE tablename = 't'"),
        (
            "ALTER TABLE t ADD PRIMARY KEY (id)",
            "SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'p'",
        ),
        (
            "ALTER TABLE t ADD CHECK (id > 0)",
            "SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass",
        ),
        (
            "ALTER TABLE t ALTER name SET NOT NULL",
            "SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnotnull AND attnum > 0",
        ),
        (
            "ALTER TABLE t ALTER name SET DEFAULT 'x'",
            "SELECT adnum FROM pg_attrdef WHERE adrelid = 't'::regclass",
        ),
        (
            "CREATE ROLE reader_@; GRANT SELECT ON t TO reader_@",
            "SELECT has_table_privilege('reader_@', 't', 'SELECT')",
        ),
        (
            "CREATE ROLE reader_@; GRANT SELECT (id) ON t TO reader_@",
            "SELECT has_column_privilege('reader_@', 't', 'id', 'SELECT')",
        ),
        ("COMMENT ON TABLE t IS 'of users'", "SELECT obj_description('t'::regclass)"),
        ("COMMENT ON COLUMN t.id IS 'number'", "SELECT col_description('t'::regclass, 1)"),
        (
            "CREATE PUBLICATION p_@ FOR TABLE t",
            "SELECT tablename FROM pg_publication_tables WHERE pubname = 'p_@'",
        ),
        ("CREATE STATISTICS s ON id, name FROM t", "SELECT stxname FROM pg_statistic_ext"),
        (
            "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY o ON t USING (true)",
            "SELECT polname FROM pg_policy",
        ),
        ("ALTER TABLE t SET (fillfactor = 70)", "SELECT reloptions FROM pg_class WHERE relname = 't'"),
        ("ALTER TABLE t SET UNLOGGED", "SELECT relpersistence FROM pg_class WHERE relname = 't'"),
        ("ALTER TABLE t REPLICA IDENTITY FULL", "SELECT relreplident FROM pg_class WHERE relname = 't'"),
        (
            "ALTER TABLE t ALTER name SET STATISTICS 7",
            "SELECT attstattarget FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'name'",
        ),
        (
            "CREATE TABLE log (id bigint); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO log VALUES (new.id); RETURN new; END';
          CREATE TRIGGER note AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note()",
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 't'::regclass",
        ),
    ] {
        let place = place();
        // Roles and publications of tests that run at once.
        let (sql, question) =
            (sql.replace('@', place.database.name()), question.replace('@', place.database.name()));
        let first = generation(1, false);
        place.run().replace(&first, &[people(&[(1, "a"), (2, "b")])]).unwrap();
        let oid = place.rows("SELECT 't'::regclass::oid");
        place.sql(&sql);
        place.run().replace(&generation(2, false), &[people(&[(2, "c"), (3, "d")])]).unwrap();
        assert_eq!(place.rows("SELECT 't'::regclass::oid"), oid, "{sql}");
        assert_eq!(place.rows("SELECT * FROM t ORDER BY id"), ["2|c", "3|d"], "{sql}");
        assert_eq!(place.rows(&question).len(), 1, "{sql}");
        assert!(place.rows("SELECT relname FROM pg_class WHERE relname LIKE '%\\_new%'").is_empty());
        if sql.contains("ROLE") {
            place.sql(&format!("DROP OWNED BY reader_{0}; DROP ROLE reader_{0}", place.database.name()));
        }
        if sql.contains("TRIGGER") {
            assert_eq!(place.rows("SELECT * FROM log ORDER BY id"), ["2", "3"]);
        }
    }
}

#[test]
fn rows_that_foreign_keys_refer_to_stay_referred_to() {
    let refer = "ALTER TABLE t ADD PRIMARY KEY (id); CREATE TABLE child (t bigint REFERENCES t); ";
    let place_1 = place();
    replaced(&place_1, &format!("{refer} INSERT INTO child VALUES (2)"), WriteMode::Overwrite).unwrap();
    assert_eq!(place_1.rows("SELECT * FROM t ORDER BY id"), ["2|c", "3|d"]);
    assert_eq!(place_1.rows("SELECT * FROM child"), ["2"]);
    // A row that others need is gone in the source: nothing is replaced.
    let place_2 = place();
    let outcome = replaced(&place_2, &format!("{refer} INSERT INTO child VALUES (1)"), WriteMode::Overwrite);
    assert_error(outcome, ErrorKind::Data, &["`t`", "child"]);
    assert_eq!(place_2.rows("SELECT * FROM t ORDER BY id"), ["1|a", "2|b"]);
}

#[test]
fn what_does_not_take_the_new_rows_keeps_the_old_ones_and_is_named() {
    for (sql, words) in [
        ("CREATE UNIQUE INDEX one ON t ((1)) WHERE id > 1", vec!["`t`", "index one"]),
        ("ALTER TABLE t ADD CONSTRAINT low CHECK (id < 3)", vec!["`t`", "low"]),
        (
            "CREATE VIEW v AS SELECT name FROM t; ALTER TABLE t ADD CONSTRAINT low CHECK (id < 3)",
            vec!["view v"],
        ),
    ] {
        let place = place();
        let outcome = replaced(&place, sql, WriteMode::Overwrite);
        let error = outcome.as_ref().unwrap_err();
        assert!(error.hint_text().unwrap().contains("untouched") || error.hint_text().is_some(), "{error}");
        assert_error(outcome, ErrorKind::Data, &words);
        assert_eq!(place.rows("SELECT * FROM t ORDER BY id"), ["1|a", "2|b"]);
    }
}

#[test]
fn a_kept_table_gets_new_columns_and_types_that_keep_every_value() {
    let place = place();
    let first = generation(1, false);
    place.run().replace(&first, &[people(&[(1, "a")])]).unwrap();
    place.sql(
        "COMMENT ON TABLE t IS 'kept'; ALTER TABLE t ALTER id TYPE integer; ALTER TABLE t ADD mine text",
    );
    let wide = |id: i64| {
        batch(vec![
            ("id", Arc::new(Int64Array::from(vec![id]))),
            ("more", Arc::new(StringArray::from(vec!["x"]))),
        ])
    };
    place.run().replace(&generation(2, false), &[wide(7)]).unwrap();
    assert_eq!(place.rows("SELECT id, pg_typeof(id), name, mine, more FROM t"), ["7|integer|NULL|NULL|x"]);
    place.run().replace(&generation(3, false), &[wide(1 << 40)]).unwrap();
    assert_eq!(place.rows("SELECT id, pg_typeof(id) FROM t"), [format!("{}|bigint", 1_i64 << 40)]);
    // Where a view needs the type, the values decide.
    place.sql("TRUNCATE t; ALTER TABLE t ALTER id TYPE integer; CREATE VIEW v AS SELECT id FROM t");
    place.run().replace(&generation(4, false), &[wide(8)]).unwrap();
    let outcome = place.run().replace(&generation(5, false), &[wide(1 << 40)]);
    assert_error(outcome, ErrorKind::Schema, &["\"id\"", "view v", "int8"]);
    assert_eq!(place.rows("SELECT id FROM v"), ["8"]);
}

#[test]
fn a_table_of_the_user_is_filled_anew_with_all_that_hangs_on_it() {
    let place = place();
    place.sql(
        "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, n text GENERATED ALWAYS AS (name || '!') STORED);
         INSERT INTO t (name) VALUES ('old')",
    );
    let plan = StreamPlan { write_mode_is_explicit: true, ..generation(1, false) };
    place.run().replace(&plan, &[people(&[(5, "a")])]).unwrap();
    assert_eq!(place.rows("SELECT * FROM t"), ["5|a|a!"]);
    place.sql("ALTER TABLE t ADD must text NOT NULL DEFAULT 'd'; ALTER TABLE t ALTER must DROP DEFAULT");
    let plan = StreamPlan { write_mode_is_explicit: true, ..generation(2, false) };
    assert_error(place.run().replace(&plan, &[people(&[(5, "a")])]), ErrorKind::Schema, &["`must`"]);
}

#[test]
fn a_name_that_leaves_no_room_is_built_aside_under_another() {
    let place = place();
    for name in ["x".repeat(63), "é".repeat(31)] {
        for number in [1, 2] {
            let plan = StreamPlan { stream: name.clone(), table: name.clone(), ..generation(number, false) };
            place.run().replace(&plan, &[numbers(0..number as i64)]).unwrap();
            assert_eq!(place.count(&name), number);
        }
    }
    assert!(place.rows("SELECT relname FROM pg_class WHERE relname LIKE '%\\_new%'").is_empty());
}
