//! Dates and timestamps in ISO 8601.

use arrow::datatypes::TimeUnit;

/// A timestamp in text: an instant where `zoned`, else what a clock on the wall shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Timestamp {
    /// Since 1970, in UTC where `zoned`.
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
    pub(crate) zoned: bool,
}

impl Timestamp {
    /// In `unit`, if that holds it without loss.
    pub(crate) fn in_unit(self, unit: TimeUnit) -> Option<i64> {
        let (per_second, nanos_each) = match unit {
            TimeUnit::Second => (1, 1_000_000_000),
            TimeUnit::Millisecond => (1_000, 1_000_000),
            TimeUnit::Microsecond => (1_000_000, 1_000),
            TimeUnit::Nanosecond => (1_000_000_000, 1),
        };
        if !self.nanos.is_multiple_of(nanos_each) {
            return None;
        }
        // Wider than the result: the seconds alone of the first second that fits in nanoseconds do not fit.
        let value = i128::from(self.seconds) * per_second + i128::from(self.nanos / nanos_each);
        i64::try_from(value).ok()
    }
}

/// `YYYY-MM-DD`, in days since 1970.
pub(crate) fn date(text: &[u8]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    // All digits at once: the top bits of a byte are 3, and stay so with 6 added.
    let digits = u64::from_le_bytes([*y1, *y2, *y3, *y4, *m1, *m2, *d1, *d2]);
    let (threes, tops) = (0x3030_3030_3030_3030, 0xf0f0_f0f0_f0f0_f0f0);
    if digits & tops != threes || (digits + 0x0606_0606_0606_0606) & tops != threes {
        return None;
    }
    let pair = |tens: &u8, ones: &u8| u32::from(tens & 15) * 10 + u32::from(ones & 15);
    let (year, month, day) = (pair(y1, y2) * 100 + pair(y3, y4), pair(m1, m2), pair(d1, d2));
    if year == 0 || !(1..=12).contains(&month) || day == 0 || (day > 28 && day > days_in(year, month)) {
        return None;
    }
    // Days from civil: a year that begins in March puts the leap day at its end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let century = year / 100;
    let days = year * 365 + year / 4 - century + century / 4 + (153 * month + 2) / 5 + day - 1;
    Some(days as i32 - 719_468)
}

/// `YYYY-MM-DD`, `T` or a space, `HH:MM`, then seconds, a fraction of up to nine digits, and `Z` or an offset, each if
/// there. A leap second is refused: no number of seconds since 1970 is its own.
pub(crate) fn timestamp(text: &[u8]) -> Option<Timestamp> {
    if text.len() < 16 || !matches!(text[10], b'T' | b' ') || text[13] != b':' {
        return None;
    }
    let days = date(&text[..10])?;
    let (hour, minute) = (pair(text[11], text[12])?, pair(text[14], text[15])?);
    let mut rest = &text[16..];
    let mut second = 0;
    let mut nanos = 0;
    if let [b':', s1, s2, after @ ..] = rest {
        second = pair(*s1, *s2)?;
        rest = after;
        if let [b'.', after @ ..] = rest {
            let count = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let kept = count.min(9);
            if count == 0 || after[kept..count].iter().any(|byte| *byte != b'0') {
                return None;
            }
            nanos = after[..kept].iter().fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
            nanos *= 10_u32.pow(9 - kept as u32);
            rest = &after[count..];
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = match rest {
        [] => None,
        [b'Z'] => Some(0),
        [sign, h1, h2] => Some(offset(*sign, pair(*h1, *h2)?, 0)?),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => {
            Some(offset(*sign, pair(*h1, *h2)?, pair(*m1, *m2)?)?)
        }
        _ => return None,
    };
    let seconds = i64::from(days) * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    Some(Timestamp { seconds: seconds - i64::from(offset.unwrap_or(0)), nanos, zoned: offset.is_some() })
}

fn offset(sign: u8, hours: i32, minutes: i32) -> Option<i32> {
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn pair(tens: u8, ones: u8) -> Option<i32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = date(b"0001-01-01").unwrap();
        assert_eq!(
            (expected, date(b"1970-01-01"), date(b"9999-12-31")),
            (-719_162, Some(0), Some(2_932_896))
        );
        // Two times the 400 years after which the calendar repeats.
        for year in 1..=800 {
            for month in 1..=12 {
                for day in 1..=days_in(year, month) {
                    let text = format!("{year:04}-{month:02}-{day:02}");
                    assert_eq!(date(text.as_bytes()), Some(expected), "{text}");
                    expected += 1;
                }
            }
        }
    }

    #[test]
    fn a_day_that_does_not_exist_is_no_date() {
        for text in [
            "2013-02-29",
            "2013-13-01",
            "2013-00-01",
            "2013-01-00",
            "0000-01-01",
            "2013-1-1",
            "20130101",
            "2013/01/01",
        ] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_timestamp_is_the_same_instant_in_every_spelling() {
        let at = |text: &str| timestamp(text.as_bytes()).unwrap();
        let utc = at("2013-01-01T06:00:00Z");
        assert_eq!(utc, Timestamp { seconds: 1_357_020_000, nanos: 0, zoned: true });
        for text in [
            "2013-01-01 06:00Z",
            "2013-01-01T08:00:00+02:00",
            "2013-01-01T08:00+0200",
            "2012-12-31T23:00:00.000-07",
        ] {
            assert_eq!(at(text), utc, "{text}");
        }
        assert!(!at("2013-01-01T06:00:00").zoned);
        assert_eq!(at("1969-12-31T23:59:59.5Z").in_unit(TimeUnit::Microsecond), Some(-500_000));
    }

    #[test]
    fn a_unit_that_would_cut_the_fraction_is_refused() {
        let at = timestamp(b"2013-01-01T06:00:00.123456789").unwrap();
        assert_eq!(at.in_unit(TimeUnit::Microsecond), None);
        assert_eq!(at.in_unit(TimeUnit::Nanosecond), Some(1_357_020_000_123_456_789));
        assert_eq!(timestamp(b"1600-01-01T00:00:00").unwrap().in_unit(TimeUnit::Nanosecond), None);
        assert_eq!(
            timestamp(b"1677-09-21T00:12:43.145224192Z").unwrap().in_unit(TimeUnit::Nanosecond),
            Some(i64::MIN)
        );
    }

    #[test]
    fn a_moment_that_does_not_exist_is_no_timestamp() {
        for text in [
            "2013-01-01T24:00:00",
            "2013-01-01T06:60:00",
            "2013-06-30T23:59:60Z",
            "2013-01-01T06",
            "2013-01-01T06:00:00.",
            "2013-01-01T06:00:00z",
            "2013-01-01t06:00:00",
            "2013-01-01T06:00:00+2",
            "2013-01-01T06:00:00.1234567891",
            "2013-01-01T06:00:00 UTC",
        ] {
            assert_eq!(timestamp(text.as_bytes()), None, "{text}");
        }
    }
}
