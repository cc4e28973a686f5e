//! One line: which message it is, and where in it the payload stands.

use dstream_abi::{Error, Result};
use serde_json::Value;
use std::borrow::Cow;

use super::incoming::StreamSchema;
use super::json::{Cursor, Fault, Parsed};
use crate::catalog::json_schema::stream_columns;

/// The messages of Singer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Schema,
    Record,
    State,
    ActivateVersion,
    Batch,
    Unknown(String),
}

impl Kind {
    /// Names are read in any case: the specification says so.
    fn of(name: &str) -> Kind {
        let known = [
            ("RECORD", Kind::Record),
            ("SCHEMA", Kind::Schema),
            ("STATE", Kind::State),
            ("ACTIVATE_VERSION", Kind::ActivateVersion),
            ("BATCH", Kind::Batch),
        ];
        known
            .into_iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known))
            .map_or_else(|| Kind::Unknown(name.to_owned()), |(_, kind)| kind)
    }
}

/// A message, unopened.
pub(crate) struct Envelope<'a> {
    pub(crate) kind: Kind,
    pub(crate) stream: Option<Cow<'a, str>>,
    /// Where the value of `record` begins.
    pub(crate) record: Option<usize>,
    /// The text of `value`.
    pub(crate) value: Option<&'a str>,
    /// The line is not read behind the start of the record, which says all that is needed: as nearly every tap orders it.
    pub(crate) is_open: bool,
}

impl Envelope<'_> {
    /// The value of a STATE message.
    ///
    /// # Errors
    /// `Data`: there is none, or one that is nested too deep.
    pub(crate) fn state(&self) -> Result<Value> {
        let value = self.value.ok_or_else(|| Error::data("a STATE message needs a `value`"))?;
        serde_json::from_str(value).map_err(|error| Error::data(format!("the state is no JSON: {error}")))
    }
}

/// Reads a line as far as needed.
pub(crate) fn envelope(text: &str) -> Parsed<Envelope<'_>> {
    let mut cursor = Cursor::new(text);
    let mut message = Envelope {
        kind: Kind::Unknown(String::new()),
        stream: None,
        record: None,
        value: None,
        is_open: false,
    };
    let mut scratch = String::new();
    let (mut first, mut has_type) = (true, false);
    cursor.begin_object()?;
    while let Some(key) = cursor.key(first, &mut scratch)? {
        first = false;
        match key {
            "type" if !has_type => {
                has_type = true;
                message.kind = Kind::of(&cursor.name()?);
            }
            "stream" if message.stream.is_none() => {
                if !cursor.null()? {
                    message.stream = Some(cursor.name()?);
                }
            }
            "record" if message.record.is_none() => {
                cursor.peek();
                message.record = Some(cursor.position());
                if message.kind == Kind::Record && message.stream.is_some() {
                    message.is_open = true;
                    return Ok(message);
                }
                cursor.skip()?;
            }
            "value" if message.value.is_none() => message.value = Some(cursor.skip()?),
            "type" | "stream" | "record" | "value" => return Err(twice(&cursor)),
            _ => {
                cursor.skip()?;
            }
        }
    }
    cursor.end()?;
    if !has_type {
        return Err(Fault::value(0, "a message needs a `type`"));
    }
    Ok(message)
}

/// Reads the rest of a line whose envelope is open.
pub(crate) fn close(cursor: &mut Cursor<'_>) -> Parsed<()> {
    let mut scratch = String::new();
    while let Some(key) = cursor.key(false, &mut scratch)? {
        if matches!(key, "type" | "stream" | "record") {
            return Err(twice(cursor));
        }
        cursor.skip()?;
    }
    cursor.end()
}

fn twice(cursor: &Cursor<'_>) -> Box<Fault> {
    Fault::value(cursor.position(), "a message says its type, stream, record or value twice")
}

/// The shape that a SCHEMA message gives its stream.
///
/// # Errors
/// `Data`: a part is missing. `Schema`: the JSON Schema describes no records, or not the keys.
pub(crate) fn schema_message(text: &str) -> Result<StreamSchema> {
    let message: Value =
        serde_json::from_str(text).map_err(|error| Error::data(format!("this is no JSON: {error}")))?;
    let Some(stream) = message.get("stream").and_then(Value::as_str) else {
        return Err(Error::data("a SCHEMA message needs a `stream`"));
    };
    let Some(schema) = message.get("schema") else {
        return Err(Error::data("a SCHEMA message needs a `schema`").stream(stream));
    };
    let names = |name: &str| names(&message, name).map_err(|error| error.stream(stream));
    let (key_properties, bookmark_properties) = (names("key_properties")?, names("bookmark_properties")?);
    let schema = stream_columns(schema, &key_properties).map_err(|error| error.stream(stream))?;
    if let Some(missing) = key_properties.iter().find(|key| schema.index_of(key).is_err()) {
        return Err(Error::schema(format!(
            "the key property `{missing}` is not among the properties of the schema"
        ))
        .stream(stream)
        .hint("the tap must describe every key property in the schema it writes"));
    }
    Ok(StreamSchema { stream: stream.to_owned(), schema, key_properties, bookmark_properties })
}

/// A list of names; one name, null and nothing at all are lists too.
fn names(message: &Value, member: &str) -> Result<Vec<String>> {
    let wrong = || Error::data(format!("`{member}` of a SCHEMA message is no list of names"));
    match message.get(member) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(several)) => {
            several.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}
