//! Arrow arrays ↔ the typed columns that write them: one line per type.

use arrow::array::*;
use arrow::datatypes::*;

use super::column::{Column, Refusal, Values};
use super::text::write_string;

macro_rules! native {
    ($array:expr, $kind:ty) => {
        $array.as_primitive::<$kind>().values()
    };
}

/// The values of an array.
pub(crate) fn values(array: &dyn Array) -> Result<Values<'_>, Refusal> {
    Ok(match array.data_type() {
        DataType::Null => Values::Null,
        DataType::Boolean => Values::Boolean(array.as_boolean()),
        DataType::Int8 => Values::Int8(native!(array, Int8Type)),
        DataType::Int16 => Values::Int16(native!(array, Int16Type)),
        DataType::Int32 => Values::Int32(native!(array, Int32Type)),
        DataType::Int64 => Values::Int64(native!(array, Int64Type)),
        DataType::UInt8 => Values::UInt8(native!(array, UInt8Type)),
        DataType::UInt16 => Values::UInt16(native!(array, UInt16Type)),
        DataType::UInt32 => Values::UInt32(native!(array, UInt32Type)),
        DataType::UInt64 => Values::UInt64(native!(array, UInt64Type)),
        DataType::Float16 => Values::Float16(array.as_primitive()),
        DataType::Float32 => Values::Float32(native!(array, Float32Type)),
        DataType::Float64 => Values::Float64(native!(array, Float64Type)),
        DataType::Decimal32(_, scale) => Values::Decimal32(native!(array, Decimal32Type), *scale),
        DataType::Decimal64(_, scale) => Values::Decimal64(native!(array, Decimal64Type), *scale),
        DataType::Decimal128(_, scale) => Values::Decimal128(native!(array, Decimal128Type), *scale),
        DataType::Decimal256(_, scale) => Values::Decimal256(native!(array, Decimal256Type), *scale),
        DataType::Date32 => Values::Date32(native!(array, Date32Type)),
        DataType::Date64 => Values::Date64(native!(array, Date64Type)),
        DataType::Time32(TimeUnit::Second) => {
            Values::Time32(native!(array, Time32SecondType), TimeUnit::Second)
        }
        DataType::Time32(unit) => Values::Time32(native!(array, Time32MillisecondType), *unit),
        DataType::Time64(TimeUnit::Microsecond) => {
            Values::Time64(native!(array, Time64MicrosecondType), TimeUnit::Microsecond)
        }
        DataType::Time64(unit) => Values::Time64(native!(array, Time64NanosecondType), *unit),
        DataType::Timestamp(unit, zone) => Values::Timestamp(
            match unit {
                TimeUnit::Second => native!(array, TimestampSecondType),
                TimeUnit::Millisecond => native!(array, TimestampMillisecondType),
                TimeUnit::Microsecond => native!(array, TimestampMicrosecondType),
                TimeUnit::Nanosecond => native!(array, TimestampNanosecondType),
            },
            *unit,
            zone.is_some(),
        ),
        DataType::Duration(unit) => Values::Duration(
            match unit {
                TimeUnit::Second => native!(array, DurationSecondType),
                TimeUnit::Millisecond => native!(array, DurationMillisecondType),
                TimeUnit::Microsecond => native!(array, DurationMicrosecondType),
                TimeUnit::Nanosecond => native!(array, DurationNanosecondType),
            },
            *unit,
        ),
        DataType::Interval(IntervalUnit::YearMonth) => {
            Values::YearMonth(native!(array, IntervalYearMonthType))
        }
        DataType::Interval(IntervalUnit::DayTime) => Values::DayTime(array.as_primitive()),
        DataType::Interval(IntervalUnit::MonthDayNano) => Values::MonthDayNano(array.as_primitive()),
        DataType::Utf8 => Values::Utf8(array.as_string()),
        DataType::LargeUtf8 => Values::LargeUtf8(array.as_string()),
        DataType::Utf8View => Values::Utf8View(array.as_string_view()),
        DataType::Binary => Values::Binary(array.as_binary()),
        DataType::LargeBinary => Values::LargeBinary(array.as_binary()),
        DataType::BinaryView => Values::BinaryView(array.as_binary_view()),
        DataType::FixedSizeBinary(_) => Values::FixedSizeBinary(array.as_fixed_size_binary()),
        DataType::List(item) => {
            let list = array.as_list::<i32>();
            Values::List(list.value_offsets(), boxed(item, list.values())?)
        }
        DataType::LargeList(item) => {
            let list = array.as_list::<i64>();
            Values::LargeList(list.value_offsets(), boxed(item, list.values())?)
        }
        DataType::ListView(item) => {
            let list = array.as_list_view::<i32>();
            Values::ListView(list.value_offsets(), list.value_sizes(), boxed(item, list.values())?)
        }
        DataType::LargeListView(item) => {
            let list = array.as_list_view::<i64>();
            Values::LargeListView(list.value_offsets(), list.value_sizes(), boxed(item, list.values())?)
        }
        DataType::FixedSizeList(item, size) => {
            let list = array.as_fixed_size_list();
            Values::FixedSizeList(*size as usize, boxed(item, list.values())?)
        }
        DataType::Struct(fields) => Values::Struct(columns(fields, array.as_struct().columns())?),
        DataType::Map(_, _) => {
            let map = array.as_map();
            let fields = map.entries().fields();
            let (keys, values) = (boxed(&fields[0], map.keys())?, boxed(&fields[1], map.values())?);
            Values::Map(map.value_offsets(), keys, values)
        }
        DataType::Dictionary(_, item) => {
            let dictionary = array.as_any_dictionary();
            let values = dictionary.values();
            // One pass per batch, so that a row costs the same for every type of key.
            let indices = if values.is_empty() { Vec::new() } else { dictionary.normalized_keys() };
            Values::Chosen(indices, boxed(&Field::new("", item.as_ref().clone(), true), values)?)
        }
        DataType::RunEndEncoded(ends, item) => match ends.data_type() {
            DataType::Int16 => runs(array.as_any().downcast_ref::<RunArray<Int16Type>>(), item)?,
            DataType::Int32 => runs(array.as_any().downcast_ref::<RunArray<Int32Type>>(), item)?,
            _ => runs(array.as_any().downcast_ref::<RunArray<Int64Type>>(), item)?,
        },
        DataType::Union(fields, _) => {
            let union = array.as_union();
            let mut children: Vec<Option<Column<'_>>> = (0..=127).map(|_| None).collect();
            for (id, field) in fields.iter() {
                children[id as usize] = Some(Column::new(field, union.child(id))?);
            }
            Values::Union(union, children)
        }
    })
}

/// The columns of a struct or a record, with `{…}` left to the caller.
pub(crate) fn columns<'a>(
    fields: &Fields,
    arrays: &'a [ArrayRef],
) -> Result<Vec<(Vec<u8>, Column<'a>)>, Refusal> {
    let mut columns = Vec::with_capacity(fields.len());
    for (at, (field, array)) in fields.iter().zip(arrays).enumerate() {
        let mut name = if at == 0 { Vec::new() } else { vec![b','] };
        write_string(field.name(), &mut name);
        name.push(b':');
        columns.push((name, Column::new(field, array.as_ref())?));
    }
    Ok(columns)
}

fn boxed<'a>(field: &Field, array: &'a ArrayRef) -> Result<Box<Column<'a>>, Refusal> {
    Ok(Box::new(Column::new(field, array.as_ref())?))
}

fn runs<'a, R: RunEndIndexType>(array: Option<&'a RunArray<R>>, item: &Field) -> Result<Values<'a>, Refusal> {
    let array = array.ok_or("a run-end encoded column has run ends of another type")?;
    let indices = (0..array.len()).map(|row| array.get_physical_index(row)).collect();
    Ok(Values::Chosen(indices, boxed(item, array.values())?))
}
