//! Every type, exactly: what is in the file is what was in the array, or the write is refused.

use super::kit::*;
use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use dstream_sdk::{ErrorKind, Target, WriteMode};
use proptest::prelude::*;
use std::sync::Arc;

/// The values as SQLite has them, each with its type there.
fn stored(array: ArrayRef) -> Vec<String> {
    let place = place();
    // Through memory and through the file beside the database.
    let through: Vec<_> = [u64::MAX, 0]
        .into_iter()
        .map(|bytes| {
            let run = place.run();
            let plan = plan(&format!("t{bytes}"), WriteMode::Append);
            let mut writer = run.writer_with(std::slice::from_ref(&plan), bytes);
            let rows = batch(vec![("x", array.clone())]);
            writer.declare(0, 1, rows.schema()).unwrap();
            writer.write(0, 1, rows.into()).unwrap();
            let commit = run.commit_of(writer.prepare(1).unwrap(), &plan.table, 1);
            run.target.commit(&commit).unwrap();
            place.rows(&format!(
                "SELECT typeof(x) || ':' || CASE typeof(x) WHEN 'null' THEN '' WHEN 'blob' THEN hex(x)
                                 WHEN 'real' THEN format('%!.17g', x) ELSE x END FROM {}",
                plan.table
            ))
        })
        .collect();
    assert_eq!(through[0], through[1]);
    through[0].clone()
}

#[track_caller]
fn assert_refused(array: ArrayRef, word: &str) {
    let place = place();
    let outcome = place.run().sync(&plan("t", WriteMode::Append), &[batch(vec![("x", array)])]);
    assert_error(outcome, ErrorKind::Data, &["`t`", "`x`", "row ", word]);
    assert!(place.tables().is_empty());
}

macro_rules! assert_stored {
    ($($array:expr => [$($expected:expr),* $(,)?]),* $(,)?) => {$(
        assert_eq!(stored(Arc::new($array)), [$(String::from($expected)),*] as [String; _]);
    )*};
}

#[test]
fn whole_numbers_and_truth_values() {
    assert_stored! {
        BooleanArray::from(vec![Some(true), Some(false), None]) => ["integer:1", "integer:0", "null:"],
        Int8Array::from(vec![i8::MIN, i8::MAX]) => ["integer:-128", "integer:127"],
        Int16Array::from(vec![i16::MIN]) => ["integer:-32768"],
        Int32Array::from(vec![i32::MIN]) => ["integer:-2147483648"],
        Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)])
            => ["integer:-9223372036854775808", "null:", "integer:9223372036854775807"],
        UInt8Array::from(vec![u8::MAX]) => ["integer:255"],
        UInt16Array::from(vec![u16::MAX]) => ["integer:65535"],
        UInt32Array::from(vec![u32::MAX]) => ["integer:4294967295"],
        UInt64Array::from(vec![Some(0), None, Some(u64::MAX)]) => ["text:0", "null:", "text:18446744073709551615"],
    }
}

#[test]
fn text_and_bytes() {
    assert_stored! {
        StringArray::from(vec![Some(""), Some("007"), Some("é😀\n'\""), None])
            => ["text:", "text:007", "text:é😀\n'\"", "null:"],
        LargeStringArray::from(vec!["1e5"]) => ["text:1e5"],
        StringViewArray::from(vec!["a", "a text of more than twelve bytes"])
            => ["text:a", "text:a text of more than twelve bytes"],
        BinaryArray::from(vec![&b""[..], &[0, 255]]) => ["blob:", "blob:00FF"],
        LargeBinaryArray::from(vec![&b"1"[..]]) => ["blob:31"],
        BinaryViewArray::from(vec![&b"\0\0"[..]]) => ["blob:0000"],
        FixedSizeBinaryArray::try_from_iter([[1u8, 2], [3, 4]].into_iter()).unwrap() => ["blob:0102", "blob:0304"],
        NullArray::new(2) => ["null:", "null:"],
    }
}

#[test]
fn text_keeps_a_nul() {
    let place = place();
    let rows = batch(vec![("x", Arc::new(StringArray::from(vec!["a\0b"])))]);
    place.run().sync(&plan("t", WriteMode::Append), &[rows]).unwrap();
    assert_eq!(place.rows("SELECT x FROM t"), ["a\0b"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn doubles_keep_every_bit_and_nan_is_refused(bits in proptest::collection::vec(any::<u64>(), 1..200)) {
        let edges = [0.0, -0.0, f64::MIN_POSITIVE, 5e-324, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, 1.0, -3e15, 2f64.powi(63)];
        let doubles: Vec<f64> = bits.iter().map(|bits| f64::from_bits(*bits)).filter(|it| !it.is_nan()).chain(edges).collect();
        let place = place();
        place.run().sync(&plan("t", WriteMode::Append), &[batch(vec![
            ("d", Arc::new(Float64Array::from(doubles.clone()))),
            ("s", Arc::new(Float32Array::from_iter_values(doubles.iter().map(|it| *it as f32)))),
        ])]).unwrap();
        let db = rusqlite::Connection::open(&place.path).unwrap();
        let read: Vec<(f64, f64)> = db.prepare("SELECT d, s FROM t").unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap();
        for (expected, (double, single)) in doubles.iter().zip(read) {
            prop_assert_eq!(expected.to_bits(), double.to_bits());
            prop_assert_eq!((*expected as f32).to_bits(), (single as f32).to_bits());
        }
    }
}

#[test]
fn a_double_without_a_form_is_refused() {
    assert_refused(Arc::new(Float64Array::from(vec![Some(1.0), None, Some(f64::NAN)])), "row 3");
    assert_refused(Arc::new(Float32Array::from(vec![f32::NAN])), "NaN");
    // What stands under a null is no value.
    let hidden = Float64Array::new(vec![f64::NAN, 1.0].into(), Some(NullBuffer::from(vec![false, true])));
    assert_eq!(stored(Arc::new(hidden)), ["null:", "real:1.0"]);
}

#[test]
fn decimals_keep_their_digits() {
    let d128 = |values: Vec<i128>, precision, scale| {
        Decimal128Array::from(values).with_precision_and_scale(precision, scale).unwrap()
    };
    assert_stored! {
        d128(vec![5, -5, 0, 123_456], 38, 2) => ["text:0.05", "text:-0.05", "text:0.00", "text:1234.56"],
        d128(vec![10i128.pow(38) - 1], 38, 0) => ["text:99999999999999999999999999999999999999"],
        d128(vec![12], 3, -2) => ["text:1200"],
        Decimal32Array::from(vec![-7]).with_precision_and_scale(9, 1).unwrap() => ["text:-0.7"],
        Decimal64Array::from(vec![7]).with_precision_and_scale(18, 3).unwrap() => ["text:0.007"],
        Decimal256Array::from(vec![i256::from_i128(-12), i256::MAX]).with_precision_and_scale(76, 10).unwrap()
            => ["text:-0.0000000012", "text:5789604461865809771178549250434395392663499233282028201972879200395.6564819967"],
    }
}

#[test]
fn dates_and_times_have_the_precision_of_their_unit() {
    let zone = TimestampMillisecondArray::from(vec![Some(1_709_251_199_123), None]).with_timezone("+02:00");
    assert_stored! {
        Date32Array::from(vec![0, -719_162, 2_932_896]) => ["text:1970-01-01", "text:0001-01-01", "text:9999-12-31"],
        Date64Array::from(vec![86_400_000]) => ["text:1970-01-02"],
        Time32SecondArray::from(vec![86_399]) => ["text:23:59:59"],
        Time32MillisecondArray::from(vec![1]) => ["text:00:00:00.001"],
        Time64MicrosecondArray::from(vec![1]) => ["text:00:00:00.000001"],
        Time64NanosecondArray::from(vec![1]) => ["text:00:00:00.000000001"],
        TimestampSecondArray::from(vec![-1]) => ["text:1969-12-31T23:59:59"],
        zone => ["text:2024-02-29T23:59:59.123Z", "null:"],
        TimestampMicrosecondArray::from(vec![-62_135_596_800_000_000]) => ["text:0001-01-01T00:00:00.000000"],
        TimestampNanosecondArray::from(vec![i64::MAX]) => ["text:2262-04-11T23:47:16.854775807"],
        DurationSecondArray::from(vec![90]) => ["text:PT90S"],
        DurationMillisecondArray::from(vec![-1]) => ["text:PT-0.001S"],
        DurationMicrosecondArray::from(vec![1]) => ["text:PT0.000001S"],
        DurationNanosecondArray::from(vec![i64::MIN]) => ["text:PT-9223372036.854775808S"],
        IntervalYearMonthArray::from(vec![-14]) => ["text:P-14M"],
        IntervalDayTimeArray::from(vec![IntervalDayTime::new(1, -500)]) => ["text:P1DT-0.500S"],
        IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(1, -1, 1)]) => ["text:P1M-1DT0.000000001S"],
    }
}

#[test]
fn dates_and_times_without_a_form_are_refused() {
    assert_refused(Arc::new(Date32Array::from(vec![0, i32::MAX])), "row 2");
    assert_refused(Arc::new(Date64Array::from(vec![1])), "midnight");
    assert_refused(Arc::new(Date64Array::from(vec![i64::MIN / 86_400_000 * 86_400_000])), "9999");
    assert_refused(Arc::new(Time32SecondArray::from(vec![86_400])), "time of day");
    assert_refused(Arc::new(Time64NanosecondArray::from(vec![-1])), "time of day");
    assert_refused(Arc::new(TimestampSecondArray::from(vec![i64::MAX])), "9999");
    assert_refused(Arc::new(TimestampMicrosecondArray::from(vec![-62_135_596_800_000_001])), "0001");
}

#[test]
fn a_dictionary_and_runs_are_their_values() {
    let dictionary: DictionaryArray<Int8Type> =
        vec![Some("a"), None, Some("b"), Some("a")].into_iter().collect();
    let runs =
        RunArray::<Int32Type>::try_new(&Int32Array::from(vec![2, 3]), &Int64Array::from(vec![Some(7), None]))
            .unwrap();
    let unused = DictionaryArray::<Int8Type>::new(
        Int8Array::from(vec![1, 1]),
        Arc::new(Float64Array::from(vec![f64::NAN, 0.5])),
    );
    let empty =
        DictionaryArray::<Int8Type>::new(Int8Array::from(vec![None, None]), new_empty_array(&DataType::Utf8));
    assert_stored! {
        dictionary.clone() => ["text:a", "null:", "text:b", "text:a"],
        dictionary.slice(2, 2) => ["text:b", "text:a"],
        runs.clone() => ["integer:7", "integer:7", "null:"],
        runs.slice(1, 2) => ["integer:7", "null:"],
        unused => ["real:0.5", "real:0.5"],
        empty => ["null:", "null:"],
    }
    let used = DictionaryArray::<Int8Type>::new(
        Int8Array::from(vec![1, 0]),
        Arc::new(Float64Array::from(vec![f64::NAN, 0.5])),
    );
    assert_refused(Arc::new(used), "row 2");
}

#[test]
fn nested_values_are_json() {
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>([
        Some(vec![Some(9_007_199_254_740_993), None]),
        None,
        Some(vec![]),
        Some(vec![Some(1)]),
    ]);
    let fixed = FixedSizeListArray::from_iter_primitive::<UInt64Type, _, _>(
        [Some(vec![Some(1), Some(u64::MAX)]), None],
        2,
    );
    let views = ListViewArray::new(
        Arc::new(Field::new("item", DataType::Int32, true)),
        vec![0, 1].into(),
        vec![2, 1].into(),
        Arc::new(Int32Array::from(vec![7, 8])),
        None,
    );
    let fields: Fields = vec![
        Field::new("b\"", DataType::Binary, true),
        Field::new("f", DataType::Float32, true),
        Field::new("d", DataType::Decimal128(5, 2), true),
        Field::new("t", DataType::Timestamp(TimeUnit::Second, Some("UTC".into())), true),
        Field::new("s", DataType::Utf8, true),
        Field::new("y", DataType::Boolean, true),
    ]
    .into();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from(vec![&b"\0\xff"[..], b""])),
        Arc::new(Float32Array::from(vec![0.1, -0.0])),
        Arc::new(Decimal128Array::from(vec![100, -5]).with_precision_and_scale(5, 2).unwrap()),
        Arc::new(TimestampSecondArray::from(vec![0, 1]).with_timezone("UTC")),
        Arc::new(StringArray::from(vec![Some("\u{1}\n\\é"), None])),
        Arc::new(BooleanArray::from(vec![true, false])),
    ];
    let record = StructArray::new(fields, columns, None);
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    map.keys().append_value("k");
    map.values().append_value(1);
    map.append(true).unwrap();
    map.append(false).unwrap();
    let mut pairs = MapBuilder::new(None, Int32Builder::new(), Int32Builder::new());
    pairs.keys().append_value(1);
    pairs.values().append_null();
    pairs.append(true).unwrap();
    let members = UnionFields::try_new(
        [3, 5],
        [Field::new("i", DataType::Int32, true), Field::new("s", DataType::Utf8, true)],
    )
    .unwrap();
    let union = UnionArray::try_new(
        members,
        ScalarBuffer::from(vec![3i8, 5, 3]),
        Some(ScalarBuffer::from(vec![0, 0, 1])),
        vec![Arc::new(Int32Array::from(vec![7, 8])), Arc::new(StringArray::from(vec!["x"]))],
    )
    .unwrap();
    assert_stored! {
        list.clone() => ["text:[9007199254740993,null]", "null:", "text:[]", "text:[1]"],
        list.slice(3, 1) => ["text:[1]"],
        views.clone() => ["text:[7,8]", "text:[8]"],
        views.slice(1, 1) => ["text:[8]"],
        LargeListArray::from_iter_primitive::<Int8Type, _, _>([None, Some(vec![Some(1)])]) => ["null:", "text:[1]"],
        fixed.slice(0, 1) => ["text:[1,18446744073709551615]"],
        fixed.slice(1, 1) => ["null:"],
        record.clone() => [
            r#"text:{"b\"":"AP8=","f":0.1,"d":"1.00","t":"1970-01-01T00:00:00Z","s":"\u0001\n\\é","y":true}"#,
            r#"text:{"b\"":"","f":-0.0,"d":"-0.05","t":"1970-01-01T00:00:01Z","s":null,"y":false}"#,
        ],
        map.finish() => [r#"text:{"k":1}"#, "null:"],
        pairs.finish() => ["text:[[1,null]]"],
        union.clone() => [r#"text:{"i":7}"#, r#"text:{"s":"x"}"#, r#"text:{"i":8}"#],
        union.slice(2, 1) => [r#"text:{"i":8}"#],
    }
    assert_eq!(stored(Arc::new(record.slice(1, 1))).len(), 1);
}

#[test]
fn nested_json_is_json_to_others() {
    let place = place();
    let text: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..=0x20u8).map(|byte| format!("{}\"", byte as char))));
    let offsets = OffsetBuffer::from_lengths(vec![1; text.len()]);
    let list = ListArray::new(Arc::new(Field::new("item", DataType::Utf8, true)), offsets, text, None);
    place.run().sync(&plan("t", WriteMode::Append), &[batch(vec![("x", Arc::new(list))])]).unwrap();
    for (byte, row) in place.rows("SELECT x FROM t").iter().enumerate() {
        let parsed: Vec<String> = serde_json::from_str(row).unwrap();
        assert_eq!(parsed, [format!("{}\"", byte as u8 as char)]);
    }
    assert_eq!(place.rows("SELECT count(*) FROM t WHERE json_valid(x)"), ["33"]);
}

#[test]
fn nested_values_without_a_form_are_refused() {
    let list = |values: Vec<f64>| {
        ListArray::from_iter_primitive::<Float64Type, _, _>([
            None,
            Some(values.into_iter().map(Some).collect::<Vec<_>>()),
        ])
    };
    assert_refused(Arc::new(list(vec![1.0, f64::NAN])), "row 2");
    assert_refused(Arc::new(list(vec![f64::INFINITY])), "JSON");
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for value in 0..2 {
        map.keys().append_value("k");
        map.values().append_value(value);
    }
    map.append(true).unwrap();
    assert_refused(Arc::new(map.finish()), "equal keys");
}

#[test]
fn the_arrow_type_of_every_column_is_kept() {
    let place = place();
    let array = TimestampNanosecondArray::from(vec![0]).with_timezone("Europe/Zurich");
    place.run().sync(&plan("t", WriteMode::Append), &[batch(vec![("x", Arc::new(array.clone()))])]).unwrap();
    let json = &place.rows("SELECT arrow FROM _dstreams_columns")[0];
    let field: dstream_sdk::schema_json::FieldJson = serde_json::from_str(json).unwrap();
    assert_eq!(field.to_field().unwrap().data_type(), array.data_type());
}
