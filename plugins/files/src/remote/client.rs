//! From an address and its auth to a client.

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig};
use std::path::Path;
use std::sync::{Arc, Once};
use std::time::Duration;

use dstream_sdk::{Auth, Error, Result, StoreConnection};

use super::address::{Address, Service};
use crate::shown::shown;

/// A request is tried again so often, and for so long.
const MAX_RETRIES: usize = 6;
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Nothing comes for so long.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// A request takes so long: most for a large object that is copied.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
/// Shorter values of a signed query are dates and versions.
const SHORTEST_SECRET: usize = 16;

/// A client, and what of its auth no message may hold.
pub(super) struct Client {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) secrets: Vec<String>,
}

/// Makes a client. Nothing is asked of the service yet.
///
/// # Errors
/// `Config`: the service does not take this auth, or an address is none.
pub(super) fn client(address: &Address, connection: &StoreConnection, auth: &Auth) -> Result<Client> {
    // TLS is that of the other connectors.
    static TLS: Once = Once::new();
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let endpoint = connection.endpoint.as_deref().filter(|endpoint| !endpoint.is_empty());
    if let Some(endpoint) = endpoint {
        check_endpoint(endpoint, connection.allow_http)?;
    }
    let mut options = ClientOptions::new()
        .with_allow_http(connection.allow_http)
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_read_timeout(READ_TIMEOUT)
        .with_timeout(REQUEST_TIMEOUT);
    if let Some(file) = &connection.ca {
        for authority in authorities(file)? {
            options = options.with_root_certificate(authority);
        }
    }
    let parts = Parts { address, endpoint, region: connection.region.as_deref(), auth, options };
    let mut secrets = secrets_of(auth);
    secrets.extend(address.query.as_deref().map(of_query).unwrap_or_default());
    let store: object_store::Result<Arc<dyn ObjectStore>> = match address.service {
        Service::S3 => parts.s3(),
        Service::Google => parts.google(),
        Service::Azure => parts.azure(),
        Service::Http => {
            if address.bucket.starts_with("http://") && !connection.allow_http {
                return Err(plain_http());
            }
            parts.web()
        }
    }?;
    let store = store.map_err(|error| super::fault::setup(&error, &secrets))?;
    Ok(Client { store, secrets })
}

/// What a client is made of.
struct Parts<'a> {
    address: &'a Address,
    endpoint: Option<&'a str>,
    region: Option<&'a str>,
    auth: &'a Auth,
    options: ClientOptions,
}

type Built = Result<object_store::Result<Arc<dyn ObjectStore>>>;

fn boxed<S: ObjectStore>(store: object_store::Result<S>) -> Built {
    Ok(store.map(|store| Arc::new(store) as Arc<dyn ObjectStore>))
}

impl Parts<'_> {
    fn s3(self) -> Built {
        self.auth.check_is_one_of(&["none", "access_key", "environment"])?;
        let builder = match self.auth {
            Auth::AccessKey(key) => {
                let builder = AmazonS3Builder::new()
                    .with_access_key_id(&key.access_key_id)
                    .with_secret_access_key(key.secret_access_key.expose());
                match &key.session_token {
                    Some(token) => builder.with_token(token.expose()),
                    None => builder,
                }
            }
            Auth::Environment => AmazonS3Builder::from_env(),
            _ => AmazonS3Builder::new().with_skip_signature(true),
        };
        let mut builder = builder
            .with_bucket_name(&self.address.bucket)
            .with_client_options(self.options)
            .with_retry(retry())
            .with_conditional_put(object_store::aws::S3ConditionalPut::ETagMatch);
        if let Some(region) = self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        boxed(builder.build())
    }

    fn google(self) -> Built {
        self.auth.check_is_one_of(&["none", "service_account", "environment"])?;
        let builder = match self.auth {
            Auth::ServiceAccount(account) => {
                GoogleCloudStorageBuilder::new().with_service_account_key(account.key.expose())
            }
            Auth::Environment => GoogleCloudStorageBuilder::from_env(),
            _ => GoogleCloudStorageBuilder::new().with_skip_signature(true),
        };
        let mut builder = builder
            .with_bucket_name(&self.address.bucket)
            .with_client_options(self.options)
            .with_retry(retry());
        if let Some(endpoint) = self.endpoint {
            builder = builder.with_base_url(endpoint);
        }
        boxed(builder.build())
    }

    fn azure(self) -> Built {
        self.auth.check_is_one_of(&["none", "account_key", "sas", "environment"])?;
        let (builder, account) = match self.auth {
            Auth::AccountKey(auth) => {
                (MicrosoftAzureBuilder::new().with_access_key(auth.key.expose()), Some(&auth.account))
            }
            Auth::Sas(auth) => {
                let builder = MicrosoftAzureBuilder::new()
                    .with_config(object_store::azure::AzureConfigKey::SasKey, auth.token.expose());
                (builder, Some(&auth.account))
            }
            Auth::Environment => (MicrosoftAzureBuilder::from_env(), None),
            _ => (MicrosoftAzureBuilder::new().with_skip_signature(true), None),
        };
        let in_url = self.address.account.as_ref();
        if let (Some(account), Some(in_url)) = (account, in_url)
            && account != in_url
        {
            return Err(Error::config("`connection.url` and `auth` name different accounts")
                .hint("write `az://container/…`, or the account of `auth`"));
        }
        let mut builder = builder
            .with_container_name(&self.address.bucket)
            .with_client_options(self.options)
            .with_retry(retry());
        if let Some(account) = account.or(in_url) {
            builder = builder.with_account(account);
        }
        if let Some(endpoint) = self.endpoint {
            builder = builder.with_endpoint(endpoint.to_owned());
        }
        boxed(builder.build())
    }

    fn web(self) -> Built {
        self.auth.check_is_one_of(&["none", "api_key", "bearer", "basic"])?;
        let mut options = self.options;
        if let Some((name, value)) = self.auth.header() {
            let broken =
                |_| Error::config("`auth` cannot be sent as a header").hint("look for line ends in it");
            let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| broken(()))?;
            let mut value = http::HeaderValue::from_str(value.expose()).map_err(|_| broken(()))?;
            value.set_sensitive(true);
            options = options.with_default_headers([(name, value)].into_iter().collect());
        }
        let url = match &self.address.query {
            Some(query) => format!("{}/?{query}", self.address.bucket),
            None => format!("{}/", self.address.bucket),
        };
        boxed(HttpBuilder::new().with_url(url).with_client_options(options).with_retry(retry()).build())
    }
}

fn authorities(file: &Path) -> Result<Vec<Certificate>> {
    let wrong = |what: String| {
        Error::config(format!("`connection.ca`, `{}`, {what}", shown(file)))
            .hint("name a file that begins with `-----BEGIN CERTIFICATE-----`")
    };
    let pem = std::fs::read(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(wrong("has no certificate in it".to_owned())),
    }
}

fn retry() -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(10),
        base: 2.0,
    };
    RetryConfig { backoff, max_retries: MAX_RETRIES, retry_timeout: RETRY_TIMEOUT }
}

fn check_endpoint(endpoint: &str, allow_http: bool) -> Result<()> {
    match endpoint.split_once("://") {
        Some(("https", _)) => Ok(()),
        Some(("http", _)) if allow_http => Ok(()),
        Some(("http", _)) => Err(plain_http()),
        _ => Err(Error::config("`connection.endpoint` is no address of the web")
            .hint("write `https://host` or `https://host:port`")),
    }
}

fn plain_http() -> Error {
    Error::config("the connection is not encrypted, and `connection.allow_http` is not set")
        .hint("write `https://`, or set `\"allow_http\": true` where nobody can listen")
}

/// A signature as a whole, and its long values with and without escapes.
fn of_query(query: &str) -> Vec<String> {
    let query = query.trim_start_matches('?');
    let values = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
    let secret = values.filter(|value| value.len() >= SHORTEST_SECRET);
    let both = secret.flat_map(|value| {
        [value.to_owned(), percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned()]
    });
    [query.to_owned()].into_iter().chain(both).collect()
}

/// A document, and what is secret in it.
fn of_document(document: &str) -> Vec<String> {
    let parsed: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let key = parsed.get("private_key").and_then(|key| key.as_str()).map(str::to_owned);
    [document.to_owned()].into_iter().chain(key).collect()
}

fn secrets_of(auth: &Auth) -> Vec<String> {
    let secrets = match auth {
        Auth::AccessKey(auth) => {
            let token = auth.session_token.iter().map(|token| token.expose().clone());
            [auth.secret_access_key.expose().clone()].into_iter().chain(token).collect()
        }
        Auth::AccountKey(auth) => vec![auth.key.expose().clone()],
        Auth::Sas(auth) => of_query(auth.token.expose()),
        Auth::ServiceAccount(auth) => of_document(auth.key.expose()),
        Auth::ApiKey(auth) => vec![auth.key.expose().clone()],
        Auth::Bearer(auth) => vec![auth.token.expose().clone()],
        Auth::Basic(auth) => vec![auth.password.expose().clone()],
        Auth::None | Auth::OAuth2(_) | Auth::Environment => Vec::new(),
    };
    secrets.into_iter().filter(|secret| !secret.is_empty()).collect()
}
