//! Where the server is and who asks: from `connection`, `auth`, options, a URL, a service file and a password file.

use dstream_sdk::{Auth, Connection, ConnectorConfig, Error, Result, Secret};
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

use super::files::{find_password, read_service};

/// How the connection is kept from others' eyes. The words are those of libpq.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsOptions {
    /// `disable`, `prefer`, `require`, `verify-ca` or `verify-full`. Default `verify-full`, and `prefer` where the server
    /// is on this machine.
    #[serde(default)]
    sslmode: Option<SslMode>,
    /// File with the certificates of the authorities that are trusted (PEM). Default: those of the system.
    #[serde(default)]
    sslrootcert: Option<PathBuf>,
    /// File with the certificate of the client (PEM).
    #[serde(default)]
    sslcert: Option<PathBuf>,
    /// File with the key of the client (PEM).
    #[serde(default)]
    sslkey: Option<PathBuf>,
}

/// How long to wait, in milliseconds; 0: as long as it takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TimeoutOptions {
    /// For a connection, until it is ready. Default 10000.
    connect_ms: u64,
    /// Without a byte from the server. Then it is asked over another connection whether it is still at work; where it
    /// is not, or cannot be reached, the connection is given up. Default 60000.
    network_ms: u64,
    /// For one statement. The server ends it. Default 0.
    statement_ms: u64,
    /// For a lock that another session holds. Default 30000.
    lock_ms: u64,
}

impl Default for TimeoutOptions {
    fn default() -> TimeoutOptions {
        TimeoutOptions { connect_ms: 10_000, network_ms: 60_000, statement_ms: 0, lock_ms: 30_000 }
    }
}

/// How much is checked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SslMode {
    /// No TLS.
    Disable,
    /// TLS where the server offers it; its certificate is not checked.
    Prefer,
    /// TLS; the certificate is checked only where `sslrootcert` is set.
    Require,
    /// TLS, and the certificate is by an authority that is trusted.
    VerifyCa,
    /// As `verify-ca`, and it is for this host.
    VerifyFull,
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Tcp(String),
    /// The folder of its socket.
    Unix(PathBuf),
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Host::Tcp(name) => f.write_str(name),
            Host::Unix(folder) => write!(f, "{}", folder.display()),
        }
    }
}

/// What the code uses.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) password: Option<Secret<String>>,
    pub(crate) sslmode: SslMode,
    pub(crate) sslrootcert: Option<PathBuf>,
    pub(crate) sslcert: Option<PathBuf>,
    pub(crate) sslkey: Option<PathBuf>,
    pub(crate) connect_timeout: Duration,
    pub(crate) network_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    pub(crate) lock_timeout: Duration,
    /// What the server's lists of sessions show.
    pub(crate) application_name: String,
}

/// Settings by their name in libpq, whoever named them.
pub(crate) type Words = std::collections::BTreeMap<String, String>;

impl Settings {
    /// Reads what the user wrote, the service file that it names, and the password file.
    ///
    /// # Errors
    /// `Config`: it cannot be meant.
    pub(crate) fn read(
        config: &ConnectorConfig,
        tls: &TlsOptions,
        timeouts: &TimeoutOptions,
        service: Option<&str>,
    ) -> Result<Settings> {
        let mut words = Words::new();
        let connection = Connection::of(config)?;
        if connection.has_path() {
            return Err(Error::config("a PostgreSQL server has no `path`").hint(FORM));
        }
        if connection.has_url() {
            words = words_of_url(connection.url()?)?;
        } else if !config.connection.is_null() {
            if let Ok(host) = connection.host() {
                words.insert("host".into(), host.into());
            }
            if let Ok(database) = connection.database() {
                words.insert("dbname".into(), database.into());
            }
            if config.connection.get("port").is_some() {
                words.insert("port".into(), connection.port_or(5432).to_string());
            }
        }
        if let Some(service) = service.map(str::to_owned).or_else(|| words.remove("service")) {
            for (word, value) in read_service(&service)? {
                words.entry(word).or_insert(value);
            }
        }
        match Auth::of(config)? {
            Auth::None => {}
            Auth::Basic(basic) => {
                words.insert("user".into(), basic.username);
                words.insert("password".into(), basic.password.expose().clone());
            }
            other => other.check_is_one_of(&["none", "basic"])?,
        }
        Settings::of_words(config, words, tls, timeouts)
    }

    fn of_words(
        config: &ConnectorConfig,
        mut words: Words,
        tls: &TlsOptions,
        timeouts: &TimeoutOptions,
    ) -> Result<Settings> {
        let host = words.remove("host").filter(|host| !host.is_empty()).ok_or_else(|| {
            Error::config("`connection.host` is missing: which server is meant is not known").hint(FORM)
        })?;
        let host = match host.starts_with('/') {
            true => Host::Unix(host.into()),
            false => Host::Tcp(host),
        };
        let port = words.remove("port").map_or(Ok(5432), |port| {
            port.parse().map_err(|_| Error::config(format!("`{port}` is no port")).hint(FORM))
        })?;
        let user = words.remove("user").ok_or_else(|| {
            Error::config("no user is named to log in with")
                .hint(r#"write `"auth": {"type": "basic", "username": "…", "password": "…"}`"#)
        })?;
        let database = words.remove("dbname").unwrap_or_else(|| user.clone());
        let given = words.remove("password").filter(|password| !password.is_empty()).map(Secret::new);
        let password = match given {
            Some(password) => Some(password),
            None => find_password(&host.to_string(), port, &database, &user, words.remove("passfile"))?,
        };
        let is_here = is_loopback(&host);
        let mode = match (tls.sslmode, words.remove("sslmode")) {
            (Some(mode), _) => mode,
            (None, Some(word)) => serde_json::from_value(word.clone().into()).map_err(|_| {
                Error::config(format!("`sslmode` does not take `{word}`"))
                    .hint("it takes `disable`, `prefer`, `require`, `verify-ca` and `verify-full`")
            })?,
            (None, None) if is_here => SslMode::Prefer,
            (None, None) => SslMode::VerifyFull,
        };
        let mut file = |option: &Option<PathBuf>, word: &str| {
            let named = words.remove(word).map(PathBuf::from);
            option.clone().or(named).filter(|path| path.as_os_str() != "system")
        };
        let (sslrootcert, sslcert, sslkey) = (
            file(&tls.sslrootcert, "sslrootcert"),
            file(&tls.sslcert, "sslcert"),
            file(&tls.sslkey, "sslkey"),
        );
        let connect_s = words.remove("connect_timeout").and_then(|seconds| seconds.parse::<u64>().ok());
        for known in ["application_name", "client_encoding", "options", "channel_binding", "passfile"] {
            words.remove(known);
        }
        if let Some(unknown) = words.keys().next() {
            return Err(Error::config(format!("the connection setting `{unknown}` is not known here"))
                .hint("take it out of the URL or the service file, or use the option `tls` or `timeouts`"));
        }
        let or_for_ever = |ms: u64| if ms == 0 { Duration::MAX } else { Duration::from_millis(ms) };
        Ok(Settings {
            host,
            port,
            database,
            user,
            password,
            sslmode: mode,
            sslrootcert,
            sslcert,
            sslkey,
            connect_timeout: or_for_ever(connect_s.map_or(timeouts.connect_ms, |seconds| seconds * 1000)),
            network_timeout: or_for_ever(timeouts.network_ms),
            statement_timeout: or_for_ever(timeouts.statement_ms),
            lock_timeout: or_for_ever(timeouts.lock_ms),
            application_name: format!("dstreams {}", config.name),
        })
    }

    /// Which server and database, for messages.
    pub(crate) fn place(&self) -> String {
        format!("`{}` at {}:{}", self.database, self.host, self.port)
    }
}

const FORM: &str = r#"write `"connection": {"host": "…", "port": 5432, "database": "…"}` or `"connection": {"url": "postgresql://…"}`"#;

/// Nobody else listens in between.
fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            let name = name.trim_start_matches('[').trim_end_matches(']');
            let address = name.parse::<std::net::IpAddr>();
            name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
        }
    }
}

/// `postgresql://user:password@host:port/database?word=value&…`
fn words_of_url(url: &str) -> Result<Words> {
    // The URL may hold a password: no message quotes it.
    let wrong = |what: &str| Error::config(format!("`connection.url` {what}")).hint(FORM);
    let rest = url
        .strip_prefix("postgresql://")
        .or_else(|| url.strip_prefix("postgres://"))
        .ok_or_else(|| wrong("does not begin with `postgresql://`"))?;
    let decode = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .map(|text| text.into_owned())
            .map_err(|_| wrong("holds percent signs that do not make UTF-8"))
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (who, place) = place.rsplit_once('@').unwrap_or(("", place));
    let (user, password) = who.split_once(':').unwrap_or((who, ""));
    if place.contains(',') {
        return Err(wrong("names several hosts: name one"));
    }
    let (host, port) = match place.rfind(']') {
        Some(end) => (&place[..=end], place[end + 1..].strip_prefix(':').unwrap_or("")),
        None => place.rsplit_once(':').unwrap_or((place, "")),
    };
    let mut words = Words::new();
    for (word, value) in
        [("host", host), ("port", port), ("dbname", database), ("user", user), ("password", password)]
    {
        if !value.is_empty() {
            words.insert(word.to_owned(), decode(value)?);
        }
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (word, value) = pair.split_once('=').ok_or_else(|| wrong("has a word without `=` after `?`"))?;
        words.insert(decode(word)?, decode(value)?);
    }
    Ok(words)
}

#[cfg(test)]
mod tests;
