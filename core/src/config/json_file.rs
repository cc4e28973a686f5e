//! JSON from a file that a user wrote: errors name file, line and column; limits hold before anything is parsed.

use dstream_abi::{Error, Result};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Reads the JSON object of `path`. `what` says which file it is, as in `config file`.
///
/// # Errors
/// `Config`: no such file, not readable, larger than `limit_bytes`, not JSON, a key twice, no object.
pub(crate) fn read_object(path: &Path, what: &str, limit_bytes: u64) -> Result<Map<String, Value>> {
    let shown = absolute(path);
    let place = format!("{what} `{}`", shown.display());
    let bytes = read_limited(path, &place, limit_bytes)?;
    parse_object(&bytes, &place)
}

/// The JSON object in `bytes`; `place` names the file in errors.
pub(crate) fn parse_object(bytes: &[u8], place: &str) -> Result<Map<String, Value>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Error::config(format!("{place} is not UTF-8: byte {} is no text", error.valid_up_to()))
            .hint("save the file as UTF-8")
    })?;
    if text.trim().is_empty() {
        return Err(
            Error::config(format!("{place} is empty")).hint("write a JSON object, as in `{\"type\": …}`")
        );
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = AnyValue
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| syntax_error(&error, text, place))?;
    match value {
        Value::Object(object) => Ok(object),
        other => Err(Error::config(format!("{place} must hold an object, found {}", type_name(&other)))
            .hint("write a JSON object, as in `{\"type\": …}`")),
    }
}

/// The path from the root of the file system, without asking the file system.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The word for the type of a JSON value.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn read_limited(path: &Path, place: &str, limit_bytes: u64) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::config(format!("{place} does not exist")).hint("check the path on the command line")
        }
        std::io::ErrorKind::PermissionDenied => {
            Error::config(format!("{place} may not be read")).hint("check the owner and mode of the file")
        }
        _ => Error::config(format!("{place} cannot be read: {error}")),
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(Error::config(format!("{place} is a folder")).hint("name the file itself"));
    }
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large; its length alone says nothing of a pipe.
    file.take(limit_bytes + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit_bytes {
        return Err(Error::config(format!("{place} is larger than {limit_bytes} bytes")));
    }
    Ok(bytes)
}

fn syntax_error(error: &serde_json::Error, text: &str, place: &str) -> Error {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let problem = message.split(" at line ").next().unwrap_or(&message);
    if error.is_data() || problem.starts_with("recursion limit") {
        return Error::config(format!("{place}: {problem} in line {line}, column {column}"));
    }
    let found = match text.lines().nth(line.saturating_sub(1)) {
        _ if error.is_eof() => "the end of the file".to_owned(),
        // Columns are counted in bytes, from 1; one character only, for the file may hold secrets.
        Some(text) => match text.get(column.saturating_sub(1)..).and_then(|rest| rest.chars().next()) {
            Some(character) if character.is_control() => format!("`{}`", character.escape_default()),
            Some(character) => format!("`{character}`"),
            None => "the end of the line".to_owned(),
        },
        None => "the end of the file".to_owned(),
    };
    Error::config(format!("{place} is not JSON: {problem} in line {line}, column {column}, found {found}"))
        .hint("JSON has double quotes, commas between entries, none after the last, and no comments")
}

/// A value in which no key stands twice: serde_json keeps the last one and says nothing.
struct AnyValue;

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = entries.next_element_seed(AnyValue)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format_args!("key `{key}` stands twice")));
            }
            let value = entries.next_value_seed(AnyValue)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
