//! Days and times as RFC 3339 text with all their digits, without a zone database.

use arrow::datatypes::TimeUnit;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Units in a second, and digits after the point.
pub(crate) fn resolution(unit: TimeUnit) -> (i64, usize) {
    match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 3),
        TimeUnit::Microsecond => (1_000_000, 6),
        TimeUnit::Nanosecond => (1_000_000_000, 9),
    }
}

/// Writes a day as `YYYY-MM-DD`; `false`: RFC 3339 has no such year (0000 to 9999).
pub(crate) fn write_date(days: i64, out: &mut Vec<u8>) -> bool {
    // 0000-01-01 to 9999-12-31.
    if !(-719_528..=2_932_896).contains(&days) {
        return false;
    }
    // The civil calendar counted from March, in eras of 400 years: leap days come last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let mut text = *b"0000-00-00";
    put(&mut text[..4], year);
    put(&mut text[5..7], month);
    put(&mut text[8..], day);
    out.extend_from_slice(&text);
    true
}

/// Writes a time of day as `HH:MM:SS` and the digits of its unit; `false`: it is not within a day.
pub(crate) fn write_time(value: i64, unit: TimeUnit, out: &mut Vec<u8>) -> bool {
    let (per_second, digits) = resolution(unit);
    if !(0..DAY * per_second).contains(&value) {
        return false;
    }
    let (seconds, fraction) = (value / per_second, value % per_second);
    let mut text = *b"00:00:00.000000000";
    put(&mut text[..2], seconds / 3600);
    put(&mut text[3..5], seconds / 60 % 60);
    put(&mut text[6..8], seconds % 60);
    put(&mut text[9..9 + digits], fraction);
    out.extend_from_slice(&text[..if digits == 0 { 8 } else { 9 + digits }]);
    true
}

/// Writes a point in time as `YYYY-MM-DDTHH:MM:SS…`, without a zone; `false`: RFC 3339 has no such year.
pub(crate) fn write_timestamp(value: i64, unit: TimeUnit, out: &mut Vec<u8>) -> bool {
    let per_day = DAY * resolution(unit).0;
    let (days, time) = (value.div_euclid(per_day), value.rem_euclid(per_day));
    if !write_date(days, out) {
        return false;
    }
    out.push(b'T');
    write_time(time, unit, out)
}

fn put(out: &mut [u8], mut value: i64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Why a text is not the day or time that is wanted.
#[derive(Debug, PartialEq)]
pub(crate) enum NoTime {
    /// Not written as RFC 3339 wants it, or no such day.
    Form,
    /// More digits than the unit holds, or beyond its range.
    TooFine,
}

/// The days since 1970 of `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &str) -> Result<i32, NoTime> {
    date(text.as_bytes()).map(|days| days as i32).ok_or(NoTime::Form)
}

fn date(text: &[u8]) -> Option<i64> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&text[..4])?, number(&text[5..7])?, number(&text[8..])?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if day < 1 || day > last {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// A time of day in `unit`. It has no zone; `Z` may stand behind it.
pub(crate) fn parse_time(text: &str, unit: TimeUnit) -> Result<i64, NoTime> {
    let (seconds, fraction, rest) = time(text.as_bytes()).ok_or(NoTime::Form)?;
    if !matches!(rest, b"" | b"Z" | b"z") {
        return Err(NoTime::Form);
    }
    scaled(seconds, fraction, unit)
}

/// A point in time in `unit`, and whether a zone was written; without one it is taken as it stands.
pub(crate) fn parse_timestamp(text: &str, unit: TimeUnit) -> Result<(i64, bool), NoTime> {
    let bytes = text.as_bytes();
    if bytes.len() < 19 || !matches!(bytes[10], b'T' | b't' | b' ') {
        return Err(NoTime::Form);
    }
    let days = date(&bytes[..10]).ok_or(NoTime::Form)?;
    let (seconds, fraction, rest) = time(&bytes[11..]).ok_or(NoTime::Form)?;
    let offset = match rest {
        b"" => None,
        zone => Some(offset(zone).ok_or(NoTime::Form)?),
    };
    let seconds = days * DAY + seconds - offset.unwrap_or(0);
    Ok((scaled(seconds, fraction, unit)?, offset.is_some()))
}

/// Seconds east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, digits) = match zone {
        b"Z" | b"z" => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        5 if digits[2] == b':' => (number(&digits[..2])?, number(&digits[3..])?),
        4 => (number(&digits[..2])?, number(&digits[2..])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Seconds of the day, digits of the fraction, and what follows.
fn time(text: &[u8]) -> Option<(i64, &[u8], &[u8])> {
    if text.len() < 8 || text[2] != b':' || text[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (number(&text[..2])?, number(&text[3..5])?, number(&text[6..8])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let rest = &text[8..];
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => {
            let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            rest.split_at(end)
        }
        rest => (&rest[..0], rest),
    };
    Some((hour * 3600 + minute * 60 + second, fraction, rest))
}

fn scaled(seconds: i64, fraction: &[u8], unit: TimeUnit) -> Result<i64, NoTime> {
    let (per_second, digits) = resolution(unit);
    let (held, beyond) = fraction.split_at(fraction.len().min(digits));
    if beyond.iter().any(|&digit| digit != b'0') {
        return Err(NoTime::TooFine);
    }
    let held = held.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'))
        * 10i64.pow((digits - held.len()) as u32);
    // In 128 bits, for the first second that fits may begin before the range does.
    i64::try_from(i128::from(seconds) * i128::from(per_second) + i128::from(held))
        .map_err(|_| NoTime::TooFine)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_edges_of_the_calendar_are_written() {
        for (days, text) in [
            (-719_528, "0000-01-01"),
            (-1, "1969-12-31"),
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (2_932_896, "9999-12-31"),
        ] {
            let mut out = Vec::new();
            assert!(write_date(days, &mut out));
            assert_eq!(String::from_utf8(out).unwrap(), text);
            assert_eq!(parse_date(text), Ok(days as i32));
        }
        assert!(!write_date(2_932_897, &mut Vec::new()));
        assert!(!write_date(-719_529, &mut Vec::new()));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["2021-02-29", "2021-13-01", "2021-1-01", "21-01-01", "2021-01-01T00:00:00Z", "２021-01-01"]
        {
            assert_eq!(parse_date(text), Err(NoTime::Form), "{text}");
        }
        for text in
            ["2021-01-01", "2021-01-01T24:00:00Z", "2021-01-01T00:00:60Z", "2021-01-01T00:00:00.Z", "now"]
        {
            assert_eq!(parse_timestamp(text, TimeUnit::Second), Err(NoTime::Form), "{text}");
        }
        let fine = "2021-01-01T00:00:00.0000001Z";
        assert_eq!(parse_timestamp(fine, TimeUnit::Microsecond), Err(NoTime::TooFine));
        assert_eq!(parse_timestamp("2999-01-01T00:00:00Z", TimeUnit::Nanosecond), Err(NoTime::TooFine));
        assert_eq!(parse_time("12:00:00+01:00", TimeUnit::Second), Err(NoTime::Form));
    }

    #[test]
    fn an_offset_is_taken_off() {
        let utc = parse_timestamp("2021-01-01T00:00:00Z", TimeUnit::Second);
        assert_eq!(parse_timestamp("2021-01-01 05:30:00.000+05:30", TimeUnit::Second), utc);
        assert_eq!(parse_timestamp("2020-12-31T23:00:00-0100", TimeUnit::Second), utc);
        let (seconds, zoned) = parse_timestamp("2021-01-01T00:00:00", TimeUnit::Second).unwrap();
        assert_eq!((Ok((seconds, true)), zoned), (utc, false));
    }

    proptest! {
        #[test]
        fn every_timestamp_comes_back(value in any::<i64>(), unit in 0..4usize) {
            let unit = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond][unit];
            let value = if unit == TimeUnit::Second { value % 200_000_000_000 } else { value };
            let mut out = Vec::new();
            if write_timestamp(value, unit, &mut out) {
                let text = String::from_utf8(out).unwrap();
                prop_assert_eq!(parse_timestamp(&text, unit), Ok((value, false)), "{}", text);
            }
        }
    }
}
