//! JSON values → Arrow columns: one line per type.

use arrow::array::*;
use arrow::datatypes::*;
use dstream_abi::{Error, Result};
use half::f16;

use super::json::{Cursor, Fault, Parsed};
use super::maps::Maps;
use super::nested::{Converted, FixedLists, Lists, Structs};
use super::parse::{self, Scratch};
use super::scalar::{Booleans, Bytes, FixedBytes, JsonText, Nulls, Primitive, Strings};
use crate::catalog::json_schema::{EXTENSION_NAME, JSON_EXTENSION, UUID_EXTENSION};

/// A column being built.
pub(crate) trait Append: Send {
    /// Takes the value at the cursor, which is not null.
    fn value(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()>;

    /// Adds a row without value.
    fn null(&mut self);

    /// The column so far; begins anew.
    ///
    /// # Errors
    /// `Data`: the values do not fit the type together, such as more than a dictionary has keys.
    fn finish(&mut self) -> Result<ArrayRef>;
}

/// A column with its name and whether it can be null.
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) nullable: bool,
    pub(crate) column: Box<dyn Append>,
}

impl Slot {
    /// # Errors
    /// `Unsupported`: no JSON value says which value of this type is meant.
    pub(crate) fn new(field: &Field) -> Result<Slot> {
        let column = column(field)?;
        Ok(Slot { name: field.name().clone(), nullable: field.is_nullable(), column })
    }

    /// Takes the value at the cursor, null or not.
    #[inline]
    pub(crate) fn take(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        if cursor.null()? {
            if !self.nullable {
                return Err(Fault::value(cursor.position(), "null stands where a value must be"));
            }
            self.column.null();
            return Ok(());
        }
        self.column.value(cursor, scratch)
    }
}

fn primitive<T, F>(data_type: &DataType, parse: F) -> Box<dyn Append>
where
    T: ArrowPrimitiveType,
    F: Fn(&mut Cursor<'_>, &mut Scratch) -> Parsed<T::Native> + Send + 'static,
    PrimitiveBuilder<T>: Send,
{
    let builder = PrimitiveBuilder::<T>::new().with_data_type(data_type.clone());
    Box::new(Primitive { builder, parse })
}

/// The builder of a column.
fn column(field: &Field) -> Result<Box<dyn Append>> {
    let data_type = field.data_type();
    match field.metadata().get(EXTENSION_NAME).map(String::as_str) {
        Some(JSON_EXTENSION) if *data_type == DataType::Utf8 => {
            return Ok(Box::new(JsonText(Strings(StringBuilder::new()))));
        }
        Some(JSON_EXTENSION) if *data_type == DataType::LargeUtf8 => {
            return Ok(Box::new(JsonText(Strings(LargeStringBuilder::new()))));
        }
        Some(JSON_EXTENSION) if *data_type == DataType::Utf8View => {
            return Ok(Box::new(JsonText(Strings(StringViewBuilder::new()))));
        }
        Some(UUID_EXTENSION) if *data_type == DataType::FixedSizeBinary(16) => {
            return Ok(Box::new(FixedBytes {
                builder: FixedSizeBinaryBuilder::new(16),
                size: 16,
                is_uuid: true,
            }));
        }
        _ => {}
    }
    Ok(match data_type {
        DataType::Null => Box::new(Nulls(0)),
        DataType::Boolean => Box::new(Booleans(BooleanBuilder::new())),
        DataType::Int8 => primitive::<Int8Type, _>(data_type, parse::integer),
        DataType::Int16 => primitive::<Int16Type, _>(data_type, parse::integer),
        DataType::Int32 => primitive::<Int32Type, _>(data_type, parse::integer),
        DataType::Int64 => primitive::<Int64Type, _>(data_type, parse::integer),
        DataType::UInt8 => primitive::<UInt8Type, _>(data_type, parse::integer),
        DataType::UInt16 => primitive::<UInt16Type, _>(data_type, parse::integer),
        DataType::UInt32 => primitive::<UInt32Type, _>(data_type, parse::integer),
        DataType::UInt64 => primitive::<UInt64Type, _>(data_type, parse::integer),
        DataType::Float16 => primitive::<Float16Type, _>(data_type, |cursor, _| {
            let (at, wide) = (cursor.position(), parse::float32(cursor)?);
            let narrow = f16::from_f32(wide);
            match narrow.to_f32() == wide {
                true => Ok(narrow),
                false => Err(Fault::value(at, "a float16 cannot hold the number exactly")),
            }
        }),
        DataType::Float32 => primitive::<Float32Type, _>(data_type, |cursor, _| parse::float32(cursor)),
        DataType::Float64 => primitive::<Float64Type, _>(data_type, |cursor, _| parse::float64(cursor)),
        DataType::Decimal32(p, s) => primitive::<Decimal32Type, _>(data_type, parse::decimal(*p, *s)),
        DataType::Decimal64(p, s) => primitive::<Decimal64Type, _>(data_type, parse::decimal(*p, *s)),
        DataType::Decimal128(p, s) => primitive::<Decimal128Type, _>(data_type, parse::decimal(*p, *s)),
        DataType::Decimal256(p, s) => primitive::<Decimal256Type, _>(data_type, parse::decimal(*p, *s)),
        DataType::Date32 => primitive::<Date32Type, _>(data_type, parse::date),
        DataType::Date64 => primitive::<Date64Type, _>(data_type, |cursor, scratch| {
            Ok(i64::from(parse::date(cursor, scratch)?) * 86_400_000)
        }),
        DataType::Time32(unit @ TimeUnit::Second) => {
            primitive::<Time32SecondType, _>(data_type, parse::time32(*unit))
        }
        DataType::Time32(unit) => primitive::<Time32MillisecondType, _>(data_type, parse::time32(*unit)),
        DataType::Time64(unit @ TimeUnit::Microsecond) => {
            primitive::<Time64MicrosecondType, _>(data_type, parse::time(*unit))
        }
        DataType::Time64(unit) => primitive::<Time64NanosecondType, _>(data_type, parse::time(*unit)),
        DataType::Timestamp(unit, zone) => {
            let parse = parse::timestamp(field.name(), *unit, zone.is_some());
            match unit {
                TimeUnit::Second => primitive::<TimestampSecondType, _>(data_type, parse),
                TimeUnit::Millisecond => primitive::<TimestampMillisecondType, _>(data_type, parse),
                TimeUnit::Microsecond => primitive::<TimestampMicrosecondType, _>(data_type, parse),
                TimeUnit::Nanosecond => primitive::<TimestampNanosecondType, _>(data_type, parse),
            }
        }
        DataType::Duration(unit) => {
            let parse = parse::duration(*unit);
            match unit {
                TimeUnit::Second => primitive::<DurationSecondType, _>(data_type, parse),
                TimeUnit::Millisecond => primitive::<DurationMillisecondType, _>(data_type, parse),
                TimeUnit::Microsecond => primitive::<DurationMicrosecondType, _>(data_type, parse),
                TimeUnit::Nanosecond => primitive::<DurationNanosecondType, _>(data_type, parse),
            }
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            primitive::<IntervalYearMonthType, _>(data_type, parse::months)
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            primitive::<IntervalDayTimeType, _>(data_type, parse::day_time)
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            primitive::<IntervalMonthDayNanoType, _>(data_type, parse::month_day_nano)
        }
        DataType::Utf8 => Box::new(Strings(StringBuilder::new())),
        DataType::LargeUtf8 => Box::new(Strings(LargeStringBuilder::new())),
        DataType::Utf8View => Box::new(Strings(StringViewBuilder::new())),
        DataType::Binary => Box::new(Bytes(BinaryBuilder::new())),
        DataType::LargeBinary => Box::new(Bytes(LargeBinaryBuilder::new())),
        DataType::BinaryView => Box::new(Bytes(BinaryViewBuilder::new())),
        DataType::FixedSizeBinary(size) => {
            Box::new(FixedBytes { builder: FixedSizeBinaryBuilder::new(*size), size: *size, is_uuid: false })
        }
        DataType::List(item) => Box::new(Lists::<i32>::new(data_type, item)?),
        DataType::LargeList(item) => Box::new(Lists::<i64>::new(data_type, item)?),
        DataType::ListView(item) => Box::new(Lists::<i32>::new(data_type, item)?),
        DataType::LargeListView(item) => Box::new(Lists::<i64>::new(data_type, item)?),
        DataType::FixedSizeList(item, size) => Box::new(FixedLists::new(item, *size)?),
        DataType::Struct(fields) => Box::new(Structs::new(fields)?),
        DataType::Map(entry, sorted) => Box::new(Maps::new(entry, *sorted)?),
        DataType::Dictionary(_, values) => {
            let inner = Field::new(field.name(), values.as_ref().clone(), true)
                .with_metadata(field.metadata().clone());
            Box::new(Converted::new(column(&inner)?, values, field)?)
        }
        DataType::RunEndEncoded(_, values) => {
            let inner = values.as_ref().clone().with_nullable(true);
            Box::new(Converted::new(column(&inner)?, values.data_type(), field)?)
        }
        DataType::Union(..) => {
            return Err(Error::unsupported(format!(
                "column `{}` is a union, and a JSON value does not say which of its types is meant",
                field.name()
            ))
            .hint(
                "use `--format arrow` or a file ending in `.arrows` on both sides, which keep every type",
            ));
        }
    })
}
