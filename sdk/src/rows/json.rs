//! JSON value → column, exactly.

use base64::Engine;
use serde_json::Value;

use super::ColumnBuilder;
use super::number::{Decimal, Number};
use super::store::Store;
use crate::Result;

impl ColumnBuilder {
    /// Appends a JSON value as the column's type wants it.
    ///
    /// | column | takes |
    /// | --- | --- |
    /// | bool | `true`, `false` |
    /// | integers | whole numbers, and text of digits |
    /// | floats | numbers, text `NaN`, `Infinity`, `-Infinity` |
    /// | decimals | text, whole numbers, other numbers of at most 15 digits |
    /// | timestamp, date, time | text: RFC 3339, with an offset where the column has a zone |
    /// | binary | text in base64 |
    /// | list, struct | array; object, where a key that is missing is null |
    /// | utf8 | text; every other value as JSON text |
    ///
    /// # Errors
    /// `Data`: the column cannot hold the value exactly.
    pub fn append_json(&mut self, value: &Value) -> Result<()> {
        if value.is_null() {
            return self.append_null();
        }
        let (temporal, floating) = (self.data_type().is_temporal(), self.data_type().is_floating());
        match &mut self.store {
            Store::Bool(_) => match value {
                Value::Bool(value) => self.append_bool(*value),
                other => Err(self.misfit(other, kind(other))),
            },
            Store::Utf8(_) | Store::LargeUtf8(_) | Store::Utf8View(_) => match value {
                Value::String(text) => self.append_str(text),
                other => self.append_str(&other.to_string()),
            },
            Store::Binary(_) | Store::LargeBinary(_) | Store::FixedBinary(..) => {
                let bytes = value
                    .as_str()
                    .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
                match bytes {
                    Some(bytes) => self.append_bytes(&bytes),
                    None => Err(self.misfit(value, "base64 is wanted")),
                }
            }
            Store::List { item, ends, valid } => match value {
                Value::Array(items) => {
                    let before = item.bytes();
                    items.iter().try_for_each(|value| item.append_json(value))?;
                    ends.push(item.len() as i64);
                    valid.push(true);
                    let more = item.bytes() - before;
                    self.grown(more);
                    Ok(())
                }
                other => Err(self.misfit(other, kind(other))),
            },
            Store::Struct { children, valid } => match value {
                Value::Object(object) => {
                    let mut more = 0;
                    for child in children {
                        let before = child.bytes();
                        match object.get(child.name()) {
                            Some(value) => child.append_json(value)?,
                            None => child.append_null()?,
                        }
                        more += child.bytes() - before;
                    }
                    valid.push(true);
                    self.grown(more);
                    Ok(())
                }
                other => Err(self.misfit(other, kind(other))),
            },
            _ if temporal => match value {
                Value::String(text) => self.append_time_text(text),
                other => Err(self.misfit(other, kind(other))),
            },
            _ => match number(value, floating) {
                Some(number) => self.append_number(&number, value),
                None => Err(self.misfit(value, kind(value))),
            },
        }
    }
}

/// The number that a JSON value is, or writes.
fn number(value: &Value, floating: bool) -> Option<Number> {
    match value {
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Some(Number::Int(value.into())),
            (_, Some(value)) => Some(Number::Int(value.into())),
            _ => number.as_f64().map(Number::Float),
        },
        Value::String(text) if floating => match text.as_str() {
            "NaN" => Some(Number::Float(f64::NAN)),
            "Infinity" => Some(Number::Float(f64::INFINITY)),
            "-Infinity" => Some(Number::Float(f64::NEG_INFINITY)),
            _ => None,
        },
        Value::String(text) => Decimal::parse(text).map(Number::Decimal),
        _ => None,
    }
}

/// What a value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
