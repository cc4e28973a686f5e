//! Values of all Arrow types out and in again: equal, or refused with column and row.

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::*;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use dstream_sdk::{Cells, ErrorKind, Why, write_base64};

use crate::csv::CsvEncoding;
use crate::jsonl::JsonlEncoding;
use crate::target::{Encoding, Packing};
use crate::testing::{Folder, encoded, read};
use crate::types;

/// Numbers from one seed: splitmix64, with the edges more often than chance has them.
struct Seed(u64);

impl Seed {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.next().is_multiple_of(count)
    }

    fn bits(&mut self) -> i64 {
        match self.next() % 8 {
            0 => 0,
            1 => -1,
            2 => i64::MAX,
            3 => i64::MIN,
            4 => (self.next() % 100) as i64,
            5 => (self.next() % 4_000_000_000_000) as i64,
            _ => self.next() as i64,
        }
    }

    fn text(&mut self) -> String {
        let alphabet: Vec<char> = "ab, \"\\\n\r\t\0\u{1f}ä€\u{feff}😀NA{}[]:1;'#".chars().collect();
        let length = self.next() % 40;
        (0..length).map(|_| alphabet[self.next() as usize % alphabet.len()]).collect()
    }
}

/// The types that the tap has names for come back as they are; the others as the text that they are written as.
fn data_types() -> Vec<DataType> {
    use DataType::*;
    let units = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
    let mut all = vec![Null, Boolean, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64];
    all.extend([Float16, Float32, Float64, Utf8, LargeUtf8, Utf8View, Binary, LargeBinary, BinaryView]);
    all.extend([Decimal32(9, 2), Decimal64(18, 0), Decimal64(10, -3), Decimal128(15, 2), Decimal128(38, 38)]);
    all.extend([Decimal256(76, 40), Date32, Date64, Time32(units[0]), Time32(units[1])]);
    all.extend([Time64(units[2]), Time64(units[3]), FixedSizeBinary(5)]);
    for unit in units {
        all.extend([Timestamp(unit, None), Timestamp(unit, Some("UTC".into())), Duration(unit)]);
    }
    all.extend([IntervalUnit::YearMonth, IntervalUnit::DayTime, IntervalUnit::MonthDayNano].map(Interval));
    let item = |kind: DataType| Arc::new(Field::new("item", kind, true));
    all.extend([List(item(Int64)), LargeList(item(Utf8)), FixedSizeList(item(Float64), 2)]);
    all.push(Struct(vec![Field::new("a,\"", Int8, true), Field::new("b", Utf8, true)].into()));
    all.push(Dictionary(Box::new(Int16), Box::new(Utf8)));
    all.push(Dictionary(Box::new(Int32), Box::new(Decimal128(10, 2))));
    all
}

fn array(data_type: &DataType, rows: usize, seed: &mut Seed) -> ArrayRef {
    use DataType::*;
    let is_valid: Vec<bool> = (0..rows).map(|_| !seed.one_in(5)).collect();
    let nulls = Some(is_valid.clone().into());
    let texts = |seed: &mut Seed| -> StringArray {
        is_valid.iter().map(|valid| valid.then(|| seed.text())).collect()
    };
    match data_type {
        Null => Arc::new(NullArray::new(rows)),
        Utf8 | LargeUtf8 | Utf8View => cast(&texts(seed), data_type).unwrap(),
        Binary | LargeBinary | BinaryView => cast(&cast(&texts(seed), &Binary).unwrap(), data_type).unwrap(),
        Dictionary(_, values) => cast(&array(values, rows, seed), data_type).unwrap(),
        Boolean => Arc::new(BooleanArray::new((0..rows).map(|_| seed.one_in(2)).collect(), nulls)),
        List(item) => {
            let items = array(item.data_type(), rows * 2, seed);
            let offsets = arrow::buffer::OffsetBuffer::from_lengths(vec![2; rows]);
            Arc::new(ListArray::new(item.clone(), offsets, items, nulls))
        }
        LargeList(item) => {
            let items = array(item.data_type(), rows * 2, seed);
            let offsets = arrow::buffer::OffsetBuffer::from_lengths(vec![2; rows]);
            Arc::new(LargeListArray::new(item.clone(), offsets, items, nulls))
        }
        FixedSizeList(item, size) => {
            let items = array(item.data_type(), rows * *size as usize, seed);
            Arc::new(FixedSizeListArray::new(item.clone(), *size, items, nulls))
        }
        Struct(fields) => {
            let columns = fields.iter().map(|field| array(field.data_type(), rows, seed)).collect();
            Arc::new(StructArray::new(fields.clone(), columns, nulls))
        }
        fixed => {
            // Any bits are a value of these types, within what a decimal has digits for.
            let width = fixed.primitive_width().unwrap_or(5);
            let mut bytes = Vec::new();
            for _ in 0..rows {
                let value = match fixed {
                    Decimal32(..) => i128::from(seed.bits() % 1_000_000_000),
                    Decimal64(precision, _) => i128::from(seed.bits() % 10i64.pow((*precision).into())),
                    Decimal128(precision, _) if *precision < 20 => {
                        i128::from(seed.bits() % 10i64.pow((*precision).into()))
                    }
                    Date64 if !seed.one_in(8) => i128::from(seed.bits() % 3_000_000) * 86_400_000,
                    Date32 => i128::from(seed.bits() % 3_000_000),
                    Time32(TimeUnit::Second) => i128::from(seed.bits().rem_euclid(86_400)),
                    Time32(_) => i128::from(seed.bits().rem_euclid(86_400_000)),
                    Time64(TimeUnit::Microsecond) => i128::from(seed.bits().rem_euclid(86_400_000_000)),
                    Time64(_) => i128::from(seed.bits().rem_euclid(86_400_000_000_000)),
                    Timestamp(unit, _) => {
                        let second = dstream_sdk::text::ticks(*unit).0;
                        i128::from(seed.bits() % 80_000_000_000i64.saturating_mul(second))
                    }
                    _ => i128::from(seed.bits()),
                };
                let wide = [value.to_le_bytes(), [if value < 0 { 0xff } else { 0 }; 16]].concat();
                bytes.extend_from_slice(&wide[..width]);
            }
            let data = ArrayData::builder(fixed.clone())
                .len(rows)
                .null_bit_buffer(Some(arrow::buffer::BooleanBuffer::from(is_valid).into_inner()));
            make_array(data.add_buffer(bytes.into()).build().unwrap())
        }
    }
}

/// The type to declare to the tap; `None`: it has no name for it.
fn declared(data_type: &DataType) -> Option<String> {
    use DataType::*;
    match data_type {
        Dictionary(_, values) => declared(values),
        Timestamp(unit, zone) => {
            let ns = if *unit == TimeUnit::Nanosecond { "_ns" } else { "" };
            Some(format!("timestamp{ns}{}", if zone.is_some() { "_utc" } else { "" }))
        }
        Decimal32(precision, scale) | Decimal64(precision, scale) if *scale >= 0 => {
            Some(format!("decimal({precision},{scale})"))
        }
        Float16 => Some("float64".to_owned()),
        LargeUtf8 | Utf8View => Some("text".to_owned()),
        Boolean | Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 | Float32 | Float64
        | Utf8 | Decimal128(..) | Date32 => Some(types::name(data_type)),
        Date64 => Some("date".to_owned()),
        _ => None,
    }
}

/// What comes back of a value whose type has no name: the text that stands in the file.
fn as_text(array: &ArrayRef) -> Result<ArrayRef, Why> {
    let cells = Cells::new(array.as_ref()).unwrap();
    let mut texts = StringBuilder::new();
    for row in 0..array.len() {
        let mut text = String::new();
        match cells.append(row, false, &mut text)? {
            dstream_sdk::Appended::Null => texts.append_null(),
            dstream_sdk::Appended::Bytes(bytes) => {
                write_base64(bytes, &mut text);
                texts.append_value(&text);
            }
            _ => texts.append_value(&text),
        }
    }
    Ok(Arc::new(texts.finish()))
}

/// NaN is NaN, whatever its bits: they have no text.
fn canonical(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Float32 => Arc::new(
            array
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(|value| if value.is_nan() { f32::NAN } else { value }),
        ),
        DataType::Float64 => Arc::new(
            array
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(|value| if value.is_nan() { f64::NAN } else { value }),
        ),
        _ => array.clone(),
    }
}

fn check(is_csv: bool, data_type: &DataType, array: ArrayRef) {
    let field = Field::new("c", data_type.clone(), true);
    // A second column: a file of nulls alone has no lines to count.
    let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(0..array.len() as i64));
    let schema = Schema::new(vec![field, Field::new("row", DataType::Int64, false)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![array.clone(), rows.clone()]).unwrap();
    let (csv, jsonl) = (
        CsvEncoding {
            delimiter: b',',
            null: String::new(),
            header: true,
            line_end: "\n",
            packing: Packing::Plain,
        },
        JsonlEncoding { packing: Packing::Plain },
    );
    let encoding: &dyn Encoding = if is_csv { &csv } else { &jsonl };
    let bytes = match encoded(encoding, &batch) {
        Ok(bytes) => bytes,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Data, "{error}");
            assert!(error.message().contains("of the file has in the column `c` "), "{error}");
            let allowed = [
                "a date outside of the years 0001 to 9999",
                "a date that is not midnight",
                if is_csv && !data_type.is_nested() {
                    "-"
                } else {
                    "NaN or an infinity, for which JSON has no number"
                },
            ];
            assert!(allowed.iter().any(|why| error.message().ends_with(why)), "{data_type}: {error}");
            return;
        }
    };
    let name = declared(data_type);
    // Nested values come back nested in JSON; their own tests look at that.
    if !is_csv && data_type.is_nested() {
        return;
    }
    let mut declared = Map::from_iter([("row".to_owned(), Value::from("int64"))]);
    declared.insert("c".to_owned(), name.as_deref().unwrap_or("text").into());
    let folder = Folder::new();
    let found = match is_csv {
        true => {
            folder.write("x.csv", &bytes);
            read(&folder.csv("x.csv", json!({"types": declared})), None)
        }
        false => {
            folder.write("x.jsonl", &bytes);
            read(&folder.jsonl("x.jsonl", json!({"types": declared})), None)
        }
    };
    let found =
        found.unwrap_or_else(|error| panic!("{data_type}: {error} in {}", String::from_utf8_lossy(&bytes)));
    let expected = match name {
        Some(_) => array.clone(),
        None => as_text(&array).unwrap(),
    };
    let column = found.batches[0].column(0);
    let expected = match (expected.data_type(), column.data_type()) {
        (one, other) if one == other => expected,
        (_, other) => cast(&expected, other).unwrap(),
    };
    assert_eq!(found.batches[0].column(1), &rows);
    let (expected, column) = (canonical(&expected), canonical(column));
    assert_eq!(&column, &expected, "{data_type} in {}", String::from_utf8_lossy(&bytes));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back_or_refused(seed in any::<u64>(), rows in 1..20usize) {
        let mut seed = Seed(seed);
        for data_type in data_types() {
            for is_csv in [true, false] {
                let array = array(&data_type, rows, &mut seed);
                check(is_csv, &data_type, array);
            }
        }
    }
}
