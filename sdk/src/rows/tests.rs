//! Rows in, batches out, nothing altered.

use arrow::array::*;
use arrow::datatypes::*;
use serde_json::{Value, json};
use std::sync::Arc;

use super::BatchBuilder;
use crate::{ErrorKind, Result};

fn one(data_type: DataType) -> BatchBuilder {
    BatchBuilder::new(Schema::new(vec![Field::new("c", data_type, true)]).into(), 100, 1 << 20).unwrap()
}

fn built(data_type: DataType, values: Value) -> Result<ArrayRef> {
    let mut rows = one(data_type);
    for value in values.as_array().unwrap() {
        rows.append_json(&json!({"c": value}))?;
    }
    Ok(rows.finish()?.unwrap().column(0).clone())
}

fn micros() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
}

#[test]
fn json_becomes_exactly_what_the_column_says() {
    let list = DataType::List(Arc::new(Field::new("item", DataType::Int32, true)));
    let pair = DataType::Struct(
        vec![Field::new("a", DataType::Utf8, false), Field::new("b", list.clone(), true)].into(),
    );
    let cases: Vec<(DataType, Value, &str)> = vec![
        (DataType::Int64, json!([1, null, "-9223372036854775808", 3.0]), "1||-9223372036854775808|3"),
        (DataType::UInt64, json!([18_446_744_073_709_551_615_u64]), "18446744073709551615"),
        (DataType::Int8, json!([-128, 127]), "-128|127"),
        (DataType::Float64, json!([0.1, 1, "NaN"]), "0.1|1.0|NaN"),
        (DataType::Float32, json!([0.5]), "0.5"),
        (DataType::Decimal128(10, 2), json!(["12.5", 3, 0.07]), "12.50|3.00|0.07"),
        (
            DataType::Decimal256(50, 1),
            json!(["1234567890123456789012345678901234567890.5"]),
            "1234567890123456789012345678901234567890.5",
        ),
        (DataType::Boolean, json!([true, false, null]), "true|false|"),
        (DataType::Utf8, json!(["a", 1, {"k": [1]}, ""]), r#"a|1|{"k":[1]}|"#),
        (DataType::LargeUtf8, json!(["ä"]), "ä"),
        (DataType::Utf8View, json!(["a string that is not inlined"]), "a string that is not inlined"),
        (micros(), json!(["2024-02-29T12:00:00.000001+01:00"]), "2024-02-29T11:00:00.000001Z"),
        (DataType::Timestamp(TimeUnit::Second, None), json!(["2024-02-29 12:00:00"]), "2024-02-29T12:00:00"),
        (DataType::Date32, json!(["2024-02-29"]), "2024-02-29"),
        (DataType::Time64(TimeUnit::Microsecond), json!(["12:00:00.5"]), "12:00:00.500"),
        (DataType::Binary, json!(["AP8="]), "00ff"),
        (DataType::FixedSizeBinary(2), json!(["AP8="]), "00ff"),
        (DataType::Null, json!([null]), ""),
        (list, json!([[1, null], [], null]), "[1, ]|[]|"),
        (pair, json!([{"a": "x", "b": [1]}, null, {"a": "y"}]), "{a: x, b: [1]}||{a: y, b: }"),
    ];
    for (data_type, values, wanted) in cases {
        let array =
            built(data_type.clone(), values.clone()).unwrap_or_else(|error| panic!("{data_type}: {error}"));
        assert_eq!(array.data_type(), &data_type);
        let options = arrow::util::display::FormatOptions::default();
        let shown = arrow::util::display::ArrayFormatter::try_new(&array, &options).unwrap();
        let shown: Vec<String> = (0..array.len()).map(|row| shown.value(row).to_string()).collect();
        assert_eq!(shown.join("|"), wanted, "{data_type}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_refused_and_the_column_named() {
    for (data_type, value) in [
        (DataType::Int8, json!(128)),
        (DataType::UInt8, json!(-1)),
        (DataType::Int64, json!(1.5)),
        (DataType::Int64, json!("1x")),
        (DataType::Int64, json!(true)),
        (DataType::Float64, json!(9_007_199_254_740_993_i64)),
        (DataType::Float32, json!(0.1)),
        (DataType::Decimal128(4, 2), json!("1.234")),
        (DataType::Decimal128(4, 2), json!("100")),
        (DataType::Boolean, json!(1)),
        (micros(), json!("2024-02-29T12:00:00")),
        (micros(), json!("2024-02-29T12:00:00.0000001Z")),
        (micros(), json!(1)),
        (DataType::Date32, json!("2023-02-29")),
        (DataType::Binary, json!("?")),
        (DataType::FixedSizeBinary(2), json!("AA==")),
        (DataType::Null, json!(1)),
    ] {
        let error = built(data_type.clone(), json!([value])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{data_type} {value}");
        assert!(error.to_string().starts_with("column `c` "), "{error}");
    }
}

#[test]
fn a_null_in_a_column_that_has_none_is_refused() {
    let schema = Schema::new(vec![Field::new("id", DataType::Int64, false)]);
    let mut rows = BatchBuilder::new(schema.into(), 10, 1000).unwrap();
    let error = rows.append_json(&json!({"other": 1})).unwrap_err();
    assert_eq!(error.to_string(), "column `id` is null in a record and cannot be");
}

#[test]
fn a_batch_is_full_by_rows_or_by_bytes() {
    let schema: SchemaRef = Schema::new(vec![Field::new("c", DataType::Utf8, true)]).into();
    let mut rows = BatchBuilder::new(schema.clone(), 2, 1 << 20).unwrap();
    rows.append_json(&json!({"c": "a"})).unwrap();
    assert!(!rows.is_full());
    rows.append_json(&json!({"c": "b"})).unwrap();
    assert!(rows.is_full());
    assert_eq!(rows.finish().unwrap().unwrap().num_rows(), 2);
    assert!(!rows.is_full() && rows.finish().unwrap().is_none());

    let mut rows = BatchBuilder::new(schema, 1000, 100).unwrap();
    rows.append_json(&json!({"c": "x".repeat(96)})).unwrap();
    assert!(rows.is_full(), "{}", rows.bytes());
}

#[test]
fn a_row_with_a_value_too_few_is_a_bug_that_names_the_column() {
    let mut rows = one(DataType::Int64);
    assert_eq!(rows.end_row().unwrap_err().to_string(), "column `c` has 0 values after 1 rows");
}

#[test]
fn a_type_that_cannot_be_built_is_named_before_any_row() {
    let run_ends = DataType::Duration(TimeUnit::Second);
    let schema = Schema::new(vec![Field::new("d", run_ends, true)]);
    let error = BatchBuilder::new(schema.into(), 1, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().starts_with("column `d`"), "{error}");
}
