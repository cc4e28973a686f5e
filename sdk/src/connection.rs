//! Where the system is: the `connection` of a config.

use serde::Deserialize;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::options::parse_section;
use crate::{ConnectorConfig, Error, Result};

/// The `connection` of a config: `{"url": …}`, `{"host": …, "port": …, "database": …}`, `{"path": …}`, or nothing.
///
/// `Debug` shows no url, for a url may hold a password.
///
/// ```
/// use dstream_sdk::{Connection, serde_json::{self, json}};
/// let config = serde_json::from_value(json!({"name": "shop", "type": "postgres", "connection": {"host": "db"}})).unwrap();
/// let connection = Connection::of(&config).unwrap();
/// assert_eq!((connection.host().unwrap(), connection.port_or(5432)), ("db", 5432));
/// assert_eq!(connection.database().unwrap_err().to_string(), "`connection.database` is missing");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    url: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    database: Option<String>,
    path: Option<PathBuf>,
}

impl Connection {
    /// Reads it. Which form a connector takes is known once it asks for it.
    ///
    /// # Errors
    /// `Config`: an unknown key, a value of the wrong type, two forms at once.
    pub fn of(config: &ConnectorConfig) -> Result<Connection> {
        let connection: Connection = parse_section("connection", &config.connection)?;
        let mixed = match (&connection.url, connection.is_host(), &connection.path) {
            (Some(_), true, _) => Some("`connection` has `url` beside `host`, `port` or `database`"),
            (Some(_), _, Some(_)) => Some("`connection` has both `url` and `path`"),
            (_, true, Some(_)) => Some("`connection` has `path` beside `host`, `port` or `database`"),
            _ => None,
        };
        match mixed {
            Some(message) => Err(Error::config(message).hint(FORMS)),
            None => Ok(connection),
        }
    }

    fn is_host(&self) -> bool {
        self.host.is_some() || self.port.is_some() || self.database.is_some()
    }

    /// Whether it is the form with `url`; for connectors that take more than one.
    pub fn has_url(&self) -> bool {
        self.url.is_some()
    }

    /// Whether it is the form with `path`; for connectors that take more than one.
    pub fn has_path(&self) -> bool {
        self.path.is_some()
    }

    /// `connection.url`.
    ///
    /// # Errors
    /// `Config`: it is missing or empty.
    pub fn url(&self) -> Result<&str> {
        present("url", self.url.as_deref(), r#"write `"connection": {"url": "https://…"}`"#)
    }

    /// `connection.host`.
    ///
    /// # Errors
    /// `Config`: it is missing or empty.
    pub fn host(&self) -> Result<&str> {
        present("host", self.host.as_deref(), HOST_FORM)
    }

    /// `connection.port`, or the port that the system usually has.
    pub fn port_or(&self, usual: u16) -> u16 {
        self.port.unwrap_or(usual)
    }

    /// `connection.database`.
    ///
    /// # Errors
    /// `Config`: it is missing or empty.
    pub fn database(&self) -> Result<&str> {
        present("database", self.database.as_deref(), HOST_FORM)
    }

    /// `connection.path`.
    ///
    /// # Errors
    /// `Config`: it is missing or empty.
    pub fn path(&self) -> Result<&Path> {
        let path = self.path.as_deref().filter(|path| !path.as_os_str().is_empty());
        path.ok_or_else(|| missing("path", r#"write `"connection": {"path": "…"}`"#))
    }
}

/// The `connection` of an object store: `{"url": …, "endpoint": …, "region": …, "allow_http": …,
/// "ca": …}`.
///
/// `Debug` shows no url, for a url may hold a signature.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConnection {
    /// Scheme, bucket and what is in it.
    pub url: String,
    /// Where the service is, in place of its usual address.
    pub endpoint: Option<String>,
    /// Where the bucket is.
    pub region: Option<String>,
    /// Whether it may be spoken to without TLS.
    #[serde(default)]
    pub allow_http: bool,
    /// A file with certificates (PEM) of authorities that are trusted besides those of the system.
    pub ca: Option<PathBuf>,
}

impl StoreConnection {
    /// Reads it; `None`: the connection is not by `url`.
    ///
    /// # Errors
    /// `Config`: an unknown key, a value of the wrong type.
    pub fn of(config: &ConnectorConfig) -> Result<Option<StoreConnection>> {
        match config.connection.get("url") {
            Some(_) => parse_section("connection", &config.connection).map(Some),
            None => Ok(None),
        }
    }
}

impl fmt::Debug for StoreConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConnection")
            .field("url", &"***")
            .field("region", &self.region)
            .field("allow_http", &self.allow_http)
            .finish_non_exhaustive()
    }
}

const FORMS: &str = "use one form: `url`, or `host` with `port` and `database`, or `path`";
const HOST_FORM: &str = r#"write `"connection": {"host": "…", "port": …, "database": "…"}`"#;

fn present<'a>(key: &str, value: Option<&'a str>, form: &str) -> Result<&'a str> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| missing(key, form))
}

fn missing(key: &str, form: &str) -> Error {
    Error::config(format!("`connection.{key}` is missing")).hint(form)
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("url", &self.url.as_ref().map(|_| "***"))
            .field("host", &self.host)
            .field("port", &self.port)
            .field("database", &self.database)
            .field("path", &self.path)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_config;
    use serde_json::json;

    fn of(connection: serde_json::Value) -> Result<Connection> {
        Connection::of(&test_config(json!({"connection": connection})))
    }

    #[test]
    fn each_form_is_read() {
        assert_eq!(of(json!({"url": "http://a"})).unwrap().url().unwrap(), "http://a");
        assert_eq!(of(json!({"path": "a/b"})).unwrap().path().unwrap(), Path::new("a/b"));
        let host = of(json!({"host": "db", "port": 1, "database": "d"})).unwrap();
        assert_eq!((host.host().unwrap(), host.port_or(2), host.database().unwrap()), ("db", 1, "d"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let nothing = of(serde_json::Value::Null).unwrap();
        assert_eq!(nothing.path().unwrap_err().to_string(), "`connection.path` is missing");
        assert_eq!(nothing.url().unwrap_err().to_string(), "`connection.url` is missing");
        assert!(of(json!({"path": ""})).unwrap().path().is_err());
    }

    #[test]
    fn two_forms_at_once_are_refused() {
        for mixed in [
            json!({"url": "u", "host": "h"}),
            json!({"url": "u", "path": "p"}),
            json!({"path": "p", "port": 1}),
        ] {
            assert!(of(mixed.clone()).is_err(), "{mixed}");
        }
        assert_eq!(
            of(json!({"hots": "h"})).unwrap_err().to_string(),
            "`connection.hots` is not known here, the nearest known key is `host`"
        );
    }

    #[test]
    fn a_url_is_not_shown() {
        let shown = format!("{:?}", of(json!({"url": "postgres://u:hunter2@h"})).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
