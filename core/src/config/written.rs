//! What was written: the config file with its shape checked and its references unresolved.

use dstream_abi::{Error, Result};
use serde_json::{Map, Value};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::references;
use super::section::Section;
use super::{absolute, hint_for, read_object};

const LIMIT_BYTES: u64 = 1 << 20;
const KEYS: &[&str] = &["name", "type", "connection", "auth", "streams", "batch_size", "options", "require"];
/// What `require` can ask for.
const REQUIREMENTS: &[&str] = &["exactly_once"];

/// A config file as it was written. `Debug` shows nothing that could be a secret.
#[derive(Clone)]
pub struct Written {
    pub(super) file: PathBuf,
    pub(super) name: Option<String>,
    /// The connector: which plugin is to be found.
    pub type_name: String,
    pub(super) connection: Option<Map<String, Value>>,
    pub(super) auth: Option<Map<String, Value>>,
    pub(super) streams: Option<Vec<String>>,
    pub(super) batch_size: Option<BatchSize>,
    pub(super) options: Map<String, Value>,
    /// Less than exactly once is an error.
    pub require_exactly_once: bool,
}

/// A number, or a reference to one.
#[derive(Clone)]
pub(super) enum BatchSize {
    Number(NonZeroUsize),
    Reference(String),
}

impl std::fmt::Debug for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Written")
            .field("file", &self.file)
            .field("type", &self.type_name)
            .finish_non_exhaustive()
    }
}

/// Reads a config file and checks its shape; references to secrets are not looked up yet.
///
/// # Errors
/// `Config`: no such file, not JSON, an unknown key, a value of the wrong type.
pub fn load(path: &Path) -> Result<Written> {
    let object = read_object(path, "config", LIMIT_BYTES)?;
    let file = absolute(path);
    Written::from_object(&object, file.clone()).map_err(|error| in_file(error, &file))
}

pub(super) fn in_file(error: Error, file: &Path) -> Error {
    error.context(format!("config `{}`", file.display()))
}

impl Written {
    /// Whether it says which streams to read: only a tap's does.
    pub fn has_streams(&self) -> bool {
        self.streams.is_some()
    }

    /// The file, from the root of the file system.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The user's name for the connector, where it needs no reference to be known.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.type_name)
    }

    pub(super) fn from_object(object: &Map<String, Value>, file: PathBuf) -> Result<Written> {
        let config = Section::new("", object);
        config.check_keys(KEYS, "; what only this connector knows stands under `options`")?;
        let type_name = config.required_text("type")?;
        if type_name.contains("${") {
            return Err(Error::config("`type` takes no reference: it says which plugin to look for"));
        }
        let name = config.text("name")?;
        if let Some(name) = name
            && (name.trim().is_empty() || name.chars().any(char::is_control))
        {
            return Err(Error::config("`name` is empty or holds control characters"));
        }
        Ok(Written {
            file,
            name: name.map(str::to_owned),
            type_name: type_name.to_owned(),
            connection: config.object("connection")?.cloned(),
            auth: config.object("auth")?.cloned(),
            streams: streams(&config)?,
            batch_size: batch_size(&config)?,
            options: config.object("options")?.cloned().unwrap_or_default(),
            require_exactly_once: requires_exactly_once(&config)?,
        })
    }
}

fn streams(config: &Section<'_>) -> Result<Option<Vec<String>>> {
    let Some(list) = config.list("streams")? else { return Ok(None) };
    if list.is_empty() {
        return Err(Error::config("`streams` is an empty list: nothing would be read")
            .hint("name streams or patterns, or leave `streams` out to read all"));
    }
    let mut streams = Vec::with_capacity(list.len());
    for (at, entry) in list.iter().enumerate() {
        match entry {
            Value::String(pattern) => streams.push(pattern.clone()),
            other => {
                let found = super::type_name(other);
                return Err(Error::config(format!("`streams[{at}]` must be text, found {found}"))
                    .hint("write the names of streams, or globs, there"));
            }
        }
    }
    Ok(Some(streams))
}

fn batch_size(config: &Section<'_>) -> Result<Option<BatchSize>> {
    match config.get("batch_size") {
        None => Ok(None),
        Some(Value::String(text)) if references::has_reference(text) => {
            Ok(Some(BatchSize::Reference(text.clone())))
        }
        Some(value) => parse_batch_size(value).map(|size| Some(BatchSize::Number(size))),
    }
}

pub(super) fn parse_batch_size(value: &Value) -> Result<NonZeroUsize> {
    let found = match value {
        Value::Number(number) => {
            let size = number.as_u64().and_then(|size| usize::try_from(size).ok());
            if let Some(size) = size.and_then(NonZeroUsize::new) {
                return Ok(size);
            }
            number.to_string()
        }
        other => super::type_name(other).to_owned(),
    };
    Err(Error::config(format!("`batch_size` must be a whole number above 0, found {found}"))
        .hint("it is the number of records in a batch, such as 1000"))
}

fn requires_exactly_once(config: &Section<'_>) -> Result<bool> {
    match config.text("require")? {
        None => Ok(false),
        Some("exactly_once") => Ok(true),
        Some(other) => Err(Error::config(format!("`require` does not take `{other}`")).hint(hint_for(
            "requirements",
            other,
            REQUIREMENTS.iter().copied(),
        ))),
    }
}
