//! Dates, times, intervals and decimals as text that says them exactly. Every function appends, so that one text can be
//! reused for many values.

use arrow::datatypes::TimeUnit;
use std::fmt::Write;

/// Why a value has no exact form.
pub type Why = &'static str;

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

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a String cannot fail");
}

fn two_digits(out: &mut String, value: i64) {
    out.push((b'0' + (value / 10) as u8) as char);
    out.push((b'0' + (value % 10) as u8) as char);
}

fn fraction(out: &mut String, ticks: i64, digits: usize) {
    if digits > 0 {
        put(out, format_args!(".{ticks:0digits$}"));
    }
}

/// `2024-02-29`.
///
/// # Errors
/// It has no such form.
pub fn date(out: &mut String, day: i64) -> Result<(), Why> {
    check_date(day)?;
    // Days to a civil date (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    two_digits(out, year / 100);
    two_digits(out, year % 100);
    out.push('-');
    two_digits(out, month);
    out.push('-');
    two_digits(out, day_of_month);
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
pub fn time(out: &mut String, value: i64, unit: TimeUnit) -> Result<(), Why> {
    check_time(value, unit)?;
    let (per_second, digits) = ticks(unit);
    let seconds = value / per_second;
    two_digits(out, seconds / 3_600);
    out.push(':');
    two_digits(out, seconds / 60 % 60);
    out.push(':');
    two_digits(out, seconds % 60);
    fraction(out, value % per_second, digits);
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
pub fn timestamp(out: &mut String, value: i64, unit: TimeUnit, is_instant: bool) -> Result<(), Why> {
    let per_day = DAY * ticks(unit).0;
    date(out, value.div_euclid(per_day))?;
    out.push('T');
    time(out, value.rem_euclid(per_day), unit)?;
    if is_instant {
        out.push('Z');
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

fn signed_seconds(out: &mut String, value: i64, unit: TimeUnit) {
    let (per_second, digits) = ticks(unit);
    if value < 0 {
        out.push('-');
    }
    let value = value.unsigned_abs();
    put(out, format_args!("{}", value / per_second as u64));
    fraction(out, (value % per_second as u64) as i64, digits);
    out.push('S');
}

/// `PT-1.500S`.
pub fn duration(out: &mut String, value: i64, unit: TimeUnit) {
    out.push_str("PT");
    signed_seconds(out, value, unit);
}

/// `P14M`.
pub fn interval_months(out: &mut String, months: i32) {
    put(out, format_args!("P{months}M"));
}

/// `P1DT-0.500S`.
pub fn interval_days(out: &mut String, days: i32, milliseconds: i32) {
    put(out, format_args!("P{days}DT"));
    signed_seconds(out, i64::from(milliseconds), TimeUnit::Millisecond);
}

/// `P1M-1DT0.000000001S`.
pub fn interval(out: &mut String, months: i32, days: i32, nanoseconds: i64) {
    put(out, format_args!("P{months}M{days}DT"));
    signed_seconds(out, nanoseconds, TimeUnit::Nanosecond);
}

/// A decimal with as many digits after the point as its type says, and all digits before it.
pub fn decimal(out: &mut String, value: impl std::fmt::Display, scale: i8) {
    let start = out.len();
    put(out, format_args!("{value}"));
    let first = start + usize::from(out[start..].starts_with('-'));
    match usize::try_from(scale) {
        Ok(0) => {}
        Err(_) if &out[first..] == "0" => {}
        Err(_) => out.extend(std::iter::repeat_n('0', usize::from(scale.unsigned_abs()))),
        Ok(digits) => {
            while out.len() - first <= digits {
                out.insert(first, '0');
            }
            out.insert(out.len() - digits, '.');
        }
    }
}

/// `value` as a number in JSON; exact in its own width.
pub fn number(out: &mut String, value: impl std::fmt::Display) {
    put(out, format_args!("{value}"));
}

/// A double as the shortest JSON number that reads back as the same double.
///
/// # Errors
/// It has no such form.
pub fn real(out: &mut String, value: impl std::fmt::Debug + Into<f64> + Copy) -> Result<(), Why> {
    if !value.into().is_finite() {
        return Err("NaN or an infinity, for which JSON has no number");
    }
    put(out, format_args!("{value:?}"));
    Ok(())
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
        assert!(text(|out| real(out, f64::NAN)).is_err());
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
        assert_eq!(text(|out| real(out, 0.1f32)).unwrap(), "0.1");
        assert_eq!(text(|out| real(out, -0.0f64)).unwrap(), "-0.0");
    }
}
