//! Arrow fields as JSON Schema properties, and back.
//!
//! A property says two things. Its JSON Schema keywords say how a value stands in a Singer record, for every tool of
//! that ecosystem; `x-arrow` says the exact Arrow type, for us. `x-arrow` is the JSON form of a field
//! ([`FieldJson`]) without its name: `{"type": ["integer"], "x-arrow": {"format": "l", "nullable": false}}`.
//!
//! | Arrow | JSON Schema | value in a record |
//! | --- | --- | --- |
//! | boolean | `boolean` | `true` |
//! | integers | `integer`, with `minimum` and `maximum` where not int64 | number |
//! | floats | `number` | number; NaN and infinities have none |
//! | decimals | `string`, format `x-singer.decimal`, `precision`, `scale` | text: no reader rounds it |
//! | dates | `string`, format `date` | `2026-01-31` |
//! | times | `string`, format `time` | `23:59:59.5` |
//! | timestamps | `string`, format `date-time` | RFC 3339 |
//! | durations, intervals | `string`, format `duration` | ISO 8601 |
//! | text | `string` | text |
//! | text, `arrow.json` | every type | the JSON value itself |
//! | 16 bytes, `arrow.uuid` | `string`, format `uuid` | text |
//! | bytes | `string`, `contentEncoding: base64` | base64 |
//! | lists | `array` of `items` | array |
//! | struct, map with text keys | `object` | object |
//! | other maps | `array` of `{key, value}` | array |
//! | dictionary, run-end encoded | as its values | |
//! | union | every type | the value |
//! | null | `null` | `null` |

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use dstream_abi::schema_json::{FieldJson, MAX_DEPTH};
use dstream_abi::{Error, Result};
use serde_json::{Value, json};

use super::property;

/// The keyword that carries the exact Arrow type.
pub const ARROW_KEYWORD: &str = "x-arrow";
/// The metadata key that names an Arrow extension type.
pub const EXTENSION_NAME: &str = "ARROW:extension:name";
/// The extension type of text that holds JSON.
pub const JSON_EXTENSION: &str = "arrow.json";
/// The extension type of 16 bytes that hold a UUID.
pub const UUID_EXTENSION: &str = "arrow.uuid";

/// The JSON Schema of a stream with these columns: an object, with `x-arrow` at every property.
///
/// # Errors
/// `Schema`: two columns have one name. `Unsupported`: a type that cannot cross libraries.
pub fn stream_schema(schema: &Schema) -> Result<Value> {
    let mut properties = serde_json::Map::new();
    for field in schema.fields() {
        if properties.insert(field.name().clone(), property(field)?).is_some() {
            return Err(Error::schema(format!("two columns are named `{}`", field.name()))
                .hint("rename one of them in the source"));
        }
    }
    let mut object = json!({"type": "object", "properties": properties});
    let required = required(schema.fields());
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    if !schema.metadata().is_empty() {
        // Sorted: the file has one form.
        let metadata: std::collections::BTreeMap<_, _> = schema.metadata().iter().collect();
        object[ARROW_KEYWORD] = json!({ "metadata": metadata });
    }
    Ok(object)
}

/// The columns of a stream, from its JSON Schema, in the order of its properties.
///
/// A property without `x-arrow` gets the type that its JSON Schema promises. Such a column can be null unless its
/// type leaves null out and it is required or one of `keys`.
///
/// # Errors
/// `Schema`: no object with properties, or an `x-arrow` that is no Arrow type.
pub fn stream_columns(schema: &Value, keys: &[String]) -> Result<SchemaRef> {
    let properties = match schema.get("properties") {
        Some(Value::Object(properties)) => properties,
        _ => {
            return Err(Error::schema("the schema of the stream has no `properties`")
                .hint("a stream is described by a JSON Schema of an object with `properties`"));
        }
    };
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| {
        keys.iter().any(|key| key == name)
            || required.is_some_and(|names| names.iter().any(|required| required == name))
    };
    let fields = properties
        .iter()
        .map(|(name, property)| field(name, property, is_required(name)))
        .collect::<Result<Vec<_>>>()?;
    let metadata =
        schema.get(ARROW_KEYWORD).and_then(|exact| exact.get("metadata")).and_then(Value::as_object);
    let metadata = metadata.into_iter().flatten();
    let metadata =
        metadata.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    Ok(Schema::new_with_metadata(fields, metadata).into())
}

/// The JSON Schema of one column, with its exact type as `x-arrow`.
///
/// # Errors
/// `Unsupported`: a type that cannot cross libraries.
pub fn property(field: &Field) -> Result<Value> {
    let mut property = plain_property(field)?;
    let mut exact = serde_json::to_value(FieldJson::from_field(field)?)
        .map_err(|error| Error::bug(format!("the JSON of column `{}`: {error}", field.name())))?;
    if let Value::Object(exact) = &mut exact {
        // The name is the property's.
        exact.shift_remove("name");
    }
    property[ARROW_KEYWORD] = exact;
    Ok(property)
}

/// The JSON Schema of one column as other tools know it, without `x-arrow`.
///
/// # Errors
/// `Schema`: nested too deep.
pub fn plain_property(field: &Field) -> Result<Value> {
    nested_property(field, 0)
}

/// The column that a property describes: by `x-arrow` if it is there, else by its JSON Schema.
///
/// # Errors
/// `Schema`: an `x-arrow` that is no Arrow type.
pub fn field(name: &str, property: &Value, is_required: bool) -> Result<Field> {
    let Some(exact) = property.get(ARROW_KEYWORD) else {
        return Ok(property::guess_field(name, property, is_required));
    };
    let wrong = |problem: &dyn std::fmt::Display| {
        Error::schema(format!("column `{name}`: `{ARROW_KEYWORD}` is no Arrow type: {problem}"))
            .hint("run `dstreams discover` again instead of editing types by hand")
    };
    let mut exact: FieldJson = serde_json::from_value(exact.clone()).map_err(|error| wrong(&error))?;
    name.clone_into(&mut exact.name);
    exact.to_field().map_err(|error| wrong(&error.message()))
}

fn nested_property(field: &Field, depth: usize) -> Result<Value> {
    if depth > MAX_DEPTH {
        return Err(Error::schema(format!("column `{}` is nested deeper than {MAX_DEPTH}", field.name())));
    }
    let mut property = match field.metadata().get(EXTENSION_NAME).map(String::as_str) {
        Some(JSON_EXTENSION) if is_text(field.data_type()) => any(),
        Some(UUID_EXTENSION) if *field.data_type() == DataType::FixedSizeBinary(16) => {
            json!({"type": ["string"], "format": "uuid"})
        }
        _ => property_of_type(field.data_type(), depth)?,
    };
    if field.is_nullable()
        && let Some(Value::Array(types)) = property.get_mut("type")
        && !types.iter().any(|name| name == "null")
    {
        types.push("null".into());
    }
    Ok(property)
}

fn property_of_type(data_type: &DataType, depth: usize) -> Result<Value> {
    use DataType::*;
    let text = |format: &str| json!({"type": ["string"], "format": format});
    Ok(match data_type {
        Null => json!({"type": ["null"]}),
        Boolean => json!({"type": ["boolean"]}),
        Int8 => integer(json!(i8::MIN), json!(i8::MAX)),
        Int16 => integer(json!(i16::MIN), json!(i16::MAX)),
        Int32 => integer(json!(i32::MIN), json!(i32::MAX)),
        Int64 => json!({"type": ["integer"]}),
        UInt8 => integer(json!(0), json!(u8::MAX)),
        UInt16 => integer(json!(0), json!(u16::MAX)),
        UInt32 => integer(json!(0), json!(u32::MAX)),
        UInt64 => integer(json!(0), json!(u64::MAX)),
        Float16 | Float32 | Float64 => json!({"type": ["number"]}),
        Decimal32(precision, scale)
        | Decimal64(precision, scale)
        | Decimal128(precision, scale)
        | Decimal256(precision, scale) => {
            json!({"type": ["string"], "format": "x-singer.decimal", "precision": precision, "scale": scale})
        }
        Date32 | Date64 => text("date"),
        Time32(_) | Time64(_) => text("time"),
        Timestamp(..) => text("date-time"),
        Duration(_) | Interval(_) => text("duration"),
        Utf8 | LargeUtf8 | Utf8View => json!({"type": ["string"]}),
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => {
            json!({"type": ["string"], "contentEncoding": "base64"})
        }
        List(item) | LargeList(item) | ListView(item) | LargeListView(item) | FixedSizeList(item, _) => {
            json!({"type": ["array"], "items": nested_property(item, depth + 1)?})
        }
        Struct(fields) => {
            let mut properties = serde_json::Map::new();
            for field in fields {
                properties.insert(field.name().clone(), nested_property(field, depth + 1)?);
            }
            json!({"type": ["object"], "properties": properties})
        }
        Map(entry, _) => match entry.data_type() {
            Struct(pair) if pair.len() == 2 && is_text(pair[0].data_type()) => {
                json!({"type": ["object"], "additionalProperties": nested_property(&pair[1], depth + 1)?})
            }
            _ => json!({"type": ["array"], "items": nested_property(entry, depth + 1)?}),
        },
        Dictionary(_, values) => property_of_type(values, depth + 1)?,
        RunEndEncoded(_, values) => nested_property(values, depth + 1)?,
        Union(..) => any(),
    })
}

fn integer(minimum: Value, maximum: Value) -> Value {
    json!({"type": ["integer"], "minimum": minimum, "maximum": maximum})
}

/// Object first: readers that know one type per column take that, and keep the value as JSON.
fn any() -> Value {
    json!({"type": ["object", "array", "string", "number", "boolean", "null"]})
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn required(fields: &arrow::datatypes::Fields) -> Vec<&str> {
    fields.iter().filter(|field| !field.is_nullable()).map(|field| field.name().as_str()).collect()
}

#[cfg(test)]
#[path = "json_schema_tests.rs"]
mod tests;
