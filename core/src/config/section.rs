//! One object of the config: its keys, with their whole path in errors.

use dstream_abi::{Error, Result};
use serde_json::{Map, Value};

use super::{list, nearest, type_name};

pub(super) struct Section<'a> {
    path: &'a str,
    object: &'a Map<String, Value>,
}

impl<'a> Section<'a> {
    pub(super) fn new(path: &'a str, object: &'a Map<String, Value>) -> Section<'a> {
        Section { path, object }
    }

    /// The whole path of a key.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// `note` goes behind the list of known keys.
    pub(super) fn check_keys(&self, known: &[&str], note: &str) -> Result<()> {
        let Some(unknown) = self.object.keys().find(|key| !known.contains(&key.as_str())) else {
            return Ok(());
        };
        let near = nearest(unknown, known.iter().copied());
        let near = near.map(|near| format!(", the nearest known key is `{near}`")).unwrap_or_default();
        let names = list(known.iter().copied());
        Err(Error::config(format!("`{}` is not known here{near}", self.path(unknown)))
            .hint(format!("known keys: {names}{note}")))
    }

    /// Null counts as left out.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>> {
        self.typed(key, "text", Value::as_str)
    }

    pub(super) fn required_text(&self, key: &str) -> Result<&'a str> {
        match self.text(key)? {
            Some(text) if !text.is_empty() => Ok(text),
            Some(_) => Err(Error::config(format!("`{}` is empty", self.path(key)))),
            None => Err(Error::config(format!("`{}` is missing", self.path(key)))
                .hint(format!("add `\"{key}\": \"…\"` to the config"))),
        }
    }

    pub(super) fn object(&self, key: &str) -> Result<Option<&'a Map<String, Value>>> {
        self.typed(key, "an object", Value::as_object)
    }

    pub(super) fn list(&self, key: &str) -> Result<Option<&'a Vec<Value>>> {
        self.typed(key, "a list", Value::as_array)
    }

    fn typed<T>(&self, key: &str, wanted: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| {
            Error::config(format!("`{}` must be {wanted}, found {}", self.path(key), type_name(value)))
                .hint(format!("write {wanted} there"))
        })
    }
}
