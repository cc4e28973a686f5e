//! The values of one column, each with its length before it.

use arrow::array::*;
use arrow::buffer::NullBuffer;
use arrow::datatypes::*;
use bytes::{BufMut, BytesMut};
use dstream_sdk::{Error, Result, has_seeded_bug};

use super::{json, nested};
use crate::epoch::{EPOCH_DAYS, EPOCH_MICROSECONDS};
use crate::numeric::{self, Why};
use crate::types::Form;

/// Appends the value of a row.
pub(super) type Put<'a> = Box<dyn Fn(usize, &mut BytesMut) -> Result<(), Why> + 'a>;

const DAY_MILLISECONDS: i64 = 86_400_000;

/// How the values of `array` are written in this form.
///
/// # Errors
/// `Bug`: values of this type have no such form; `fit` says which have.
pub(super) fn put<'a>(array: &'a dyn Array, form: &Form) -> Result<Put<'a>> {
    let values = values(array, form)?;
    Ok(match array.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
        Some(_) if has_seeded_bug("ignored-null-bitmap") => values,
        None => values,
        Some(nulls) => with_nulls(nulls, values),
    })
}

fn with_nulls<'a>(nulls: NullBuffer, values: Put<'a>) -> Put<'a> {
    Box::new(move |row, out| match nulls.is_null(row) {
        true => {
            out.put_i32(-1);
            Ok(())
        }
        false => values(row, out),
    })
}

fn values<'a>(array: &'a dyn Array, form: &Form) -> Result<Put<'a>> {
    use DataType as A;
    let mismatch = || Error::bug(format!("values of the type {} have no form {form:?}", array.data_type()));
    Ok(match (array.data_type(), form) {
        (A::Null, _) => Box::new(|_, out| {
            out.put_i32(-1);
            Ok(())
        }),
        (A::Dictionary(..), _) => {
            let dictionary = array.as_any_dictionary();
            if dictionary.values().is_empty() {
                return put(new_null(array.len()), form);
            }
            places(dictionary.normalized_keys(), put(dictionary.values().as_ref(), form)?)
        }
        (A::RunEndEncoded(ends, _), _) => match ends.data_type() {
            A::Int16 => runs::<Int16Type>(array, form)?,
            A::Int32 => runs::<Int32Type>(array, form)?,
            _ => runs::<Int64Type>(array, form)?,
        },
        (A::Boolean, Form::Bool) => {
            let array = array.as_boolean();
            Box::new(|row, out| fixed(out, [0, 0, 0, 1, u8::from(array.value(row))]))
        }
        (A::Int8, _) => integer::<Int8Type>(array, form).ok_or_else(mismatch)?,
        (A::Int16, _) => integer::<Int16Type>(array, form).ok_or_else(mismatch)?,
        (A::Int32, _) => integer::<Int32Type>(array, form).ok_or_else(mismatch)?,
        (A::Int64, _) => integer::<Int64Type>(array, form).ok_or_else(mismatch)?,
        (A::UInt8, _) => integer::<UInt8Type>(array, form).ok_or_else(mismatch)?,
        (A::UInt16, _) => integer::<UInt16Type>(array, form).ok_or_else(mismatch)?,
        (A::UInt32, _) => integer::<UInt32Type>(array, form).ok_or_else(mismatch)?,
        (A::UInt64, _) => integer::<UInt64Type>(array, form).ok_or_else(mismatch)?,
        (A::Float16, Form::Float4) => {
            let values = array.as_primitive::<Float16Type>().values();
            Box::new(|row, out| four(out, values[row].to_f32().to_be_bytes()))
        }
        (A::Float16, Form::Float8) => {
            let values = array.as_primitive::<Float16Type>().values();
            Box::new(|row, out| eight(out, values[row].to_f64().to_be_bytes()))
        }
        (A::Float32, Form::Float4) => {
            let values = array.as_primitive::<Float32Type>().values();
            Box::new(|row, out| four(out, values[row].to_be_bytes()))
        }
        (A::Float32, Form::Float8) => {
            let values = array.as_primitive::<Float32Type>().values();
            Box::new(|row, out| eight(out, f64::from(values[row]).to_be_bytes()))
        }
        (A::Float64, Form::Float8) => {
            let values = array.as_primitive::<Float64Type>().values();
            Box::new(|row, out| eight(out, values[row].to_be_bytes()))
        }
        (A::Decimal32(_, scale), Form::Decimal { .. }) => {
            let (values, scale) = (array.as_primitive::<Decimal32Type>().values(), *scale);
            Box::new(move |row, out| decimal(values[row].into(), scale, out))
        }
        (A::Decimal64(_, scale), Form::Decimal { .. }) => {
            let (values, scale) = (array.as_primitive::<Decimal64Type>().values(), *scale);
            Box::new(move |row, out| decimal(values[row].into(), scale, out))
        }
        (A::Decimal128(_, scale), Form::Decimal { .. }) => {
            let (values, scale) = (array.as_primitive::<Decimal128Type>().values(), *scale);
            Box::new(move |row, out| decimal(values[row], scale, out))
        }
        (A::Decimal256(_, scale), Form::Decimal { .. }) => {
            let (values, scale) = (array.as_primitive::<Decimal256Type>().values(), *scale);
            Box::new(move |row, out| {
                numeric::encode_i256(values[row], scale, out);
                Ok(())
            })
        }
        (A::Utf8, _) => text(array.as_string::<i32>(), form).ok_or_else(mismatch)?,
        (A::LargeUtf8, _) => text(array.as_string::<i64>(), form).ok_or_else(mismatch)?,
        (A::Utf8View, _) => text(array.as_string_view(), form).ok_or_else(mismatch)?,
        (A::Binary, Form::Bytes) => {
            let array = array.as_binary::<i32>();
            Box::new(|row, out| bytes(out, array.value(row)))
        }
        (A::LargeBinary, Form::Bytes) => {
            let array = array.as_binary::<i64>();
            Box::new(|row, out| bytes(out, array.value(row)))
        }
        (A::BinaryView, Form::Bytes) => {
            let array = array.as_binary_view();
            Box::new(|row, out| bytes(out, array.value(row)))
        }
        (A::FixedSizeBinary(_), Form::Bytes | Form::Uuid) => {
            let array = array.as_fixed_size_binary();
            Box::new(|row, out| bytes(out, array.value(row)))
        }
        (A::Date32, Form::Date) => {
            let values = array.as_primitive::<Date32Type>().values();
            Box::new(|row, out| date(i64::from(values[row]), out))
        }
        (A::Date64, Form::Date) => {
            let values = array.as_primitive::<Date64Type>().values();
            Box::new(|row, out| match values[row] % DAY_MILLISECONDS {
                0 => date(values[row] / DAY_MILLISECONDS, out),
                _ => Err("a date with a time of day"),
            })
        }
        (A::Time32(_) | A::Time64(_), Form::Time) => {
            let ticks = ticks(array).ok_or_else(mismatch)?;
            Box::new(move |row, out| match ticks(row)? {
                // 24:00:00 is one of the server's times.
                time @ 0..=86_400_000_000 => eight(out, time.to_be_bytes()),
                _ => Err("a time outside of the day"),
            })
        }
        (A::Timestamp(..), Form::Timestamp) => {
            let ticks = ticks(array).ok_or_else(mismatch)?;
            Box::new(move |row, out| timestamp(ticks(row)?, out))
        }
        (A::Duration(_), Form::Interval) => {
            let ticks = ticks(array).ok_or_else(mismatch)?;
            Box::new(move |row, out| interval(0, 0, ticks(row)?, out))
        }
        (A::Interval(IntervalUnit::YearMonth), Form::Interval) => {
            let values = array.as_primitive::<IntervalYearMonthType>().values();
            Box::new(|row, out| interval(values[row], 0, 0, out))
        }
        (A::Interval(IntervalUnit::DayTime), Form::Interval) => {
            let values = array.as_primitive::<IntervalDayTimeType>().values();
            Box::new(|row, out| {
                let value = values[row];
                interval(0, value.days, i64::from(value.milliseconds) * 1000, out)
            })
        }
        (A::Interval(IntervalUnit::MonthDayNano), Form::Interval) => {
            let values = array.as_primitive::<IntervalMonthDayNanoType>().values();
            Box::new(|row, out| {
                let value = values[row];
                interval(value.months, value.days, of_nanoseconds(value.nanoseconds)?, out)
            })
        }
        (_, Form::Array { element, form, dimensions }) => nested::array(array, *element, form, *dimensions)?,
        (A::Struct(_), Form::Composite(forms)) => nested::composite(array.as_struct(), forms)?,
        (nested, Form::Jsonb | Form::Text) if nested.is_nested() => json::document(array, form)?,
        _ => return Err(mismatch()),
    })
}

/// A null of any length, for a dictionary without values: every key of it is null.
fn new_null(_: usize) -> &'static NullArray {
    static NULL: std::sync::LazyLock<NullArray> = std::sync::LazyLock::new(|| NullArray::new(0));
    &NULL
}

fn places<'a>(places: Vec<usize>, values: Put<'a>) -> Put<'a> {
    Box::new(move |row, out| values(places[row], out))
}

fn runs<'a, R: RunEndIndexType>(array: &'a dyn Array, form: &Form) -> Result<Put<'a>> {
    let array = array
        .as_any()
        .downcast_ref::<RunArray<R>>()
        .ok_or_else(|| Error::bug("a run-end encoded array is not what its type says"))?;
    let found = (0..array.len()).map(|row| array.get_physical_index(row)).collect();
    Ok(places(found, put(array.values().as_ref(), form)?))
}

#[inline]
fn fixed<const N: usize>(out: &mut BytesMut, value: [u8; N]) -> Result<(), Why> {
    out.extend_from_slice(&value);
    Ok(())
}

/// A value of four bytes; with its length it is one write.
#[inline]
fn four(out: &mut BytesMut, [a, b, c, d]: [u8; 4]) -> Result<(), Why> {
    fixed(out, [0, 0, 0, 4, a, b, c, d])
}

#[inline]
fn eight(out: &mut BytesMut, [a, b, c, d, e, f, g, h]: [u8; 8]) -> Result<(), Why> {
    fixed(out, [0, 0, 0, 8, a, b, c, d, e, f, g, h])
}

#[inline]
fn bytes(out: &mut BytesMut, value: &[u8]) -> Result<(), Why> {
    // The server's own limit for a value.
    let length = i32::try_from(value.len()).ok().filter(|length| *length < 1 << 30);
    out.put_i32(length.ok_or("a value of 1 GiB or more, which the server does not take")?);
    out.extend_from_slice(value);
    Ok(())
}

fn decimal(value: i128, scale: i8, out: &mut BytesMut) -> Result<(), Why> {
    numeric::encode_i128(value, scale, out);
    Ok(())
}

fn integer<'a, T>(array: &'a dyn Array, form: &Form) -> Option<Put<'a>>
where
    T: ArrowPrimitiveType,
    T::Native: Into<i128>,
{
    const OUTSIDE: Why = "a number outside of what the column takes";
    let values = array.as_primitive::<T>().values();
    Some(match form {
        Form::Int2 => Box::new(|row, out| {
            let [a, b] = i16::try_from(values[row].into()).map_err(|_| OUTSIDE)?.to_be_bytes();
            fixed(out, [0, 0, 0, 2, a, b])
        }),
        Form::Int4 => Box::new(|row, out| {
            four(out, i32::try_from(values[row].into()).map_err(|_| OUTSIDE)?.to_be_bytes())
        }),
        Form::Int8 => Box::new(|row, out| {
            eight(out, i64::try_from(values[row].into()).map_err(|_| OUTSIDE)?.to_be_bytes())
        }),
        Form::Oid => Box::new(|row, out| {
            four(out, u32::try_from(values[row].into()).map_err(|_| OUTSIDE)?.to_be_bytes())
        }),
        Form::Decimal { .. } => Box::new(|row, out| decimal(values[row].into(), 0, out)),
        _ => return None,
    })
}

const NUL: Why = "it holds NUL, which the server's text cannot";

fn text<'a, A>(array: A, form: &Form) -> Option<Put<'a>>
where
    A: ArrayAccessor<Item = &'a str> + Copy + 'a,
{
    let value = move |row: usize| array.value(row);
    Some(match form {
        Form::Text | Form::Enum(_) => Box::new(move |row, out| plain_text(value(row), out)),
        Form::Varchar(limit) => {
            let limit = *limit as usize;
            Box::new(move |row, out| {
                let value = value(row);
                match value.len() > limit && value.chars().count() > limit {
                    true => Err("it has more characters than the column takes"),
                    false => plain_text(value, out),
                }
            })
        }
        Form::Jsonb => Box::new(move |row, out| {
            let value = value(row).as_bytes();
            let length = i32::try_from(value.len() + 1).map_err(|_| "a value of more than 1 GiB")?;
            out.put_i32(length);
            out.put_u8(1);
            out.extend_from_slice(value);
            Ok(())
        }),
        Form::NumericText => Box::new(move |row, out| numeric::encode_text(value(row), out)),
        _ => return None,
    })
}

#[inline]
fn plain_text(value: &str, out: &mut BytesMut) -> Result<(), Why> {
    let start = out.len();
    bytes(out, value.as_bytes())?;
    // Looked for in what has just been copied: it is in the cache.
    match memchr::memchr(0, &out[start + 4..]) {
        None => Ok(()),
        Some(_) => Err(NUL),
    }
}

fn date(days: i64, out: &mut BytesMut) -> Result<(), Why> {
    let days = i32::try_from(days).ok().and_then(|days| days.checked_sub(EPOCH_DAYS));
    // 4713-01-01 BC to 5874897-12-31: the server would take others from a COPY and show nonsense.
    match days {
        Some(days @ -2_451_545..=2_145_031_948) => four(out, days.to_be_bytes()),
        _ => Err("a date outside of the server's, from 4713 BC to 5874897"),
    }
}

fn timestamp(microseconds: i64, out: &mut BytesMut) -> Result<(), Why> {
    match microseconds.checked_sub(EPOCH_MICROSECONDS) {
        Some(since @ -211_813_488_000_000_000..=9_223_371_331_199_999_999) => eight(out, since.to_be_bytes()),
        _ => Err("a timestamp outside of the server's, from 4713 BC to 294276"),
    }
}

fn interval(months: i32, days: i32, microseconds: i64, out: &mut BytesMut) -> Result<(), Why> {
    out.put_i32(16);
    out.put_i64(microseconds);
    out.put_i32(days);
    out.put_i32(months);
    Ok(())
}

fn of_nanoseconds(nanoseconds: i64) -> Result<i64, Why> {
    match nanoseconds % 1000 {
        0 => Ok(nanoseconds / 1000),
        _ => Err("a part of a microsecond, which is the server's smallest unit"),
    }
}

/// Microseconds of a row.
type Ticks<'a> = Box<dyn Fn(usize) -> Result<i64, Why> + 'a>;

fn ticks(array: &dyn Array) -> Option<Ticks<'_>> {
    const FAR: Why = "it is too far away for microseconds";
    fn values<T: ArrowPrimitiveType>(array: &dyn Array) -> &[T::Native] {
        array.as_primitive::<T>().values()
    }
    macro_rules! scaled {
        ($type:ty, $factor:expr) => {{
            let values = values::<$type>(array);
            Box::new(move |row| i64::from(values[row]).checked_mul($factor).ok_or(FAR))
        }};
    }
    macro_rules! nanoseconds {
        ($type:ty) => {{
            let values = values::<$type>(array);
            Box::new(move |row| of_nanoseconds(values[row]))
        }};
    }
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    Some(match array.data_type() {
        DataType::Time32(Second) => scaled!(Time32SecondType, 1_000_000),
        DataType::Time32(_) => scaled!(Time32MillisecondType, 1_000),
        DataType::Time64(Microsecond) => scaled!(Time64MicrosecondType, 1),
        DataType::Time64(_) => nanoseconds!(Time64NanosecondType),
        DataType::Timestamp(Second, _) => scaled!(TimestampSecondType, 1_000_000),
        DataType::Timestamp(Millisecond, _) => scaled!(TimestampMillisecondType, 1_000),
        DataType::Timestamp(Microsecond, _) => scaled!(TimestampMicrosecondType, 1),
        DataType::Timestamp(Nanosecond, _) => nanoseconds!(TimestampNanosecondType),
        DataType::Duration(Second) => scaled!(DurationSecondType, 1_000_000),
        DataType::Duration(Millisecond) => scaled!(DurationMillisecondType, 1_000),
        DataType::Duration(Microsecond) => scaled!(DurationMicrosecondType, 1),
        DataType::Duration(Nanosecond) => nanoseconds!(DurationNanosecondType),
        _ => return None,
    })
}
