//! Walking a JSON Schema: references and alternatives followed, never deeper than a schema means.

use serde_json::Value;

/// Deeper than this a schema refers to itself.
const MAX_DEPTH: usize = 24;

/// The schemas that hold for one place: the node, what it refers to, its alternatives.
pub(super) fn resolve<'a>(node: &'a Value, root: &'a Value) -> impl Iterator<Item = &'a Value> {
    let mut all = Vec::new();
    gather(node, root, 0, &mut all);
    all.into_iter()
}

fn gather<'a>(node: &'a Value, root: &'a Value, depth: usize, all: &mut Vec<&'a Value>) {
    if depth > MAX_DEPTH {
        return;
    }
    all.push(node);
    let target = node.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    if let Some(target) = target.and_then(|pointer| root.pointer(pointer)) {
        gather(target, root, depth + 1, all);
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for alternative in node.get(key).and_then(Value::as_array).into_iter().flatten() {
            gather(alternative, root, depth + 1, all);
        }
    }
}

/// Calls `visit` with every value and every schema that holds for it.
pub(super) fn walk(value: &Value, root: &Value, visit: &mut dyn FnMut(&Value, &Value)) {
    walk_node(value, root, root, 0, visit);
}

fn walk_node(value: &Value, node: &Value, root: &Value, depth: usize, visit: &mut dyn FnMut(&Value, &Value)) {
    if depth > MAX_DEPTH {
        return;
    }
    for node in resolve(node, root) {
        visit(value, node);
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    let property = node.get("properties").and_then(|properties| properties.get(key));
                    if let Some(property) = property.or_else(|| node.get("additionalProperties")) {
                        walk_node(value, property, root, depth + 1, visit);
                    }
                }
            }
            Value::Array(list) => {
                if let Some(items) = node.get("items") {
                    list.iter().for_each(|value| walk_node(value, items, root, depth + 1, visit));
                }
            }
            _ => {}
        }
    }
}

/// The values of a schema that is a choice among constants; empty where it is anything else.
pub(super) fn constants(node: &Value, root: &Value) -> Vec<Value> {
    let mut choices: Vec<Value> = Vec::new();
    for node in resolve(node, root) {
        if let Some(values) = node.get("enum").and_then(Value::as_array) {
            choices.extend(values.iter().cloned());
        } else if let Some(value) = node.get("const") {
            choices.push(value.clone());
        } else if is_leaf(node) && node.get("type") != Some(&Value::from("null")) {
            return Vec::new();
        }
    }
    choices
}

fn is_leaf(node: &Value) -> bool {
    !["anyOf", "oneOf", "allOf", "$ref"].iter().any(|key| node.get(key).is_some())
}
