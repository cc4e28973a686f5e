//! The `connection`: by URL, by host, or by path.

use dstream_abi::{Error, Result};
use serde_json::{Map, Value, json};
use std::path::Path;

use super::section::Section;
use super::{Secrets, list};

const FORMS: &[(&str, &[&str])] = &[
    ("url", &["url", "endpoint", "region", "allow_http", "ca"]),
    ("host", &["host", "port", "database"]),
    ("path", &["path"]),
];
const KEYS: &[&str] = &["url", "endpoint", "region", "allow_http", "ca", "host", "port", "database", "path"];
/// Parts of a name in the query of a URL whose value is a secret.
const SECRET_PARAMETERS: &[&str] =
    &["password", "passwd", "pwd", "token", "secret", "key", "signature", "sig"];

/// Checks the form and that the connector takes it; a port that was a reference becomes a number.
pub(super) fn check(
    connection: Option<Map<String, Value>>,
    takes: &[String],
    type_name: &str,
) -> Result<Value> {
    let taken = || match takes {
        [] => format!("type `{type_name}` needs no connection: take `connection` out"),
        forms => format!("type `{type_name}` is connected by {}", list(forms.iter().map(String::as_str))),
    };
    let Some(mut connection) = connection else {
        if takes.is_empty() {
            return Ok(Value::Null);
        }
        return Err(Error::config("`connection` is missing").hint(taken()));
    };
    if takes.is_empty() && connection.is_empty() {
        return Ok(Value::Null);
    }
    let form = check_form(&connection)?;
    if !takes.iter().any(|name| name == form) {
        return Err(Error::config(format!(
            "`connection` is by `{form}`, which type `{type_name}` does not take"
        ))
        .hint(taken()));
    }
    if let Some(port) = connection.get_mut("port").filter(|port| !port.is_null()) {
        *port = check_port(port)?.into();
    }
    connection.retain(|_, value| !value.is_null());
    Ok(Value::Object(connection))
}

fn check_form(connection: &Map<String, Value>) -> Result<&'static str> {
    let section = Section::new("connection", connection);
    section.check_keys(KEYS, "")?;
    let present: Vec<_> = FORMS.iter().filter(|(form, _)| section.get(form).is_some()).collect();
    let hint = "write one of `{\"url\": …}`, `{\"host\": …, \"port\": …, \"database\": …}`, `{\"path\": …}`";
    let (form, keys) = match present.as_slice() {
        [one] => **one,
        [] => return Err(Error::config("`connection` has none of `url`, `host`, `path`").hint(hint)),
        several => {
            let names = list(several.iter().map(|(form, _)| *form));
            return Err(Error::config(format!("`connection` has more than one of {names}")).hint(hint));
        }
    };
    if let Some(stray) = KEYS.iter().find(|key| section.get(key).is_some() && !keys.contains(key)) {
        let of = FORMS.iter().find(|(_, keys)| keys.contains(stray)).map_or("host", |(form, _)| form);
        return Err(
            Error::config(format!("`connection.{stray}` goes with `{of}`, found `{form}`")).hint(hint)
        );
    }
    section.required_text(form)?;
    for key in ["database", "endpoint", "region"] {
        section.text(key)?;
    }
    Ok(form)
}

fn check_port(port: &Value) -> Result<u16> {
    let number = match port {
        Value::Number(number) => number.as_u64(),
        // A reference: it can only be text.
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0).ok_or_else(|| {
        let found = match port {
            Value::Number(number) => number.to_string(),
            other => super::type_name(other).to_owned(),
        };
        Error::config(format!("`connection.port` must be a number from 1 to 65535, found {found}"))
    })
}

/// What is secret in a URL: the password of its user, or in one for the web a user that is a token, and query values that
/// are named so.
pub(super) fn add_url_secrets(url: &str, secrets: &mut Secrets) {
    let Some((scheme, rest)) = url.split_once("://") else { return };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some((user_info, _)) = authority.rsplit_once('@') {
        match user_info.split_once(':') {
            Some((_, password)) => add_encoded(password, secrets),
            // The user of a database is a name, and stands in many other words.
            None if scheme.starts_with("http") => add_encoded(user_info, secrets),
            None => {}
        }
    }
    for (name, value) in query(url) {
        if is_secret_parameter(name) {
            add_encoded(value, secrets);
        }
    }
}

fn add_encoded(value: &str, secrets: &mut Secrets) {
    secrets.add(value);
    secrets.add(&decode(value));
}

fn query(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    query.split('&').filter_map(|pair| pair.split_once('='))
}

fn is_secret_parameter(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_PARAMETERS.iter().any(|part| name.contains(part))
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The connection as it identifies a system: paths from the root, URLs without users and secrets.
pub(super) fn identity(connection: &Value) -> Value {
    let text = |key: &str| connection.get(key).and_then(Value::as_str);
    if let Some(path) = text("path") {
        return json!({ "path": real_path(Path::new(path)).display().to_string() });
    }
    if let Some(url) = text("url") {
        // A bucket of one name is another one elsewhere.
        return match text("endpoint") {
            Some(endpoint) => json!({ "url": public_url(url), "endpoint": public_url(endpoint) }),
            None => json!({ "url": public_url(url) }),
        };
    }
    let mut host = Map::new();
    for key in ["host", "port", "database"] {
        if let Some(value) = connection.get(key).filter(|value| !value.is_null()) {
            host.insert(key.to_owned(), value.clone());
        }
    }
    Value::Object(host)
}

/// The path with links followed as far as it exists, so that one file has one identity.
fn real_path(path: &Path) -> std::path::PathBuf {
    if let Ok(real) = std::fs::canonicalize(path) {
        return real;
    }
    let path = super::absolute(path);
    match (path.parent().and_then(|parent| std::fs::canonicalize(parent).ok()), path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => path,
    }
}

fn public_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (path, query_text) = rest.split_once('?').unwrap_or((rest, ""));
    let public: Vec<String> = query(&format!("?{query_text}"))
        .filter(|(name, _)| !is_secret_parameter(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let query = if public.is_empty() { String::new() } else { format!("?{}", public.join("&")) };
    format!("{scheme}://{host}{path}{query}")
}
