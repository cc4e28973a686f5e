//! An array of every Arrow type: ordinary values, with a null where there can be one.

use arrow::array::{
    Array, ArrayRef, BinaryArray, DictionaryArray, FixedSizeBinaryArray, FixedSizeListArray,
    GenericListArray, GenericListViewArray, Int32Array, Int64Array, MapArray, NullArray, OffsetSizeTrait,
    RunArray, StringArray, StructArray, UnionArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, Fields, Float64Type, Int8Type, Int32Type, IntervalDayTime, IntervalDayTimeType,
    IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalYearMonthType, TimeUnit, UnionFields,
};
use arrow::error::ArrowError;
use std::sync::Arc;

type Result<T> = std::result::Result<T, ArrowError>;

/// Rows of every sample.
pub(crate) const ROWS: usize = 4;

/// An array of `ROWS` values for every type.
pub(crate) fn samples() -> Result<Vec<ArrayRef>> {
    let mut samples: Vec<ArrayRef> = vec![Arc::new(NullArray::new(ROWS))];
    for data_type in by_cast() {
        samples.push(cast(&source(&data_type), &data_type)?);
    }
    samples.extend(fixed_and_intervals()?);
    samples.extend(nested()?);
    Ok(samples)
}

fn ints() -> Int64Array {
    Int64Array::from(vec![Some(1), None, Some(0), Some(100)])
}

fn words() -> StringArray {
    StringArray::from(vec![Some("a word"), None, Some(""), Some("long enough to be no part of a view: 鯨")])
}

/// Types that arrow-rs makes out of numbers, text or bytes.
fn by_cast() -> Vec<DataType> {
    use DataType as T;
    let units = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
    let mut types = vec![T::Boolean, T::Int8, T::Int16, T::Int32, T::Int64];
    types.extend([T::UInt8, T::UInt16, T::UInt32, T::UInt64, T::Float16, T::Float32, T::Float64]);
    types.extend([T::Utf8, T::LargeUtf8, T::Utf8View, T::Binary, T::LargeBinary, T::BinaryView]);
    types.extend([T::Decimal32(9, 2), T::Decimal64(18, 4), T::Decimal128(38, 10), T::Decimal256(76, 20)]);
    types.extend([T::Date32, T::Date64, T::Time32(units[0]), T::Time32(units[1])]);
    types.extend([T::Time64(units[2]), T::Time64(units[3])]);
    for unit in units {
        types.push(T::Timestamp(unit, None));
        types.push(T::Timestamp(unit, Some("UTC".into())));
        types.push(T::Timestamp(unit, Some("+02:00".into())));
        types.push(T::Duration(unit));
    }
    types.push(T::Dictionary(Box::new(T::Int32), Box::new(T::Utf8)));
    types
}

fn source(data_type: &DataType) -> ArrayRef {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            Arc::new(words())
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Arc::new(BinaryArray::from(vec![
            Some(&b"\x00\xff"[..]),
            None,
            Some(b""),
            Some(b"no text: \xfe\xfd\xfc"),
        ])),
        DataType::Date32 | DataType::Time32(_) => {
            Arc::new(Int32Array::from(vec![Some(1), None, Some(0), Some(100)]))
        }
        DataType::Date64 => {
            Arc::new(Int64Array::from(vec![Some(86_400_000), None, Some(0), Some(8_640_000_000)]))
        }
        // Whole microseconds: a part of one is a value that many a target refuses, whatever it does with the type.
        DataType::Time64(TimeUnit::Nanosecond)
        | DataType::Timestamp(TimeUnit::Nanosecond, _)
        | DataType::Duration(TimeUnit::Nanosecond) => {
            Arc::new(Int64Array::from(vec![Some(1_000), None, Some(0), Some(100_000)]))
        }
        _ => Arc::new(ints()),
    }
}

fn fixed_and_intervals() -> Result<Vec<ArrayRef>> {
    let bytes: [Option<&[u8]>; ROWS] = [Some(b"abc"), None, Some(b"\x00\x01\x02"), Some(b"xyz")];
    let months = [Some(14), None, Some(0), Some(-1)];
    let days = [Some((1, -500)), None, Some((0, 0)), Some((30, 1))];
    let nanos = [Some((1, -1, 1_000)), None, Some((0, 0, 0)), Some((12, 31, 1_000_000_000))];
    let day_time = |(days, milliseconds)| IntervalDayTime { days, milliseconds };
    let month_nano = |(months, days, nanoseconds)| IntervalMonthDayNano { months, days, nanoseconds };
    type Of<T> = arrow::array::PrimitiveArray<T>;
    Ok(vec![
        Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes.into_iter(), 3)?),
        Arc::new(Of::<IntervalYearMonthType>::from_iter(months)),
        Arc::new(Of::<IntervalDayTimeType>::from_iter(days.map(|days| days.map(day_time)))),
        Arc::new(Of::<IntervalMonthDayNanoType>::from_iter(nanos.map(|nanos| nanos.map(month_nano)))),
    ])
}

fn nested() -> Result<Vec<ArrayRef>> {
    let item = Arc::new(Field::new("item", DataType::Int64, true));
    let fixed = FixedSizeListArray::try_new(item.clone(), 1, Arc::new(ints()), some_null())?;
    let fields =
        Fields::from(vec![Field::new("n", DataType::Int64, true), Field::new("w", DataType::Utf8, true)]);
    let columns: Vec<ArrayRef> = vec![Arc::new(ints()), Arc::new(words())];
    let structs = StructArray::try_new(fields, columns, some_null())?;
    Ok(vec![
        Arc::new(list::<i32>(&item)?),
        Arc::new(list::<i64>(&item)?),
        Arc::new(list_view::<i32>(&item)?),
        Arc::new(list_view::<i64>(&item)?),
        Arc::new(fixed),
        Arc::new(structs),
        Arc::new(map()?),
        Arc::new(union_of(true)?),
        Arc::new(union_of(false)?),
        Arc::new(RunArray::<Int32Type>::try_new(
            &Int32Array::from(vec![1, 3, ROWS as i32]),
            &StringArray::from(vec![Some("one"), None, Some("another")]),
        )?),
        Arc::new(DictionaryArray::<Int8Type>::try_new(
            vec![Some(1), None, Some(0), Some(1)].into(),
            Arc::new(arrow::array::PrimitiveArray::<Float64Type>::from(vec![0.5, -2.25])),
        )?),
    ])
}

fn some_null() -> Option<NullBuffer> {
    Some(NullBuffer::from(vec![true, false, true, true]))
}

fn list<O: OffsetSizeTrait>(item: &Arc<Field>) -> Result<GenericListArray<O>> {
    let offsets = OffsetBuffer::<O>::from_lengths([2, 0, 0, 2]);
    GenericListArray::try_new(item.clone(), offsets, Arc::new(ints()), some_null())
}

fn list_view<O: OffsetSizeTrait>(item: &Arc<Field>) -> Result<GenericListViewArray<O>> {
    let numbers =
        |numbers: [usize; ROWS]| -> ScalarBuffer<O> { numbers.into_iter().map(O::usize_as).collect() };
    // Out of order and overlapping, as views may be.
    let (offsets, sizes) = (numbers([2, 0, 0, 1]), numbers([2, 0, 0, 2]));
    GenericListViewArray::try_new(item.clone(), offsets, sizes, Arc::new(ints()), some_null())
}

fn map() -> Result<MapArray> {
    let key = Field::new("keys", DataType::Utf8, false);
    let value = Field::new("values", DataType::Int64, true);
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a", "c"]));
    let entries = StructArray::try_new(Fields::from(vec![key, value]), vec![keys, Arc::new(ints())], None)?;
    let field = Arc::new(Field::new("entries", entries.data_type().clone(), false));
    MapArray::try_new(field, OffsetBuffer::from_lengths([2, 0, 1, 1]), entries, some_null(), false)
}

fn union_of(is_dense: bool) -> Result<UnionArray> {
    let fields =
        [Arc::new(Field::new("n", DataType::Int64, true)), Arc::new(Field::new("w", DataType::Utf8, true))];
    let fields: UnionFields = [0_i8, 1].into_iter().zip(fields).collect();
    let types: ScalarBuffer<i8> = vec![0, 1, 1, 0].into();
    let offsets = is_dense.then(|| ScalarBuffer::from(vec![0, 0, 3, 3]));
    UnionArray::try_new(fields, types, offsets, vec![Arc::new(ints()), Arc::new(words())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::IntervalUnit;

    #[test]
    fn there_is_a_valid_sample_of_every_type() {
        let samples = samples().unwrap();
        assert!(samples.len() > 60, "{}", samples.len());
        for sample in &samples {
            assert_eq!(sample.len(), ROWS, "{}", sample.data_type());
            sample.to_data().validate_full().unwrap();
        }
        let has = |unit| samples.iter().any(|sample| *sample.data_type() == DataType::Interval(unit));
        assert!(
            [IntervalUnit::YearMonth, IntervalUnit::DayTime, IntervalUnit::MonthDayNano].into_iter().all(has)
        );
    }
}
