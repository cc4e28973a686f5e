//! What the url of a connection says: which service, which bucket, what in it.

use dstream_sdk::{Error, Result};

/// Who keeps the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    S3,
    Google,
    Azure,
    /// A web server, of which only single files can be read.
    Http,
}

/// A place in a bucket.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) service: Service,
    /// The bucket or container; of a web server all before the path.
    pub(crate) bucket: String,
    /// The account, where the url names one.
    pub(crate) account: Option<String>,
    /// What comes after the bucket: a key, the beginning of keys, or a glob.
    pub(crate) key: String,
    /// What comes before keys in messages, with a slash at its end.
    pub(crate) shown: String,
    /// What a web server gets besides the path. It may be a signature.
    pub(crate) query: Option<String>,
}

const FORMS: &str = "write `s3://bucket/key`, `gs://bucket/key`, `az://container/key`, \
                     `abfss://container@account.dfs.core.windows.net/key` or `https://host/path`";

impl Address {
    /// Reads a url. Keys stand in it as they are, without escapes; those of web servers as in any url.
    ///
    /// # Errors
    /// `Config`: it is none of those that are known. Messages hold nothing of a query.
    pub(crate) fn parse(url: &str) -> Result<Address> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(Error::config("`connection.url` has no scheme").hint(FORMS));
        };
        let scheme = scheme.to_ascii_lowercase();
        let service = match scheme.as_str() {
            "s3" | "s3a" => Service::S3,
            "gs" => Service::Google,
            "az" | "abfs" | "abfss" => Service::Azure,
            "http" | "https" => Service::Http,
            _ => {
                let scheme = crate::shown::printable(scheme.chars().take(40));
                return Err(Error::config(format!("`connection.url` has the scheme `{scheme}`")).hint(FORMS));
            }
        };
        if service == Service::Http {
            return Address::web(&scheme, rest);
        }
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let (bucket, account) = match bucket.split_once('@') {
            Some((container, host)) if service == Service::Azure => {
                (container, Some(host.split('.').next().unwrap_or_default().to_owned()))
            }
            _ => (bucket, None),
        };
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.$".contains(&byte))
        };
        if !is_name(bucket) || account.as_deref().is_some_and(|account| !is_name(account)) {
            return Err(
                Error::config("`connection.url` has no name of a bucket behind its scheme").hint(FORMS)
            );
        }
        let shown = match &account {
            Some(account) => format!("{scheme}://{bucket}@{account}.dfs.core.windows.net/"),
            None => format!("{scheme}://{bucket}/"),
        };
        Ok(Address { service, bucket: bucket.to_owned(), account, key: key.to_owned(), shown, query: None })
    }

    fn web(scheme: &str, rest: &str) -> Result<Address> {
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query.to_owned())),
            None => (rest, None),
        };
        let (host, key) = rest.split_once('/').unwrap_or((rest, ""));
        if host.contains('@') {
            return Err(Error::config("`connection.url` has a user").hint("leave it out and set `auth`"));
        }
        if host.is_empty() || key.is_empty() {
            return Err(Error::config("`connection.url` names no file of a web server")
                .hint("write `https://host/path/file.csv`"));
        }
        let bucket = format!("{scheme}://{host}");
        let shown = format!("{bucket}/");
        Ok(Address { service: Service::Http, bucket, account: None, key: key.to_owned(), shown, query })
    }

    /// The whole name, for messages.
    pub(crate) fn shown_key(&self, key: &str) -> String {
        crate::shown::printable(self.shown.chars().chain(key.chars()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_service_bucket_and_key() {
        for (url, service, bucket, key) in [
            ("s3://b/a/*.parquet", Service::S3, "b", "a/*.parquet"),
            ("s3a://b", Service::S3, "b", ""),
            ("S3://b/a b%20c", Service::S3, "b", "a b%20c"),
            ("gs://b/", Service::Google, "b", ""),
            ("az://c/x", Service::Azure, "c", "x"),
            ("abfss://c@acc.dfs.core.windows.net/x/y", Service::Azure, "c", "x/y"),
            ("https://h:1/a/b.csv?sig=secret#x", Service::Http, "https://h:1", "a/b.csv"),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(
                (address.service, address.bucket.as_str(), address.key.as_str()),
                (service, bucket, key)
            );
            assert!(!address.shown_key(&address.key).contains("secret"));
        }
        let azure = Address::parse("abfss://c@acc.dfs.core.windows.net/x").unwrap();
        assert_eq!(azure.account.as_deref(), Some("acc"));
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_shown() {
        for url in [
            "b/x",
            "ftp://b/x",
            "s3:///x",
            "s3://u:hunter2@b/x",
            "https://u:hunter2@h/x",
            "https://h",
            "https:///x",
        ] {
            let error = Address::parse(url).err().unwrap();
            assert_eq!(error.kind(), dstream_sdk::ErrorKind::Config, "{url}");
            assert!(!format!("{error:?}").contains("hunter2"), "{url}");
        }
    }
}
