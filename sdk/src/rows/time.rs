//! Text → dates and timestamps, exactly.

use arrow::datatypes::TimeUnit;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

pub(crate) fn nanos_in(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

/// Nanoseconds since 1970 of a point in time: with an offset where the column has a zone, without one where it has none.
pub(crate) fn timestamp(text: &str, zoned: bool) -> Result<i128, &'static str> {
    if !at_most_nanos(text) {
        return Err("more than nanoseconds");
    }
    let text = text.trim();
    if zoned {
        let parsed = DateTime::parse_from_rfc3339(text)
            .or_else(|_| DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)));
        return parsed.map(|time| nanos(&time.naive_utc())).map_err(|_| "RFC 3339 with an offset is wanted");
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|time| nanos(&time))
        .ok_or("a point in time without an offset is wanted")
}

fn nanos(time: &NaiveDateTime) -> i128 {
    let time = time.and_utc();
    i128::from(time.timestamp()) * 1_000_000_000 + i128::from(time.timestamp_subsec_nanos())
}

/// Days since 1970-01-01.
pub(crate) fn days(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()?;
    date.num_days_from_ce().checked_sub(719_163)
}

/// Nanoseconds since midnight.
pub(crate) fn time_of_day(text: &str) -> Option<i128> {
    if !at_most_nanos(text) {
        return None;
    }
    let time = NaiveTime::parse_from_str(text.trim(), "%H:%M:%S%.f").ok()?;
    // A leap second would stand in the next one.
    (time.nanosecond() < 1_000_000_000)
        .then(|| i128::from(time.num_seconds_from_midnight()) * 1_000_000_000 + i128::from(time.nanosecond()))
}

/// chrono drops what comes after the ninth digit.
fn at_most_nanos(text: &str) -> bool {
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    fraction.bytes().take_while(u8::is_ascii_digit).count() <= 9
}

/// RFC 3339 with as many digits as are needed; `None` beyond the years that chrono knows.
pub(crate) fn timestamp_text(nanos: i128, zoned: bool) -> Option<String> {
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    let time = DateTime::from_timestamp(seconds, nanos.rem_euclid(1_000_000_000) as u32)?;
    let zone = if zoned { "Z" } else { "" };
    Some(format!("{}{zone}", time.naive_utc().format("%Y-%m-%dT%H:%M:%S%.f")))
}

/// `2024-02-29`; `None` beyond the years that chrono knows.
pub(crate) fn days_text(days: i64) -> Option<String> {
    let days = i32::try_from(days).ok()?.checked_add(719_163)?;
    Some(NaiveDate::from_num_days_from_ce_opt(days)?.format("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_read_exactly() {
        assert_eq!(timestamp("1970-01-01T01:00:00.000000001+01:00", true), Ok(1));
        assert_eq!(timestamp("1969-12-31T23:59:59.5Z", true), Ok(-500_000_000));
        assert_eq!(timestamp("1970-01-02 00:00:00", false), Ok(86_400_000_000_000));
        assert!(timestamp("1970-01-02T00:00:00", true).is_err());
        assert!(timestamp("1970-01-02T00:00:00Z", false).is_err());
        assert!(timestamp("1970-01-01T00:00:00.0000000001Z", true).is_err());
        assert!(timestamp("yesterday", true).is_err());
    }

    #[test]
    fn days_and_times_of_day_are_read_exactly() {
        assert_eq!(days("1970-01-02"), Some(1));
        assert_eq!(days("1969-12-31"), Some(-1));
        assert_eq!(days("2023-02-29"), None);
        assert_eq!(time_of_day("00:00:01.5"), Some(1_500_000_000));
        assert_eq!(time_of_day("24:00:00"), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for nanos in [0, 1, -1, 1_700_000_000_123_456_789, -62_000_000_000_000_000_000] {
            for zoned in [true, false] {
                let text = timestamp_text(nanos, zoned).unwrap();
                assert_eq!(timestamp(&text, zoned), Ok(nanos), "{text}");
            }
        }
        assert_eq!(days_text(-1).unwrap(), "1969-12-31");
    }
}
