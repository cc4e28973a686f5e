//! The Arrow type that a JSON Schema property of somebody else promises. Nothing is guessed that could lose a value:
//! where a property allows more than one type holds, the column is JSON text.

use arrow::datatypes::{DataType, Field, TimeUnit};
use serde_json::Value;

use super::json_schema::{EXTENSION_NAME, JSON_EXTENSION};

/// Decimals with more digits than this are 256 bits wide.
const DECIMAL128_DIGITS: u64 = 38;
const DECIMAL256_DIGITS: u64 = 76;
/// Digits after the point that leave enough room before it in 128 bits, where nobody said how many there are.
const DECIMAL128_SCALE: u64 = 18;

/// The column that `property` describes. It can be null unless its type leaves null out and `is_required`.
pub(super) fn guess_field(name: &str, property: &Value, is_required: bool) -> Field {
    let (guess, allows_null) = guess(property, 0);
    let nullable = allows_null || !is_required;
    match guess {
        Guess::Type(data_type) => Field::new(name, data_type, nullable),
        Guess::Json => Field::new(name, DataType::Utf8, nullable)
            .with_metadata([(EXTENSION_NAME.to_owned(), JSON_EXTENSION.to_owned())].into()),
    }
}

#[derive(Clone, PartialEq)]
enum Guess {
    Type(DataType),
    /// Any JSON value, as text.
    Json,
}

/// The type, and whether null is allowed.
fn guess(property: &Value, depth: usize) -> (Guess, bool) {
    let variants = ["anyOf", "oneOf"].iter().find_map(|key| property.get(key)?.as_array());
    if let Some(variants) = variants
        && depth < 8
    {
        return guess_variants(variants, depth);
    }
    let types: Vec<&str> = match property.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => return (Guess::Json, true),
    };
    let allows_null = types.contains(&"null");
    let mut types: Vec<&str> = types.into_iter().filter(|name| *name != "null").collect();
    types.dedup();
    let guess = match types.as_slice() {
        [] => Guess::Type(DataType::Null),
        ["boolean"] => Guess::Type(DataType::Boolean),
        ["integer"] => Guess::Type(integer(property)),
        ["number"] | ["integer", "number"] | ["number", "integer"] => Guess::Type(number(property)),
        ["string"] => Guess::Type(text(property)),
        _ => Guess::Json,
    };
    (guess, allows_null)
}

fn guess_variants(variants: &[Value], depth: usize) -> (Guess, bool) {
    let guesses: Vec<(Guess, bool)> = variants.iter().map(|variant| guess(variant, depth + 1)).collect();
    let allows_null = guesses.iter().any(|(_, null)| *null);
    let mut types =
        guesses.into_iter().map(|(guess, _)| guess).filter(|one| *one != Guess::Type(DataType::Null));
    let Some(first) = types.next() else {
        return (Guess::Json, true);
    };
    let rest: Vec<Guess> = types.collect();
    if rest.iter().all(|guess| *guess == first) {
        return (first, allows_null);
    }
    // A date or any other text, as many taps declare it: text holds both.
    let is_text = |guess: &Guess| {
        matches!(
            guess,
            Guess::Type(DataType::Utf8 | DataType::Date32 | DataType::Time64(_) | DataType::Timestamp(..))
        )
    };
    if is_text(&first) && rest.iter().all(is_text) {
        return (Guess::Type(DataType::Utf8), allows_null);
    }
    (Guess::Json, allows_null)
}

fn integer(property: &Value) -> DataType {
    let is_unsigned = property.get("minimum").and_then(Value::as_i64).is_some_and(|minimum| minimum >= 0);
    let maximum = property.get("maximum").and_then(Value::as_u64);
    match maximum {
        Some(maximum) if is_unsigned && maximum > i64::MAX as u64 => DataType::UInt64,
        _ => DataType::Int64,
    }
}

fn number(property: &Value) -> DataType {
    if let Some(decimal) = declared_decimal(property) {
        return decimal;
    }
    let Some(scale) = property.get("multipleOf").and_then(Value::as_f64).and_then(scale_of_step) else {
        return DataType::Float64;
    };
    let default = if scale <= DECIMAL128_SCALE { DECIMAL128_DIGITS } else { DECIMAL256_DIGITS };
    let precision = property.get("maximum").and_then(Value::as_f64).map_or(default, |maximum| {
        let exclusive = property.get("exclusiveMaximum").and_then(Value::as_bool).unwrap_or(false);
        scale + digits_before_point(maximum, exclusive)
    });
    decimal(precision, scale).unwrap_or(DataType::Float64)
}

fn text(property: &Value) -> DataType {
    match property.get("format").and_then(Value::as_str) {
        Some("date-time") => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Some("date") => DataType::Date32,
        Some("time") => DataType::Time64(TimeUnit::Microsecond),
        // Without precision and scale the text itself is the only exact form.
        Some("x-singer.decimal" | "singer.decimal") => declared_decimal(property).unwrap_or(DataType::Utf8),
        _ if property.get("contentEncoding").and_then(Value::as_str) == Some("base64") => DataType::Binary,
        _ => DataType::Utf8,
    }
}

fn declared_decimal(property: &Value) -> Option<DataType> {
    let precision = property.get("precision")?.as_u64()?;
    decimal(precision, property.get("scale")?.as_u64()?)
}

fn decimal(precision: u64, scale: u64) -> Option<DataType> {
    if precision == 0 || scale > precision || precision > DECIMAL256_DIGITS {
        return None;
    }
    let (digits, scale) = (u8::try_from(precision).ok()?, i8::try_from(scale).ok()?);
    Some(match precision {
        ..=DECIMAL128_DIGITS => DataType::Decimal128(digits, scale),
        _ => DataType::Decimal256(digits, scale),
    })
}

/// Digits after the point of `0.01`, `1e-10`: steps that are a power of ten. Another step is none.
fn scale_of_step(step: f64) -> Option<u64> {
    if step == 1.0 {
        return Some(0);
    }
    let text = format!("{step}");
    let digits = text.strip_prefix("0.")?;
    (digits.trim_start_matches('0') == "1").then_some(digits.len() as u64)
}

fn digits_before_point(maximum: f64, exclusive: bool) -> u64 {
    let digits = format!("{:.0}", maximum.abs().trunc());
    let is_power = digits.starts_with('1') && digits[1..].bytes().all(|digit| digit == b'0');
    let count = digits.len() as u64;
    if exclusive && is_power { count - 1 } else { count }
}
