//! Values that are changed, refused or deleted as the user wants it.

use super::kit::*;
use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema};
use dstream_sdk::*;
use serde_json::json;
use std::sync::Arc;

#[test]
fn nul_in_text_stops_the_run_and_names_the_place() {
    let place = place();
    let run = place.run();
    for mode in [WriteMode::Append, WriteMode::Upsert] {
        let rows = people(&[(1, "a"), (2, "b\0c")]);
        let outcome = run.sync(&plan(&mode.to_string(), mode), &[rows]);
        assert_error(outcome, ErrorKind::Data, &["`name`", "NUL", &mode.to_string()]);
    }
}

#[test]
fn nul_in_text_is_changed_and_counted_where_the_user_wants_it() {
    let place = place();
    for (policy, text, what) in
        [("replace", "b\u{fffd}c", "NUL in text replaced by U+FFFD"), ("strip", "bc", "NUL left out of text")]
    {
        let run = place.run_with(json!({ "nul_in_text": policy }));
        run.sync(&plan(policy, WriteMode::Upsert), &[people(&[(1, "a"), (2, "b\0c"), (3, "\0")])]).unwrap();
        assert_eq!(place.rows(&format!("SELECT name FROM \"{policy}\" WHERE id = 2")), [text]);
        let noted = format!(
            "SELECT pipeline, run, \"column\", what, \"values\" FROM _dstreams_changes WHERE stream = '{policy}'"
        );
        assert_eq!(place.rows(&noted), [format!("p|r|name|{what}|2")]);
    }
    // Not committed, not noted.
    let run = place.run_with(json!({ "nul_in_text": "strip" }));
    let mut writer = run.writer(&[plan("t", WriteMode::Append)]);
    writer.declare(0, 1, people(&[]).schema()).unwrap();
    writer.write(0, 1, people(&[(1, "\0")]).into()).unwrap();
    writer.prepare(1).unwrap();
    drop(writer);
    assert_eq!(place.count("_dstreams_changes"), 2);
}

#[test]
fn nul_that_json_escapes_is_kept_by_json_and_refused_by_jsonb() {
    let place = place();
    place.sql("CREATE TABLE parsed (id bigint PRIMARY KEY, doc jsonb)");
    let documents = |name: &str, texts: &[&str], is_json: bool| {
        let texts: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..texts.len() as i64));
        let json = [("ARROW:extension:name".to_owned(), "arrow.json".to_owned())];
        let metadata = if is_json { json.into() } else { std::collections::HashMap::new() };
        let field = Field::new(name, DataType::Utf8, true).with_metadata(metadata);
        let schema = Schema::new(vec![Field::new("id", DataType::Int64, true), field]);
        RecordBatch::try_new(Arc::new(schema), vec![ids, texts]).unwrap()
    };
    let texts = ["{}", r#"{"a": "b\u0000"}"#];
    let run = place.run();
    for mode in [WriteMode::Append, WriteMode::Upsert] {
        let plan = |table: &str| StreamPlan { write_mode_is_explicit: true, ..plan(table, mode) };
        run.sync(&plan(&format!("text_{mode}")), &[documents("doc", &texts, true)]).unwrap();
        assert_eq!(place.rows(&format!("SELECT doc FROM text_{mode} ORDER BY id")), texts);
        // A text is JSON where it says so: of any other, jsonb takes none.
        let outcome = run.sync(&plan("parsed"), &[documents("doc", &["{}"], false)]);
        assert_error(outcome, ErrorKind::Schema, &["`doc`", "jsonb", "`parsed`"]);
        let outcome = run.sync(&plan("parsed"), &[documents("doc", &texts, true)]);
        let error = outcome.as_ref().unwrap_err();
        assert!(error.hint_text().is_some_and(|hint| hint.contains("`json`")), "{error:?}");
        assert_error(outcome, ErrorKind::Data, &["\\u0000", "column doc", "stream `parsed`"]);
        assert_eq!(place.count("parsed"), 0);
        run.sync(&plan("parsed"), &[documents("doc", &texts[..1], true)]).unwrap();
        assert_eq!(place.rows("SELECT id, doc FROM parsed"), ["0|{}"]);
        place.sql("DELETE FROM parsed");
    }
}

fn marked(rows: &[(i64, Option<bool>)]) -> RecordBatch {
    let (ids, marks): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
    batch(vec![("id", Arc::new(Int64Array::from(ids))), ("gone", Arc::new(BooleanArray::from(marks)))])
}

#[test]
fn hard_deletes_take_the_row_of_the_key_and_the_newest_record_decides() {
    let place = place();
    let run = place.run_with(json!({"deletes": "hard", "delete_column": "gone"}));
    let upsert = plan("t", WriteMode::Upsert);
    run.sync(&upsert, &[marked(&[(1, None), (2, Some(false)), (3, None), (4, Some(true))])]).unwrap();
    assert_eq!(place.rows("SELECT id FROM t ORDER BY id"), ["1", "2", "3"]);
    let newer = [(1, Some(true)), (2, Some(true)), (2, None), (3, None), (3, Some(true)), (5, Some(true))];
    run.sync(&upsert, &[marked(&newer)]).unwrap();
    assert_eq!(place.rows("SELECT id FROM t ORDER BY id"), ["2"]);
    // A stream without the mark has no deletes, and append has rows only.
    run.sync(&plan("u", WriteMode::Upsert), &[numbers(0..3)]).unwrap();
    run.sync(&plan("a", WriteMode::Append), &[marked(&[(1, Some(true))])]).unwrap();
    assert_eq!((place.count("u"), place.count("a")), (3, 1));
}

#[test]
fn a_mark_of_another_type_deletes_where_it_is_not_null() {
    let place = place();
    let rows = |at: Option<i64>| -> RecordBatch {
        let id: ArrayRef = Arc::new(Int64Array::from(vec![7]));
        batch(vec![("id", id), ("deleted_at", Arc::new(TimestampMicrosecondArray::from(vec![at])))])
    };
    let hard = place.run_with(json!({"deletes": "hard", "delete_column": "deleted_at"}));
    hard.sync(&plan("t", WriteMode::Upsert), &[rows(None)]).unwrap();
    assert_eq!(place.count("t"), 1);
    hard.sync(&plan("t", WriteMode::Upsert), &[rows(Some(5))]).unwrap();
    assert_eq!(place.count("t"), 0);
    for deletes in ["ignore", "soft"] {
        let run = place.run_with(json!({"deletes": deletes, "delete_column": "deleted_at"}));
        run.sync(&plan("t", WriteMode::Upsert), &[rows(Some(5))]).unwrap();
        assert_eq!(place.count("t"), 1);
    }
}

#[test]
fn a_type_that_only_the_server_can_make_of_a_text_goes_by_way_of_a_table_aside() {
    let place = place();
    place.sql("CREATE TABLE t (id bigint PRIMARY KEY, at inet, n numeric)");
    let typed = |name: &str, sql: &str| {
        arrow::datatypes::Field::new(name, arrow::datatypes::DataType::Utf8, true)
            .with_metadata([("dstream.postgres.type".to_owned(), sql.to_owned())].into())
    };
    let fields = vec![
        arrow::datatypes::Field::new("id", arrow::datatypes::DataType::Int64, true),
        typed("at", "pg_catalog.inet"),
        typed("n", "pg_catalog.numeric"),
    ];
    let rows = |ids: Vec<i64>, at: &str| {
        let count = ids.len();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(ids)),
            Arc::new(StringArray::from(vec![at; count])),
            Arc::new(StringArray::from(vec!["0.001"; count])),
        ];
        RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields.clone())), columns).unwrap()
    };
    let run = place.run();
    for (mode, ids) in [(WriteMode::Append, vec![1, 2]), (WriteMode::Upsert, vec![2, 3, 3])] {
        let plan = StreamPlan { write_mode_is_explicit: true, ..plan("t", mode) };
        run.sync(&plan, &[rows(ids, "10.0.0.1/8")]).unwrap();
    }
    assert_eq!(
        place.rows("SELECT id, at, n = 0.001 FROM t ORDER BY id"),
        ["1|10.0.0.1/8|t", "2|10.0.0.1/8|t", "3|10.0.0.1/8|t"]
    );
    let plan = StreamPlan { write_mode_is_explicit: true, ..plan("t", WriteMode::Append) };
    let outcome = run.sync(&plan, &[rows(vec![9], "no address")]);
    assert_error(outcome, ErrorKind::Data, &["inet", "`t`"]);
    assert_eq!(place.count("t"), 3);
}
