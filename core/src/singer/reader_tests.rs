//! Messages of other taps, and inputs that are broken.

use arrow::array::{Array, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, TimeUnit};
use dstream_abi::ErrorKind;
use serde_json::json;

use super::Incoming;
use super::tests::{read, records_of, schema_of};

const INTEGERS: &str = r#"{"type":"SCHEMA","stream":"s","key_properties":["id"],"schema":{"properties":{"id":{"type":"integer"},"n":{"type":["null","number"]}}}}"#;

#[test]
fn messages_are_read_in_any_case_and_order_of_members() {
    let lines = [
        INTEGERS.replace("SCHEMA", "schema"),
        r#" {"record": {"n": 0.5, "id": 1}, "time_extracted": "x", "stream": "s", "type": "Record"} "#.into(),
        String::new(),
        r#"{"type":"RECORD","stream":"s","record":{"id":2e0,"extra":[{}]},"version":1}"#.into(),
        r#"{"type":"HEARTBEAT"}"#.into(),
        r#"{"type":"STATE","value":{"a":[1]}}"#.into(),
    ];
    // Without a line break at its end, and with Windows line breaks.
    let all = read(lines.join("\r\n")).unwrap();
    let batch = records_of(&all[2]);
    let state = |message: &Incoming| matches!(message, Incoming::State(value) if *value == json!({"a": [1]}));
    assert!(state(&all[1]), "{all:?}");
    assert_eq!(batch.column(0).as_ref(), &Int64Array::from(vec![1, 2]) as &dyn Array);
    assert_eq!(batch.column(1).as_ref(), &Float64Array::from(vec![Some(0.5), None]) as &dyn Array);
}

#[test]
fn a_broken_input_names_its_line() {
    let cases = [
        (
            r#"{"type":"RECORD","stream":"other","record":{}}"#,
            ErrorKind::Data,
            "line 2: a record comes before the schema",
        ),
        (
            r#"{"type":"RECORD","stream":"s","record":{"id":1"#,
            ErrorKind::Data,
            "line 2, byte 47: expected `,` or `}`",
        ),
        (
            r#"{"type":"RECORD","stream":"s","record":{"id":1}} x"#,
            ErrorKind::Data,
            "line 2, byte 50: something follows",
        ),
        ("INFO starting", ErrorKind::Data, "line 2, byte 1: expected an object"),
        (
            r#"{"type":"RECORD","stream":"s","record":{"id":NaN}}"#,
            ErrorKind::Data,
            "line 2, byte 46: `NaN` and",
        ),
        (
            r#"{"type":"RECORD","stream":"s","record":{"id":"1"}}"#,
            ErrorKind::Data,
            "line 2, byte 46: column `id`: expected a number, found a string",
        ),
        (
            r#"{"type":"RECORD","stream":"s","record":{"id":1.5}}"#,
            ErrorKind::Data,
            "line 2, byte 46: column `id`: 1.5 is no integer",
        ),
        (
            r#"{"type":"RECORD","stream":"s","record":{"id":9223372036854775808}}"#,
            ErrorKind::Data,
            "column `id`: 9223372036854775808 is outside",
        ),
        (
            r#"{"type":"RECORD","stream":"s","record":{"id":1,"n":9007199254740993}}"#,
            ErrorKind::Data,
            "column `n`: a float64 cannot hold 9007199254740993 exactly",
        ),
        (
            r#"{"type":"RECORD","stream":"s","record":{"n":1}}"#,
            ErrorKind::Data,
            "column `id`: the field is missing",
        ),
        (
            r#"{"type":"RECORD","stream":"s","record":{"id":null}}"#,
            ErrorKind::Data,
            "column `id`: null stands",
        ),
        (
            r#"{"type":"RECORD","stream":"s","record":{"id":1,"id":2}}"#,
            ErrorKind::Data,
            "column `id`: the field stands twice",
        ),
        (r#"{"type":"RECORD","stream":"s"}"#, ErrorKind::Data, "line 2: a RECORD message needs a `record`"),
        (r#"{"type":"RECORD","record":{}}"#, ErrorKind::Data, "line 2: a RECORD message needs a `stream`"),
        (r#"{"stream":"s"}"#, ErrorKind::Data, "a message needs a `type`"),
        (r#"{"type":"STATE"}"#, ErrorKind::Data, "line 2: a STATE message needs a `value`"),
        (
            r#"{"type":"ACTIVATE_VERSION","stream":"s","version":1}"#,
            ErrorKind::Unsupported,
            "line 2: ACTIVATE_VERSION",
        ),
        (r#"{"type":"batch","stream":"s","manifest":[]}"#, ErrorKind::Unsupported, "line 2: BATCH"),
        (
            r#"{"type":"SCHEMA","stream":"t","schema":{"type":"object"},"key_properties":[]}"#,
            ErrorKind::Schema,
            "line 2: ",
        ),
        (
            r#"{"type":"SCHEMA","stream":"t","schema":{"properties":{}},"key_properties":["id"]}"#,
            ErrorKind::Schema,
            "line 2: the key property `id`",
        ),
    ];
    for (line, kind, message) in cases {
        let error = read(format!("{INTEGERS}\n{line}\n")).unwrap_err();
        assert_eq!(error.kind(), kind, "{line}: {error}");
        assert!(error.message().contains(message), "{line}: {error}");
        assert!(error.hint_text().is_some() || error.message().contains("needs a"), "{line}");
    }
    let error = read(b"{\"type\":\"\xff\"}".to_vec()).unwrap_err();
    assert!(error.message().contains("line 1, byte 10: this is no UTF-8"), "{error}");
}

#[test]
fn a_schema_that_changes_parts_the_records() {
    let record = r#"{"type":"RECORD","stream":"s","record":{"id":1}}"#;
    let changed = INTEGERS.replace(r#""n""#, r#""m""#);
    let all = read([INTEGERS, record, INTEGERS, record, &changed, record].join("\n")).unwrap();
    let columns: Vec<usize> = [&all[1], &all[3]].map(|message| records_of(message).num_rows()).to_vec();
    assert_eq!((all.len(), columns), (4, vec![2, 1]));
    assert_eq!(schema_of(&all[2]).schema.field(1).name(), "m");
}

#[test]
fn a_line_may_be_longer_than_any_buffer() {
    let schema = r#"{"type":"SCHEMA","stream":"s","schema":{"properties":{"t":{"type":"string"}}}}"#;
    let text = "x\\n".repeat(1 << 20);
    let all =
        read(format!("{schema}\n{{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{{\"t\":\"{text}\"}}}}\n"))
            .unwrap();
    let expected = StringArray::from(vec![text.replace("\\n", "\n")]);
    assert_eq!(records_of(&all[1]).column(0).as_ref(), &expected as &dyn Array);
}

#[test]
fn a_time_without_zone_is_utc_where_the_column_has_one() {
    let schema = r#"{"type":"SCHEMA","stream":"s","schema":{"properties":{"t":{"type":"string","format":"date-time"}}}}"#;
    let record = |time: &str| format!(r#"{{"type":"RECORD","stream":"s","record":{{"t":"{time}"}}}}"#);
    let input =
        [schema.to_owned(), record("2021-01-01 00:00:00"), record("2021-01-01T01:00:00.0000000+01:00")];
    let all = read(input.join("\n")).unwrap();
    let batch = records_of(&all[1]);
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(batch.column(0).data_type(), &utc);
    let times = batch.column(0).to_data();
    assert_eq!(times.buffer::<i64>(0), [1_609_459_200_000_000; 2]);
    let input = [schema.to_owned(), record("2021-01-01T00:00:00.0000001Z")];
    assert!(read(input.join("\n")).unwrap_err().message().contains("more digits"));
}
