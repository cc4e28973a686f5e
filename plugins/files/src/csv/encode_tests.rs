//! What is written, byte by byte, and that the tap reads it back.

use arrow::array::*;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use serde_json::{Value, json};
use std::sync::Arc;

use dstream_sdk::{ConnectorConfig, ErrorKind, Result};

use super::CsvEncoding;
use crate::target::{Encoding, FromConfig};
use crate::testing::{self, Folder, Row, read, row};

fn encoding(options: Value) -> Result<CsvEncoding> {
    let config = json!({"name": "n", "type": "csv", "connection": {"path": "x"}, "options": options});
    let config: ConnectorConfig = serde_json::from_value(config).unwrap();
    Ok(CsvEncoding::from_config(&config)?.0)
}

fn try_written(options: Value, batch: &RecordBatch) -> Result<Vec<u8>> {
    testing::encoded(&encoding(options)?, batch)
}

fn written(options: Value, batch: &RecordBatch) -> String {
    String::from_utf8(try_written(options, batch).unwrap()).unwrap()
}

fn texts(name: &str, values: &[Option<&str>]) -> RecordBatch {
    one(name, StringArray::from(values.to_vec()))
}

fn one(name: &str, array: impl Array + 'static) -> RecordBatch {
    let field = Field::new(name, array.data_type().clone(), true);
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::new(array)]).unwrap()
}

fn read_back(bytes: &str, options: Value) -> Vec<Row> {
    let folder = Folder::with("x.csv", bytes);
    read(&folder.csv("x.csv", options), None).unwrap().rows()
}

#[test]
fn text_is_quoted_where_it_must_be_and_comes_back() {
    let values = [
        "",
        "a",
        " a ",
        "a,b",
        "a\"b",
        "\"",
        "a\nb",
        "a\rb",
        "\0",
        "\u{feff}a",
        "NULL",
        "sixteen letters, and more",
    ];
    let rows: Vec<Option<&str>> = values.iter().map(|value| Some(*value)).chain([None]).collect();
    let batch = texts("t", &rows);
    let bytes = written(json!({}), &batch);
    assert_eq!(
        bytes,
        "t\n\"\"\na\n a \n\"a,b\"\n\"a\"\"b\"\n\"\"\"\"\n\"a\nb\"\n\"a\rb\"\n\0\n\u{feff}a\nNULL\n\"sixteen letters, and more\"\n\n"
    );
    let expected: Vec<Row> = rows.iter().map(|value| vec![value.map(str::to_owned)]).collect();
    assert_eq!(read_back(&bytes, json!({"infer": "none"})), expected);
}

#[test]
fn a_record_with_one_null_is_an_empty_line() {
    let bytes = written(json!({}), &texts("t", &[None, Some("x"), None, None]));
    assert_eq!(bytes, "t\n\nx\n\n\n");
    assert_eq!(read_back(&bytes, json!({})), [row(&["~"]), row(&["x"]), row(&["~"]), row(&["~"])]);
}

#[test]
fn a_null_has_the_text_that_was_chosen_and_text_like_it_is_quoted() {
    let batch = texts("t", &[None, Some("NA"), Some(""), Some("NAN")]);
    let bytes = written(json!({"null_value": "NA"}), &batch);
    assert_eq!(bytes, "t\nNA\n\"NA\"\n\"\"\nNAN\n");
    let expected = [row(&["~"]), row(&["NA"]), row(&[""]), row(&["NAN"])];
    assert_eq!(read_back(&bytes, json!({"null_values": ["NA"], "infer": "none"})), expected);
    // Numbers, too, may look like it.
    let bytes =
        written(json!({"null_value": "-1"}), &one("n", Int64Array::from(vec![None, Some(-1), Some(-10)])));
    assert_eq!(bytes, "n\n-1\n\"-1\"\n-10\n");
    let expected = [row(&["~"]), row(&["-1"]), row(&["-10"])];
    assert_eq!(read_back(&bytes, json!({"null_values": ["-1"], "types": {"n": "int64"}})), expected);
}

#[test]
fn a_delimiter_that_numbers_have_is_no_danger() {
    let fields = vec![Field::new("a", DataType::Float64, true), Field::new("b", DataType::Int64, true)];
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Float64Array::from(vec![1.5, -2.0])), Arc::new(Int64Array::from(vec![15, 2]))];
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    for (delimiter, expected) in
        [(".", "a.b\n\"1.5\".15\n\"-2.0\".2\n"), ("5", "a5b\n\"1.5\"5\"15\"\n-2.052\n")]
    {
        let bytes = written(json!({"delimiter": delimiter}), &batch);
        assert_eq!(bytes, expected);
        let options = json!({"delimiter": delimiter, "types": {"a": "float64", "b": "int64"}});
        assert_eq!(read_back(&bytes, options), [row(&["1.5", "15"]), row(&["-2.0", "2"])]);
    }
}

#[test]
fn a_byte_order_mark_that_begins_a_name_or_a_text_stays() {
    let bytes = written(json!({}), &texts("\u{feff}t", &[Some("x")]));
    assert_eq!(bytes, "\"\u{feff}t\"\nx\n");
    let folder = Folder::with("x.csv", &bytes);
    assert_eq!(testing::columns(&folder.csv("x.csv", json!({}))), ["\u{feff}t: text"]);
    let bytes = written(json!({"header": false}), &texts("t", &[Some("\u{feff}x"), Some("\u{feff}y")]));
    assert_eq!(bytes, "\"\u{feff}x\"\n\u{feff}y\n");
    assert_eq!(read_back(&bytes, json!({"header": false})), [row(&["\u{feff}x"]), row(&["\u{feff}y"])]);
}

#[test]
fn names_are_quoted_like_text() {
    let names = ["a,b", "c\"d", "e\nf", " g"];
    let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Int32, true)).collect();
    let columns: Vec<ArrayRef> =
        names.iter().map(|_| Arc::new(Int32Array::from(vec![1])) as ArrayRef).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let bytes = written(json!({"line_end": "crlf"}), &batch);
    assert_eq!(bytes, "\"a,b\",\"c\"\"d\",\"e\nf\", g\r\n1,1,1,1\r\n");
    let folder = Folder::with("x.csv", &bytes);
    let found = testing::columns(&folder.csv("x.csv", json!({})));
    assert_eq!(found, names.map(|name| format!("{name}: int64")));
}

#[test]
fn every_form_of_value_has_its_text() {
    let list = ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>([Some([Some(1), None])]);
    let arrays: Vec<(ArrayRef, &str)> = vec![
        (Arc::new(BooleanArray::from(vec![true])), "true"),
        (Arc::new(UInt64Array::from(vec![u64::MAX])), "18446744073709551615"),
        (Arc::new(Float32Array::from(vec![0.1])), "0.1"),
        (Arc::new(Float64Array::from(vec![1e300])), "1e+300"),
        (Arc::new(Float64Array::from(vec![f64::NAN])), "NaN"),
        (Arc::new(Float64Array::from(vec![f64::NEG_INFINITY])), "-inf"),
        (Arc::new(Float64Array::from(vec![-0.0])), "-0.0"),
        (Arc::new(Decimal128Array::from(vec![-5]).with_precision_and_scale(15, 2).unwrap()), "-0.05"),
        (Arc::new(Date32Array::from(vec![19_782])), "2024-02-29"),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![1]).with_timezone("UTC")),
            "1970-01-01T00:00:00.000001Z",
        ),
        (Arc::new(Time64MicrosecondArray::from(vec![1])), "00:00:00.000001"),
        (Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..]])), "AP8="),
        (Arc::new(BinaryArray::from(vec![&b""[..]])), "\"\""),
        (Arc::new(list), "\"[1,null]\""),
    ];
    for (array, expected) in arrays {
        let field = Field::new("c", array.data_type().clone(), true);
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap();
        assert_eq!(written(json!({}), &batch), format!("c\n{expected}\n"));
    }
}

#[test]
fn not_finite_floats_come_back() {
    let values = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let bytes = written(json!({}), &one("f", Float64Array::from(values)));
    let rows = read_back(&bytes, json!({"types": {"f": "float64"}}));
    assert_eq!(rows, [row(&["NaN"]), row(&["inf"]), row(&["-inf"])]);
}

#[test]
fn what_has_no_text_is_refused_with_column_and_row() {
    let error = try_written(json!({}), &one("day", Date32Array::from(vec![0, i32::MAX]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(
        error.message().starts_with("row 2 of the file has in the column `day` a date outside"),
        "{error}"
    );
    let refused = |batch: &RecordBatch| encoding(json!({})).unwrap().check("n", &batch.schema()).unwrap_err();
    assert!(refused(&texts("", &[])).message().contains("column 1 has the name ``"));
    assert!(
        refused(&RecordBatch::new_empty(Arc::new(Schema::empty()))).message().contains("without columns")
    );
    let twice =
        Schema::new(vec![Field::new("a", DataType::Int8, true), Field::new("a", DataType::Int8, true)]);
    assert!(refused(&RecordBatch::new_empty(Arc::new(twice))).message().contains("`a` is there twice"));
    let zoned = one("t", TimestampSecondArray::from(vec![i64::MAX]));
    assert_eq!(*zoned.column(0).data_type(), DataType::Timestamp(TimeUnit::Second, None));
    assert_eq!(try_written(json!({}), &zoned).unwrap_err().kind(), ErrorKind::Data);
}

#[test]
fn options_that_do_not_fit_are_refused() {
    for options in [
        json!({"delimiter": "\""}),
        json!({"delimiter": "\n"}),
        json!({"delimiter": "\u{e4}"}),
        json!({"null_value": "a,b"}),
        json!({"null_value": "\u{feff}"}),
        json!({"compression_level": 3}),
        json!({"compression": "gzip", "compression_level": 10}),
        json!({"compression": "zstd", "compression_level": 0}),
        json!({"layout": "file", "max_file_rows": 10}),
        json!({"max_file_rows": 0}),
        json!({"quote": "'"}),
    ] {
        let error = encoding(options.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{options}");
    }
}
