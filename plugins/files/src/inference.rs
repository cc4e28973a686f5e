//! Which types a text can be, and which one holds every text of a column.

use arrow::datatypes::{DataType, TimeUnit};

use crate::number::{exact_decimal, exact_f64, exact_i64};
use crate::time;

/// Types that hold every value seen so far, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidates(u16);

impl Candidates {
    pub(crate) const ALL: Candidates = Candidates(u16::MAX);
    pub(crate) const TEXT: Candidates = Candidates(0);
    pub(crate) const BOOL: Candidates = Candidates(1);
    const INTEGER: Candidates = Candidates(1 << 1);
    const DECIMAL: Candidates = Candidates(1 << 2);
    const FLOAT: Candidates = Candidates(1 << 3);
    const DATE: Candidates = Candidates(1 << 4);
    const NAIVE_US: Candidates = Candidates(1 << 5);
    const NAIVE_NS: Candidates = Candidates(1 << 6);
    const UTC_US: Candidates = Candidates(1 << 7);
    const UTC_NS: Candidates = Candidates(1 << 8);

    fn if_true(self, holds: bool) -> Candidates {
        if holds { self } else { Candidates::TEXT }
    }

    fn or(self, other: Candidates) -> Candidates {
        Candidates(self.0 | other.0)
    }

    /// Those that both have.
    pub(crate) fn and(self, other: Candidates) -> Candidates {
        Candidates(self.0 & other.0)
    }

    /// Those that hold the value of `text`.
    pub(crate) fn of(text: &[u8]) -> Candidates {
        match text {
            [_, _, _, _, b'-', _, _, b'-', ..] => Candidates::of_time(text),
            [b'0'..=b'9' | b'-' | b'.', ..] => Candidates::of_number(text),
            b"true" | b"false" | b"True" | b"False" | b"TRUE" | b"FALSE" => Candidates::BOOL,
            _ => Candidates::TEXT,
        }
    }

    /// Those that hold a number. A float holds an integer of the same value, and any other number if it is written with
    /// the same digits.
    pub(crate) fn of_number(text: &[u8]) -> Candidates {
        if let Some(integer) = exact_i64(text) {
            let is_float = (integer as f64) as i128 == i128::from(integer);
            return Candidates::INTEGER.or(Candidates::DECIMAL).or(Candidates::FLOAT.if_true(is_float));
        }
        // Integers beyond 64 bits are left to decimals: nobody writes a measurement with that many digits.
        match text.strip_prefix(b"-").unwrap_or(text) {
            digits if digits.len() > 18 && digits.iter().all(u8::is_ascii_digit) => {
                Candidates::DECIMAL.if_true(exact_decimal(text, 38, 0, false).is_some())
            }
            _ => Candidates::FLOAT.if_true(exact_f64(text).is_some()),
        }
    }

    fn of_time(text: &[u8]) -> Candidates {
        if text.len() == 10 {
            return Candidates::DATE.if_true(time::date(text).is_some());
        }
        let Some(read) = time::timestamp(text) else { return Candidates::TEXT };
        let (us, ns) = match read.zoned {
            true => (Candidates::UTC_US, Candidates::UTC_NS),
            false => (Candidates::NAIVE_US, Candidates::NAIVE_NS),
        };
        us.if_true(read.in_unit(TimeUnit::Microsecond).is_some())
            .or(ns.if_true(read.in_unit(TimeUnit::Nanosecond).is_some()))
    }

    /// The narrowest type that holds every value. Text holds all; so it is what a column without any value is.
    pub(crate) fn narrowest(self) -> DataType {
        let utc = || Some("UTC".into());
        let order = [
            (Candidates::BOOL, DataType::Boolean),
            (Candidates::INTEGER, DataType::Int64),
            (Candidates::DECIMAL, DataType::Decimal128(38, 0)),
            (Candidates::FLOAT, DataType::Float64),
            (Candidates::DATE, DataType::Date32),
            (Candidates::NAIVE_US, DataType::Timestamp(TimeUnit::Microsecond, None)),
            (Candidates::UTC_US, DataType::Timestamp(TimeUnit::Microsecond, utc())),
            (Candidates::NAIVE_NS, DataType::Timestamp(TimeUnit::Nanosecond, None)),
            (Candidates::UTC_NS, DataType::Timestamp(TimeUnit::Nanosecond, utc())),
        ];
        match order.into_iter().find(|(candidate, _)| self.and(*candidate) != Candidates::TEXT) {
            Some((_, data_type)) if self != Candidates::ALL => data_type,
            _ => DataType::Utf8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_of(texts: &[&str]) -> String {
        let all = texts.iter().fold(Candidates::ALL, |all, text| all.and(Candidates::of(text.as_bytes())));
        crate::types::name(&all.narrowest())
    }

    #[test]
    fn a_column_has_the_narrowest_type_that_holds_every_value() {
        assert_eq!(type_of(&[]), "text");
        assert_eq!(type_of(&["true", "FALSE"]), "bool");
        assert_eq!(type_of(&["1", "-2"]), "int64");
        assert_eq!(type_of(&["1", "-2", "0.10", "123e-5", "1.5e-10"]), "float64");
        assert_eq!(type_of(&["1", "9223372036854775808"]), "decimal(38,0)");
        assert_eq!(type_of(&["2013-01-01", "2013-12-31"]), "date");
        assert_eq!(type_of(&["2013-01-01T06:00:00Z", "2013-01-01 06:00:00+02:00"]), "timestamp_utc");
        assert_eq!(type_of(&["2013-01-01T06:00:00", "2013-01-01 06:00"]), "timestamp");
        assert_eq!(type_of(&["2013-01-01T06:00:00.123456789", "2013-01-01T06:00:00"]), "timestamp_ns");
    }

    #[test]
    fn what_a_type_would_alter_stays_text() {
        for texts in [
            &["007"][..],
            &["+1"],
            &["1", "true"],
            &["NaN"],
            &["inf"],
            &["1.5", "NaN"],
            &["12345678901234567890.123"],
            &["9007199254740993", "0.5"],
            &["9223372036854775808", "0.5"],
            &["100000000000000000000000000000000000000"],
            &["2013-01-01", "2013-01-01T06:00:00"],
            &["2013-01-01T06:00:00Z", "2013-01-01T06:00:00"],
            &["2013-01-01T06:00:00.1234567891"],
            &["1600-01-01T00:00:00", "2013-01-01T06:00:00.123456789"],
            &["2013-02-30"],
            &["tRUE"],
            &["1", ""],
            &[" 1"],
            &["1,5"],
            &["1e999"],
        ] {
            assert_eq!(type_of(texts), "text", "{texts:?}");
        }
    }
}
