//! The options of a connector, from their JSON Schema.

use serde_json::Value;
use std::fmt::Write;

const WIDTH: usize = 96;

/// Appends one paragraph an option.
pub(super) fn describe(text: &mut String, schema: &Value) {
    let Some(properties) = schema["properties"].as_object().filter(|properties| !properties.is_empty())
    else {
        let _ = writeln!(text, "  options    none");
        return;
    };
    let required = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|names| names.iter().any(|other| other.as_str() == Some(name)))
    };
    let _ = writeln!(text, "  options");
    for (name, property) in properties {
        let _ = write!(text, "    {name}: {}", type_of(property, schema));
        if required(name) {
            text.push_str(", required");
        }
        match property.get("default") {
            None | Some(Value::Null) => {}
            Some(default) => {
                let _ = write!(text, ", default {default}");
            }
        }
        if is_secret(property) {
            text.push_str(", secret");
        }
        text.push('\n');
        let description =
            property["description"].as_str().or_else(|| resolve(property, schema)["description"].as_str());
        for line in wrap(description.unwrap_or_default()) {
            let _ = writeln!(text, "        {line}");
        }
    }
}

/// The property itself, or what its `$ref` points to within the document.
fn resolve<'a>(property: &'a Value, root: &'a Value) -> &'a Value {
    let pointer = property["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| root.pointer(pointer)).unwrap_or(property)
}

fn type_of(property: &Value, root: &Value) -> String {
    let property = resolve(property, root);
    if let Some(value) = property.get("const") {
        return value.to_string();
    }
    if let Some(values) = property["enum"].as_array() {
        return listed(values.iter().map(Value::to_string));
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(forms) = property[keyword].as_array() {
            return listed(forms.iter().map(|form| type_of(form, root)).filter(|form| form != "null"));
        }
    }
    let named = match &property["type"] {
        Value::String(name) => listed([word(name, property, root)]),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
            listed(names.map(|name| word(name, property, root)))
        }
        _ => "any value".to_owned(),
    };
    named + &bounds(property)
}

fn word(name: &str, property: &Value, root: &Value) -> String {
    match name {
        "string" if property["maxLength"] == 1 => "one character".to_owned(),
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" => "whole number".to_owned(),
        "array" if property["items"].is_object() => format!("list of {}", type_of(&property["items"], root)),
        "array" => "list".to_owned(),
        "object" if property["additionalProperties"].is_object() => {
            format!("object of {}", type_of(&property["additionalProperties"], root))
        }
        other => other.to_owned(),
    }
}

fn bounds(property: &Value) -> String {
    let bound = |keyword: &str| property.get(keyword).filter(|bound| bound.is_number()).map(Value::to_string);
    // The largest values of machine types say nothing to a reader.
    let maximum = bound("maximum").filter(|bound| bound.len() < 16);
    match (bound("minimum"), maximum) {
        (Some(low), Some(high)) => format!(" from {low} to {high}"),
        (Some(low), None) if low != "0" => format!(" from {low}"),
        (None, Some(high)) => format!(" up to {high}"),
        _ => String::new(),
    }
}

fn listed(words: impl IntoIterator<Item = String>) -> String {
    words.into_iter().collect::<Vec<_>>().join(" | ")
}

fn is_secret(property: &Value) -> bool {
    ["writeOnly", "secret", "x-secret"].iter().any(|keyword| property[*keyword] == true)
        || property["format"] == "password"
}

fn wrap(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH - 8 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_option_shows_type_default_and_what_it_does() {
        let schema = json!({
            "properties": {
                "folder": {"type": "string", "description": "Where the files are."},
                "rows": {"type": "integer", "minimum": 1, "default": 65536},
                "infer": {"$ref": "#/$defs/Infer", "default": "full"},
                "escape": {"type": ["string", "null"], "maxLength": 1, "default": null},
                "keys": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
                "token": {"type": "string", "writeOnly": true},
            },
            "required": ["folder"],
            "$defs": {"Infer": {"enum": ["full", "none"], "description": "How types are found."}},
        });
        let mut text = String::new();
        describe(&mut text, &schema);
        assert_eq!(
            text,
            "  options\n    folder: text, required\n        Where the files are.\n    rows: whole number from 1, default \
             65536\n    infer: \"full\" | \"none\", default \"full\"\n        How types are found.\n    escape: one \
             character\n    keys: object of list of text\n    token: text, secret\n"
        );
    }

    #[test]
    fn a_connector_without_options_says_so() {
        let mut text = String::new();
        describe(&mut text, &json!({"type": "object", "properties": {}}));
        assert_eq!(text, "  options    none\n");
    }
}
