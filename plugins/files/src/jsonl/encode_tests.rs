//! What is written, byte by byte, and that the tap reads it back.

use arrow::array::*;
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::json;
use std::sync::Arc;

use dstream_sdk::{ErrorKind, Result};

use super::JsonlEncoding;
use crate::target::{Encoding, Packing};
use crate::testing::{self, Folder, read};
use crate::types;

fn try_written(batch: &RecordBatch) -> Result<String> {
    let bytes = testing::encoded(&JsonlEncoding { packing: Packing::Plain }, batch)?;
    Ok(String::from_utf8(bytes).unwrap())
}

fn batch(columns: Vec<(Field, ArrayRef)>) -> RecordBatch {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn field(name: &str, array: &ArrayRef) -> Field {
    Field::new(name, array.data_type().clone(), true)
}

fn one(name: &str, array: impl Array + 'static) -> RecordBatch {
    let array: ArrayRef = Arc::new(array);
    batch(vec![(field(name, &array), array)])
}

#[test]
fn a_record_is_a_line_with_its_columns_in_order() {
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(i64::MIN), None])),
        Arc::new(UInt64Array::from(vec![u64::MAX, 0])),
        Arc::new(StringArray::from(vec![Some("a\"\\\n\u{1}\u{e4}"), Some("")])),
        Arc::new(Decimal128Array::from(vec![1250, -1]).with_precision_and_scale(12, 2).unwrap()),
        Arc::new(Date32Array::from(vec![0, 1])),
        Arc::new(Float32Array::from(vec![0.1, -0.0])),
        Arc::new(BooleanArray::from(vec![true, false])),
        Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..], b""])),
    ];
    let names = ["i", "u", "t\"", "d", "day", "f", "b", "x"];
    let columns = names.iter().zip(arrays).map(|(name, array)| (field(name, &array), array)).collect();
    let first = r#"{"i":-9223372036854775808,"u":18446744073709551615,"t\"":"a\"\\\n\u0001ä","d":"12.50","day":"1970-01-01","f":0.1,"b":true,"x":"AP8="}"#;
    let second = r#"{"i":null,"u":0,"t\"":"","d":"-0.01","day":"1970-01-02","f":-0.0,"b":false,"x":""}"#;
    assert_eq!(try_written(&batch(columns)).unwrap(), format!("{first}\n{second}\n"));
}

#[test]
fn nested_values_stay_nested_and_come_back() {
    let list = ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>([
        Some(vec![Some(1), None]),
        Some(vec![]),
        None,
    ]);
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None, Some("y")]));
    let fields = vec![Field::new("t", DataType::Utf8, true)];
    let structs = StructArray::new(fields.into(), vec![texts], None);
    let (list, structs): (ArrayRef, ArrayRef) = (Arc::new(list), Arc::new(structs));
    let written = batch(vec![(field("l", &list), list), (field("s", &structs), structs)]);
    let bytes = try_written(&written).unwrap();
    let expected = concat!(
        "{\"l\":[1,null],\"s\":{\"t\":\"x\"}}\n",
        "{\"l\":[],\"s\":{\"t\":null}}\n",
        "{\"l\":null,\"s\":{\"t\":\"y\"}}\n"
    );
    assert_eq!(bytes, expected);
    let folder = Folder::with("x.jsonl", bytes);
    let read = read(&folder.jsonl("x.jsonl", json!({})), None).unwrap();
    assert_eq!(read.batches[0].columns(), written.columns());
}

#[test]
fn text_that_is_json_becomes_a_part_of_the_line() {
    let texts: ArrayRef =
        Arc::new(StringArray::from(vec![Some("{\"a\": 1.50,\r\n \"b\": []}"), Some("\"x\""), None]));
    let bytes = try_written(&batch(vec![(types::json_field("j"), texts)])).unwrap();
    assert_eq!(bytes, "{\"j\":{\"a\": 1.50,   \"b\": []}}\n{\"j\":\"x\"}\n{\"j\":null}\n");
    let folder = Folder::with("x.jsonl", bytes);
    let rows = read(&folder.jsonl("x.jsonl", json!({"infer": "none"})), None).unwrap().rows();
    assert_eq!(rows[0], [Some("{\"a\": 1.50,   \"b\": []}".to_owned())]);
    assert_eq!(rows[1..], [vec![Some("\"x\"".to_owned())], vec![None]]);
    for refused in ["{", "null", "{\"a\":1,\"a\":2}", "1 2", ""] {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![refused]));
        let error = try_written(&batch(vec![(types::json_field("j"), texts)])).unwrap_err();
        assert!(
            error.message().starts_with("row 1 of the file has in the column `j` "),
            "{refused}: {error}"
        );
    }
}

#[test]
fn what_json_has_no_number_for_is_refused_with_column_and_row() {
    for value in [f64::NAN, f64::INFINITY] {
        let error = try_written(&one("f", Float64Array::from(vec![1.0, value]))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(
            error.message().starts_with("row 2 of the file has in the column `f` NaN or an inf"),
            "{error}"
        );
    }
}

#[test]
fn a_key_that_would_be_there_twice_is_refused() {
    let twice = vec![Field::new("a", DataType::Int8, true), Field::new("a", DataType::Int8, true)];
    let nested = Field::new("s", DataType::Struct(twice.clone().into()), true);
    for fields in [twice, vec![nested]] {
        let encoding = JsonlEncoding { packing: Packing::Plain };
        let error = encoding.check("n", &Arc::new(Schema::new(fields))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert!(error.message().contains("`a` is there twice"), "{error}");
    }
}

#[test]
fn a_record_without_columns_is_an_empty_object() {
    let options = RecordBatchOptions::new().with_row_count(Some(2));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    assert_eq!(try_written(&batch).unwrap(), "{}\n{}\n");
}
