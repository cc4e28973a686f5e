//! Dates, times, intervals and decimals as text that says them exactly. Every function appends, so that one text can be
//! reused for many values.

use arrow::datatypes::TimeUnit;
use std::fmt::Write;

/// Why a value has no exact form.
pub type Why = &'static str;

/// What text is appended to.
pub trait Out {
    /// Appends bytes that are ASCII.
    fn ascii(&mut self, ascii: &[u8]);
    /// Appends a text.
    fn text(&mut self, text: &str);
}

impl Out for String {
    #[inline]
    fn ascii(&mut self, ascii: &[u8]) {
        self.push_str(std::str::from_utf8(ascii).expect("ASCII is UTF-8"));
    }

    #[inline]
    fn text(&mut self, text: &str) {
        self.push_str(text);
    }
}

impl Out for Vec<u8> {
    #[inline]
    fn ascii(&mut self, ascii: &[u8]) {
        self.extend_from_slice(ascii);
    }

    #[inline]
    fn text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}

/// Seconds of a day.
pub const DAY: i64 = 86_400;
/// 0001-01-01 as days since 1970-01-01: ISO 8601 has four digits for a year.
pub const FIRST_DAY: i64 = -719_162;
/// 9999-12-31, likewise.
pub const LAST_DAY: i64 = 2_932_896;

/// Ticks in a second and the digits they need.
pub fn ticks(unit: TimeUnit) -> (i64, usize) {
    match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 3),
        TimeUnit::Microsecond => (1_000_000, 6),
        TimeUnit::Nanosecond => (1_000_000_000, 9),
    }
}

/// Every number of two digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Below 100.
#[inline]
fn pair(value: u32) -> [u8; 2] {
    PAIRS[value as usize]
}

fn fraction(out: &mut impl Out, mut ticks: u64, digits: usize) {
    if digits == 0 {
        return;
    }
    let mut text = *b".000000000";
    for digit in text[1..=digits].iter_mut().rev() {
        *digit = b'0' + (ticks % 10) as u8;
        ticks /= 10;
    }
    out.ascii(&text[..=digits]);
}

/// `2024-02-29`.
///
/// # Errors
/// It has no such form.
#[inline]
pub fn date(out: &mut impl Out, day: i64) -> Result<(), Why> {
    check_date(day)?;
    // Days to a civil date (Howard Hinnant, "chrono-compatible low-level date algorithms"), none of them below 0.
    let shifted = (day + 719_468) as u32;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u32::from(month <= 2);
    let ([y1, y2], [y3, y4]) = (pair(year / 100), pair(year % 100));
    let ([m1, m2], [d1, d2]) = (pair(month), pair(day_of_month));
    out.ascii(&[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]);
    Ok(())
}

/// Whether [`date`] has a form for it.
///
/// # Errors
/// It has no such form.
pub fn check_date(day: i64) -> Result<(), Why> {
    match (FIRST_DAY..=LAST_DAY).contains(&day) {
        true => Ok(()),
        false => Err("a date outside of the years 0001 to 9999"),
    }
}

/// The day of a date in milliseconds.
///
/// # Errors
/// It has no such form.
pub fn day_of_milliseconds(value: i64) -> Result<i64, Why> {
    match value % (DAY * 1_000) {
        0 => Ok(value / (DAY * 1_000)),
        _ => Err("a date that is not midnight"),
    }
}

/// `23:59:59.123`.
///
/// # Errors
/// It has no such form.
pub fn time(out: &mut impl Out, value: i64, unit: TimeUnit) -> Result<(), Why> {
    check_time(value, unit)?;
    let (per_second, digits) = ticks(unit);
    let seconds = (value / per_second) as u32;
    let ([h1, h2], [m1, m2], [s1, s2]) = (pair(seconds / 3_600), pair(seconds / 60 % 60), pair(seconds % 60));
    out.ascii(&[h1, h2, b':', m1, m2, b':', s1, s2]);
    fraction(out, (value % per_second) as u64, digits);
    Ok(())
}

/// Whether [`time`] has a form for it.
///
/// # Errors
/// It has no such form.
pub fn check_time(value: i64, unit: TimeUnit) -> Result<(), Why> {
    match (0..DAY * ticks(unit).0).contains(&value) {
        true => Ok(()),
        false => Err("a time of day outside of 00:00 to 24:00"),
    }
}

/// `2024-02-29T23:59:59.123456`, with `Z` for an instant.
///
/// # Errors
/// It has no such form.
pub fn timestamp(out: &mut impl Out, value: i64, unit: TimeUnit, is_instant: bool) -> Result<(), Why> {
    let per_day = DAY * ticks(unit).0;
    date(out, value.div_euclid(per_day))?;
    out.ascii(b"T");
    time(out, value.rem_euclid(per_day), unit)?;
    if is_instant {
        out.ascii(b"Z");
    }
    Ok(())
}

/// Whether [`timestamp`] has a form for it.
///
/// # Errors
/// It has no such form.
pub fn check_timestamp(value: i64, unit: TimeUnit) -> Result<(), Why> {
    check_date(value.div_euclid(DAY * ticks(unit).0))
}

fn signed_seconds(out: &mut impl Out, value: i64, unit: TimeUnit) {
    let (per_second, digits) = ticks(unit);
    if value < 0 {
        out.ascii(b"-");
    }
    let value = value.unsigned_abs();
    integer(out, value / per_second as u64);
    fraction(out, value % per_second as u64, digits);
    out.ascii(b"S");
}

/// `PT-1.500S`.
pub fn duration(out: &mut impl Out, value: i64, unit: TimeUnit) {
    out.ascii(b"PT");
    signed_seconds(out, value, unit);
}

/// `P14M`.
pub fn interval_months(out: &mut impl Out, months: i32) {
    out.ascii(b"P");
    integer(out, months);
    out.ascii(b"M");
}

/// `P1DT-0.500S`.
pub fn interval_days(out: &mut impl Out, days: i32, milliseconds: i32) {
    out.ascii(b"P");
    integer(out, days);
    out.ascii(b"DT");
    signed_seconds(out, i64::from(milliseconds), TimeUnit::Millisecond);
}

/// `P1M-1DT0.000000001S`.
pub fn interval(out: &mut impl Out, months: i32, days: i32, nanoseconds: i64) {
    interval_months(out, months);
    integer(out, days);
    out.ascii(b"DT");
    signed_seconds(out, nanoseconds, TimeUnit::Nanosecond);
}

/// An integer.
#[inline]
pub fn integer(out: &mut impl Out, value: impl itoa::Integer) {
    out.ascii(itoa::Buffer::new().format(value).as_bytes());
}

/// A decimal with as many digits after the point as its type says, and all digits before it.
#[inline]
pub fn decimal(out: &mut impl Out, value: impl itoa::Integer, scale: i8) {
    digits(out, itoa::Buffer::new().format(value).as_bytes(), scale);
}

/// As [`decimal`], for values that are wider than the integers of Rust.
pub fn wide_decimal(out: &mut impl Out, value: impl std::fmt::Display, scale: i8) {
    let mut text = String::with_capacity(80);
    write!(text, "{value}").expect("writing to a String cannot fail");
    digits(out, text.as_bytes(), scale);
}

/// The digits of a number, perhaps after a minus, with the point put in.
#[inline]
fn digits(out: &mut impl Out, number: &[u8], scale: i8) {
    let places = usize::from(scale.unsigned_abs());
    if scale <= 0 {
        out.ascii(number);
        if number != b"0" {
            zeros(out, places);
        }
        return;
    }
    let sign = usize::from(number[0] == b'-');
    match number.len() - sign {
        length if length > places => {
            let (whole, fraction) = number.split_at(number.len() - places);
            out.ascii(whole);
            out.ascii(b".");
            out.ascii(fraction);
        }
        length => {
            out.ascii(&number[..sign]);
            out.ascii(b"0.");
            zeros(out, places - length);
            out.ascii(&number[sign..]);
        }
    }
}

fn zeros(out: &mut impl Out, mut count: usize) {
    const ZEROS: [u8; 32] = [b'0'; 32];
    while count > 0 {
        let some = count.min(ZEROS.len());
        out.ascii(&ZEROS[..some]);
        count -= some;
    }
}

/// A finite float as the shortest number that reads back as the same float; `None`: it is not finite.
#[inline]
pub fn float(out: &mut impl Out, value: impl zmij::Float + Into<f64> + Copy) -> Option<()> {
    value.into().is_finite().then(|| out.ascii(zmij::Buffer::new().format_finite(value).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut String) -> Result<(), Why>) -> Result<String, Why> {
        let mut out = String::new();
        write(&mut out).map(|()| out)
    }

    fn made(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    proptest! {
        #[test]
        fn a_date_is_that_of_the_calendar(day in FIRST_DAY..=LAST_DAY) {
            let expected = date32_to_datetime(day as i32).unwrap().format("%Y-%m-%d").to_string();
            prop_assert_eq!(text(|out| date(out, day)).unwrap(), expected);
        }

        #[test]
        fn a_timestamp_is_that_of_the_calendar(us in FIRST_DAY * DAY * 1_000_000..(LAST_DAY + 1) * DAY * 1_000_000) {
            let expected = timestamp_us_to_datetime(us).unwrap().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
            prop_assert_eq!(text(|out| timestamp(out, us, Microsecond, true)).unwrap(), expected);
        }

        #[test]
        fn a_decimal_reads_back_as_its_digits(value: i128, scale in 0i8..38) {
            let text = made(|out| decimal(out, value, scale));
            let after = text.split_once('.').map_or(0, |(_, after)| after.len());
            prop_assert_eq!(after, scale as usize);
            prop_assert_eq!(text.replace('.', "").parse::<i128>().unwrap(), value);
        }
    }

    #[test]
    fn a_value_without_a_form_is_an_error() {
        assert!(text(|out| date(out, FIRST_DAY - 1)).is_err());
        assert!(text(|out| date(out, LAST_DAY + 1)).is_err());
        assert!(text(|out| timestamp(out, i64::MIN, Second, false)).is_err());
        assert!(text(|out| timestamp(out, i64::MAX, Second, false)).is_err());
        assert!(text(|out| time(out, 86_400, Second)).is_err());
        assert!(text(|out| time(out, -1, Nanosecond)).is_err());
        assert!(day_of_milliseconds(1).is_err());
        assert_eq!(float(&mut String::new(), f64::NAN), None);
    }

    #[test]
    fn the_edges_have_their_exact_text() {
        assert_eq!(text(|out| date(out, FIRST_DAY)).unwrap(), "0001-01-01");
        assert_eq!(text(|out| date(out, LAST_DAY)).unwrap(), "9999-12-31");
        assert_eq!(
            text(|out| timestamp(out, i64::MIN, Nanosecond, true)).unwrap(),
            "1677-09-21T00:12:43.145224192Z"
        );
        assert_eq!(text(|out| timestamp(out, -1, Millisecond, false)).unwrap(), "1969-12-31T23:59:59.999");
        assert_eq!(text(|out| time(out, 86_399, Second)).unwrap(), "23:59:59");
        let durations = [(i64::MIN, Second, "PT-9223372036854775808S"), (-1, Millisecond, "PT-0.001S")];
        for (value, unit, expected) in durations {
            assert_eq!(made(|out| duration(out, value, unit)), expected);
        }
        assert_eq!(made(|out| interval(out, -1, 2, -3)), "P-1M2DT-0.000000003S");
        assert_eq!(made(|out| interval_days(out, 1, -500)), "P1DT-0.500S");
        for (value, scale, expected) in [
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (5, -2, "500"),
            (0, -2, "0"),
            (-120, 1, "-12.0"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(made(|out| decimal(out, value, scale)), expected);
        }
        let wide = arrow::datatypes::i256::MIN;
        let expected = "-578960446186580977117854925043439539266349923328202820197287920039565648.19968";
        assert_eq!(made(|out| wide_decimal(out, wide, 5)), expected);
        assert_eq!(made(|out| assert_eq!(float(out, 0.1f32), Some(()))), "0.1");
        assert_eq!(made(|out| assert_eq!(float(out, -0.0f64), Some(()))), "-0.0");
    }
}
