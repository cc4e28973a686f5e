//! Values that are made from others: exactly, or not at all.

use rusqlite::types::ValueRef;
use std::fmt::Write;

use super::column::{CLASS, Refused, TextForm};
use super::values::{Bytes, F16, Values, as_text};
use crate::json_text;
use crate::parse;

impl Values {
    pub(super) fn push_real(&mut self, number: f64) -> Result<(), Refused> {
        // Compared as bits: -0.0 is not 0.0.
        let check = |back: f64| match back.to_bits() == number.to_bits() {
            true => Ok(()),
            false => Err(Refused::Value("a double with more digits than the type has")),
        };
        match self {
            Values::F16(values) => {
                let half = F16::from_f64(number);
                check(half.to_f64())?;
                values.push(half);
            }
            Values::F32(values) => {
                let single = number as f32;
                check(single.into())?;
                values.push(single);
            }
            Values::F64(values) => values.push(number),
            _ => return Err(CLASS),
        }
        Ok(())
    }

    /// Takes the text of a value that SQLite has no type for.
    pub(super) fn push_text(&mut self, text: &str) -> Result<(), Refused> {
        use Values as V;
        fn fits<T: TryFrom<i64>>(value: Option<i64>) -> Option<T> {
            value?.try_into().ok()
        }
        let decimal = |precision, scale| parse::decimal(text, precision, scale);
        let narrow = |precision, scale| decimal(precision, scale)?.to_i128();
        let pushed = match self {
            V::U64(values) => put(values, if text.starts_with('+') { None } else { text.parse().ok() }),
            V::Decimal32(values, p, s) => put(values, narrow(*p, *s).and_then(|value| value.try_into().ok())),
            V::Decimal64(values, p, s) => put(values, narrow(*p, *s).and_then(|value| value.try_into().ok())),
            V::Decimal128(values, p, s) => put(values, narrow(*p, *s)),
            V::Decimal256(values, p, s) => put(values, decimal(*p, *s)),
            V::Date32(values) => put(values, fits(parse::date(text))),
            V::Date64(values) => put(values, parse::date(text).map(|day| day * 86_400_000)),
            V::Time32(values, unit) => put(values, fits(parse::time(text, *unit))),
            V::Time64(values, unit) => put(values, parse::time(text, *unit)),
            V::Timestamp(values, unit, is_instant) => put(values, parse::timestamp(text, *unit, *is_instant)),
            V::Duration(values, unit) => put(values, parse::duration(text, *unit)),
            V::Months(values) => put(values, parse::months(text)),
            V::DayTime(values) => put(values, parse::days(text)),
            V::MonthDayNano(values) => put(values, parse::interval(text)),
            _ => return Err(CLASS),
        };
        match pushed {
            true => Ok(()),
            false => Err("text that is no value of the type".into()),
        }
    }
}

fn put<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
    value.map(|value| values.push(value)).is_some()
}

/// The decimal that a double is written as. SQLite makes doubles of decimals that it is given, and 15 digits survive that.
pub(super) fn decimal_of(number: f64) -> Result<String, Refused> {
    let text = number.to_string();
    let digits = text.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    match number.is_finite() && digits <= 15 {
        true => Ok(text),
        false => Err("a double with more than the 15 digits that are sure to be those of a decimal".into()),
    }
}

impl Bytes {
    pub(super) fn new() -> Bytes {
        Bytes { offsets: vec![0], data: Vec::new() }
    }

    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.data.extend_from_slice(bytes);
        // A batch ends long before; only its last record may come near.
        self.offsets.push(i32::try_from(self.data.len()).map_err(|_| Refused::Full)?);
        Ok(())
    }

    pub(super) fn push_form(&mut self, form: TextForm, cell: ValueRef<'_>) -> Result<(), Refused> {
        let mut text = String::new();
        match (form, cell) {
            (TextForm::Json, ValueRef::Text(json)) => {
                json_text::check(as_text(json)?)?;
                return self.push(json);
            }
            (TextForm::Any | TextForm::Json, ValueRef::Integer(number)) => _ = write!(text, "{number}"),
            (TextForm::Any, ValueRef::Real(number)) => _ = write!(text, "{number:?}"),
            (TextForm::Json, ValueRef::Real(number)) if number.is_finite() => _ = write!(text, "{number:?}"),
            _ => return Err(CLASS),
        }
        self.push(text.as_bytes())
    }
}
