//! What the text of a single value means, exactly or not at all.

use arrow::datatypes::{IntervalDayTime, IntervalMonthDayNano, TimeUnit};
use std::cell::Cell;

use super::duration::Interval;
use super::json::{Cursor, Fault, Parsed};
use super::number::{NoDecimal, Unscaled, exact_f32, exact_f64, exact_integer, parse_decimal};
use super::temporal::{NoTime, parse_date, parse_time, parse_timestamp};

/// Room for what a value needs while it is read.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
}

/// An integer of any width.
#[inline]
pub(crate) fn integer<T: TryFrom<i64> + TryFrom<i128>>(
    cursor: &mut Cursor<'_>,
    _: &mut Scratch,
) -> Parsed<T> {
    let text = cursor.number()?;
    let fits = match text.parse::<i64>() {
        Ok(short) => T::try_from(short).ok(),
        Err(_) => exact_integer(text).ok().and_then(|long| T::try_from(long).ok()),
    };
    fits.ok_or_else(|| {
        let at = cursor.position() - text.len();
        match exact_integer(text) {
            Err(NoDecimal::TooFine) => Fault::value(at, format!("{text} is no integer")),
            _ => Fault::value(at, format!("{text} is outside the range of the column's integer type")),
        }
    })
}

pub(crate) fn float64(cursor: &mut Cursor<'_>) -> Parsed<f64> {
    let text = cursor.number()?;
    exact_f64(text).ok_or_else(|| no_float(cursor, text, 64))
}

pub(crate) fn float32(cursor: &mut Cursor<'_>) -> Parsed<f32> {
    let text = cursor.number()?;
    exact_f32(text).ok_or_else(|| no_float(cursor, text, 32))
}

fn no_float(cursor: &Cursor<'_>, text: &str, bits: u32) -> Box<Fault> {
    Fault::value(cursor.position() - text.len(), format!("a float{bits} cannot hold {text} exactly"))
}

/// A decimal, written as text or as a number.
pub(crate) fn decimal<T: Unscaled>(
    precision: u8,
    scale: i8,
) -> impl Fn(&mut Cursor<'_>, &mut Scratch) -> Parsed<T> + Send + 'static {
    move |cursor, scratch| {
        let at = cursor.position();
        let text = match cursor.peek() {
            Some(b'"') => cursor.string(&mut scratch.text)?,
            _ => cursor.number()?,
        };
        parse_decimal(text, precision, scale).map_err(|problem| {
            Fault::value(
                at,
                match problem {
                    NoDecimal::NoNumber => "the text is no decimal number".to_owned(),
                    NoDecimal::TooManyDigits | NoDecimal::TooFine => {
                        format!("{} does not fit decimal({precision}, {scale})", short(text))
                    }
                },
            )
        })
    }
}

fn short(text: &str) -> &str {
    text.get(..100).unwrap_or(text)
}

pub(crate) fn date(cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<i32> {
    let at = cursor.position();
    parse_date(cursor.string(&mut scratch.text)?).map_err(|problem| no_time(at, problem, "date"))
}

pub(crate) fn time(unit: TimeUnit) -> impl Fn(&mut Cursor<'_>, &mut Scratch) -> Parsed<i64> + Send + 'static {
    move |cursor, scratch| {
        let at = cursor.position();
        parse_time(cursor.string(&mut scratch.text)?, unit)
            .map_err(|problem| no_time(at, problem, "time without offset"))
    }
}

pub(crate) fn time32(
    unit: TimeUnit,
) -> impl Fn(&mut Cursor<'_>, &mut Scratch) -> Parsed<i32> + Send + 'static {
    let wide = time(unit);
    // A day has 86 400 000 ms.
    move |cursor, scratch| wide(cursor, scratch).map(|value| value as i32)
}

/// A point in time. In a column with a zone, text without one is UTC, as many taps write it: said once.
pub(crate) fn timestamp(
    column: &str,
    unit: TimeUnit,
    zoned: bool,
) -> impl Fn(&mut Cursor<'_>, &mut Scratch) -> Parsed<i64> + Send + 'static {
    let column = column.to_owned();
    let said = Cell::new(false);
    move |cursor, scratch| {
        let at = cursor.position();
        let (value, has_zone) = parse_timestamp(cursor.string(&mut scratch.text)?, unit)
            .map_err(|problem| no_time(at, problem, "date and time"))?;
        if has_zone && !zoned {
            return Err(Fault::value(at, "the time has a zone, the column has none"));
        }
        if zoned && !has_zone && !said.replace(true) {
            tracing::warn!(column, "a time without zone is taken as UTC");
        }
        Ok(value)
    }
}

fn no_time(at: usize, problem: NoTime, wanted: &str) -> Box<Fault> {
    Fault::value(
        at,
        match problem {
            NoTime::Form => format!("the text is no {wanted} as RFC 3339 writes it"),
            NoTime::TooFine => format!("the {wanted} has more digits than the column holds"),
        },
    )
}

pub(crate) fn duration(
    unit: TimeUnit,
) -> impl Fn(&mut Cursor<'_>, &mut Scratch) -> Parsed<i64> + Send + 'static {
    move |cursor, scratch| interval(cursor, scratch, |interval| interval.length(unit))
}

pub(crate) fn months(cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<i32> {
    interval(cursor, scratch, |interval| {
        let is_whole = interval.days == 0 && interval.nanoseconds == 0;
        is_whole.then(|| i32::try_from(interval.months).ok())?
    })
}

pub(crate) fn day_time(cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<IntervalDayTime> {
    interval(cursor, scratch, |interval| {
        let is_whole = interval.months == 0 && interval.nanoseconds % 1_000_000 == 0;
        let days = i32::try_from(interval.days).ok()?;
        let milliseconds = i32::try_from(interval.nanoseconds / 1_000_000).ok()?;
        is_whole.then(|| IntervalDayTime::new(days, milliseconds))
    })
}

pub(crate) fn month_day_nano(cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<IntervalMonthDayNano> {
    interval(cursor, scratch, |interval| {
        Some(IntervalMonthDayNano::new(
            i32::try_from(interval.months).ok()?,
            i32::try_from(interval.days).ok()?,
            i64::try_from(interval.nanoseconds).ok()?,
        ))
    })
}

fn interval<T>(
    cursor: &mut Cursor<'_>,
    scratch: &mut Scratch,
    fit: impl FnOnce(Interval) -> Option<T>,
) -> Parsed<T> {
    let at = cursor.position();
    let text = cursor.string(&mut scratch.text)?;
    let interval = Interval::parse(text)
        .ok_or_else(|| Fault::value(at, "the text is no duration as ISO 8601 writes it"))?;
    fit(interval).ok_or_else(|| Fault::value(at, format!("{} does not fit the column's type", short(text))))
}
