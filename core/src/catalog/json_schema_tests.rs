use super::*;
use arrow::datatypes::{Fields, IntervalUnit, TimeUnit, UnionFields, UnionMode};
use std::sync::Arc;

fn every_type() -> Vec<DataType> {
    use DataType::*;
    let item = |data_type| Arc::new(Field::new("item", data_type, true));
    let pair = |key| {
        let pair =
            Struct(Fields::from(vec![Field::new("key", key, false), Field::new("value", Int32, true)]));
        Map(Arc::new(Field::new("entries", pair, false)), false)
    };
    vec![
        Null,
        Boolean,
        Int8,
        Int16,
        Int32,
        Int64,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        Float16,
        Float32,
        Float64,
        Decimal32(9, 2),
        Decimal64(18, -3),
        Decimal128(38, 10),
        Decimal256(76, 0),
        Date32,
        Date64,
        Time32(TimeUnit::Second),
        Time32(TimeUnit::Millisecond),
        Time64(TimeUnit::Microsecond),
        Time64(TimeUnit::Nanosecond),
        Timestamp(TimeUnit::Second, None),
        Timestamp(TimeUnit::Nanosecond, Some("Europe/Berlin".into())),
        Duration(TimeUnit::Millisecond),
        Interval(IntervalUnit::MonthDayNano),
        Utf8,
        LargeUtf8,
        Utf8View,
        Binary,
        LargeBinary,
        BinaryView,
        FixedSizeBinary(16),
        List(item(Utf8)),
        LargeList(item(Int64)),
        ListView(item(Int64)),
        LargeListView(item(Int64)),
        FixedSizeList(item(Float32), 3),
        Struct(Fields::from(vec![Field::new("a", Int8, false), Field::new("b", List(item(Date32)), true)])),
        pair(Utf8),
        pair(Int32),
        Dictionary(Box::new(Int32), Box::new(Utf8)),
        RunEndEncoded(
            Arc::new(Field::new("run_ends", Int32, false)),
            Arc::new(Field::new("values", Utf8, true)),
        ),
        Union(
            UnionFields::try_new([0, 1], [Field::new("i", Int32, true), Field::new("t", Utf8, true)])
                .unwrap(),
            UnionMode::Dense,
        ),
    ]
}

#[test]
fn every_arrow_type_comes_back_from_its_property() {
    for data_type in every_type() {
        for nullable in [true, false] {
            let before = Field::new("Spalte \"1\"", data_type.clone(), nullable);
            let property = property(&before).unwrap();
            // Through text, as a file holds it.
            let property: Value = serde_json::from_str(&property.to_string()).unwrap();
            assert_eq!(field("Spalte \"1\"", &property, false).unwrap(), before, "{property}");
        }
    }
}

#[test]
fn every_property_has_a_type_that_singer_tools_know() {
    let known = ["null", "boolean", "integer", "number", "string", "array", "object"];
    for data_type in every_type() {
        let property = plain_property(&Field::new("c", data_type.clone(), true)).unwrap();
        let types = property["type"].as_array().unwrap();
        assert!(types.iter().all(|name| known.contains(&name.as_str().unwrap())), "{property}");
        assert!(types.contains(&json!("null")), "{property}");
        assert!(property.get(ARROW_KEYWORD).is_none());
    }
}

#[test]
fn a_stream_comes_back_with_its_columns_in_order() {
    let json_column = Field::new("extra", DataType::Utf8, true)
        .with_metadata([(EXTENSION_NAME.to_owned(), JSON_EXTENSION.to_owned())].into());
    let columns =
        vec![Field::new("z", DataType::Int64, false), Field::new("a", DataType::Utf8, true), json_column];
    let before = Schema::new_with_metadata(columns, [("made_by".to_owned(), "test".to_owned())].into());
    let schema = stream_schema(&before).unwrap();
    assert_eq!(schema["required"], json!(["z"]));
    assert_eq!(*stream_columns(&schema, &[]).unwrap(), before);
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let twice =
        Schema::new(vec![Field::new("a", DataType::Int8, true), Field::new("a", DataType::Utf8, true)]);
    assert!(stream_schema(&twice).unwrap_err().message().contains("`a`"));
}

#[test]
fn an_x_arrow_that_is_no_type_names_the_column() {
    for wrong in [json!({"format": "?"}), json!("l"), json!({"format": "+l"}), json!({})] {
        let error = field("total", &json!({"type": "integer", "x-arrow": wrong}), true).unwrap_err();
        assert!(error.message().contains("`total`"), "{error}");
    }
}

#[test]
fn a_schema_without_properties_is_refused() {
    for wrong in [json!({}), json!(null), json!({"type": "object", "properties": []})] {
        stream_columns(&wrong, &[]).unwrap_err();
    }
}

fn guessed(property: Value) -> (DataType, bool) {
    let field = field("c", &property, true).unwrap();
    let is_json = field.metadata().get(EXTENSION_NAME).map(String::as_str) == Some(JSON_EXTENSION);
    assert!(!is_json || *field.data_type() == DataType::Utf8);
    (if is_json { DataType::Utf8View } else { field.data_type().clone() }, field.is_nullable())
}

/// Stands for "JSON text" in the table below.
const JSON: DataType = DataType::Utf8View;

#[test]
fn a_property_of_somebody_else_gets_the_type_that_loses_nothing() {
    use DataType::*;
    let utc = Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let cases = [
        (json!({"type": "integer"}), Int64, false),
        (json!({"type": ["null", "integer"]}), Int64, true),
        (json!({"type": "integer", "minimum": 0, "maximum": u64::MAX}), UInt64, false),
        (json!({"type": "integer", "minimum": -2147483648i64, "maximum": 2147483647}), Int64, false),
        (json!({"type": ["number", "null"]}), Float64, true),
        (json!({"type": ["integer", "number"]}), Float64, false),
        (json!({"type": "number", "multipleOf": 0.01}), Decimal128(38, 2), false),
        (json!({"type": "number", "multipleOf": 1e-10}), Decimal128(38, 10), false),
        (json!({"type": "number", "multipleOf": 1e-20}), Decimal256(76, 20), false),
        (json!({"type": "number", "multipleOf": 0.5}), Float64, false),
        (
            json!({"type": "number", "multipleOf": 0.01, "maximum": 10000, "exclusiveMaximum": true}),
            Decimal128(6, 2),
            false,
        ),
        (json!({"type": "number", "multipleOf": 0.01, "maximum": 9999.99}), Decimal128(6, 2), false),
        (
            json!({"type": "string", "format": "x-singer.decimal", "precision": 12, "scale": 2}),
            Decimal128(12, 2),
            false,
        ),
        (
            json!({"type": "string", "format": "singer.decimal", "precision": 50, "scale": 0}),
            Decimal256(50, 0),
            false,
        ),
        (json!({"type": "string", "format": "singer.decimal"}), Utf8, false),
        (json!({"type": "string", "format": "x-singer.decimal", "precision": 90, "scale": 2}), Utf8, false),
        (json!({"type": "string", "format": "date-time"}), utc.clone(), false),
        (json!({"type": "string", "format": "date"}), Date32, false),
        (json!({"type": "string", "format": "time"}), Time64(TimeUnit::Microsecond), false),
        (json!({"type": "string", "format": "uuid"}), Utf8, false),
        (json!({"type": "string", "contentEncoding": "base64"}), Binary, false),
        (json!({"type": "string", "maxLength": 12}), Utf8, false),
        (json!({"type": "boolean"}), Boolean, false),
        (json!({"type": "object", "properties": {}}), JSON, false),
        (json!({"type": ["array", "null"], "items": {"type": "integer"}}), JSON, true),
        (json!({"type": ["string", "integer"]}), JSON, false),
        (json!({}), JSON, true),
        (json!(true), JSON, true),
        (json!({"$ref": "#/definitions/a"}), JSON, true),
        (json!({"type": "null"}), Null, true),
        (json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}), utc, true),
        (
            json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": ["null", "string"]}]}),
            Utf8,
            true,
        ),
        (json!({"oneOf": [{"type": "integer"}, {"type": "string"}]}), JSON, false),
        (json!({"anyOf": []}), JSON, true),
    ];
    for (property, data_type, nullable) in cases {
        assert_eq!(guessed(property.clone()), (data_type, nullable), "{property}");
    }
}

#[test]
fn a_column_that_may_be_left_out_can_be_null() {
    let schema = json!({"properties": {"id": {"type": "integer"}, "n": {"type": "integer"}, "r": {"type": "integer"}},
                        "required": ["r"]});
    let columns = stream_columns(&schema, &["id".to_owned()]).unwrap();
    let nullable: Vec<bool> = columns.fields().iter().map(|field| field.is_nullable()).collect();
    assert_eq!(nullable, [false, true, false]);
}
