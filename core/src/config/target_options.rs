//! The options that every target has: the engine takes them out before the plugin sees the rest.

use dstream_abi::{Error, Result, WriteMode};
use serde_json::{Map, Value, json};

use super::{hint_for, type_name};
use crate::tables::Template;

const WRITE_MODES: [WriteMode; 3] = [WriteMode::Append, WriteMode::Upsert, WriteMode::Overwrite];

/// `write_mode` and `table` of a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetOptions {
    /// How rows enter tables; `None`: as fits each stream.
    pub write_mode: Option<WriteMode>,
    /// Which table a stream goes to; `None`: the last part of its name.
    pub table: Option<Template>,
}

impl TargetOptions {
    /// Takes the engine's options out of those of a target.
    pub(super) fn take(options: &mut Map<String, Value>) -> Result<TargetOptions> {
        let write_mode = take_text(options, "write_mode")?.map(|name| find_mode(&name)).transpose()?;
        let table = take_text(options, "table")?.map(|text| Template::parse(&text)).transpose()?;
        Ok(TargetOptions { write_mode, table })
    }
}

/// The JSON Schema of the options that every target has, as the manifest has one for the rest.
pub fn engine_target_options_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "write_mode": {
                "type": "string",
                "enum": WRITE_MODES.map(|mode| mode.to_string()),
                "description": "How rows enter a table: `append` adds them, `upsert` replaces the row with the same \
                    key, `overwrite` replaces the table once the stream is complete. Left out: `upsert` where the \
                    stream has a key, `overwrite` for a full table without one, `append` for the rest."
            },
            "table": {
                "type": "string",
                "default": Template::DEFAULT,
                "description": "The table that a stream goes to: `{stream}` is its whole name, `{table}` the part \
                    after the last dot, `{schema}` what stands before it. Two streams in one table are an error."
            }
        }
    })
}

fn take_text(options: &mut Map<String, Value>, key: &str) -> Result<Option<String>> {
    match options.shift_remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => {
            Err(Error::config(format!("`options.{key}` must be text, found {}", type_name(&other)))
                .hint("write text there"))
        }
    }
}

fn find_mode(name: &str) -> Result<WriteMode> {
    let names = WRITE_MODES.map(|mode| mode.to_string());
    WRITE_MODES.into_iter().find(|mode| mode.to_string() == name).ok_or_else(|| {
        Error::config(format!("`options.write_mode` does not take `{name}`")).hint(hint_for(
            "write modes",
            name,
            names.iter().map(String::as_str),
        ))
    })
}
