//! The values of one column, one by one: resolved once per batch, read row by row without allocation.

mod json; // nested values as JSON
pub mod text; // dates, times and decimals as text

use arrow::array::*;
use arrow::buffer::NullBuffer;
use arrow::datatypes::*;
use std::cell::RefCell;

use crate::{Error, Result};
pub use text::{Out, Why};

/// One value of an Arrow array, exactly: numbers as they are, everything else that has no simple form as text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// Any integer that has a sign, and those without one that fit.
    Integer(i64),
    /// Of a column of unsigned 64-bit integers.
    Unsigned(u64),
    /// A float of 32 bits.
    Single(f32),
    /// A float of 64 bits, or of 16.
    Double(f64),
    /// Text, or what has an exact text: decimals, dates, times, intervals; nested values as JSON.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// What [`Cells::append`] made of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Appended<'a> {
    /// No value; nothing was appended.
    Null,
    /// All of it was appended: a number, a truth value, a date and so on, or the JSON of a nested value.
    Whole,
    /// A text, which was not appended: the caller knows what has to be escaped in it.
    Text(&'a str),
    /// Bytes, which were not appended.
    Bytes(&'a [u8]),
    /// NaN or an infinity; nothing was appended.
    NotFinite(f64),
}

/// The values of an array.
///
/// ```
/// use dstream_sdk::{Cell, Cells, arrow::array::{Date32Array, Decimal128Array}};
///
/// let prices = Decimal128Array::from(vec![Some(1250), None]).with_precision_and_scale(12, 2).unwrap();
/// let (prices, days) = (Cells::new(&prices).unwrap(), Date32Array::from(vec![19_782, i32::MAX]));
/// let mut scratch = String::new();
/// assert_eq!(prices.get(0, &mut scratch), Ok(Cell::Text("12.50")));
/// assert_eq!(prices.get(1, &mut scratch), Ok(Cell::Null));
/// // A day that no calendar names has no exact text.
/// assert_eq!(Cells::new(&days).unwrap().find_inexact(2).map(|(row, _)| row), Some(1));
/// ```
pub struct Cells<'a> {
    /// `None`: no value is null.
    nulls: Option<NullBuffer>,
    values: Values<'a>,
}

/// The array behind a column. One line per form of a value.
enum Values<'a> {
    Null,
    Bool(&'a BooleanArray),
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    F16(&'a Float16Array),
    F32(&'a [f32]),
    F64(&'a [f64]),
    Utf8(&'a StringArray),
    LargeUtf8(&'a LargeStringArray),
    Utf8View(&'a StringViewArray),
    Binary(&'a BinaryArray),
    LargeBinary(&'a LargeBinaryArray),
    BinaryView(&'a BinaryViewArray),
    FixedBinary(&'a FixedSizeBinaryArray),
    Decimal32(&'a [i32], i8),
    Decimal64(&'a [i64], i8),
    Decimal128(&'a [i128], i8),
    Decimal256(&'a [i256], i8),
    Date32(&'a [i32]),
    Date64(&'a [i64]),
    Time32(&'a [i32], TimeUnit),
    Time64(&'a [i64], TimeUnit),
    /// An instant when true, otherwise the reading of some clock.
    Timestamp(&'a [i64], TimeUnit, bool),
    Duration(&'a [i64], TimeUnit),
    Months(&'a [i32]),
    DayTime(&'a IntervalDayTimeArray),
    MonthDayNano(&'a IntervalMonthDayNanoArray),
    /// Where the value of a row stands, and the values.
    Dictionary(Vec<usize>, Box<Cells<'a>>),
    Nested(json::Nested<'a>),
}

impl<'a> Cells<'a> {
    /// Those of `array`.
    ///
    /// # Errors
    /// `Unsupported`: a type that has no exact text.
    pub fn new(array: &'a dyn Array) -> Result<Cells<'a>> {
        // A union says which member is null; NULL in its place would not.
        let nulls = match array.data_type() {
            DataType::Union(..) => None,
            _ => array.logical_nulls(),
        };
        Ok(Cells { nulls: nulls.filter(|nulls| nulls.null_count() > 0), values: Values::new(array)? })
    }

    /// Whether a row has no value.
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) || matches!(self.values, Values::Null)
    }

    /// The value of a row; `scratch` is where a text is made.
    ///
    /// # Errors
    /// It has no exact text; the reason.
    #[inline]
    pub fn get<'s>(&'s self, row: usize, scratch: &'s mut String) -> Result<Cell<'s>, Why> {
        use Values as V;
        if self.is_null(row) {
            return Ok(Cell::Null);
        }
        Ok(match &self.values {
            V::Null => Cell::Null,
            V::Bool(array) => Cell::Bool(array.value(row)),
            V::I8(values) => Cell::Integer(values[row].into()),
            V::I16(values) => Cell::Integer(values[row].into()),
            V::I32(values) => Cell::Integer(values[row].into()),
            V::I64(values) => Cell::Integer(values[row]),
            V::U8(values) => Cell::Integer(values[row].into()),
            V::U16(values) => Cell::Integer(values[row].into()),
            V::U32(values) => Cell::Integer(values[row].into()),
            V::U64(values) => Cell::Unsigned(values[row]),
            V::F16(array) => Cell::Double(array.value(row).to_f64()),
            V::F32(values) => Cell::Single(values[row]),
            V::F64(values) => Cell::Double(values[row]),
            V::Utf8(array) => Cell::Text(array.value(row)),
            V::LargeUtf8(array) => Cell::Text(array.value(row)),
            V::Utf8View(array) => Cell::Text(array.value(row)),
            V::Binary(array) => Cell::Bytes(array.value(row)),
            V::LargeBinary(array) => Cell::Bytes(array.value(row)),
            V::BinaryView(array) => Cell::Bytes(array.value(row)),
            V::FixedBinary(array) => Cell::Bytes(array.value(row)),
            V::Dictionary(rows, values) => return values.get(rows[row], scratch),
            _ => {
                scratch.clear();
                self.write_text(row, scratch)?;
                Cell::Text(scratch)
            }
        })
    }

    /// Appends the value of a row as text, where it has but one form; `in_quotes` puts double quotes around what JSON has
    /// no form for, such as a date.
    ///
    /// # Errors
    /// It has no exact text; the reason.
    #[inline]
    pub fn append<O: Out>(&self, row: usize, in_quotes: bool, out: &mut O) -> Result<Appended<'_>, Why> {
        use Values as V;
        if self.is_null(row) {
            return Ok(Appended::Null);
        }
        match &self.values {
            V::Null => return Ok(Appended::Null),
            V::Bool(array) => out.text(if array.value(row) { "true" } else { "false" }),
            V::I8(values) => text::integer(out, values[row]),
            V::I16(values) => text::integer(out, values[row]),
            V::I32(values) => text::integer(out, values[row]),
            V::I64(values) => text::integer(out, values[row]),
            V::U8(values) => text::integer(out, values[row]),
            V::U16(values) => text::integer(out, values[row]),
            V::U32(values) => text::integer(out, values[row]),
            V::U64(values) => text::integer(out, values[row]),
            V::F16(array) => return Ok(float(out, array.value(row).to_f64())),
            // The shortest text of a single is not that of the double with its value.
            V::F32(values) => return Ok(float(out, values[row])),
            V::F64(values) => return Ok(float(out, values[row])),
            V::Utf8(array) => return Ok(Appended::Text(array.value(row))),
            V::LargeUtf8(array) => return Ok(Appended::Text(array.value(row))),
            V::Utf8View(array) => return Ok(Appended::Text(array.value(row))),
            V::Binary(array) => return Ok(Appended::Bytes(array.value(row))),
            V::LargeBinary(array) => return Ok(Appended::Bytes(array.value(row))),
            V::BinaryView(array) => return Ok(Appended::Bytes(array.value(row))),
            V::FixedBinary(array) => return Ok(Appended::Bytes(array.value(row))),
            V::Dictionary(places, values) => return values.append(places[row], in_quotes, out),
            V::Nested(nested) => nested.write(row, out)?,
            _ if in_quotes => {
                out.ascii(b"\"");
                self.write_text(row, out)?;
                out.ascii(b"\"");
            }
            _ => self.write_text(row, out)?,
        }
        Ok(Appended::Whole)
    }

    /// Appends the value of a row as JSON: numbers and truth values as they are, bytes in base64, the rest as text.
    ///
    /// # Errors
    /// It has no exact form in JSON; the reason.
    #[inline]
    pub fn write_json(&self, row: usize, out: &mut impl Out) -> Result<(), Why> {
        json::value(self, row, out)
    }

    /// Appends the text of a value that has no simpler form.
    #[inline]
    fn write_text(&self, row: usize, out: &mut impl Out) -> Result<(), Why> {
        use Values as V;
        match &self.values {
            V::Decimal32(values, scale) => text::decimal(out, values[row], *scale),
            V::Decimal64(values, scale) => text::decimal(out, values[row], *scale),
            // Most are short, and short ones are written sooner.
            V::Decimal128(values, scale) => match i64::try_from(values[row]) {
                Ok(value) => text::decimal(out, value, *scale),
                Err(_) => text::decimal(out, values[row], *scale),
            },
            V::Decimal256(values, scale) => text::wide_decimal(out, values[row], *scale),
            V::Date32(values) => text::date(out, values[row].into())?,
            V::Date64(values) => text::date(out, text::day_of_milliseconds(values[row])?)?,
            V::Time32(values, unit) => text::time(out, values[row].into(), *unit)?,
            V::Time64(values, unit) => text::time(out, values[row], *unit)?,
            V::Timestamp(values, unit, is_instant) => text::timestamp(out, values[row], *unit, *is_instant)?,
            V::Duration(values, unit) => text::duration(out, values[row], *unit),
            V::Months(values) => text::interval_months(out, values[row]),
            V::DayTime(array) => {
                let value = array.value(row);
                text::interval_days(out, value.days, value.milliseconds);
            }
            V::MonthDayNano(array) => {
                let value = array.value(row);
                text::interval(out, value.months, value.days, value.nanoseconds);
            }
            V::Nested(nested) => nested.write(row, out)?,
            _ => unreachable!("every other form is a cell of its own"),
        }
        Ok(())
    }

    /// The first of `rows` rows whose value has no exact form, and why.
    pub fn find_inexact(&self, rows: usize) -> Option<(usize, Why)> {
        use Values as V;
        let all = |check: &dyn Fn(usize) -> Result<(), Why>| {
            (0..rows).filter(|row| !self.is_null(*row)).find_map(|row| check(row).err().map(|why| (row, why)))
        };
        match &self.values {
            V::Date32(values) => all(&|row| text::check_date(values[row].into())),
            V::Date64(values) => all(&|row| text::check_date(text::day_of_milliseconds(values[row])?)),
            V::Time32(values, unit) => all(&|row| text::check_time(values[row].into(), *unit)),
            V::Time64(values, unit) => all(&|row| text::check_time(values[row], *unit)),
            V::Timestamp(values, unit, _) => all(&|row| text::check_timestamp(values[row], *unit)),
            V::Dictionary(places, values) if values.may_be_inexact() => {
                let scratch = RefCell::new(String::new());
                all(&|row| values.get(places[row], &mut scratch.borrow_mut()).map(drop))
            }
            V::Nested(nested) if nested.may_be_inexact() => {
                let scratch = RefCell::new(String::new());
                all(&|row| {
                    let mut scratch = scratch.borrow_mut();
                    scratch.clear();
                    nested.write(row, &mut *scratch)
                })
            }
            _ => None,
        }
    }

    /// Whether `find_inexact` can find something.
    fn may_be_inexact(&self) -> bool {
        use Values as V;
        match &self.values {
            V::Date32(_) | V::Date64(_) => true,
            V::Time32(..) | V::Time64(..) | V::Timestamp(..) => true,
            V::Dictionary(_, values) => values.may_be_inexact(),
            V::Nested(nested) => nested.may_be_inexact(),
            _ => false,
        }
    }
}

#[inline]
fn float<O: Out, F: zmij::Float + Into<f64> + Copy>(out: &mut O, value: F) -> Appended<'static> {
    match text::float(out, value) {
        Some(()) => Appended::Whole,
        None => Appended::NotFinite(value.into()),
    }
}

/// Appends a text in double quotes, escaped as JSON wants it.
pub fn write_json_string(text: &str, out: &mut impl Out) {
    json::string(out, text);
}

/// Appends bytes in base64.
pub fn write_base64(bytes: &[u8], out: &mut impl Out) {
    json::base64(out, bytes);
}

impl<'a> Values<'a> {
    fn new(array: &'a dyn Array) -> Result<Values<'a>> {
        use DataType as A;
        Ok(match array.data_type() {
            A::Null => Values::Null,
            A::Boolean => Values::Bool(array.as_boolean()),
            A::Int8 => Values::I8(array.as_primitive::<Int8Type>().values()),
            A::Int16 => Values::I16(array.as_primitive::<Int16Type>().values()),
            A::Int32 => Values::I32(array.as_primitive::<Int32Type>().values()),
            A::Int64 => Values::I64(array.as_primitive::<Int64Type>().values()),
            A::UInt8 => Values::U8(array.as_primitive::<UInt8Type>().values()),
            A::UInt16 => Values::U16(array.as_primitive::<UInt16Type>().values()),
            A::UInt32 => Values::U32(array.as_primitive::<UInt32Type>().values()),
            A::UInt64 => Values::U64(array.as_primitive::<UInt64Type>().values()),
            A::Float16 => Values::F16(array.as_primitive()),
            A::Float32 => Values::F32(array.as_primitive::<Float32Type>().values()),
            A::Float64 => Values::F64(array.as_primitive::<Float64Type>().values()),
            A::Utf8 => Values::Utf8(array.as_string()),
            A::LargeUtf8 => Values::LargeUtf8(array.as_string()),
            A::Utf8View => Values::Utf8View(array.as_string_view()),
            A::Binary => Values::Binary(array.as_binary()),
            A::LargeBinary => Values::LargeBinary(array.as_binary()),
            A::BinaryView => Values::BinaryView(array.as_binary_view()),
            A::FixedSizeBinary(_) => Values::FixedBinary(array.as_fixed_size_binary()),
            A::Decimal32(_, scale) => {
                Values::Decimal32(array.as_primitive::<Decimal32Type>().values(), *scale)
            }
            A::Decimal64(_, scale) => {
                Values::Decimal64(array.as_primitive::<Decimal64Type>().values(), *scale)
            }
            A::Decimal128(_, scale) => {
                Values::Decimal128(array.as_primitive::<Decimal128Type>().values(), *scale)
            }
            A::Decimal256(_, scale) => {
                Values::Decimal256(array.as_primitive::<Decimal256Type>().values(), *scale)
            }
            A::Date32 => Values::Date32(array.as_primitive::<Date32Type>().values()),
            A::Date64 => Values::Date64(array.as_primitive::<Date64Type>().values()),
            A::Time32(unit @ TimeUnit::Second) => {
                Values::Time32(array.as_primitive::<Time32SecondType>().values(), *unit)
            }
            A::Time32(unit) => Values::Time32(array.as_primitive::<Time32MillisecondType>().values(), *unit),
            A::Time64(unit @ TimeUnit::Microsecond) => {
                Values::Time64(array.as_primitive::<Time64MicrosecondType>().values(), *unit)
            }
            A::Time64(unit) => Values::Time64(array.as_primitive::<Time64NanosecondType>().values(), *unit),
            A::Timestamp(unit, zone) => Values::Timestamp(
                match unit {
                    TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
                    TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
                    TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
                    TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
                },
                *unit,
                zone.is_some(),
            ),
            A::Duration(unit) => Values::Duration(
                match unit {
                    TimeUnit::Second => array.as_primitive::<DurationSecondType>().values(),
                    TimeUnit::Millisecond => array.as_primitive::<DurationMillisecondType>().values(),
                    TimeUnit::Microsecond => array.as_primitive::<DurationMicrosecondType>().values(),
                    TimeUnit::Nanosecond => array.as_primitive::<DurationNanosecondType>().values(),
                },
                *unit,
            ),
            A::Interval(IntervalUnit::YearMonth) => {
                Values::Months(array.as_primitive::<IntervalYearMonthType>().values())
            }
            A::Interval(IntervalUnit::DayTime) => Values::DayTime(array.as_primitive()),
            A::Interval(IntervalUnit::MonthDayNano) => Values::MonthDayNano(array.as_primitive()),
            A::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                // A key under a null may point anywhere; no value is read for it.
                let places = match dictionary.values().len() {
                    0 => vec![0; array.len()],
                    _ => dictionary.normalized_keys(),
                };
                Values::Dictionary(places, Box::new(Cells::new(dictionary.values().as_ref())?))
            }
            A::RunEndEncoded(ends, _) => run_ends(array, ends.data_type())?,
            other => Values::Nested(
                json::Nested::new(array).map_err(|error: Error| error.context(other.to_string()))?,
            ),
        })
    }
}

fn run_ends<'a>(array: &'a dyn Array, ends: &DataType) -> Result<Values<'a>> {
    fn places<'a, R: RunEndIndexType>(array: &'a dyn Array) -> Result<Values<'a>> {
        let array = array
            .as_any()
            .downcast_ref::<RunArray<R>>()
            .ok_or_else(|| Error::bug("a run-end encoded array is not what its type says"))?;
        let places = (0..array.len()).map(|row| array.get_physical_index(row)).collect();
        Ok(Values::Dictionary(places, Box::new(Cells::new(array.values().as_ref())?)))
    }
    match ends {
        DataType::Int16 => places::<Int16Type>(array),
        DataType::Int32 => places::<Int32Type>(array),
        _ => places::<Int64Type>(array),
    }
}
