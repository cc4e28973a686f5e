//! Who asks: the `auth` of a config.

use base64::Engine;
use serde::Deserialize;
use serde_json::Value;

use crate::options::parse_section;
use crate::{ConnectorConfig, Error, Result, Secret};

/// The `auth` of a config.
///
/// ```
/// use dstream_sdk::{Auth, serde_json::{self, json}};
/// let config = serde_json::from_value(json!({
///     "name": "shop", "type": "rest-api", "auth": {"type": "bearer", "token": "t"}
/// })).unwrap();
/// let auth = Auth::of(&config).unwrap();
/// auth.check_is_one_of(&["none", "bearer"]).unwrap();
/// let (header, value) = auth.header().unwrap();
/// assert_eq!((header.as_str(), value.expose().as_str()), ("authorization", "Bearer t"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `{"type": "none"}`, or no `auth` at all.
    None,
    /// `{"type": "api_key", "key": …, "header": …}`.
    ApiKey(ApiKey),
    /// `{"type": "bearer", "token": …}`.
    Bearer(Bearer),
    /// `{"type": "basic", "username": …, "password": …}`.
    Basic(Basic),
    /// `{"type": "oauth2", "client_id": …, "client_secret": …, "token_url": …, …}`.
    OAuth2(OAuth2),
    /// `{"type": "access_key", "access_key_id": …, "secret_access_key": …}`.
    AccessKey(AccessKey),
    /// `{"type": "account_key", "account": …, "key": …}`.
    AccountKey(AccountKey),
    /// `{"type": "sas", "account": …, "token": …}`.
    Sas(Sas),
    /// `{"type": "service_account", "key": …}`.
    ServiceAccount(ServiceAccount),
    /// `{"type": "environment"}`: what the environment or the machine that this runs on says.
    Environment,
}

/// A key sent in a header.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// The key.
    pub key: Secret<String>,
    /// The header it is sent in. Default `X-API-Key`.
    #[serde(default = "default_header")]
    pub header: String,
}

/// A token sent as `Authorization: Bearer`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bearer {
    /// The token.
    pub token: Secret<String>,
}

/// A user and a password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
}

/// A client that gets tokens from `token_url`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret<String>,
    /// Where tokens are given out.
    pub token_url: String,
    /// What the token is for.
    pub scope: Option<String>,
    /// Set: the grant is `refresh_token`, else `client_credentials`.
    pub refresh_token: Option<Secret<String>>,
}

/// A key pair, such as that of S3.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKey {
    /// The name of the pair.
    pub access_key_id: String,
    /// Its secret half.
    pub secret_access_key: Secret<String>,
    /// Of a pair that holds for some time.
    pub session_token: Option<Secret<String>>,
}

/// An account and its key, such as those of Azure.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountKey {
    /// The account.
    pub account: String,
    /// Its key.
    pub key: Secret<String>,
}

/// A shared access signature of Azure.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sas {
    /// The account that it is of.
    pub account: String,
    /// The signature: a query, with or without the `?` before it.
    pub token: Secret<String>,
}

/// A service account of Google.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccount {
    /// The JSON document of its key.
    pub key: Secret<String>,
}

fn default_header() -> String {
    "X-API-Key".to_owned()
}

const TYPES: [&str; 10] = [
    "none",
    "api_key",
    "bearer",
    "basic",
    "oauth2",
    "access_key",
    "account_key",
    "sas",
    "service_account",
    "environment",
];

impl Auth {
    /// Reads it.
    ///
    /// # Errors
    /// `Config`: an unknown type or key, a missing one, a value of the wrong type.
    pub fn of(config: &ConnectorConfig) -> Result<Auth> {
        let mut keys = match &config.auth {
            Value::Null => return Ok(Auth::None),
            Value::Object(keys) => keys.clone(),
            _ => {
                return Err(
                    Error::config("`auth` must be an object").hint(r#"write `"auth": {"type": "none"}`"#)
                );
            }
        };
        let takes = || format!("it takes {}", TYPES.map(|name| format!("`{name}`")).join(", "));
        let name = match keys.shift_remove("type") {
            Some(Value::String(name)) => name,
            Some(_) => return Err(Error::config("`auth.type` must be text").hint(takes())),
            None => return Err(Error::config("`auth.type` is missing").hint(takes())),
        };
        let keys = Value::Object(keys);
        Ok(match name.as_str() {
            "none" => {
                parse_section::<Nothing>("auth", &keys)?;
                Auth::None
            }
            "api_key" => Auth::ApiKey(parse_section("auth", &keys)?),
            "bearer" => Auth::Bearer(parse_section("auth", &keys)?),
            "basic" => Auth::Basic(parse_section("auth", &keys)?),
            "oauth2" => Auth::OAuth2(parse_section("auth", &keys)?),
            "access_key" => Auth::AccessKey(parse_section("auth", &keys)?),
            "account_key" => Auth::AccountKey(parse_section("auth", &keys)?),
            "sas" => Auth::Sas(parse_section("auth", &keys)?),
            "service_account" => Auth::ServiceAccount(parse_section("auth", &keys)?),
            "environment" => {
                parse_section::<Nothing>("auth", &keys)?;
                Auth::Environment
            }
            other => return Err(Error::config(format!("`auth.type` does not take `{other}`")).hint(takes())),
        })
    }

    /// The word in `auth.type`.
    pub fn name(&self) -> &'static str {
        match self {
            Auth::None => "none",
            Auth::ApiKey(_) => "api_key",
            Auth::Bearer(_) => "bearer",
            Auth::Basic(_) => "basic",
            Auth::OAuth2(_) => "oauth2",
            Auth::AccessKey(_) => "access_key",
            Auth::AccountKey(_) => "account_key",
            Auth::Sas(_) => "sas",
            Auth::ServiceAccount(_) => "service_account",
            Auth::Environment => "environment",
        }
    }

    /// Checks that the connector takes this type of auth.
    ///
    /// # Errors
    /// `Config`: it does not.
    pub fn check_is_one_of(&self, names: &[&str]) -> Result<()> {
        if names.contains(&self.name()) {
            return Ok(());
        }
        let takes = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        Err(Error::config(format!("`auth.type` is `{}`, which this connector does not take", self.name()))
            .hint(format!("it takes {takes}")))
    }

    /// The header of an HTTP request, name in lower case; `None` for `none`, for `oauth2`, whose token has to be fetched
    /// first, and for those that sign each request.
    pub fn header(&self) -> Option<(String, Secret<String>)> {
        let authorization = |value| Some(("authorization".to_owned(), Secret::new(value)));
        match self {
            Auth::None
            | Auth::OAuth2(_)
            | Auth::AccessKey(_)
            | Auth::AccountKey(_)
            | Auth::Sas(_)
            | Auth::ServiceAccount(_)
            | Auth::Environment => None,
            Auth::ApiKey(auth) => Some((auth.header.to_lowercase(), auth.key.clone())),
            Auth::Bearer(auth) => authorization(format!("Bearer {}", auth.token.expose())),
            Auth::Basic(auth) => {
                let pair = format!("{}:{}", auth.username, auth.password.expose());
                authorization(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_config;
    use serde_json::json;

    fn of(auth: Value) -> Result<Auth> {
        Auth::of(&test_config(json!({"auth": auth})))
    }

    #[test]
    fn every_type_is_read() {
        assert_eq!(of(Value::Null).unwrap(), Auth::None);
        for (auth, header) in [
            (json!({"type": "none"}), None),
            (json!({"type": "api_key", "key": "k"}), Some(("x-api-key", "k"))),
            (json!({"type": "api_key", "key": "k", "header": "K"}), Some(("k", "k"))),
            (json!({"type": "bearer", "token": "t"}), Some(("authorization", "Bearer t"))),
            (
                json!({"type": "basic", "username": "u", "password": "p"}),
                Some(("authorization", "Basic dTpw")),
            ),
            (json!({"type": "oauth2", "client_id": "c", "client_secret": "s", "token_url": "u"}), None),
            (json!({"type": "access_key", "access_key_id": "i", "secret_access_key": "s"}), None),
            (json!({"type": "account_key", "account": "a", "key": "k"}), None),
            (json!({"type": "sas", "account": "a", "token": "t"}), None),
            (json!({"type": "service_account", "key": "{}"}), None),
            (json!({"type": "environment"}), None),
        ] {
            let read = of(auth.clone()).unwrap();
            let got = read.header().map(|(name, value)| (name, value.expose().clone()));
            assert_eq!(got, header.map(|(name, value)| (name.to_owned(), value.to_owned())), "{auth}");
            assert_eq!(read.name(), auth["type"]);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (auth, message) in [
            (json!({}), "`auth.type` is missing"),
            (json!("t"), "`auth` must be an object"),
            (json!({"type": "magic"}), "`auth.type` does not take `magic`"),
            (json!({"type": "bearer"}), "`auth.token` is missing"),
            (
                json!({"type": "basic", "user": "u", "password": "p"}),
                "`auth.user` is not known here, the nearest known key is `username`",
            ),
            (json!({"type": "none", "token": "t"}), "`auth.token` is not known here"),
        ] {
            assert_eq!(of(auth.clone()).unwrap_err().to_string(), message, "{auth}");
        }
    }

    #[test]
    fn a_type_that_is_not_taken_is_refused_by_name() {
        let error = of(json!({"type": "bearer", "token": "t"}))
            .unwrap()
            .check_is_one_of(&["none", "basic"])
            .unwrap_err();
        assert_eq!(error.to_string(), "`auth.type` is `bearer`, which this connector does not take");
        assert_eq!(error.hint_text(), Some("it takes `none`, `basic`"));
    }

    #[test]
    fn no_secret_is_shown() {
        let auth = of(json!({"type": "basic", "username": "u", "password": "hunter2"})).unwrap();
        assert!(!format!("{auth:?} {:?}", auth.header()).contains("hunter2"));
    }
}
