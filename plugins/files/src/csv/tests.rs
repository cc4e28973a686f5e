//! What a CSV file may hold, and what is said of one that may not.

use arrow::datatypes::{DataType, Field, Schema};
use serde_json::json;
use std::sync::Arc;

use dstream_sdk::{Error, ErrorKind, SelectedStream, Tap};

use crate::testing::{BatchLimits, Folder, Row, WIDE, columns, read, read_as, row, selected};

fn rows_of(content: impl AsRef<[u8]>, options: serde_json::Value) -> Vec<Row> {
    read(&Folder::with("a.csv", content).csv("a.csv", options), None).unwrap().rows()
}

fn error_of(content: impl AsRef<[u8]>, options: serde_json::Value) -> Error {
    read(&Folder::with("a.csv", content).csv("a.csv", options), None).unwrap_err()
}

fn columns_of(content: impl AsRef<[u8]>, options: serde_json::Value) -> Vec<String> {
    columns(&Folder::with("a.csv", content).csv("a.csv", options))
}

/// The stream `a` with columns of these types.
fn stream(fields: &[(&str, DataType)]) -> SelectedStream {
    let fields: Vec<Field> =
        fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect();
    SelectedStream {
        upserted: false,
        name: "a".to_owned(),
        schema: Arc::new(Schema::new(fields)),
        key_properties: Vec::new(),
        replication_method: dstream_sdk::ReplicationMethod::Incremental,
        replication_key: None,
    }
}

#[test]
fn each_column_has_its_type_and_each_field_its_value() {
    let content = "id,zip,price,big,day,at,ok,none,text\n\
                   1,007,0.10,9223372036854775808,2013-01-01,2013-01-01T06:00:00Z,true,,a\n\
                   -2,10115,39.02,1,2013-12-31,2013-01-01 08:00+02:00,FALSE,,\"b \"\"c\"\"\"\n";
    assert_eq!(
        columns_of(content, json!({})),
        [
            "id: int64",
            "zip: text",
            "price: float64",
            "big: decimal(38,0)",
            "day: date",
            "at: timestamp_utc",
            "ok: bool",
            "none: text",
            "text: text"
        ]
    );
    let at = "2013-01-01T06:00:00Z";
    assert_eq!(
        rows_of(content, json!({})),
        [
            row(&["1", "007", "0.1", "9223372036854775808", "2013-01-01", at, "true", "~", "a"]),
            row(&["-2", "10115", "39.02", "1", "2013-12-31", at, "false", "~", "b \"c\""]),
        ]
    );
}

#[test]
fn the_last_record_of_a_long_file_counts_as_much_as_the_first() {
    let mut content = "n\n".to_owned();
    (0..200_000).for_each(|n| content.push_str(&format!("{n}\n")));
    assert_eq!(columns_of(&content, json!({})), ["n: int64"]);
    content.push_str("n/a\n");
    assert_eq!(columns_of(&content, json!({})), ["n: text"]);
}

#[test]
fn only_an_empty_field_without_quotes_is_null() {
    assert_eq!(rows_of("a,b\n,\"\"\n", json!({})), [row(&["~", ""])]);
    assert_eq!(columns_of("a,b\n1,1\n,\"\"\n", json!({})), ["a: int64", "b: text"]);
    let options = json!({"null_values": ["", "NA"]});
    assert_eq!(rows_of("a,b\nNA,\"NA\"\n,\"\"\n", options), [row(&["~", "NA"]), row(&["~", ""])]);
    assert_eq!(rows_of("a,b\nNA,\n", json!({"null_values": ["NA"]})), [row(&["~", ""])]);
}

#[test]
fn quotes_hold_delimiters_quotes_and_line_ends() {
    let content = "a,b\r\n\"x,y\",\"1\n2\r\n3\"\r\n\"\"\"\",5\" pipe\r\n";
    assert_eq!(rows_of(content, json!({})), [row(&["x,y", "1\n2\r\n3"]), row(&["\"", "5\" pipe"])]);
    assert_eq!(rows_of("a,b\n\"x,y\"\n", json!({"quote": null})), [row(&["\"x", "y\""])]);
    assert_eq!(rows_of("a\n\"x\\\"y\\\\\"\n'\n", json!({"escape": "\\"})), [row(&["x\"y\\"]), row(&["'"])]);
    assert_eq!(rows_of("a;b\n'x;y';1\n", json!({"quote": "'", "delimiter": ";"})), [row(&["x;y", "1"])]);
}

#[test]
fn every_kind_of_line_end_ends_a_record() {
    for end in ["\n", "\r\n", "\r"] {
        let content = ["a,b", "1,x", "2,y", ""].join(end);
        assert_eq!(rows_of(&content, json!({})), [row(&["1", "x"]), row(&["2", "y"])], "{end:?}");
        let content = ["a", "1", "2"].join(end);
        assert_eq!(rows_of(&content, json!({})), [row(&["1"]), row(&["2"])], "{end:?}");
    }
}

#[test]
fn empty_lines_and_comments_are_no_records() {
    let options = json!({"comment": "#"});
    assert_eq!(rows_of("\n# made by x\r\na,b\n\n1,2\n# 3,4\n\r\n5,6\n\n", options.clone()).len(), 2);
    assert_eq!(rows_of("a,b\n\"#1\",2\n", options), [row(&["#1", "2"])]);
    // With a single column an empty line is how a null is written.
    assert_eq!(rows_of("a\n1\n\n2\n", json!({})), [row(&["1"]), row(&["~"]), row(&["2"])]);
}

#[test]
fn a_file_without_header_has_numbered_columns() {
    let options = json!({"header": false});
    assert_eq!(columns_of("1,x\n2,y\n", options.clone()), ["column_1: int64", "column_2: text"]);
    assert_eq!(rows_of("1,x\n2,y", options), [row(&["1", "x"]), row(&["2", "y"])]);
    assert_eq!(columns_of(",a\n1,2\n", json!({})), ["column_1: int64", "a: int64"]);
}

#[test]
fn a_file_with_a_header_alone_is_a_stream_without_records() {
    let folder = Folder::with("a.csv", "a,b");
    let tap = folder.csv("a.csv", json!({}));
    assert_eq!(columns(&tap), ["a: text", "b: text"]);
    assert_eq!(tap.discover().unwrap().streams[0].row_count, Some(0));
    assert!(read(&tap, None).unwrap().batches.is_empty());
}

#[test]
fn an_empty_file_is_an_error_that_says_so() {
    for (content, options) in [("", json!({})), ("\u{feff}", json!({})), ("", json!({"header": false}))] {
        let error = error_of(content, options);
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().contains("a.csv` is empty: "), "{error}");
    }
    assert!(error_of("", json!({})).message().ends_with("is empty: not even a header"));
    assert!(error_of("\n\n", json!({})).message().contains("has no header"));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_name() {
    assert_eq!(columns_of("\u{feff}\"a\",b\n1,2\n", json!({})), ["a: int64", "b: int64"]);
    assert!(error_of(b"\xff\xfea\0,\0b\0", json!({})).message().ends_with("is UTF-16"));
}

#[test]
fn a_header_with_a_name_twice_names_file_and_column() {
    let error = error_of("id,name,id\n1,2,3\n", json!({}));
    assert!(error.message().contains("a.csv` names `id` twice: columns 1 and 3"), "{error}");
    assert!(error_of("column_2,\n1,2\n", json!({})).message().contains("`column_2` twice"));
}

#[test]
fn a_ragged_row_names_file_line_and_both_counts() {
    let error = error_of("a,b\n\"1\n1\",2\r\n3\n", json!({}));
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.message().ends_with("a.csv` line 4 has 1 field, the file has 2 columns"), "{error}");
    assert_eq!(error.stream_name(), Some("a"));
    assert!(error_of("a,b\n1,2,3\n", json!({})).message().contains("line 2 has 3 fields"));
}

#[test]
fn broken_quotes_name_the_line() {
    let error = error_of("a,b\n1,2\n3,\"4\n5,6\n", json!({}));
    assert!(error.message().ends_with("ends inside of the quotes that were opened in line 3"), "{error}");
    let error = error_of("a,b\n1,\"2\"x\n", json!({}));
    assert!(error.message().ends_with("line 2 has text after the closing quote of a field"), "{error}");
    let mut content = "a\n\"".to_owned();
    content.push_str(&"x\n".repeat(2_000_000));
    let error = error_of(content, json!({"max_record_bytes": 1_000_000}));
    assert!(error.message().contains("the record at line 2 has more than 1000000 bytes"), "{error}");
}

#[test]
fn a_record_may_be_as_long_as_the_user_says_and_no_longer() {
    let options = json!({"max_record_bytes": 8});
    assert_eq!(rows_of("a,b\n1234,67\n", options.clone()).len(), 1);
    let error = error_of("a,b\n1,2\n1234,678\n", options);
    assert!(error.message().ends_with("a.csv`: the record at line 3 has more than 8 bytes"), "{error}");
}

#[test]
fn bytes_that_are_not_utf8_name_line_and_column() {
    let error = error_of(b"a,b\n1,2\n3,Stra\xdfe\n", json!({}));
    assert!(error.message().ends_with("a.csv` line 3, column `b`: the byte 0xdf is not UTF-8"), "{error}");
    let error = error_of(b"a,\xff\n1,2\n", json!({}));
    assert!(error.message().ends_with("line 1, column 2: the byte 0xff is not UTF-8"), "{error}");
}

#[test]
fn a_value_that_does_not_fit_names_file_line_column_and_value() {
    let folder = Folder::with("a.csv", "id,n\n1,5\n2,6\n3,x y\n4,007\n");
    let tap = folder.csv("a.csv", json!({}));
    let wanted = stream(&[("n", DataType::Int64)]);
    let error = read_as(&tap, wanted, None, WIDE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.message().ends_with("a.csv` line 4: column `n` has `x y`, which is no int64"), "{error}");
    assert!(error.has_row_data());
    assert!(error.hint_text().unwrap().contains("discover"));
}

#[test]
fn of_several_wrong_values_the_first_in_the_file_is_named() {
    let folder = Folder::with("a.csv", "a,b\n1,x\n2,3\ny,4\n");
    let tap = folder.csv("a.csv", json!({}));
    let wanted = stream(&[("a", DataType::Int64), ("b", DataType::Int64)]);
    let error = read_as(&tap, wanted, None, WIDE).unwrap_err();
    assert!(error.message().contains("line 2: column `b` has `x`"), "{error}");
    folder.write("a.csv", "a,b\n1,x\n2\n");
    let error = read_as(&tap, stream(&[("b", DataType::Int64)]), None, WIDE).unwrap_err();
    assert!(error.message().contains("line 2: column `b` has `x`"), "{error}");
}

#[test]
fn a_value_that_came_later_is_not_bent_to_the_type() {
    for (value, kind) in [
        ("007", DataType::Int64),
        ("1.0", DataType::Int64),
        ("12345678901234567890.123", DataType::Float64),
        ("NaN", DataType::Float64),
        ("300", DataType::Int8),
        (
            "2013-01-01T06:00:00",
            DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into())),
        ),
        ("2013-01-01T06:00:00.1234567", DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None)),
        ("1.234", DataType::Decimal128(12, 2)),
    ] {
        let folder = Folder::with("a.csv", format!("n\n{value}\n"));
        let error = read_as(&folder.csv("a.csv", json!({})), stream(&[("n", kind)]), None, WIDE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{value}");
    }
}

#[test]
fn a_declared_type_takes_every_spelling_of_a_value() {
    let types = json!({"n": "int64", "f": "float64", "b": "bool", "d": "decimal(12,2)", "t": "text"});
    let content = "n,f,b,d,t\n007,+1e0,yes,01.5,1\n";
    assert_eq!(rows_of(content, json!({"types": types})), [row(&["7", "1.0", "true", "1.50", "1"])]);
    let error = error_of(content, json!({"types": {"m": "text"}}));
    assert!(error.message().contains("`types` names the column `m`, which no file has"), "{error}");
}

#[test]
fn without_inference_every_column_is_text() {
    assert_eq!(columns_of("a,b\n1,true\n", json!({"infer": "none"})), ["a: text", "b: text"]);
    let options = json!({"infer": "none", "types": {"a": "int64"}});
    assert_eq!(columns_of("a,b\n1,true\n", options), ["a: int64", "b: text"]);
}

#[test]
fn only_selected_columns_are_read_in_the_order_of_the_selection() {
    let folder = Folder::with("a.csv", "a,b,c\n1,x,\"y\"\n");
    let tap = folder.csv("a.csv", json!({}));
    let wanted = stream(&[("c", DataType::Utf8), ("a", DataType::Int32)]);
    assert_eq!(read_as(&tap, wanted, None, WIDE).unwrap().rows(), [row(&["y", "1"])]);
    let read = read_as(&tap, stream(&[]), None, WIDE).unwrap();
    assert_eq!(read.batches[0].num_rows(), 1);
}

#[test]
fn a_column_that_is_gone_is_a_schema_error() {
    let folder = Folder::with("a.csv", "a,b\n1,2\n");
    let tap = folder.csv("a.csv", json!({}));
    let wanted = selected(&tap.discover().unwrap(), "a");
    folder.write("a.csv", "a,c\n1,2\n");
    let error = read_as(&tap, wanted, None, WIDE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.message().contains("has no column `b` any more"), "{error}");
}

#[test]
fn a_null_where_the_catalog_says_never_is_an_error() {
    let folder = Folder::with("a.csv", "a,b\n1,2\n,3\n");
    let mut wanted = stream(&[]);
    wanted.schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, false)]));
    let error = read_as(&folder.csv("a.csv", json!({})), wanted, None, WIDE).unwrap_err();
    assert!(error.message().contains("line 3: column `a` is null"), "{error}");
}

#[test]
fn a_file_named_tsv_has_tabs_unless_the_user_says_otherwise() {
    let folder = Folder::with("a.tsv", "a\tb,c\n1\t2\n");
    assert_eq!(columns(&folder.csv("a.tsv", json!({}))), ["a: int64", "b,c: int64"]);
    folder.write("a.tsv", "a,b\n1,2\n");
    assert_eq!(columns(&folder.csv("a.tsv", json!({"delimiter": ","}))), ["a: int64", "b: int64"]);
}

#[test]
fn a_batch_keeps_to_its_limits_and_takes_a_record_of_any_size() {
    let mut content = "n,text\n".to_owned();
    (0..2000).for_each(|n| content.push_str(&format!("{n},{}\n", "x".repeat(n % 100))));
    content.push_str(&format!("1,{}\n2,y\n", "z".repeat(2_000_000)));
    let folder = Folder::with("a.csv", &content);
    let tap = folder.csv("a.csv", json!({}));
    let wanted = selected(&tap.discover().unwrap(), "a");
    let whole = read_as(&tap, wanted.clone(), None, WIDE).unwrap().rows();
    for limits in [BatchLimits { rows: 7, bytes: 1 << 20 }, BatchLimits { rows: 1000, bytes: 5000 }] {
        let read = read_as(&tap, wanted.clone(), None, limits).unwrap();
        assert!(read.batches.len() > 20);
        assert!(read.rows() == whole);
    }
}
