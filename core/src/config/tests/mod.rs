//! What every test of the config uses.

mod meaning;
mod redaction;
mod shape;

use super::references::SecretSource;
use super::*;
use dstream_abi::{Error, ErrorKind, Result, TapManifest, TargetManifest, WriteMode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Secrets that a test knows.
#[derive(Default)]
struct Known(BTreeMap<String, String>);

impl SecretSource for Known {
    fn env(&self, name: &str) -> Result<Option<String>> {
        Ok(self.0.get(name).cloned())
    }
    fn file(&self, path: &str) -> Result<(String, bool)> {
        let content = self.0.get(path).cloned().ok_or_else(|| Error::config("no such file"))?;
        Ok((content, path.ends_with("open")))
    }
}

fn known(secrets: &[(&str, &str)]) -> Known {
    Known(secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn written(config: Value) -> Result<Written> {
    Written::from_object(config.as_object().expect("a test writes an object"), "/etc/shop.json".into())
}

fn options_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "folder": {"type": "string", "description": "Folder with the files."},
            "batch_rows": {"type": "integer", "minimum": 1, "default": 65536},
            "header": {"type": "boolean", "default": true},
            "quote": {"anyOf": [{"$ref": "#/$defs/Quote"}, {"type": "null"}]},
            "null_values": {"type": "array", "items": {"type": "string"}},
            "token": {"type": ["string", "null"], "writeOnly": true},
            "users": {"type": "array", "items": {"$ref": "#/$defs/User"}}
        },
        "required": ["folder"],
        "$defs": {
            "Quote": {"oneOf": [
                {"const": "always", "type": "string", "description": "Every value."},
                {"const": "never", "type": "string"}]},
            "User": {"type": "object", "additionalProperties": false, "properties": {
                "name": {"type": "string"},
                "pin": {"type": "integer", "x-secret": true}}}
        }
    })
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn tap() -> TapManifest {
    TapManifest {
        options: options_schema(),
        connection: words(&["url", "host", "path"]),
        auth: words(&[
            "api_key",
            "bearer",
            "basic",
            "oauth2",
            "access_key",
            "account_key",
            "sas",
            "service_account",
            "environment",
        ]),
        ..TapManifest::default()
    }
}

fn target() -> TargetManifest {
    TargetManifest {
        options: json!({"type": "object", "properties": {}}),
        connection: words(&["url", "host", "path"]),
        auth: words(&["basic"]),
        write_modes: vec![WriteMode::Append],
        ..TargetManifest::default()
    }
}

/// A tap's config with the one option that it needs.
fn resolve(mut config: Value, secrets: &[(&str, &str)]) -> Result<Resolved> {
    if config.get("connection").is_none() {
        config["connection"] = json!({"path": "/data"});
    }
    if config["options"].get("folder").is_none() {
        config["options"]["folder"] = json!("f");
    }
    config["type"] = json!("csv");
    written(config)?.resolve(Role::Tap(&tap()), &known(secrets))
}

fn message(result: Result<impl std::fmt::Debug>) -> String {
    let error = result.expect_err("this is an error");
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    format!("{} [{}]", error.message(), error.hint_text().unwrap_or_default())
}
