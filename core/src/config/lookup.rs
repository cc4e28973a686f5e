//! Replaces references throughout a config and remembers what they brought in.

use dstream_abi::Result;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use super::Secrets;
use super::references::{self, SecretSource};

pub(super) struct LookedUp<'a> {
    pub(super) source: &'a dyn SecretSource,
    pub(super) secrets: Secrets,
    pub(super) warnings: Vec<String>,
}

/// An object with its references replaced, and what they brought in, by key.
pub(super) type Replaced = (Map<String, Value>, BTreeMap<String, Vec<String>>);

impl LookedUp<'_> {
    /// A text whose references are no secrets.
    pub(super) fn plain(&mut self, text: &str, path: &str) -> Result<String> {
        self.text(text, path, &mut Vec::new())
    }

    pub(super) fn add_secrets(&mut self, values: &[String]) {
        values.iter().for_each(|value| self.secrets.add(value));
    }

    pub(super) fn object(&mut self, object: &Map<String, Value>, path: &str) -> Result<Replaced> {
        let mut out = Map::new();
        let mut brought = BTreeMap::new();
        for (key, value) in object {
            let mut values = Vec::new();
            let replaced = self.value(value, &format!("{path}.{key}"), &mut values)?;
            if !values.is_empty() {
                brought.insert(key.clone(), values);
            }
            out.insert(key.clone(), replaced);
        }
        Ok((out, brought))
    }

    fn value(&mut self, value: &Value, path: &str, values: &mut Vec<String>) -> Result<Value> {
        Ok(match value {
            Value::String(text) => Value::String(self.text(text, path, values)?),
            Value::Array(list) => {
                let list = list.iter().enumerate();
                let list = list.map(|(at, value)| self.value(value, &format!("{path}[{at}]"), values));
                Value::Array(list.collect::<Result<_>>()?)
            }
            Value::Object(object) => {
                let mut out = Map::new();
                for (key, value) in object {
                    out.insert(key.clone(), self.value(value, &format!("{path}.{key}"), values)?);
                }
                Value::Object(out)
            }
            other => other.clone(),
        })
    }

    fn text(&mut self, text: &str, path: &str, values: &mut Vec<String>) -> Result<String> {
        let replaced = references::replace(text, path, self.source)?;
        self.warnings.extend(replaced.warnings);
        values.extend(replaced.values);
        Ok(replaced.text)
    }
}
