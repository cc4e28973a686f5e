//! One value of a replication key: compared by its type, never as text that happens to look like it.

use arrow::array::{Array, AsArray};
use arrow::datatypes::*;
use serde_json::Value;
use std::cmp::Ordering;

use crate::rows::number::Decimal;
use crate::rows::time;
use crate::{Error, Result};

/// One value of a replication key.
///
/// ```
/// use dstream_sdk::{KeyValue, arrow::datatypes::DataType, serde_json::json};
/// use std::cmp::Ordering;
///
/// let nine = KeyValue::from_json(&DataType::Decimal128(10, 2), &json!("9.50")).unwrap();
/// let ten = KeyValue::from_json(&DataType::Decimal128(10, 2), &json!("10")).unwrap();
/// assert_eq!(nine.compare(&ten).unwrap(), Ordering::Less);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum KeyValue {
    /// An integer.
    Int(i128),
    /// A float, in the total order of IEEE 754.
    Float(f64),
    /// `unscaled / 10^scale`.
    Decimal {
        /// All digits.
        unscaled: i256,
        /// How many of them stand after the point.
        scale: i8,
    },
    /// A point in time.
    Timestamp {
        /// Nanoseconds since 1970.
        nanos: i128,
        /// Whether it is UTC, or a clock somewhere.
        zoned: bool,
    },
    /// Days since 1970-01-01.
    Date(i64),
    /// Text, in the order of its bytes. A source may sort by another collation; look for equality then, not for order.
    Text(String),
}

impl KeyValue {
    /// The value of `row` in `column`; `None`: null.
    ///
    /// # Errors
    /// `Unsupported`: a type that no replication key has.
    pub fn at(column: &dyn Array, row: usize) -> Result<Option<KeyValue>> {
        if column.is_null(row) {
            return Ok(None);
        }
        /// The value of a primitive column.
        macro_rules! value {
            ($type:ty) => {
                column.as_primitive::<$type>().value(row)
            };
        }
        let timestamp = |count: i64, unit, zone: &Option<_>| KeyValue::Timestamp {
            nanos: i128::from(count) * time::nanos_in(unit),
            zoned: zone.is_some(),
        };
        Ok(Some(match column.data_type() {
            DataType::Int8 => KeyValue::Int(value!(Int8Type).into()),
            DataType::Int16 => KeyValue::Int(value!(Int16Type).into()),
            DataType::Int32 => KeyValue::Int(value!(Int32Type).into()),
            DataType::Int64 => KeyValue::Int(value!(Int64Type).into()),
            DataType::UInt8 => KeyValue::Int(value!(UInt8Type).into()),
            DataType::UInt16 => KeyValue::Int(value!(UInt16Type).into()),
            DataType::UInt32 => KeyValue::Int(value!(UInt32Type).into()),
            DataType::UInt64 => KeyValue::Int(value!(UInt64Type).into()),
            DataType::Float32 => KeyValue::Float(value!(Float32Type).into()),
            DataType::Float64 => KeyValue::Float(value!(Float64Type)),
            DataType::Decimal128(_, scale) => {
                KeyValue::Decimal { unscaled: i256::from_i128(value!(Decimal128Type)), scale: *scale }
            }
            DataType::Decimal256(_, scale) => {
                KeyValue::Decimal { unscaled: value!(Decimal256Type), scale: *scale }
            }
            DataType::Timestamp(unit @ TimeUnit::Second, zone) => {
                timestamp(value!(TimestampSecondType), *unit, zone)
            }
            DataType::Timestamp(unit @ TimeUnit::Millisecond, zone) => {
                timestamp(value!(TimestampMillisecondType), *unit, zone)
            }
            DataType::Timestamp(unit @ TimeUnit::Microsecond, zone) => {
                timestamp(value!(TimestampMicrosecondType), *unit, zone)
            }
            DataType::Timestamp(unit @ TimeUnit::Nanosecond, zone) => {
                timestamp(value!(TimestampNanosecondType), *unit, zone)
            }
            DataType::Date32 => KeyValue::Date(value!(Date32Type).into()),
            DataType::Date64 => KeyValue::Date(value!(Date64Type).div_euclid(86_400_000)),
            DataType::Utf8 => KeyValue::Text(column.as_string::<i32>().value(row).to_owned()),
            DataType::LargeUtf8 => KeyValue::Text(column.as_string::<i64>().value(row).to_owned()),
            DataType::Utf8View => KeyValue::Text(column.as_string_view().value(row).to_owned()),
            other => return Err(no_key(other)),
        }))
    }

    /// Reads the value of a bookmark, as the declared type of the column says.
    ///
    /// A timestamp may be written with or without an offset (then it is UTC), or as a day: a user can set a bookmark by
    /// hand.
    ///
    /// # Errors
    /// `Config`: it is no value of that type. `Unsupported`: a type that no replication key has.
    pub fn from_json(data_type: &DataType, json: &Value) -> Result<KeyValue> {
        let text = match json {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let read = |text: &str| match data_type {
            data_type if data_type.is_integer() => text.parse().ok().map(KeyValue::Int),
            data_type if data_type.is_floating() => text.parse().ok().map(KeyValue::Float),
            DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => {
                let unscaled = Decimal::parse(text)?.at_scale((*scale).into())?;
                Some(KeyValue::Decimal { unscaled, scale: *scale })
            }
            DataType::Timestamp(_, zone) => {
                let midnight = || time::days(text).map(|days| i128::from(days) * 86_400_000_000_000);
                let nanos = time::timestamp(text, true).or_else(|_| time::timestamp(text, false)).ok();
                let nanos = nanos.or_else(midnight)?;
                Some(KeyValue::Timestamp { nanos, zoned: zone.is_some() })
            }
            DataType::Date32 | DataType::Date64 => time::days(text).map(|days| KeyValue::Date(days.into())),
            _ => None,
        };
        if let DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View = data_type {
            return match json {
                Value::String(text) => Ok(KeyValue::Text(text.clone())),
                other => Err(misfit(data_type, other)),
            };
        }
        if !is_key(data_type) {
            return Err(no_key(data_type));
        }
        text.as_deref().and_then(read).ok_or_else(|| misfit(data_type, json))
    }

    /// The value as a bookmark keeps it; exact, so floats and decimals are text.
    pub fn to_json(&self) -> Value {
        match self {
            KeyValue::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => value.into(),
                (_, Ok(value)) => value.into(),
                _ => value.to_string().into(),
            },
            // Not every JSON reader gives a float back to its last bit.
            KeyValue::Float(value) => format!("{value:?}").into(),
            KeyValue::Decimal { unscaled, scale } => decimal_text(*unscaled, *scale).into(),
            KeyValue::Timestamp { nanos, zoned } => match time::timestamp_text(*nanos, *zoned) {
                Some(text) => text.into(),
                None => nanos.to_string().into(),
            },
            KeyValue::Date(days) => match time::days_text(*days) {
                Some(text) => text.into(),
                None => days.to_string().into(),
            },
            KeyValue::Text(text) => text.clone().into(),
        }
    }

    /// Which of two values of one column comes first.
    ///
    /// # Errors
    /// `Bug`: they are not of one type.
    pub fn compare(&self, other: &KeyValue) -> Result<Ordering> {
        Ok(match (self, other) {
            (KeyValue::Int(a), KeyValue::Int(b)) => a.cmp(b),
            (KeyValue::Float(a), KeyValue::Float(b)) => a.total_cmp(b),
            (
                KeyValue::Decimal { unscaled: a, scale: a_scale },
                KeyValue::Decimal { unscaled: b, scale: b_scale },
            ) if a_scale == b_scale => a.cmp(b),
            (KeyValue::Timestamp { nanos: a, .. }, KeyValue::Timestamp { nanos: b, .. }) => a.cmp(b),
            (KeyValue::Date(a), KeyValue::Date(b)) => a.cmp(b),
            (KeyValue::Text(a), KeyValue::Text(b)) => a.cmp(b),
            (a, b) => return Err(Error::bug(format!("{a:?} and {b:?} are not values of one column"))),
        })
    }
}

/// Whether a column of this type can be a replication key.
fn is_key(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Float32
            | DataType::Float64
            | DataType::Decimal128(..)
            | DataType::Decimal256(..)
            | DataType::Timestamp(..)
            | DataType::Date32
            | DataType::Date64
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
    ) || data_type.is_integer()
}

fn no_key(data_type: &DataType) -> Error {
    Error::unsupported(format!("a column of type {data_type} cannot be the replication key"))
        .hint("choose a column of integers, decimals, timestamps or days, or `FULL_TABLE`")
}

fn misfit(data_type: &DataType, json: &Value) -> Error {
    Error::config(format!("the bookmark holds `{json}` for a replication key of type {data_type}"))
        .hint("clear the bookmark with `dstreams state clear`, or set one of that type")
}

fn decimal_text(unscaled: i256, scale: i8) -> String {
    let digits = unscaled.to_string();
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits.as_str()),
    };
    match usize::try_from(scale) {
        Ok(0) => format!("{sign}{digits}"),
        Ok(scale) => {
            let digits = format!("{digits:0>width$}", width = scale + 1);
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            format!("{sign}{whole}.{fraction}")
        }
        Err(_) => format!("{sign}{digits}e{}", -i32::from(scale)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::*;
    use serde_json::json;
    use std::sync::Arc;

    fn columns() -> Vec<ArrayRef> {
        vec![
            Arc::new(Int8Array::from(vec![-3, 9, 10])),
            Arc::new(UInt64Array::from(vec![9, 10, u64::MAX])),
            Arc::new(Float64Array::from(vec![-1e300, 9.0, 10.1])),
            Arc::new(Decimal128Array::from(vec![-7, 950, 1000]).with_precision_and_scale(10, 2).unwrap()),
            Arc::new(Decimal128Array::from(vec![9, 10]).with_precision_and_scale(10, -2).unwrap()),
            Arc::new(
                TimestampMicrosecondArray::from(vec![-1, 999_999, 1_700_000_000_123_456])
                    .with_timezone("UTC"),
            ),
            Arc::new(TimestampNanosecondArray::from(vec![-1, 1, i64::MAX])),
            Arc::new(Date32Array::from(vec![-1, 19_999, 20_000])),
            Arc::new(StringArray::from(vec!["", "10", "9", "ä"])),
        ]
    }

    #[test]
    fn values_compare_by_their_type_and_survive_a_bookmark() {
        for column in columns() {
            let values: Vec<KeyValue> =
                (0..column.len()).map(|row| KeyValue::at(&column, row).unwrap().unwrap()).collect();
            for pair in values.windows(2) {
                assert_eq!(pair[0].compare(&pair[1]).unwrap(), Ordering::Less, "{}", column.data_type());
            }
            for value in &values {
                let json = serde_json::from_str(&value.to_json().to_string()).unwrap();
                let back = KeyValue::from_json(column.data_type(), &json).unwrap();
                assert_eq!(&back, value, "{} {json}", column.data_type());
            }
        }
    }

    #[test]
    fn a_bookmark_can_be_written_by_hand() {
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let day = KeyValue::from_json(&zoned, &json!("2024-01-01")).unwrap();
        for same in ["2024-01-01T00:00:00Z", "2024-01-01 00:00:00", "2024-01-01T01:00:00+01:00"] {
            assert_eq!(KeyValue::from_json(&zoned, &json!(same)).unwrap(), day, "{same}");
        }
        assert_eq!(KeyValue::from_json(&DataType::Int64, &json!("7")).unwrap(), KeyValue::Int(7));
    }

    #[test]
    fn a_bookmark_of_another_type_is_refused() {
        for (data_type, json) in [
            (DataType::Int64, json!("x")),
            (DataType::Int64, json!(1.5)),
            (DataType::Int64, json!(null)),
            (DataType::Date32, json!(5)),
            (DataType::Utf8, json!(5)),
            (DataType::Decimal128(10, 2), json!("1.234")),
        ] {
            assert!(KeyValue::from_json(&data_type, &json).is_err(), "{data_type} {json}");
        }
        assert!(KeyValue::from_json(&DataType::Boolean, &json!("1")).is_err());
    }

    #[test]
    fn null_is_no_value() {
        assert_eq!(KeyValue::at(&Int64Array::from(vec![None]), 0).unwrap(), None);
    }
}
