//! Dates, times and intervals, from the server's beginning of time to Arrow's.

use arrow::datatypes::IntervalMonthDayNano;

use crate::epoch::{EPOCH_DAYS, EPOCH_MICROSECONDS};
use crate::numeric::Why;

pub(super) fn date(days: i32) -> Result<i32, Why> {
    match days {
        i32::MAX => Err("the date `infinity`, which Arrow has no value for"),
        i32::MIN => Err("the date `-infinity`, which Arrow has no value for"),
        days => days.checked_add(EPOCH_DAYS).ok_or("a date beyond the last one of Arrow"),
    }
}

pub(super) fn timestamp(microseconds: i64) -> Result<i64, Why> {
    match microseconds {
        i64::MAX => Err("the timestamp `infinity`, which Arrow has no value for"),
        i64::MIN => Err("the timestamp `-infinity`, which Arrow has no value for"),
        microseconds => microseconds
            .checked_add(EPOCH_MICROSECONDS)
            .ok_or("a timestamp beyond the year 294247, where those of Arrow end"),
    }
}

pub(super) fn interval(bytes: &[u8; 16]) -> Result<IntervalMonthDayNano, Why> {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *bytes;
    let microseconds = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let (days, months) = (i32::from_be_bytes([i, j, k, l]), i32::from_be_bytes([m, n, o, p]));
    match (microseconds, days, months) {
        (i64::MAX, i32::MAX, i32::MAX) | (i64::MIN, i32::MIN, i32::MIN) => {
            Err("an infinite interval, which Arrow has no value for")
        }
        _ => {
            let nanoseconds =
                microseconds.checked_mul(1000).ok_or("an interval of more than 292 years in hours")?;
            Ok(IntervalMonthDayNano::new(months, days, nanoseconds))
        }
    }
}
