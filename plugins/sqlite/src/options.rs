//! What the user may set.

use dstream_sdk::{ConnectorConfig, Error, Result, parse_options};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// As written.
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

fn default_busy_timeout_ms() -> u64 {
    30_000
}

/// How SQLite keeps a commit whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JournalMode {
    /// Changes go to a log beside the file.
    #[default]
    Wal,
    /// What is overwritten is kept beside the file.
    Delete,
}

/// When SQLite waits for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Synchronous {
    /// At every commit.
    #[default]
    Full,
    /// At every checkpoint of the log.
    Normal,
}

/// As meant.
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
        check_auth(&config.auth)?;
        Ok(Settings {
            path: path(&config.connection)?,
            busy_timeout: Duration::from_millis(options.busy_timeout_ms),
            journal_mode: options.journal_mode,
            synchronous: options.synchronous,
        })
    }
}

fn check_auth(auth: &Value) -> Result<()> {
    match auth.get("type").and_then(Value::as_str) {
        None | Some("none") => Ok(()),
        Some(other) => Err(Error::config(format!("`auth` is `{other}`, but an SQLite file takes none"))
            .hint("remove `auth` from the config")),
    }
}

fn path(connection: &Value) -> Result<PathBuf> {
    let wrong =
        |message: String| Error::config(message).hint("write `\"connection\": {\"path\": \"out.db\"}`");
    let Some(form) = connection.as_object() else {
        return Err(wrong("`connection` with the path of the SQLite file is missing".into()));
    };
    if let Some(key) = form.keys().find(|key| *key != "path") {
        return Err(wrong(format!("`connection` has `{key}`, but an SQLite file is named by `path` alone")));
    }
    let Some(path) = form.get("path").and_then(Value::as_str) else {
        return Err(wrong("`path` of `connection` is not a text".into()));
    };
    match path {
        "" => return Err(wrong("`path` of `connection` is empty".into())),
        ":memory:" => return Err(wrong("a database in `:memory:` would be gone with the run".into())),
        _ if path.contains('\0') => return Err(wrong("`path` of `connection` holds NUL".into())),
        _ if path.starts_with("file:") || path.contains("://") => {
            return Err(wrong(format!("`path` of `connection` is the URL `{path}`, not a path")));
        }
        _ => {}
    }
    std::path::absolute(path).map_err(|error| wrong(format!("`path` of `connection` is `{path}`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dstream_sdk::ErrorKind;
    use serde_json::json;

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
    fn anything_but_a_path_is_refused_with_the_form_to_write() {
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
            assert!(error.hint_text().unwrap().contains("out.db"), "{connection}");
        }
    }

    #[test]
    fn an_unknown_option_or_value_is_refused() {
        for options in [json!({"busy": 1}), json!({"journal_mode": "off"}), json!({"busy_timeout_ms": -1})] {
            assert_eq!(read(json!({"path": "x"}), options).unwrap_err().kind(), ErrorKind::Config);
        }
    }
}
