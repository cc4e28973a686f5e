//! Arrays of every type for tests, from a seed.

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::*;
use half::f16;
use std::sync::Arc;

use super::seed::Seed;
use crate::catalog::json_schema::{EXTENSION_NAME, JSON_EXTENSION, UUID_EXTENSION};

fn item(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("item", data_type, true))
}

fn map_of(key: DataType) -> DataType {
    let pair = vec![Field::new("key", key, false), Field::new("value", DataType::Int32, true)];
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair.into()), false)), false)
}

/// Every Arrow type but unions.
pub(crate) fn every_type() -> Vec<DataType> {
    use DataType::*;
    use TimeUnit::*;
    let dictionary = |key, values| Dictionary(Box::new(key), Box::new(values));
    let runs = |ends, values| {
        RunEndEncoded(
            Arc::new(Field::new("run_ends", ends, false)),
            Arc::new(Field::new("values", values, true)),
        )
    };
    let utc = Some("UTC".into());
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
        Decimal64(18, 0),
        Decimal64(10, -3),
        Decimal128(38, 10),
        Decimal128(38, 38),
        Decimal256(76, 40),
        Date32,
        Date64,
        Time32(Second),
        Time32(Millisecond),
        Time64(Microsecond),
        Time64(Nanosecond),
        Timestamp(Second, None),
        Timestamp(Millisecond, utc.clone()),
        Timestamp(Microsecond, Some("Europe/Berlin".into())),
        Timestamp(Microsecond, None),
        Timestamp(Nanosecond, Some("+05:30".into())),
        Timestamp(Nanosecond, None),
        Duration(Second),
        Duration(Millisecond),
        Duration(Microsecond),
        Duration(Nanosecond),
        Interval(IntervalUnit::YearMonth),
        Interval(IntervalUnit::DayTime),
        Interval(IntervalUnit::MonthDayNano),
        Utf8,
        LargeUtf8,
        Utf8View,
        Binary,
        LargeBinary,
        BinaryView,
        FixedSizeBinary(5),
        FixedSizeBinary(16),
        List(item(Utf8)),
        List(item(Float64)),
        LargeList(item(Int64)),
        ListView(item(Int16)),
        LargeListView(item(Utf8)),
        FixedSizeList(item(Float32), 3),
        FixedSizeList(item(Int8), 0),
        List(item(List(item(Date32)))),
        Struct(vec![Field::new("a", Int8, false), Field::new("ä\"\n", List(item(Utf8)), true)].into()),
        Struct(Fields::empty()),
        List(item(Struct(vec![Field::new("x", Boolean, true)].into()))),
        map_of(Utf8),
        map_of(Int64),
        map_of(LargeUtf8),
        dictionary(Int8, Utf8),
        dictionary(UInt32, LargeUtf8),
        dictionary(Int64, Int32),
        dictionary(Int32, Decimal128(10, 2)),
        List(item(dictionary(Int16, Utf8))),
        runs(Int16, Utf8),
        runs(Int32, Int64),
        runs(Int64, Float64),
    ]
}

/// A column of every type, and the extension types that JSON knows.
pub(crate) fn every_field() -> Vec<Field> {
    let mut fields: Vec<Field> = every_type()
        .into_iter()
        .enumerate()
        .map(|(at, kind)| Field::new(format!("c{at}"), kind, true))
        .collect();
    let extended = |name: &str, kind: DataType, extension: &str| {
        Field::new(name, kind, true).with_metadata([(EXTENSION_NAME.to_owned(), extension.to_owned())].into())
    };
    fields.push(extended("json", DataType::Utf8, JSON_EXTENSION));
    fields.push(extended("json view", DataType::Utf8View, JSON_EXTENSION));
    fields.push(extended("uuid", DataType::FixedSizeBinary(16), UUID_EXTENSION));
    fields
}

/// A batch with these columns.
pub(crate) fn batch(fields: Vec<Field>, rows: usize, seed: &mut Seed) -> RecordBatch {
    let columns = fields.iter().map(|field| column(field, rows, seed)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).unwrap()
}

fn column(field: &Field, rows: usize, seed: &mut Seed) -> ArrayRef {
    if field.metadata().get(EXTENSION_NAME).is_some_and(|name| name == JSON_EXTENSION) {
        let texts: StringArray = (0..rows).map(|_| (seed.below(4) > 0).then(|| seed.json())).collect();
        return cast(&texts, field.data_type()).unwrap();
    }
    array(field.data_type(), rows, field.is_nullable(), seed)
}

fn nulls(rows: usize, nullable: bool, seed: &mut Seed) -> Option<NullBuffer> {
    nullable.then(|| (0..rows).map(|_| seed.below(4) > 0).collect::<Vec<bool>>().into())
}

fn primitive<T: ArrowPrimitiveType>(
    kind: &DataType,
    rows: usize,
    nullable: bool,
    seed: &mut Seed,
    mut value: impl FnMut(&mut Seed) -> T::Native,
) -> ArrayRef {
    let values: Vec<T::Native> = (0..rows).map(|_| value(seed)).collect();
    let nulls = nulls(rows, nullable, seed);
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls).with_data_type(kind.clone()))
}

const YEARS: i64 = 2_932_897 + 719_528;

fn timestamp(unit: TimeUnit, seed: &mut Seed) -> i64 {
    let per_second = super::temporal::resolution(unit).0;
    let (first, last) =
        (-719_528 * 86_400i128 * per_second as i128, 2_932_897 * 86_400i128 * per_second as i128 - 1);
    i128::from(seed.bits() as i64).clamp(first, last) as i64
}

fn decimal(precision: u8, seed: &mut Seed) -> i128 {
    let wide = (u128::from(seed.bits()) << 64 | u128::from(seed.bits())) as i128;
    wide % 10i128.pow(u32::from(precision.min(38)))
}

fn offsets(rows: usize, seed: &mut Seed) -> Vec<i32> {
    let mut end = 0;
    let mut offsets = vec![0];
    offsets.extend((0..rows).map(|_| {
        end += seed.below(4) as i32;
        end
    }));
    offsets
}

fn wide(offsets: &[i32]) -> Vec<i64> {
    offsets.iter().map(|&offset| offset.into()).collect()
}

/// An array that JSON can hold.
pub(crate) fn array(kind: &DataType, rows: usize, nullable: bool, seed: &mut Seed) -> ArrayRef {
    use DataType::*;
    macro_rules! of {
        ($type:ty, $value:expr) => {
            primitive::<$type>(kind, rows, nullable, seed, $value)
        };
    }
    match kind {
        Null => Arc::new(NullArray::new(rows)),
        Boolean => Arc::new(
            (0..rows)
                .map(|_| {
                    [None, Some(true), Some(false)][seed.below(3) as usize].or((!nullable).then_some(true))
                })
                .collect::<BooleanArray>(),
        ),
        Int8 => of!(Int8Type, |seed| seed.bits() as i8),
        Int16 => of!(Int16Type, |seed| seed.bits() as i16),
        Int32 => of!(Int32Type, |seed| seed.bits() as i32),
        Int64 => of!(Int64Type, |seed| seed.bits() as i64),
        UInt8 => of!(UInt8Type, |seed| seed.bits() as u8),
        UInt16 => of!(UInt16Type, |seed| seed.bits() as u16),
        UInt32 => of!(UInt32Type, |seed| seed.bits() as u32),
        UInt64 => of!(UInt64Type, |seed| seed.bits()),
        Float16 => of!(Float16Type, |seed| Some(f16::from_bits(seed.bits() as u16))
            .filter(|f| f.is_finite())
            .unwrap_or(f16::NEG_ZERO)),
        Float32 => of!(Float32Type, |seed| Some(f32::from_bits(seed.bits() as u32))
            .filter(|f| f.is_finite())
            .unwrap_or(-0.0)),
        Float64 => of!(Float64Type, |seed| Some(f64::from_bits(seed.bits()))
            .filter(|f| f.is_finite())
            .unwrap_or(-0.0)),
        Decimal32(p, _) => of!(Decimal32Type, |seed| decimal(*p, seed) as i32),
        Decimal64(p, _) => of!(Decimal64Type, |seed| decimal(*p, seed) as i64),
        Decimal128(p, _) => of!(Decimal128Type, |seed| decimal(*p, seed)),
        Decimal256(p, _) => of!(Decimal256Type, |seed| i256::from_i128(decimal(*p, seed))
            .wrapping_mul(i256::from_i128(decimal(38, seed)))),
        Date32 => of!(Date32Type, |seed| (seed.below(YEARS as u64) as i64 - 719_528) as i32),
        Date64 => of!(Date64Type, |seed| (seed.below(YEARS as u64) as i64 - 719_528) * 86_400_000),
        Time32(TimeUnit::Second) => of!(Time32SecondType, |seed| seed.between(0, 86_400) as i32),
        Time32(_) => of!(Time32MillisecondType, |seed| seed.between(0, 86_400_000) as i32),
        Time64(TimeUnit::Microsecond) => of!(Time64MicrosecondType, |seed| seed.between(0, 86_400_000_000)),
        Time64(_) => of!(Time64NanosecondType, |seed| seed.between(0, 86_400_000_000_000)),
        Timestamp(TimeUnit::Second, _) => of!(TimestampSecondType, |seed| timestamp(TimeUnit::Second, seed)),
        Timestamp(TimeUnit::Millisecond, _) => {
            of!(TimestampMillisecondType, |seed| timestamp(TimeUnit::Millisecond, seed))
        }
        Timestamp(TimeUnit::Microsecond, _) => {
            of!(TimestampMicrosecondType, |seed| timestamp(TimeUnit::Microsecond, seed))
        }
        Timestamp(TimeUnit::Nanosecond, _) => {
            of!(TimestampNanosecondType, |seed| timestamp(TimeUnit::Nanosecond, seed))
        }
        Duration(TimeUnit::Second) => of!(DurationSecondType, |seed| seed.bits() as i64),
        Duration(TimeUnit::Millisecond) => of!(DurationMillisecondType, |seed| seed.bits() as i64),
        Duration(TimeUnit::Microsecond) => of!(DurationMicrosecondType, |seed| seed.bits() as i64),
        Duration(TimeUnit::Nanosecond) => of!(DurationNanosecondType, |seed| seed.bits() as i64),
        Interval(IntervalUnit::YearMonth) => of!(IntervalYearMonthType, |seed| seed.bits() as i32),
        Interval(IntervalUnit::DayTime) => {
            of!(IntervalDayTimeType, |seed| IntervalDayTime::new(seed.bits() as i32, seed.bits() as i32))
        }
        Interval(IntervalUnit::MonthDayNano) => of!(IntervalMonthDayNanoType, |seed| {
            IntervalMonthDayNano::new(seed.bits() as i32, seed.bits() as i32, seed.bits() as i64)
        }),
        Utf8 | LargeUtf8 | Utf8View => {
            let texts: StringArray =
                (0..rows).map(|_| (!nullable || seed.below(4) > 0).then(|| seed.text())).collect();
            cast(&texts, kind).unwrap()
        }
        Binary | LargeBinary | BinaryView => {
            let values: BinaryArray = (0..rows)
                .map(|_| {
                    (!nullable || seed.below(4) > 0).then(|| {
                        let len = seed.below(20) as usize;
                        seed.bytes(len)
                    })
                })
                .collect();
            cast(&values, kind).unwrap()
        }
        FixedSizeBinary(size) => {
            let nulls = nulls(rows, nullable, seed);
            Arc::new(FixedSizeBinaryArray::new(*size, seed.bytes(rows * *size as usize).into(), nulls))
        }
        List(field) => {
            let offsets = offsets(rows, seed);
            let items = column(field, offsets[rows] as usize, seed);
            Arc::new(ListArray::new(
                field.clone(),
                OffsetBuffer::new(offsets.into()),
                items,
                nulls(rows, nullable, seed),
            ))
        }
        LargeList(field) => {
            let offsets = offsets(rows, seed);
            let items = column(field, offsets[rows] as usize, seed);
            Arc::new(LargeListArray::new(
                field.clone(),
                OffsetBuffer::new(wide(&offsets).into()),
                items,
                nulls(rows, nullable, seed),
            ))
        }
        ListView(field) => {
            let offsets = offsets(rows, seed);
            let items = column(field, offsets[rows] as usize, seed);
            let sizes: Vec<i32> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
            Arc::new(ListViewArray::new(
                field.clone(),
                offsets[..rows].to_vec().into(),
                sizes.into(),
                items,
                nulls(rows, nullable, seed),
            ))
        }
        LargeListView(field) => {
            let offsets = wide(&offsets(rows, seed));
            let items = column(field, offsets[rows] as usize, seed);
            let sizes: Vec<i64> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
            Arc::new(LargeListViewArray::new(
                field.clone(),
                offsets[..rows].to_vec().into(),
                ScalarBuffer::from(sizes),
                items,
                nulls(rows, nullable, seed),
            ))
        }
        FixedSizeList(field, size) => {
            let items = column(field, rows * *size as usize, seed);
            Arc::new(
                FixedSizeListArray::try_new_with_length(
                    field.clone(),
                    *size,
                    items,
                    nulls(rows, nullable, seed),
                    rows,
                )
                .unwrap(),
            )
        }
        Struct(fields) => {
            let columns = fields.iter().map(|field| column(field, rows, seed)).collect();
            Arc::new(
                StructArray::try_new_with_length(fields.clone(), columns, nulls(rows, nullable, seed), rows)
                    .unwrap(),
            )
        }
        Map(entry, sorted) => {
            let Struct(pair) = entry.data_type() else { unreachable!() };
            let offsets = offsets(rows, seed);
            let count = offsets[rows] as usize;
            let keys = cast(&Int64Array::from_iter_values(0..count as i64), pair[0].data_type()).unwrap();
            let entries = StructArray::new(pair.clone(), vec![keys, column(&pair[1], count, seed)], None);
            Arc::new(MapArray::new(
                entry.clone(),
                OffsetBuffer::new(offsets.into()),
                entries,
                nulls(rows, nullable, seed),
                *sorted,
            ))
        }
        Dictionary(_, values) => cast(&array(values, rows, nullable, seed), kind).unwrap(),
        RunEndEncoded(_, values) => cast(&array(values.data_type(), rows, nullable, seed), kind).unwrap(),
        other => panic!("no sample of {other}"),
    }
}
