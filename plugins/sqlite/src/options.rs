//! What the user may set.

use dstream_sdk::{Auth, Connection, ConnectorConfig, Error, Result, parse_options};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// What the user may set for an SQLite file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    /// Milliseconds to wait for another program that holds the file. Default 30000.
    #[serde(default = "default_busy_timeout_ms")]
    busy_timeout_ms: u64,
    /// How SQLite keeps a commit whole: `wal` lets others read while rows are written, `delete` works on network drives
    /// too. Default `wal`.
    #[serde(default)]
    journal_mode: JournalMode,
    /// `full`: a commit survives loss of power. `normal`: with `wal`, loss of power may undo the last commits, never half
    /// of one. Default `full`.
    #[serde(default)]
    synchronous: Synchronous,
}

pub(crate) fn default_busy_timeout_ms() -> u64 {
    30_000
}

/// How SQLite keeps a commit whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JournalMode {
    /// Changes go to a log beside the file.
    #[default]
    Wal,
    /// What is overwritten is kept beside the file.
    Delete,
}

/// When SQLite waits for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Synchronous {
    /// At every commit.
    #[default]
    Full,
    /// At every checkpoint of the log.
    Normal,
}

/// What the code uses.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Absolute: never mistaken for a URI or for `:memory:`.
    pub(crate) path: PathBuf,
    pub(crate) busy_timeout: Duration,
    pub(crate) journal_mode: JournalMode,
    pub(crate) synchronous: Synchronous,
}

impl Settings {
    /// # Errors
    /// `Config`: what the user wrote cannot be meant.
    pub(crate) fn read(config: &ConnectorConfig) -> Result<Settings> {
        let options: Options = parse_options(config)?;
        Auth::of(config)?.check_is_one_of(&["none"])?;
        Ok(Settings {
            path: path(config)?,
            busy_timeout: Duration::from_millis(options.busy_timeout_ms),
            journal_mode: options.journal_mode,
            synchronous: options.synchronous,
        })
    }
}

/// The path as SQLite is to see it: absolute, so that it is never taken for a URI or for a database in memory.
pub(crate) fn path(config: &ConnectorConfig) -> Result<PathBuf> {
    let connection = Connection::of(config)?;
    let wrong =
        |message: String| Error::config(message).hint("write `\"connection\": {\"path\": \"out.db\"}`");
    if !connection.has_path() {
        return Err(wrong("an SQLite file is named by `path` of `connection` alone".into()));
    }
    let path = connection.path()?;
    match path.to_string_lossy() {
        text if text == ":memory:" => {
            Err(wrong("a database in `:memory:` would be gone with the run".into()))
        }
        text if text.contains('\0') => Err(wrong("`path` of `connection` holds NUL".into())),
        text if text.starts_with("file:") || text.contains("://") => {
            Err(wrong(format!("`path` of `connection` is the URL `{text}`, not a path")))
        }
        text => std::path::absolute(path)
            .map_err(|error| wrong(format!("`path` of `connection` is `{text}`: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dstream_sdk::ErrorKind;
    use serde_json::{Value, json};

    fn read(connection: Value, options: Value) -> Result<Settings> {
        let config = json!({"name": "out", "type": "sqlite", "connection": connection, "options": options});
        Settings::read(&serde_json::from_value(config).unwrap())
    }

    #[test]
    fn the_defaults_are_safe_and_patient() {
        let settings = read(json!({"path": "out.db"}), Value::Null).unwrap();
        assert_eq!(settings.busy_timeout, Duration::from_secs(30));
        assert_eq!((settings.journal_mode, settings.synchronous), (JournalMode::Wal, Synchronous::Full));
    }

    #[test]
    fn a_relative_path_starts_at_the_current_folder() {
        let settings = read(json!({"path": "sub/out.db"}), Value::Null).unwrap();
        assert_eq!(settings.path, std::env::current_dir().unwrap().join("sub/out.db"));
    }

    #[test]
    fn anything_but_a_path_is_refused() {
        for connection in [
            json!({"url": "sqlite:///out.db"}),
            json!({"host": "h", "port": 1, "database": "d"}),
            json!({"path": "a.db", "url": "x"}),
            json!({"path": 7}),
            json!({"path": ""}),
            json!({"path": ":memory:"}),
            json!({"path": "file:x.db?mode=memory"}),
            json!({"path": "sqlite://x.db"}),
            json!({"path": "a\u{0}b"}),
            Value::Null,
        ] {
            let error = read(connection.clone(), Value::Null).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{connection}");
        }
    }

    #[test]
    fn an_unknown_option_or_value_is_refused() {
        for options in [json!({"busy": 1}), json!({"journal_mode": "off"}), json!({"busy_timeout_ms": -1})] {
            assert_eq!(read(json!({"path": "x"}), options).unwrap_err().kind(), ErrorKind::Config);
        }
    }
}
