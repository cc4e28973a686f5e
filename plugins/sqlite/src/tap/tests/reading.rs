//! What is offered and read of every kind of table, and what is refused.

use arrow::array::{AsArray, Int64Array, StringArray};
use arrow::datatypes::*;
use dstream_sdk::*;
use serde_json::json;

use super::kit::*;

const EVERYTHING: &str = "
CREATE TABLE t (id INTEGER PRIMARY KEY, i TINYINT, b BOOLEAN, r REAL, d DECIMAL(6,2), big NUMERIC(40,2), s VARCHAR(9),
  raw BLOB, at DATETIME, j JSON, u UUID, g INT GENERATED ALWAYS AS (id + 1));
INSERT INTO t (id, i, b, r, d, big, s, raw, at, j, u) VALUES
  (1, -9223372036854775808, 1, 1.5, 12.5, '1234567890123.25', 'é', x'00ff', '2024-01-01 10:00', '{\"a\":1}', 'u'),
  (2, NULL, 0, 2, 7, 1, '', x'', '', '[]', ''),
  (3, 5, NULL, NULL, -0.07, NULL, NULL, NULL, NULL, 5, NULL);
CREATE TABLE w (a TEXT, b INT, PRIMARY KEY (b, a)) WITHOUT ROWID;
INSERT INTO w VALUES ('x', 2), ('y', 1), ('x', 1);
CREATE TABLE s (a ANY, b INT NOT NULL) STRICT;
CREATE VIEW v AS SELECT id, id * 2 AS twice FROM t;
CREATE TABLE _dstreams_state (x);
";

#[test]
fn a_table_says_which_columns_it_keeps_unique() {
    let source = source(
        "CREATE TABLE id (id INTEGER PRIMARY KEY, x INT); CREATE TABLE two (a INT, b TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID;
         CREATE TABLE nulls (a TEXT PRIMARY KEY); CREATE TABLE none (a INT); CREATE VIEW v AS SELECT * FROM id;",
    );
    for (name, wanted) in
        [("id", &["id"][..]), ("two", &["b", "a"]), ("nulls", &[]), ("none", &[]), ("v", &[])]
    {
        let wants = wanted_of(&source, name);
        let mut reader = source.tap(json!({})).open_reader(context(), request(&wants, None, 10)).unwrap();
        let first = reader.next(std::time::Duration::from_secs(60)).unwrap();
        let Next::Message(Message::Schema { schema, .. }) = first else { panic!("no schema comes first") };
        assert_eq!(unique_columns(&schema), wanted, "{name}");
    }
}

fn wanted_of(source: &Source, name: &str) -> SelectedStream {
    wanted(&source.stream(json!({}), name), None)
}

#[test]
fn every_declared_type_is_read_exactly() {
    let source = source(EVERYTHING);
    let batch = source.read(json!({}), "t").unwrap();
    let types: Vec<String> =
        batch.schema().fields().iter().map(|field| field.data_type().to_string()).collect();
    assert_eq!(
        types,
        [
            "Int64",
            "Int64",
            "Boolean",
            "Float64",
            "Decimal128(6, 2)",
            "Decimal256(40, 2)",
            "Utf8",
            "Binary",
            "Utf8",
            "Utf8",
            "Utf8",
            "Int64"
        ]
    );
    let decimals = batch.column(4).as_primitive::<Decimal128Type>();
    assert_eq!(decimals.values().to_vec(), [1_250, 700, -7]);
    assert_eq!(batch.column(5).as_primitive::<Decimal256Type>().value_as_string(0), "1234567890123.25");
    assert_eq!(batch.column(1).as_primitive::<Int64Type>().value(0), i64::MIN);
    assert_eq!(batch.column(6).as_string::<i32>(), &StringArray::from(vec![Some("é"), Some(""), None]));
    assert_eq!(batch.column(9).as_string::<i32>(), &StringArray::from(vec!["{\"a\":1}", "[]", "5"]));
    assert_eq!(batch.column(11).as_ref(), &Int64Array::from(vec![2, 3, 4]));
    assert_eq!(batch.schema().field(9).metadata()["ARROW:extension:name"], "arrow.json");
}

#[test]
fn discover_says_what_there_is() {
    let source = source(EVERYTHING);
    let catalog = source.tap(json!({})).discover().unwrap();
    let names: Vec<&str> = catalog.streams.iter().map(|stream| stream.name.as_str()).collect();
    assert_eq!(names, ["s", "t", "v", "w"]);
    let of = |name: &str| catalog.streams.iter().find(|stream| stream.name == name).unwrap();
    assert_eq!(of("w").key_properties, ["b", "a"]);
    assert!(of("w").schema.fields().iter().all(|field| !field.is_nullable()));
    assert_eq!(
        (of("t").key_properties.as_slice(), of("t").row_count),
        (["id".to_owned()].as_slice(), Some(3))
    );
    assert_eq!(of("t").replication_keys, ["id", "i", "r", "d", "big", "at", "g"]);
    assert!(!of("t").schema.field(0).is_nullable() && of("t").schema.field(1).is_nullable());
    assert!(!of("s").schema.field(1).is_nullable());
    assert!(of("s").key_properties.is_empty());
}

#[test]
fn only_the_tables_that_were_asked_for_are_offered() {
    let source = source(EVERYTHING);
    let options = json!({"tables": ["?", "!w"], "queries": {"q": "SELECT count(*) AS n FROM w;"}});
    let catalog = source.tap(options.clone()).discover().unwrap();
    let names: Vec<&str> = catalog.streams.iter().map(|stream| stream.name.as_str()).collect();
    assert_eq!(names, ["s", "t", "v", "q"]);
    let batch = source.read(options, "q").unwrap();
    assert_eq!(batch.column(0).as_ref(), &Int64Array::from(vec![3]));
}

#[test]
fn rows_come_in_the_order_of_their_key() {
    let source = source(EVERYTHING);
    let batch = source.read(json!({}), "w").unwrap();
    assert_eq!(batch.column(0).as_string::<i32>(), &StringArray::from(vec!["x", "y", "x"]));
    let batch = source.read(json!({"filters": {"t": "id > 1"}}), "t").unwrap();
    assert_eq!(batch.column(0).as_ref(), &Int64Array::from(vec![2, 3]));
}

#[test]
fn a_value_that_does_not_fit_is_one_error_with_its_place() {
    for (declared, value, words) in [
        ("INTEGER", "'x'", "holds text"),
        ("INTEGER", "1.5", "a real number"),
        ("INT", "x'00'", "a blob"),
        ("BOOLEAN", "2", "neither 0 nor 1"),
        ("REAL", "'x'", "text"),
        ("TEXT", "x'61'", "a blob"),
        ("TEXT", "CAST(x'ff' AS TEXT)", "not UTF-8"),
        ("BLOB", "'x'", "text"),
        ("DATETIME", "1700000000", "an integer"),
        ("DECIMAL(5,2)", "1.234", "no value of the type"),
        ("DECIMAL(5,2)", "1234", "no value of the type"),
        ("DECIMAL(30,20)", "0.1 + 0.2", "15 digits"),
        ("JSON", "'{'", "not JSON"),
        ("UUID", "7", "an integer"),
    ] {
        let source = source(&format!(
            "CREATE TABLE t (c {declared}); INSERT INTO t (rowid, c) VALUES (7, NULL), (8, {value})"
        ));
        let error = source.read(json!({}), "t").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{declared} {value}: {error}");
        let said = error.to_string();
        assert!(said.contains("stream `t`") && said.contains("`c`") && said.contains("rowid 8"), "{said}");
        assert!(said.contains(words), "{declared} {value}: {said}");
        assert!(error.hint_text().unwrap().contains("\"t.c\""), "{:?}", error.hint_text());
    }
}

#[test]
fn another_type_can_be_asked_for_by_name() {
    let source = source(
        "CREATE TABLE t (a INTEGER, b DATETIME, c); INSERT INTO t VALUES ('x', 5, 1.5), (2, '2024-01-01 00:00:00', 'y')",
    );
    let options = json!({"types": {"t.a": "text", "t.b": "text", "t.c": "text"}});
    let batch = source.read(options, "t").unwrap();
    for (at, texts) in [["x", "2"], ["5", "2024-01-01 00:00:00"], ["1.5", "y"]].into_iter().enumerate() {
        assert_eq!(batch.column(at).as_string::<i32>(), &StringArray::from(texts.to_vec()));
    }
    source.sql("DELETE FROM t WHERE c = 1.5");
    let batch = source.read(json!({"types": {"t.b": "timestamp"}}), "t").unwrap();
    assert_eq!(batch.column(1).as_primitive::<TimestampMicrosecondType>().value(0), 1_704_067_200_000_000);
    assert_error(source.tap(json!({"types": {"t.z": "text"}})).discover(), ErrorKind::Config, &["t.z"]);
}

#[test]
fn a_column_without_a_type_has_that_of_its_first_values() {
    let source = source(
        "CREATE TABLE t (i, r, s, b, n, m); INSERT INTO t VALUES (1, 1.5, 'a', x'00', NULL, 1), (2, 2, 'b', NULL, NULL, 'x')",
    );
    let stream = source.stream(json!({"types": {"t.m": "text"}}), "t");
    let types: Vec<&DataType> = stream.schema.fields().iter().map(|field| field.data_type()).collect();
    use DataType::*;
    assert_eq!(types, [&Int64, &Float64, &Utf8, &Binary, &Utf8, &Utf8]);
    assert_error(source.read(json!({}), "t"), ErrorKind::Data, &["`m`", "an integer"]);
}

#[test]
fn a_query_must_only_read() {
    let source = source("CREATE TABLE t (a INT); INSERT INTO t VALUES (1)");
    for (sql, kind, words) in [
        ("DELETE FROM t", ErrorKind::Schema, "syntax error"),
        ("SELECT 1) UNION SELECT * FROM (SELECT 2", ErrorKind::Schema, ""),
        ("SELECT ?1 AS x", ErrorKind::Schema, "parameters"),
        ("SELECT z FROM t", ErrorKind::Schema, "no such column"),
        ("ATTACH 'x' AS y", ErrorKind::Schema, "syntax error"),
        ("PRAGMA journal_mode = delete", ErrorKind::Schema, "syntax error"),
    ] {
        let tap = source.tap(json!({"queries": {"q": sql}}));
        match tap.discover() {
            Err(error) => {
                assert_eq!(error.kind(), kind, "{sql}: {error}");
                assert!(error.to_string().contains(words), "{sql}: {error}");
            }
            // Two queries are no more than one that reads.
            Ok(_) => assert!(words.is_empty(), "{sql}"),
        }
    }
    assert_error(
        source.tap(json!({"queries": {"T": "SELECT 1 AS a"}})).discover(),
        ErrorKind::Config,
        &["`T`"],
    );
    assert_error(source.tap(json!({"filters": {"x": "1"}})).discover(), ErrorKind::Config, &["`x`"]);
}

#[test]
fn a_filter_is_checked_before_a_run() {
    let source = source("CREATE TABLE t (a INT)");
    source.tap(json!({"filters": {"t": "a > 1 -- large"}})).check().unwrap();
    for filter in ["z = 1", "a = ", "a) OR (1"] {
        let outcome = source.tap(json!({"filters": {"t": filter}})).check();
        match filter {
            "a) OR (1" => outcome.unwrap(),
            _ => assert_error(outcome, ErrorKind::Schema, &["stream `t`", "does not understand"]),
        }
    }
}

#[test]
fn what_changed_since_discover_is_said() {
    let source = source("CREATE TABLE t (a INT, b TEXT); CREATE TABLE u (a INT)");
    let (t, u) = (source.stream(json!({}), "t"), source.stream(json!({}), "u"));
    source.sql("DROP TABLE u; ALTER TABLE t DROP COLUMN b");
    let tap = source.tap(json!({}));
    assert_error(read(&tap, &wanted(&t, None), None, 10), ErrorKind::Schema, &["stream `t`", "`b` is gone"]);
    assert_error(read(&tap, &wanted(&u, None), None, 10), ErrorKind::Schema, &["stream `u`", "no table `u`"]);
    let selection = Selection { streams: vec![wanted(&u, None)], ..Selection::default() };
    assert_error(tap.plan(&selection), ErrorKind::Schema, &["no table `u`"]);
    source.sql("ALTER TABLE t ADD COLUMN b REAL");
    assert_error(read(&tap, &wanted(&t, None), None, 10), ErrorKind::Schema, &["`b` is Float64"]);
}

#[test]
fn a_view_that_fails_keeps_the_others_from_nothing() {
    let source = source(
        "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('{'); CREATE VIEW gone AS SELECT x FROM nowhere;
         CREATE VIEW late AS SELECT json_extract(a, '$.b') AS b FROM t",
    );
    let options = json!({"types": {"late.b": "text"}, "tables": ["*", "!x"]});
    let catalog = source.tap(options.clone()).discover().unwrap();
    let names: Vec<&str> = catalog.streams.iter().map(|stream| stream.name.as_str()).collect();
    assert_eq!(names, ["late", "t"]);
    assert_error(source.read(options, "late"), ErrorKind::Data, &["stream `late`", "malformed JSON"]);
}
