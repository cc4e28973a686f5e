//! The options of a connector for the eye: `dstreams plugin info`.

use serde::Serialize;
use serde_json::Value;

use super::schema_tree::{constants, resolve};

/// One option.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OptionDoc {
    /// Its key.
    pub name: String,
    /// What it takes, in words: `text`, `a whole number`, `a list of text`.
    pub takes: String,
    /// The values it can have, where they are counted.
    pub choices: Vec<String>,
    /// What it is when left out.
    pub default: Option<Value>,
    /// It cannot be left out.
    pub is_required: bool,
    /// Its value is never shown.
    pub is_secret: bool,
    /// What it means.
    pub doc: String,
}

/// The options of a JSON Schema, those that cannot be left out first.
pub fn describe_options(schema: &Value) -> Vec<OptionDoc> {
    let required: Vec<&str> = match schema.get("required") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut docs: Vec<OptionDoc> = properties
        .into_iter()
        .flatten()
        .map(|(name, property)| describe(name, property, schema, required.contains(&name.as_str())))
        .collect();
    docs.sort_by_key(|doc| !doc.is_required);
    docs
}

fn describe(name: &str, property: &Value, root: &Value, is_required: bool) -> OptionDoc {
    let is_marked = |key| resolve(property, root).any(|node| node.get(key) == Some(&Value::Bool(true)));
    let text = |key| resolve(property, root).find_map(|node| node.get(key)?.as_str());
    let choices = constants(property, root);
    let choices = choices.iter().filter(|choice| !choice.is_null());
    OptionDoc {
        name: name.to_owned(),
        takes: takes(property, root, 0),
        choices: choices
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect(),
        default: property.get("default").filter(|default| !default.is_null()).cloned(),
        is_required,
        is_secret: is_marked("x-secret") || is_marked("writeOnly"),
        doc: text("description").unwrap_or_default().to_owned(),
    }
}

fn takes(property: &Value, root: &Value, depth: usize) -> String {
    let mut words: Vec<String> = Vec::new();
    for node in resolve(property, root) {
        let names: Vec<&str> = match node.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => continue,
        };
        for name in names {
            let word = match name {
                "string" => "text".to_owned(),
                "integer" => "a whole number".to_owned(),
                "number" => "a number".to_owned(),
                "boolean" => "true or false".to_owned(),
                "object" => "an object".to_owned(),
                "array" => match node.get("items") {
                    Some(items) if depth < 4 => format!("a list of {}", takes(items, root, depth + 1)),
                    _ => "a list".to_owned(),
                },
                _ => continue,
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
    }
    if words.is_empty() { "any value".to_owned() } else { words.join(" or ") }
}
