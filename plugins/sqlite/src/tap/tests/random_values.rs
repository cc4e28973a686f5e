//! Columns drawn at random: every value that the target takes.

use arrow::array::*;
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::*;
use std::sync::Arc;

use super::random::Random;
use dstream_sdk::text::{DAY, FIRST_DAY, LAST_DAY, ticks};

impl Random {
    fn nulls(&mut self, has_nulls: bool, len: usize) -> Option<NullBuffer> {
        (has_nulls && !self.chance(4)).then(|| (0..len).map(|_| !self.chance(3)).collect())
    }

    /// A column of so many rows. `is_nested`: JSON has no number for an infinity.
    pub(super) fn column(
        &mut self,
        theirs: &DataType,
        has_nulls: bool,
        len: usize,
        is_nested: bool,
    ) -> ArrayRef {
        use DataType as A;
        let nulls = self.nulls(has_nulls, len);
        macro_rules! values {
            ($type:ty, $value:expr) => {{
                let values: Vec<_> = (0..len).map(|_| $value).collect();
                Arc::new(PrimitiveArray::<$type>::new(values.into(), nulls).with_data_type(theirs.clone()))
            }};
        }
        macro_rules! per_unit {
            ($unit:expr, $value:expr, $s:ty, $ms:ty, $us:ty, $ns:ty) => {
                match $unit {
                    TimeUnit::Second => values!($s, $value),
                    TimeUnit::Millisecond => values!($ms, $value),
                    TimeUnit::Microsecond => values!($us, $value),
                    TimeUnit::Nanosecond => values!($ns, $value),
                }
            };
        }
        let unsigned = |random: &mut Random| random.int() as u64;
        let rows = |random: &mut Random, nulls: &Option<NullBuffer>| -> Vec<Option<String>> {
            (0..len)
                .map(|row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)).then(|| random.text()))
                .collect()
        };
        match theirs {
            A::Null => new_null_array(&A::Null, len),
            A::Boolean => {
                let values = (0..len).map(|_| self.chance(2)).collect::<Vec<_>>().into();
                Arc::new(BooleanArray::new(values, nulls))
            }
            A::Int8 => values!(Int8Type, self.int() as i8),
            A::Int16 => values!(Int16Type, self.int() as i16),
            A::Int32 => values!(Int32Type, self.int() as i32),
            A::Int64 => values!(Int64Type, self.int()),
            A::UInt8 => values!(UInt8Type, unsigned(self) as u8),
            A::UInt16 => values!(UInt16Type, unsigned(self) as u16),
            A::UInt32 => values!(UInt32Type, unsigned(self) as u32),
            A::UInt64 => values!(UInt64Type, unsigned(self)),
            A::Float16 => values!(
                Float16Type,
                <Float16Type as ArrowPrimitiveType>::Native::from_f64(self.real(true) % 60_000.0)
            ),
            A::Float32 => values!(Float32Type, {
                let single = f32::from_bits(self.next() as u32);
                if single.is_nan() || (is_nested && !single.is_finite()) { -0.0 } else { single }
            }),
            A::Float64 => values!(Float64Type, self.real(is_nested)),
            A::Decimal32(..) => values!(Decimal32Type, (self.int() % 1_000_000_000) as i32),
            A::Decimal64(..) => values!(Decimal64Type, self.int() % 1_000_000_000_000_000_000),
            A::Decimal128(precision, _) => {
                let limit = 10_i128.pow((*precision).into());
                values!(Decimal128Type, (i128::from(self.int()) * i128::from(self.int())) % limit)
            }
            A::Decimal256(..) => values!(Decimal256Type, {
                let wide = i256::from_i128(i128::from(self.int()) * i128::from(self.int()));
                if self.chance(2) { wide } else { wide.wrapping_mul(i256::from_i128(10_i128.pow(37))) }
            }),
            A::Date32 => values!(Date32Type, self.between(FIRST_DAY, LAST_DAY) as i32),
            A::Date64 => values!(Date64Type, self.between(FIRST_DAY, LAST_DAY) * DAY * 1_000),
            A::Time32(TimeUnit::Second) => values!(Time32SecondType, self.between(0, DAY - 1) as i32),
            A::Time32(_) => values!(Time32MillisecondType, self.between(0, DAY * 1_000 - 1) as i32),
            A::Time64(TimeUnit::Microsecond) => {
                values!(Time64MicrosecondType, self.between(0, DAY * 1_000_000 - 1))
            }
            A::Time64(_) => values!(Time64NanosecondType, self.between(0, DAY * 1_000_000_000 - 1)),
            A::Timestamp(unit, _) => {
                let per_day = i128::from(DAY * ticks(*unit).0);
                let first = (i128::from(FIRST_DAY) * per_day).max(i64::MIN.into()) as i64;
                let last = ((i128::from(LAST_DAY) + 1) * per_day - 1).min(i64::MAX.into()) as i64;
                per_unit!(
                    unit,
                    self.between(first, last),
                    TimestampSecondType,
                    TimestampMillisecondType,
                    TimestampMicrosecondType,
                    TimestampNanosecondType
                )
            }
            A::Duration(unit) => {
                per_unit!(
                    unit,
                    self.int(),
                    DurationSecondType,
                    DurationMillisecondType,
                    DurationMicrosecondType,
                    DurationNanosecondType
                )
            }
            A::Interval(IntervalUnit::YearMonth) => values!(IntervalYearMonthType, self.int() as i32),
            A::Interval(IntervalUnit::DayTime) => {
                values!(IntervalDayTimeType, IntervalDayTime::new(self.int() as i32, self.int() as i32))
            }
            A::Interval(IntervalUnit::MonthDayNano) => {
                values!(
                    IntervalMonthDayNanoType,
                    IntervalMonthDayNano::new(self.int() as i32, self.int() as i32, self.int())
                )
            }
            A::Utf8 => Arc::new(StringArray::from(rows(self, &nulls))),
            A::LargeUtf8 => Arc::new(LargeStringArray::from(rows(self, &nulls))),
            A::Utf8View => Arc::new(StringViewArray::from_iter(rows(self, &nulls))),
            A::Binary => Arc::new(BinaryArray::from_iter(rows(self, &nulls))),
            A::LargeBinary => Arc::new(LargeBinaryArray::from_iter(rows(self, &nulls))),
            A::BinaryView => Arc::new(BinaryViewArray::from_iter(rows(self, &nulls))),
            A::FixedSizeBinary(width) => {
                let bytes = (0..len * *width as usize).map(|_| self.next() as u8).collect::<Vec<_>>();
                Arc::new(FixedSizeBinaryArray::try_new_with_len(*width, bytes.into(), nulls, len).unwrap())
            }
            A::Dictionary(keys, values) => {
                let values = self.column(values, false, 1 + self.0 as usize % 5, is_nested);
                let rows = (0..len).map(|row| {
                    let is_valid = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
                    is_valid.then(|| self.below(values.len()) as i64)
                });
                let rows: Int64Array = rows.collect();
                let keys = arrow::compute::cast(&rows, keys).unwrap();
                let data =
                    keys.to_data().into_builder().data_type(theirs.clone()).add_child_data(values.to_data());
                make_array(data.build().unwrap())
            }
            nested => self.nested(nested, nulls, len),
        }
    }

    fn real(&mut self, is_finite: bool) -> f64 {
        let edges = [
            0.0,
            -0.0,
            1.5,
            0.1,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            1e16,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        let real = if self.chance(2) { self.of(&edges) } else { f64::from_bits(self.next()) };
        if real.is_nan() || (is_finite && !real.is_finite()) { -0.5 } else { real }
    }

    fn nested(&mut self, theirs: &DataType, nulls: Option<NullBuffer>, len: usize) -> ArrayRef {
        use DataType as A;
        let sizes: Vec<usize> = (0..len).map(|_| self.below(4)).collect();
        let total: usize = sizes.iter().sum();
        let starts = || sizes.iter().scan(0, |end, size| Some(std::mem::replace(end, *end + size)));
        let small = |values: Vec<usize>| {
            Buffer::from_vec(values.into_iter().map(|value| value as i32).collect::<Vec<_>>())
        };
        let large = |values: Vec<usize>| {
            Buffer::from_vec(values.into_iter().map(|value| value as i64).collect::<Vec<_>>())
        };
        let ends = || starts().chain([total]).collect::<Vec<_>>();
        let of = |random: &mut Random, field: &FieldRef, len| {
            random.column(field.data_type(), field.is_nullable(), len, true).to_data()
        };
        let builder = ArrayData::builder(theirs.clone()).len(len);
        let builder = match theirs {
            A::List(item) => builder.add_buffer(small(ends())).add_child_data(of(self, item, total)),
            A::LargeList(item) => builder.add_buffer(large(ends())).add_child_data(of(self, item, total)),
            A::ListView(item) => builder
                .add_buffer(small(starts().collect()))
                .add_buffer(small(sizes.clone()))
                .add_child_data(of(self, item, total)),
            A::LargeListView(item) => builder
                .add_buffer(large(starts().collect()))
                .add_buffer(large(sizes.clone()))
                .add_child_data(of(self, item, total)),
            A::FixedSizeList(item, size) => builder.add_child_data(of(self, item, len * *size as usize)),
            A::Struct(fields) => {
                fields.iter().fold(builder, |builder, field| builder.add_child_data(of(self, field, len)))
            }
            A::Map(entries, _) => {
                let A::Struct(fields) = entries.data_type() else { unreachable!() };
                // Keys of their own for every row.
                let numbers = Int32Array::from_iter_values(0..total as i32);
                let keys = arrow::compute::cast(&numbers, fields[0].data_type()).unwrap();
                let values = of(self, &fields[1], total);
                let entries = ArrayData::builder(entries.data_type().clone()).len(total);
                let entries = entries.add_child_data(keys.to_data()).add_child_data(values).build().unwrap();
                builder.add_buffer(small(ends())).add_child_data(entries)
            }
            A::Union(fields, mode) => {
                let ids: Vec<i8> = (0..len).map(|_| self.of(&[3, 7])).collect();
                let mut builder = builder.add_buffer(Buffer::from_slice_ref(&ids));
                if *mode == UnionMode::Dense {
                    builder = builder.add_buffer(small((0..len).collect()));
                }
                let fields: Vec<_> = fields.iter().map(|(_, field)| field.clone()).collect();
                fields.iter().fold(builder, |builder, field| builder.add_child_data(of(self, field, len)))
            }
            A::RunEndEncoded(ends, values) => {
                let (mut all, mut end) = (Vec::new(), 0);
                while end < len {
                    end = (end + 1 + self.below(3)).min(len);
                    all.push(end as i64);
                }
                let values = of(self, values, all.len());
                let ends = arrow::compute::cast(&Int64Array::from(all), ends.data_type()).unwrap();
                builder.child_data(vec![ends.to_data(), values])
            }
            other => unreachable!("{other}"),
        };
        let nulls = if matches!(theirs, A::Union(..) | A::RunEndEncoded(..)) { None } else { nulls };
        make_array(builder.nulls(nulls).build().unwrap())
    }
}
