//! The texts of `text`, read back: exactly that value, or none.

use arrow::datatypes::{IntervalDayTime, IntervalMonthDayNano, TimeUnit, i256};

use dstream_sdk::text::{DAY, check_date, ticks};

/// More digits than any decimal has.
const MAX_DIGITS: usize = 76;

/// `2024-02-29`, as days since 1970.
pub(crate) fn date(text: &str) -> Option<i64> {
    match day(text.as_bytes())? {
        (day, []) => Some(day),
        _ => None,
    }
}

/// `23:59:59.123`. Digits that the unit has no room for must be 0; seconds may be left out.
pub(crate) fn time(text: &str, unit: TimeUnit) -> Option<i64> {
    match clock(text.as_bytes(), unit)? {
        (ticks, []) => Some(ticks),
        _ => None,
    }
}

/// `2024-02-29T23:59:59.123456`, or with a space; an instant ends with `Z` or an offset such as `+02:00`.
pub(crate) fn timestamp(text: &str, unit: TimeUnit, is_instant: bool) -> Option<i64> {
    let (day, rest) = day(text.as_bytes())?;
    let [b'T' | b' ', rest @ ..] = rest else { return None };
    let (clock, zone) = clock(rest, unit)?;
    let offset = match (is_instant, zone) {
        (false, []) => 0,
        (true, [b'Z']) => 0,
        (true, [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2]) => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            let seconds = (hours <= 23 && minutes <= 59).then_some(hours * 3_600 + minutes * 60)?;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    let per_second = i128::from(ticks(unit).0);
    let of_day = i128::from(day) * i128::from(DAY) * per_second;
    i64::try_from(of_day + i128::from(clock) - i128::from(offset) * per_second).ok()
}

/// `PT-1.500S`.
pub(crate) fn duration(text: &str, unit: TimeUnit) -> Option<i64> {
    seconds(text.strip_prefix("PT")?, unit)
}

/// `P14M`.
pub(crate) fn months(text: &str) -> Option<i32> {
    integer(text.strip_prefix('P')?.strip_suffix('M')?)
}

/// `P1DT-0.500S`.
pub(crate) fn days(text: &str) -> Option<IntervalDayTime> {
    let (days, rest) = text.strip_prefix('P')?.split_once("DT")?;
    let milliseconds = seconds(rest, TimeUnit::Millisecond)?.try_into().ok()?;
    Some(IntervalDayTime::new(integer(days)?, milliseconds))
}

/// `P1M-1DT0.000000001S`.
pub(crate) fn interval(text: &str) -> Option<IntervalMonthDayNano> {
    let (months, rest) = text.strip_prefix('P')?.split_once('M')?;
    let (days, rest) = rest.split_once("DT")?;
    Some(IntervalMonthDayNano::new(integer(months)?, integer(days)?, seconds(rest, TimeUnit::Nanosecond)?))
}

/// A decimal that has no more digits than its type.
pub(crate) fn decimal(text: &str, precision: u8, scale: i8) -> Option<i256> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || (fraction.is_empty() && whole.len() != digits.len()) {
        return None;
    }
    let shift = i64::from(scale) - fraction.len() as i64;
    let mut digits = whole.bytes().chain(fraction.bytes());
    if !digits.clone().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let is_leading_zero = |digit: &u8| *digit == b'0';
    let leading = digits.clone().take_while(is_leading_zero).count();
    let count = whole.len() + fraction.len() - leading;
    if count == 0 {
        return Some(i256::ZERO);
    }
    let wanted = usize::try_from(count as i64 + shift).ok().filter(|wanted| *wanted > 0)?;
    if wanted > usize::from(precision).min(MAX_DIGITS) {
        return None;
    }
    digits.by_ref().take(leading).for_each(drop);
    let kept = digits.by_ref().take(wanted.min(count)).map(|digit| digit - b'0');
    let zeros = std::iter::repeat_n(0, wanted.saturating_sub(count));
    let unscaled = match wanted <= 38 {
        true => i256::from_i128(kept.chain(zeros).fold(0, |sum, digit| sum * 10 + i128::from(digit))),
        false => {
            let ten = i256::from_i128(10);
            let add =
                |sum: i256, digit: u8| sum.wrapping_mul(ten).wrapping_add(i256::from_i128(i128::from(digit)));
            kept.chain(zeros).fold(i256::ZERO, add)
        }
    };
    // Digits beyond the scale say something only where they are not 0.
    if !digits.all(|digit| digit == b'0') {
        return None;
    }
    Some(if is_negative { unscaled.wrapping_neg() } else { unscaled })
}

/// A whole number in the form that `Display` gives it.
fn integer<T: std::str::FromStr>(text: &str) -> Option<T> {
    match text.as_bytes() {
        [b'+', ..] => None,
        _ => text.parse().ok(),
    }
}

/// `-1.500S`.
fn seconds(text: &str, unit: TimeUnit) -> Option<i64> {
    let text = text.strip_suffix('S')?;
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    if whole.is_empty() || whole.len() > 19 {
        return None;
    }
    let whole = whole
        .bytes()
        .try_fold(0_i128, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i128::from(digit - b'0')))?;
    let (fraction, []) = fraction(rest.as_bytes(), unit)? else { return None };
    let value = whole * i128::from(ticks(unit).0) + i128::from(fraction);
    i64::try_from(if is_negative { -value } else { value }).ok()
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// The day that a text begins with, and the rest.
fn day(text: &[u8]) -> Option<(i64, &[u8])> {
    let (date, rest) = text.split_at_checked(10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&date[..4])?, number(&date[5..7])?, number(&date[8..])?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    // A civil date to days (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    let days = era * 146_097 + of_era - 719_468;
    check_date(days).ok().map(|()| (days, rest))
}

/// The time of day that a text begins with, and the rest.
fn clock(text: &[u8], unit: TimeUnit) -> Option<(i64, &[u8])> {
    let [h1, h2, b':', m1, m2, rest @ ..] = text else { return None };
    let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
    let (seconds, rest) = match rest {
        [b':', s1, s2, rest @ ..] => (number(&[*s1, *s2])?, rest),
        rest => (0, rest),
    };
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let (fraction, rest) = fraction(rest, unit)?;
    Some(((hours * 3_600 + minutes * 60 + seconds) * ticks(unit).0 + fraction, rest))
}

/// The ticks after the point, where there is one.
fn fraction(text: &[u8], unit: TimeUnit) -> Option<(i64, &[u8])> {
    let [b'.', text @ ..] = text else { return Some((0, text)) };
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (written, rest) = text.split_at(digits);
    let room = ticks(unit).1;
    let (kept, beyond) = written.split_at(digits.min(room));
    if digits == 0 || beyond.iter().any(|digit| *digit != b'0') {
        return None;
    }
    Some((number(kept)? * 10_i64.pow((room - kept.len()) as u32), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    use dstream_sdk::text::{self, FIRST_DAY, LAST_DAY};
    use proptest::prelude::*;

    fn made(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    fn units() -> impl Strategy<Value = TimeUnit> {
        proptest::sample::select(vec![Second, Millisecond, Microsecond, Nanosecond])
    }

    proptest! {
        #[test]
        fn what_text_writes_is_read_back_as_it_was(
            value: i64, unit in units(), day in FIRST_DAY..=LAST_DAY, months: i32, of_day: i32, wide: i128,
            scale in -5i8..38, is_instant: bool
        ) {
            let out = made(|out| text::date(out, day).unwrap());
            prop_assert_eq!(date(&out), Some(day));
            let of = value.rem_euclid(DAY * ticks(unit).0);
            let out = made(|out| text::time(out, of, unit).unwrap());
            prop_assert_eq!(time(&out, unit), Some(of));
            let mut out = String::new();
            if text::timestamp(&mut out, value, unit, is_instant).is_ok() {
                prop_assert_eq!(timestamp(&out, unit, is_instant), Some(value));
                prop_assert_eq!(timestamp(&out, unit, !is_instant), None);
            }
            prop_assert_eq!(duration(&made(|out| text::duration(out, value, unit)), unit), Some(value));
            prop_assert_eq!(super::months(&made(|out| text::interval_months(out, months))), Some(months));
            let out = made(|out| text::interval_days(out, months, of_day));
            prop_assert_eq!(days(&out), Some(IntervalDayTime::new(months, of_day)));
            let out = made(|out| text::interval(out, months, of_day, value));
            prop_assert_eq!(interval(&out), Some(IntervalMonthDayNano::new(months, of_day, value)));
            let wide = wide / 10;
            let out = made(|out| text::decimal(out, wide, scale));
            prop_assert_eq!(decimal(&out, 38, scale), Some(i256::from_i128(wide)), "{}", out);
        }
    }

    #[test]
    fn other_spellings_of_the_same_value_are_read() {
        assert_eq!(timestamp("1970-01-01 00:00:01", Millisecond, false), Some(1_000));
        assert_eq!(timestamp("1970-01-01T00:01", Second, false), Some(60));
        assert_eq!(timestamp("1970-01-01T02:00:00.5+02:00", Millisecond, true), Some(500));
        assert_eq!(decimal("12.5", 4, 2), Some(i256::from_i128(1_250)));
        assert_eq!(decimal("0012.500", 4, 2), Some(i256::from_i128(1_250)));
        assert_eq!(time("10:00:00.100000", Millisecond), Some(36_000_100));
    }

    #[test]
    fn what_is_not_exactly_a_value_is_none() {
        for text in ["2023-02-29", "2024-13-01", "0000-01-01", "2024-1-1", "2024-01-01 ", "20240101", ""] {
            assert_eq!(date(text), None, "{text}");
        }
        for text in ["24:00:00", "23:59:60", "10:00:00.", "10:00:00.0001", "1:00:00", "10"] {
            assert_eq!(time(text, Millisecond), None, "{text}");
        }
        for text in ["12.345", "123.45", "1e2", "", ".", "1.", ".5", "+1", "--1", "1,5", " 1", "NaN"] {
            assert_eq!(decimal(text, 4, 2), None, "{text}");
        }
        assert_eq!(timestamp("9999-12-31T00:00:00", Nanosecond, false), None);
        assert_eq!(duration("PT9223372036854775808S", Second), None);
        for text in ["PT+1S", "PTS", "PT1", "P1S", "PT-S"] {
            assert_eq!(duration(text, Second), None, "{text}");
        }
    }
}
