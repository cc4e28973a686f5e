//! Durations and intervals as ISO 8601 text: `PT1.500S`, `P14M3DT-0.000000001S`. A part can have a sign of its own, as
//! in ISO 8601-2, for months, days and time of an interval do not turn into each other.

use arrow::datatypes::TimeUnit;

use super::temporal::resolution;
use super::text::write_integer;

const DAY_NANOSECONDS: i128 = 86_400_000_000_000;

/// Writes a length of time as a string of seconds.
pub(crate) fn write_duration(value: i64, unit: TimeUnit, out: &mut Vec<u8>) {
    out.extend_from_slice(if value < 0 { b"\"-PT" } else { b"\"PT" });
    write_seconds(value.unsigned_abs(), unit, out);
    out.push(b'"');
}

/// Writes an interval as a string; parts that are 0 are left out.
pub(crate) fn write_interval(months: i32, days: i32, time: Option<(i64, TimeUnit)>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"P");
    let time = time.filter(|(value, _)| *value != 0);
    if months != 0 || (days == 0 && time.is_none()) {
        write_integer(months, out);
        out.push(b'M');
    }
    if days != 0 {
        write_integer(days, out);
        out.push(b'D');
    }
    if let Some((value, unit)) = time {
        out.extend_from_slice(if value < 0 { b"T-" } else { b"T" });
        write_seconds(value.unsigned_abs(), unit, out);
    }
    out.push(b'"');
}

fn write_seconds(value: u64, unit: TimeUnit, out: &mut Vec<u8>) {
    let (per_second, digits) = resolution(unit);
    let per_second = per_second.unsigned_abs();
    write_integer(value / per_second, out);
    if digits > 0 {
        out.push(b'.');
        let mut fraction = [b'0'; 9];
        let mut rest = value % per_second;
        for digit in fraction[..digits].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&fraction[..digits]);
    }
    out.push(b'S');
}

/// The parts of an interval, which do not turn into each other.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Interval {
    pub(crate) months: i64,
    pub(crate) days: i64,
    pub(crate) nanoseconds: i128,
}

impl Interval {
    /// `None`: the text is no ISO 8601 duration, or finer than a nanosecond.
    pub(crate) fn parse(text: &str) -> Option<Interval> {
        let (sign, text) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let text = text.strip_prefix('P')?;
        let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
        if (date.is_empty() && time.is_none()) || time == Some("") {
            return None;
        }
        let mut interval = Interval::default();
        parts(date, |number, letter| {
            let number = sign * number.parse::<i64>().ok()?;
            let (part, factor) = match letter {
                b'Y' => (&mut interval.months, 12),
                b'M' => (&mut interval.months, 1),
                b'W' => (&mut interval.days, 7),
                b'D' => (&mut interval.days, 1),
                _ => return None,
            };
            *part = part.checked_add(number.checked_mul(factor)?)?;
            Some(())
        })?;
        parts(time.unwrap_or_default(), |number, letter| {
            let nanoseconds = match letter {
                b'H' => i128::from(number.parse::<i64>().ok()?) * 3_600_000_000_000,
                b'M' => i128::from(number.parse::<i64>().ok()?) * 60_000_000_000,
                b'S' => super::number::parse_decimal::<i128>(number, 38, 9).ok()?,
                _ => return None,
            };
            interval.nanoseconds = interval.nanoseconds.checked_add(i128::from(sign) * nanoseconds)?;
            Some(())
        })?;
        Some(interval)
    }

    /// The whole as a length of time; `None`: months have none, or it does not fit the unit exactly.
    pub(crate) fn length(&self, unit: TimeUnit) -> Option<i64> {
        let per_unit = 1_000_000_000 / i128::from(resolution(unit).0);
        let total = i128::from(self.days).checked_mul(DAY_NANOSECONDS)?.checked_add(self.nanoseconds)?;
        (self.months == 0 && total % per_unit == 0).then(|| i64::try_from(total / per_unit).ok())?
    }
}

/// Hands every number with its letter to `take`.
fn parts(mut text: &str, mut take: impl FnMut(&str, u8) -> Option<()>) -> Option<()> {
    while !text.is_empty() {
        let letter = text.bytes().position(|byte| byte.is_ascii_alphabetic())?;
        take(&text[..letter], text.as_bytes()[letter])?;
        text = &text[letter + 1..];
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap().trim_matches('"').to_owned()
    }

    #[test]
    fn the_parts_keep_their_signs() {
        assert_eq!(text(|out| write_duration(-1_500, TimeUnit::Millisecond, out)), "-PT1.500S");
        assert_eq!(
            text(|out| write_interval(14, -3, Some((-1, TimeUnit::Nanosecond)), out)),
            "P14M-3DT-0.000000001S"
        );
        assert_eq!(text(|out| write_interval(0, 0, None, out)), "P0M");
        let expected = Interval { months: 14, days: -3, nanoseconds: -1 };
        assert_eq!(Interval::parse("P1Y2M-3DT-0.000000001S"), Some(expected));
        for wrong in ["", "P", "PT", "P1", "P1S", "PT1D", "1D", "P1.5M", "PT0.0000000001S"] {
            assert_eq!(Interval::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_interval_comes_back(months in any::<i32>(), days in any::<i32>(), nanoseconds in any::<i64>()) {
            let written = text(|out| write_interval(months, days, Some((nanoseconds, TimeUnit::Nanosecond)), out));
            let expected =
                Interval { months: months.into(), days: days.into(), nanoseconds: nanoseconds.into() };
            prop_assert_eq!(Interval::parse(&written), Some(expected));
            for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
                let written = text(|out| write_duration(nanoseconds, unit, out));
                prop_assert_eq!(Interval::parse(&written).unwrap().length(unit), Some(nanoseconds));
            }
        }
    }
}
