//! The values of a column, one variant per way to keep them; what each takes of SQLite and of JSON.

use arrow::array::{ArrowPrimitiveType, BooleanBufferBuilder};
use arrow::datatypes::{
    DataType, Float16Type, IntervalDayTime, IntervalMonthDayNano, IntervalUnit, TimeUnit, i256,
};
use base64::prelude::{BASE64_STANDARD, Engine};
use dstream_sdk::{Error, Result};
use rusqlite::types::ValueRef;

use super::column::{CLASS, RANGE, Refused, TextForm};
use super::distinct::Distinct;
use super::exact::decimal_of;
use super::nested::Nested;
use crate::json_text::Scanner;

pub(super) type F16 = <Float16Type as ArrowPrimitiveType>::Native;

/// Texts or bytes one after the other.
pub(super) struct Bytes {
    pub(super) offsets: Vec<i32>,
    pub(super) data: Vec<u8>,
}

/// The values. Those under a null are anything.
pub(super) enum Values {
    Null,
    Bool(BooleanBufferBuilder),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    F16(Vec<F16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Decimal32(Vec<i32>, u8, i8),
    Decimal64(Vec<i64>, u8, i8),
    Decimal128(Vec<i128>, u8, i8),
    Decimal256(Vec<i256>, u8, i8),
    Date32(Vec<i32>),
    Date64(Vec<i64>),
    Time32(Vec<i32>, TimeUnit),
    Time64(Vec<i64>, TimeUnit),
    Timestamp(Vec<i64>, TimeUnit, bool),
    Duration(Vec<i64>, TimeUnit),
    Months(Vec<i32>),
    DayTime(Vec<IntervalDayTime>),
    MonthDayNano(Vec<IntervalMonthDayNano>),
    Text(Bytes, TextForm),
    Binary(Bytes),
    Fixed(Vec<u8>, usize),
    Nested(Box<Nested>),
    Distinct(Box<Distinct>),
}

impl Values {
    /// # Errors
    /// `Unsupported`: no value of the type can be read.
    pub(super) fn new(theirs: &DataType, form: TextForm) -> Result<Values> {
        use DataType as A;
        Ok(match theirs {
            A::Null => Values::Null,
            A::Boolean => Values::Bool(BooleanBufferBuilder::new(0)),
            A::Int8 => Values::I8(Vec::new()),
            A::Int16 => Values::I16(Vec::new()),
            A::Int32 => Values::I32(Vec::new()),
            A::Int64 => Values::I64(Vec::new()),
            A::UInt8 => Values::U8(Vec::new()),
            A::UInt16 => Values::U16(Vec::new()),
            A::UInt32 => Values::U32(Vec::new()),
            A::UInt64 => Values::U64(Vec::new()),
            A::Float16 => Values::F16(Vec::new()),
            A::Float32 => Values::F32(Vec::new()),
            A::Float64 => Values::F64(Vec::new()),
            A::Decimal32(precision, scale) => Values::Decimal32(Vec::new(), *precision, *scale),
            A::Decimal64(precision, scale) => Values::Decimal64(Vec::new(), *precision, *scale),
            A::Decimal128(precision, scale) => Values::Decimal128(Vec::new(), *precision, *scale),
            A::Decimal256(precision, scale) => Values::Decimal256(Vec::new(), *precision, *scale),
            A::Date32 => Values::Date32(Vec::new()),
            A::Date64 => Values::Date64(Vec::new()),
            A::Time32(unit) => Values::Time32(Vec::new(), *unit),
            A::Time64(unit) => Values::Time64(Vec::new(), *unit),
            A::Timestamp(unit, zone) => Values::Timestamp(Vec::new(), *unit, zone.is_some()),
            A::Duration(unit) => Values::Duration(Vec::new(), *unit),
            A::Interval(IntervalUnit::YearMonth) => Values::Months(Vec::new()),
            A::Interval(IntervalUnit::DayTime) => Values::DayTime(Vec::new()),
            A::Interval(IntervalUnit::MonthDayNano) => Values::MonthDayNano(Vec::new()),
            A::Utf8 | A::LargeUtf8 | A::Utf8View => Values::Text(Bytes::new(), form),
            A::Binary | A::LargeBinary | A::BinaryView => Values::Binary(Bytes::new()),
            A::FixedSizeBinary(width) => Values::Fixed(Vec::new(), *width as usize),
            A::Dictionary(..) | A::RunEndEncoded(..) => Values::Distinct(Box::new(Distinct::new(theirs)?)),
            nested => match Nested::new(nested)? {
                Some(nested) => Values::Nested(Box::new(nested)),
                None => {
                    return Err(Error::unsupported(format!("no value of the type {nested} can be read")));
                }
            },
        })
    }

    /// Whether a null is told by the column's own bits.
    pub(super) fn has_nulls(&self) -> bool {
        match self {
            Values::Null | Values::Distinct(_) => false,
            Values::Nested(nested) => nested.has_nulls(),
            _ => true,
        }
    }

    /// Takes a cell that is not NULL.
    #[inline]
    pub(super) fn append_cell(&mut self, cell: ValueRef<'_>) -> Result<(), Refused> {
        use ValueRef as C;
        match (self, cell) {
            (Values::I64(values), C::Integer(number)) => values.push(number),
            (Values::Text(values, TextForm::Strict | TextForm::Any), C::Text(text)) => values.push(text)?,
            (Values::F64(values), C::Real(number)) => values.push(number),
            (Values::I32(values), C::Integer(number)) => values.push(fits(number)?),
            (Values::I16(values), C::Integer(number)) => values.push(fits(number)?),
            (Values::I8(values), C::Integer(number)) => values.push(fits(number)?),
            (Values::U8(values), C::Integer(number)) => values.push(fits(number)?),
            (Values::U16(values), C::Integer(number)) => values.push(fits(number)?),
            (Values::U32(values), C::Integer(number)) => values.push(fits(number)?),
            (Values::U64(values), C::Integer(number)) => values.push(fits(number)?),
            (Values::Bool(values), C::Integer(number @ (0 | 1))) => values.append(number == 1),
            (Values::Bool(_), C::Integer(_)) => return Err("a number that is neither 0 nor 1".into()),
            (Values::Binary(values), C::Blob(bytes)) => values.push(bytes)?,
            (Values::Fixed(values, width), C::Blob(bytes)) => push_fixed(values, *width, bytes)?,
            (Values::Text(values, form), cell) => values.push_form(*form, cell)?,
            (values @ (Values::F16(_) | Values::F32(_)), C::Real(number)) => values.push_real(number)?,
            (values @ (Values::F16(_) | Values::F32(_) | Values::F64(_)), C::Integer(number)) => {
                // Beyond 2^53 a double may stand for a neighbour.
                if number.unsigned_abs() > 1 << 53 {
                    return Err("an integer that is no double".into());
                }
                values.push_real(number as f64)?;
            }
            (values, C::Integer(number)) if values.is_decimal() => values.push_text(&number.to_string())?,
            (values, C::Real(number)) if values.is_decimal() => values.push_text(&decimal_of(number)?)?,
            (Values::Nested(nested), C::Text(text)) => {
                let mut scan = Scanner::new(as_text(text)?);
                nested.append_json(&mut scan)?;
                scan.end()?;
            }
            (values, C::Text(text)) => values.push_text(as_text(text)?)?,
            _ => return Err(CLASS),
        }
        Ok(())
    }

    /// Takes a value of JSON that is not null.
    pub(super) fn append_json(&mut self, scan: &mut Scanner<'_>) -> Result<(), Refused> {
        fn number<T: std::str::FromStr>(scan: &mut Scanner<'_>) -> Result<T, Refused> {
            scan.number()?.parse().map_err(|_| RANGE)
        }
        match self {
            Values::Bool(values) if scan.takes_word("true") => values.append(true),
            Values::Bool(values) if scan.takes_word("false") => values.append(false),
            Values::I8(values) => values.push(number(scan)?),
            Values::I16(values) => values.push(number(scan)?),
            Values::I32(values) => values.push(number(scan)?),
            Values::I64(values) => values.push(number(scan)?),
            Values::U8(values) => values.push(number(scan)?),
            Values::U16(values) => values.push(number(scan)?),
            Values::U32(values) => values.push(number(scan)?),
            Values::U64(values) => values.push(number(scan)?),
            // The shortest text of a single is not that of the double with its value.
            Values::F32(values) => values.push(finite(number::<f32>(scan)?)?),
            values @ (Values::F16(_) | Values::F64(_)) => values.push_real(finite(number::<f64>(scan)?)?)?,
            Values::Text(values, _) => values.push(scan.string()?.as_bytes())?,
            Values::Binary(values) => values.push(&base64(scan)?)?,
            Values::Fixed(values, width) => push_fixed(values, *width, &base64(scan)?)?,
            Values::Nested(nested) => nested.append_json(scan)?,
            values => values.push_text(&scan.string()?)?,
        }
        Ok(())
    }

    fn is_decimal(&self) -> bool {
        use Values as V;
        matches!(self, V::Decimal32(..) | V::Decimal64(..) | V::Decimal128(..) | V::Decimal256(..))
    }

    /// A value that nobody sees.
    pub(super) fn append_hidden(&mut self, is_nullable: bool) -> Result<(), Refused> {
        use Values as V;
        match self {
            V::Null => {}
            V::Bool(values) => values.append(false),
            V::I8(values) => values.push(0),
            V::I16(values) => values.push(0),
            V::U8(values) => values.push(0),
            V::U16(values) => values.push(0),
            V::U32(values) => values.push(0),
            V::U64(values) => values.push(0),
            V::F16(values) => values.push(F16::ZERO),
            V::F32(values) => values.push(0.0),
            V::F64(values) => values.push(0.0),
            V::I32(values) | V::Decimal32(values, ..) | V::Date32(values) => values.push(0),
            V::Time32(values, _) | V::Months(values) => values.push(0),
            V::I64(values) | V::Decimal64(values, ..) | V::Date64(values) => values.push(0),
            V::Time64(values, _) | V::Timestamp(values, ..) | V::Duration(values, _) => values.push(0),
            V::Decimal128(values, ..) => values.push(0),
            V::Decimal256(values, ..) => values.push(i256::ZERO),
            V::DayTime(values) => values.push(IntervalDayTime::ZERO),
            V::MonthDayNano(values) => values.push(IntervalMonthDayNano::ZERO),
            V::Text(values, _) | V::Binary(values) => values.push(&[])?,
            V::Fixed(values, width) => values.resize(values.len() + *width, 0),
            V::Nested(nested) => nested.append_hidden()?,
            V::Distinct(distinct) => distinct.append_hidden(is_nullable)?,
        }
        Ok(())
    }
}

fn fits<T: TryFrom<i64>>(number: i64) -> Result<T, Refused> {
    number.try_into().map_err(|_| RANGE)
}

fn finite<T: Into<f64> + Copy>(number: T) -> Result<T, Refused> {
    if number.into().is_finite() { Ok(number) } else { Err(RANGE) }
}

pub(super) fn as_text(bytes: &[u8]) -> Result<&str, Refused> {
    std::str::from_utf8(bytes).map_err(|_| "text that is not UTF-8".into())
}

fn base64(scan: &mut Scanner<'_>) -> Result<Vec<u8>, Refused> {
    BASE64_STANDARD.decode(scan.string()?.as_bytes()).map_err(|_| "text that is not base64".into())
}

fn push_fixed(values: &mut Vec<u8>, width: usize, bytes: &[u8]) -> Result<(), Refused> {
    if bytes.len() != width {
        return Err("bytes of another length than the type has".into());
    }
    values.extend_from_slice(bytes);
    Ok(())
}
