//! The `options`: checked against the JSON Schema of the manifest.

use dstream_abi::{Error, Result};
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::{Map, Value};

use super::schema_tree::{constants, resolve, walk};
use super::{Secrets, list, nearest, type_name};

/// Checks options against `schema`. Messages may quote values: redact them.
pub(super) fn check(options: &Map<String, Value>, schema: &Value) -> Result<()> {
    if schema.is_null() {
        return match options.keys().next() {
            None => Ok(()),
            Some(key) => {
                Err(Error::config(format!("`options.{key}` is not known here")).hint("there are no options"))
            }
        };
    }
    check_known(options, schema)?;
    let options = Value::Object(options.clone());
    let validator = jsonschema::options().should_validate_formats(false).build(schema).map_err(|error| {
        Error::bug(format!("the manifest of the plugin has a broken schema of options: {error}"))
            .hint("tell the author of the plugin")
    })?;
    match validator.validate(&options) {
        Ok(()) => Ok(()),
        Err(error) => Err(describe(&error, schema)),
    }
}

/// A schema that names its options and does not say that others are welcome knows them all.
fn check_known(options: &Map<String, Value>, schema: &Value) -> Result<()> {
    let open = ["additionalProperties", "patternProperties", "allOf", "anyOf", "oneOf", "$ref"];
    let is_open = |key: &str| !matches!(schema.get(key), None | Some(Value::Bool(false)));
    let Some(known) = schema.get("properties").and_then(Value::as_object) else { return Ok(()) };
    match options.keys().find(|key| !known.contains_key(*key)) {
        Some(key) if !open.iter().any(|key| is_open(key)) => Err(unknown("options", key, known)),
        _ => Ok(()),
    }
}

fn unknown(path: &str, key: &str, known: &Map<String, Value>) -> Error {
    let near = nearest(key, known.keys().map(String::as_str));
    let near = near.map(|near| format!(", the nearest known option is `{near}`")).unwrap_or_default();
    let hint = match list(known.keys().map(String::as_str)) {
        names if names.is_empty() => "there are no options".to_owned(),
        names => format!("known options: {names}"),
    };
    Error::config(format!("`{path}.{key}` is not known here{near}")).hint(hint)
}

fn describe(error: &ValidationError<'_>, schema: &Value) -> Error {
    let path = path_of(error);
    let found = type_name(error.instance());
    let node = node_of(error, schema);
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let key = unexpected.first().map(String::as_str).unwrap_or_default();
            let known = node.and_then(|node| node.get("properties")).and_then(Value::as_object);
            unknown(&path, key, known.unwrap_or(&Map::new()))
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            let about = node.and_then(|node| node.get("properties")?.get(key)?.get("description")?.as_str());
            let error = Error::config(format!("`{path}.{key}` is missing"));
            match about {
                Some(about) => error.hint(format!("`{key}`: {}", about.lines().next().unwrap_or(about))),
                None => error,
            }
        }
        ValidationErrorKind::Type { kind } => {
            let wanted = expected(kind);
            let error = Error::config(format!("`{path}` must be {wanted}, found {found}"));
            error.hint(format!("write {wanted} there"))
        }
        ValidationErrorKind::Enum { options } => {
            not_a_choice(&path, error.instance(), options.as_array().map(Vec::as_slice).unwrap_or_default())
        }
        ValidationErrorKind::Constant { expected_value } => {
            not_a_choice(&path, error.instance(), std::slice::from_ref(expected_value))
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let choices = node.map(|node| constants(node, schema)).unwrap_or_default();
            if !choices.is_empty() {
                return not_a_choice(&path, error.instance(), &choices);
            }
            // `{"anyOf": [T, null]}`: what is wrong with T is what the user wants to know.
            let mut branches =
                context.iter().filter_map(|errors| errors.first()).filter(|error| !is_null_only(error));
            match (branches.next(), branches.next()) {
                (Some(error), None) => describe(error, schema),
                _ => Error::config(format!("`{path}` has none of the forms that it can have, found {found}")),
            }
        }
        _ => Error::config(format!("`{path}`: {}", error.masked_with("the value"))),
    }
}

fn not_a_choice(path: &str, found: &Value, choices: &[Value]) -> Error {
    let words: Vec<String> = choices.iter().filter(|choice| !choice.is_null()).map(plain).collect();
    let error = match found {
        Value::String(text) => Error::config(format!("`{path}` does not take `{text}`")),
        other => Error::config(format!("`{path}` does not take {}", type_name(other))),
    };
    error.hint(format!("it takes {}", list(words.iter().map(String::as_str))))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_null_only(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(wanted) } if wanted.to_string() == "null")
}

fn expected(kind: &TypeKind) -> String {
    let words = |name: String| match name.as_str() {
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => "a list".to_owned(),
        "object" => "an object".to_owned(),
        _ => name,
    };
    match kind {
        TypeKind::Single(one) => words(one.to_string()),
        TypeKind::Multiple(several) => {
            let names = several.iter().map(|name| name.to_string()).filter(|name| name != "null");
            names.map(words).collect::<Vec<_>>().join(" or ")
        }
    }
}

/// `options.columns[0].name` for `/columns/0/name`.
fn path_of(error: &ValidationError<'_>) -> String {
    let mut path = "options".to_owned();
    for part in error.instance_path().to_string().split('/').skip(1) {
        match part.parse::<usize>() {
            Ok(index) => path.push_str(&format!("[{index}]")),
            Err(_) => path.push_str(&format!(".{}", part.replace("~1", "/").replace("~0", "~"))),
        }
    }
    path
}

/// The schema that holds the keyword that failed.
fn node_of<'a>(error: &ValidationError<'_>, schema: &'a Value) -> Option<&'a Value> {
    let path = error.schema_path().to_string();
    let (parent, _) = path.rsplit_once('/')?;
    schema.pointer(parent)
}

/// Texts that stand for a number or a truth value, where they were references and the schema takes no text.
pub(super) fn read_referenced<'a>(
    options: &mut Map<String, Value>,
    referenced: impl Iterator<Item = &'a String>,
    schema: &Value,
) {
    for key in referenced {
        let Some(property) = schema.pointer("/properties").and_then(|properties| properties.get(key)) else {
            continue;
        };
        if !takes_text(property, schema)
            && let Some(value) = options.get_mut(key)
            && let Some(text) = value.as_str()
            && let Ok(read @ (Value::Number(_) | Value::Bool(_))) = serde_json::from_str::<Value>(text.trim())
        {
            *value = read;
        }
    }
}

fn takes_text(property: &Value, root: &Value) -> bool {
    let is_text = |node: &Value| match node.get("type") {
        Some(Value::String(name)) => name == "string",
        Some(Value::Array(names)) => names.iter().any(|name| name == "string"),
        _ => node.get("enum").or_else(|| node.get("const")).is_some(),
    };
    resolve(property, root).any(is_text) || resolve(property, root).all(|node| node.get("type").is_none())
}

/// Values at places that the schema marks with `"x-secret": true` or `"writeOnly": true`.
pub(super) fn add_secrets(options: &Map<String, Value>, schema: &Value, secrets: &mut Secrets) {
    let options = Value::Object(options.clone());
    walk(&options, schema, &mut |value, node| {
        let is_marked = |key: &str| node.get(key) == Some(&Value::Bool(true));
        if is_marked("x-secret") || is_marked("writeOnly") {
            add_all(value, secrets);
        }
    });
}

fn add_all(value: &Value, secrets: &mut Secrets) {
    match value {
        Value::String(text) => secrets.add(text),
        Value::Number(number) => secrets.add(&number.to_string()),
        Value::Array(list) => list.iter().for_each(|value| add_all(value, secrets)),
        Value::Object(object) => object.values().for_each(|value| add_all(value, secrets)),
        _ => {}
    }
}
