//! The `auth`: who asks.

use dstream_abi::{Error, Result};
use serde_json::{Map, Value};

use super::section::Section;
use super::{Secrets, connection, hint_for, list};

struct Form {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

const FORMS: &[Form] = &[
    Form { name: "none", required: &[], optional: &[] },
    Form { name: "api_key", required: &["key"], optional: &["header"] },
    Form { name: "bearer", required: &["token"], optional: &[] },
    Form { name: "basic", required: &["username", "password"], optional: &[] },
    Form {
        name: "oauth2",
        required: &["client_id", "client_secret", "token_url"],
        optional: &["scope", "refresh_token"],
    },
    Form {
        name: "access_key",
        required: &["access_key_id", "secret_access_key"],
        optional: &["session_token"],
    },
    Form { name: "account_key", required: &["account", "key"], optional: &[] },
    Form { name: "sas", required: &["account", "token"], optional: &[] },
    Form { name: "service_account", required: &["key"], optional: &[] },
    Form { name: "environment", required: &[], optional: &[] },
];
const DEFAULT_HEADER: &str = "X-API-Key";
const SECRET_KEYS: &[&str] =
    &["key", "token", "password", "client_secret", "refresh_token", "secret_access_key", "session_token"];

/// Checks the form and that the connector takes it, and fills in what has a default.
pub(super) fn check(auth: Option<Map<String, Value>>, takes: &[String], type_name: &str) -> Result<Value> {
    let Some(mut auth) = auth else { return Ok(Value::Null) };
    let section = Section::new("auth", &auth);
    let names = || FORMS.iter().map(|form| form.name);
    let name = match section.text("type")? {
        Some(name) => name,
        None => {
            return Err(
                Error::config("`auth.type` is missing").hint(format!("it is one of {}", list(names())))
            );
        }
    };
    let Some(form) = FORMS.iter().find(|form| form.name == name) else {
        return Err(Error::config(format!("`auth.type` does not take `{name}`")).hint(hint_for(
            "types",
            name,
            names().collect::<Vec<_>>(),
        )));
    };
    let known: Vec<&str> = [&["type"], form.required, form.optional].concat();
    section.check_keys(&known, "")?;
    for key in form.required {
        // An empty password is a password; every other key has to say something.
        match section.text(key)? {
            Some("") if *key != "password" => {
                return Err(Error::config(format!("`auth.{key}` is empty")));
            }
            Some(_) => {}
            None => {
                return Err(Error::config(format!("`auth.{key}` is missing"))
                    .hint(format!("`{name}` needs {}", list(form.required.iter().copied()))));
            }
        }
    }
    for key in form.optional {
        section.text(key)?;
    }
    if name != "none" && !takes.iter().any(|taken| taken == name) {
        let hint = match takes {
            [] => format!("type `{type_name}` takes no auth: take `auth` out"),
            takes => format!("it takes `none`, {}", list(takes.iter().map(String::as_str))),
        };
        return Err(
            Error::config(format!("`auth` is `{name}`, which type `{type_name}` does not take")).hint(hint)
        );
    }
    if name == "api_key" && section.get("header").is_none() {
        auth.insert("header".to_owned(), DEFAULT_HEADER.into());
    }
    auth.retain(|_, value| !value.is_null());
    Ok(Value::Object(auth))
}

pub(super) fn add_secrets(auth: &Map<String, Value>, secrets: &mut Secrets) {
    for key in SECRET_KEYS {
        if let Some(value) = auth.get(*key).and_then(Value::as_str) {
            secrets.add(value);
        }
    }
    if let Some(url) = auth.get("token_url").and_then(Value::as_str) {
        connection::add_url_secrets(url, secrets);
    }
}
