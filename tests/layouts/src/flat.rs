//! Arrays without children, one per layout, each with buffers of its own.

use arrow::array::*;
use arrow::buffer::NullBuffer;
use arrow::datatypes::*;
use std::sync::Arc;

/// Records of every batch: enough for bitmaps of several bytes, and no multiple of eight.
pub(crate) const ROWS: usize = 43;

/// Every third value is null.
pub(crate) fn every_third(row: usize) -> bool {
    row % 3 == 2
}

pub(crate) fn nulls() -> NullBuffer {
    (0..ROWS).map(|row| !every_third(row)).collect()
}

fn primitive<T: ArrowPrimitiveType>(value: impl Fn(usize) -> T::Native) -> PrimitiveArray<T> {
    PrimitiveArray::new((0..ROWS).map(value).collect::<Vec<_>>().into(), Some(nulls()))
}

/// Texts of 0 to 42 bytes: some fit into a view, most do not.
fn text(row: usize) -> Option<String> {
    (!every_third(row)).then(|| "long text ".repeat(5)[..row].to_owned())
}

pub(crate) fn texts() -> StringArray {
    (0..ROWS).map(text).collect()
}

pub(crate) fn ints() -> Int64Array {
    primitive(|row| row as i64 * 7)
}

/// Views into several buffers.
fn utf8_view() -> StringViewArray {
    let mut builder = StringViewBuilder::new().with_fixed_block_size(100);
    (0..ROWS).for_each(|row| builder.append_option(text(row)));
    builder.finish()
}

fn binary_view() -> BinaryViewArray {
    let mut builder = BinaryViewBuilder::new().with_fixed_block_size(100);
    (0..ROWS).for_each(|row| builder.append_option(text(row)));
    builder.finish()
}

/// By name of the stream.
pub(crate) fn columns() -> Vec<(&'static str, ArrayRef)> {
    let bytes = |row: usize| text(row).map(String::into_bytes);
    let fixed = (0..ROWS).map(|row| (!every_third(row)).then_some([row as u8; 5]));
    let without_nulls = Int64Array::from_iter_values(0..ROWS as i64 + 20);
    let with_nulls: Int64Array = (0..ROWS as i64 + 20).map(|at| (at % 3 > 0).then_some(at)).collect();
    let flags: BooleanArray = (0..ROWS + 20).map(|row| (!every_third(row)).then_some(row % 2 == 0)).collect();
    let long: StringArray = (0..ROWS + 20).map(|row| text(row % ROWS)).collect();
    let short: StringViewArray = (0..ROWS).map(|row| Some(format!("{row}"))).collect();
    vec![
        ("null", Arc::new(NullArray::new(ROWS))),
        ("boolean", Arc::new(flags.slice(0, ROWS))),
        ("int8", Arc::new(primitive::<Int8Type>(|row| row as i8))),
        ("int16", Arc::new(primitive::<Int16Type>(|row| row as i16))),
        ("int32", Arc::new(primitive::<Int32Type>(|row| row as i32))),
        ("int64", Arc::new(ints())),
        ("uint8", Arc::new(primitive::<UInt8Type>(|row| row as u8))),
        ("uint16", Arc::new(primitive::<UInt16Type>(|row| row as u16))),
        ("uint32", Arc::new(primitive::<UInt32Type>(|row| row as u32))),
        ("uint64", Arc::new(primitive::<UInt64Type>(|row| row as u64))),
        ("float16", Arc::new(primitive::<Float16Type>(|row| half::f16::from_f32(row as f32)))),
        ("float32", Arc::new(primitive::<Float32Type>(|row| row as f32))),
        ("float64", Arc::new(primitive::<Float64Type>(|row| row as f64))),
        ("date32", Arc::new(primitive::<Date32Type>(|row| row as i32))),
        ("date64", Arc::new(primitive::<Date64Type>(|row| row as i64 * 86_400_000))),
        ("time32", Arc::new(primitive::<Time32SecondType>(|row| row as i32))),
        ("time64", Arc::new(primitive::<Time64NanosecondType>(|row| row as i64))),
        ("timestamp", Arc::new(primitive::<TimestampNanosecondType>(|row| row as i64))),
        (
            "timestamp_tz",
            Arc::new(primitive::<TimestampMicrosecondType>(|row| row as i64).with_timezone("Europe/Vienna")),
        ),
        ("duration", Arc::new(primitive::<DurationMillisecondType>(|row| row as i64))),
        ("interval_year_month", Arc::new(primitive::<IntervalYearMonthType>(|row| row as i32))),
        (
            "interval_day_time",
            Arc::new(primitive::<IntervalDayTimeType>(|row| IntervalDayTime::new(row as i32, 1))),
        ),
        (
            "interval_month_day_nano",
            Arc::new(primitive::<IntervalMonthDayNanoType>(|row| {
                IntervalMonthDayNano::new(1, 2, row as i64)
            })),
        ),
        ("decimal32", Arc::new(primitive::<Decimal32Type>(|row| row as i32))),
        ("decimal64", Arc::new(primitive::<Decimal64Type>(|row| row as i64))),
        ("decimal128", Arc::new(primitive::<Decimal128Type>(|row| row as i128))),
        ("decimal256", Arc::new(primitive::<Decimal256Type>(|row| i256::from(row as i64)))),
        ("utf8", Arc::new(texts())),
        ("large_utf8", Arc::new((0..ROWS).map(text).collect::<LargeStringArray>())),
        ("binary", Arc::new((0..ROWS).map(bytes).collect::<BinaryArray>())),
        ("large_binary", Arc::new((0..ROWS).map(bytes).collect::<LargeBinaryArray>())),
        (
            "fixed_size_binary",
            Arc::new(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(fixed, 5).expect("five bytes each"),
            ),
        ),
        ("utf8_view", Arc::new(utf8_view())),
        ("binary_view", Arc::new(binary_view())),
        ("utf8_view_inline", Arc::new(short)),
        // Without nulls there is no bitmap, which has to stay so.
        ("int64_without_nulls", Arc::new(Int64Array::from_iter_values(0..ROWS as i64))),
        // arrow-rs slices by moving pointers; of booleans by their offset.
        ("int64_slice", Arc::new(without_nulls.slice(3, ROWS))),
        ("int64_slice_at_a_byte", Arc::new(with_nulls.slice(16, ROWS))),
        ("int64_slice_within_a_byte", Arc::new(with_nulls.slice(3, ROWS))),
        ("boolean_slice", Arc::new(flags.slice(5, ROWS))),
        ("utf8_slice", Arc::new(long.slice(8, ROWS))),
    ]
}
