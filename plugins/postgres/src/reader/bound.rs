//! Values of a replication key in SQL, in the type of their column: an index is then of use.

use arrow::datatypes::DataType;
use dstream_sdk::{Error, KeyValue, Result};

use crate::quote::{literal, quote};

/// A column that is followed.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    /// As it is compared and sorted.
    pub(crate) sql: String,
}

/// Text before year 1 or after 9999 is not read by everybody in the same way.
const PLAIN_YEARS: std::ops::Range<i128> = -62_135_596_800..253_402_300_800;

impl Key {
    pub(crate) fn new(name: &str, data_type: &DataType) -> Result<Key> {
        let quoted = quote(name)?;
        let sql = match data_type {
            // The order of the bytes, whatever the column or the database sorts by.
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                format!("({quoted}::text COLLATE \"C\")")
            }
            _ => quoted,
        };
        Ok(Key { name: name.to_owned(), data_type: data_type.clone(), sql })
    }

    /// It follows the clock.
    pub(crate) fn is_time(&self) -> bool {
        matches!(self.data_type, DataType::Timestamp(..) | DataType::Date32)
    }

    /// The type of its values in SQL.
    pub(crate) fn cast(&self) -> &'static str {
        match &self.data_type {
            DataType::Timestamp(_, Some(_)) => "timestamptz",
            DataType::Timestamp(_, None) => "timestamp",
            DataType::Date32 => "date",
            DataType::Decimal128(..) | DataType::Decimal256(..) => "numeric",
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
            _ => "int8",
        }
    }

    /// A value as the server wrote it.
    pub(crate) fn literal(&self, text: &str) -> Result<String> {
        Ok(format!("{}::{}", literal(text)?, self.cast()))
    }

    /// The value of a bookmark, or one that comes `lookback` before it.
    ///
    /// # Errors
    /// `Config`: text has nothing that comes a number before it.
    pub(crate) fn lower(&self, value: &KeyValue, lookback: u64) -> Result<String> {
        let back = i128::from(lookback);
        match value {
            KeyValue::Int(value) => {
                let value = (value - back).clamp(i64::MIN.into(), i64::MAX.into());
                self.literal(&value.to_string())
            }
            KeyValue::Timestamp { nanos, zoned } => {
                let nanos = nanos - back * 1_000_000_000;
                let text = KeyValue::Timestamp { nanos, zoned: *zoned }.to_json();
                match (text.as_str(), PLAIN_YEARS.contains(&nanos.div_euclid(1_000_000_000))) {
                    (Some(text), true) => self.literal(text),
                    _ => Ok(format!(
                        "('epoch'::{} + '{} microseconds'::interval)",
                        self.cast(),
                        nanos.div_euclid(1_000)
                    )),
                }
            }
            KeyValue::Date(days) => {
                // A part of a day is a day.
                let days = i128::from(*days) - back.div_euclid(86_400) - i128::from(back % 86_400 > 0);
                Ok(format!("('epoch'::date + {days})"))
            }
            KeyValue::Decimal { .. } => {
                let value = value.to_json();
                let value = self.literal(value.as_str().unwrap_or_default())?;
                Ok(if lookback == 0 { value } else { format!("({value} - {lookback})") })
            }
            KeyValue::Text(text) if lookback == 0 => self.literal(text),
            KeyValue::Text(_) => {
                Err(Error::config("`options.lookback` means nothing where the replication key is text"))
            }
            _ => Err(Error::unsupported(format!("a column of type {} cannot be followed", self.data_type))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::TimeUnit;
    use dstream_sdk::serde_json::{Value, json};

    fn lower(data_type: DataType, value: Value, lookback: u64) -> String {
        let value = KeyValue::from_json(&data_type, &value).unwrap();
        Key::new("k", &data_type).unwrap().lower(&value, lookback).unwrap()
    }

    #[test]
    fn a_bound_has_the_type_of_its_column() {
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(
            lower(zoned.clone(), json!("2024-01-01T00:00:00.5Z"), 0),
            "'2024-01-01T00:00:00.500Z'::timestamptz"
        );
        assert_eq!(lower(zoned, json!("2024-01-01T00:00:00Z"), 3600), "'2023-12-31T23:00:00Z'::timestamptz");
        assert_eq!(lower(DataType::Int32, json!(5), 7), "'-2'::int8");
        assert_eq!(lower(DataType::Int64, json!(i64::MIN), 7), "'-9223372036854775808'::int8");
        assert_eq!(lower(DataType::Date32, json!("1970-01-11"), 86_401), "('epoch'::date + 8)");
        assert_eq!(lower(DataType::Decimal128(9, 2), json!("1.5"), 0), "'1.50'::numeric");
        assert_eq!(lower(DataType::Utf8, json!("it's"), 0), "'it''s'::text");
    }
}
