//! Changing how a stream is read: `dstreams catalog set`.

use dstream_abi::{Error, ReplicationMethod, Result};
use serde_json::{Value, json};

use super::document::key;
use super::{CatalogFile, StreamEntry};
use crate::config::{hint_for, list};

/// What is to change; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamSettings {
    /// How it is kept up to date. Left out with a replication key on a full table: `Incremental` is meant.
    pub replication_method: Option<ReplicationMethod>,
    /// The column it follows.
    pub replication_key: Option<String>,
    /// The columns that identify a record.
    pub key_properties: Vec<String>,
}

impl CatalogFile {
    /// Changes how one stream is read.
    ///
    /// # Errors
    /// `Config`: no such stream or column, or a method that the tap does not offer for it.
    pub fn set(&mut self, stream: &str, settings: &StreamSettings) -> Result<()> {
        let Some(name) = self.find_stream(stream).map(|found| found.name().to_owned()) else {
            return Err(Error::config(format!("there is no stream `{stream}` in the catalog"))
                .hint(hint_for("streams", stream, self.names())));
        };
        let entry = self.streams.iter_mut().find(|entry| entry.name() == name);
        let entry = entry.ok_or_else(|| Error::bug("a stream that was found is gone"))?;
        entry.set(settings).map_err(|error| error.stream(name))
    }
}

impl StreamEntry {
    fn set(&mut self, settings: &StreamSettings) -> Result<()> {
        let replication_key = settings.replication_key.as_deref();
        for column in settings.key_properties.iter().map(String::as_str).chain(replication_key) {
            self.check_column(column)?;
        }
        let method = match (settings.replication_method, replication_key) {
            (Some(method), _) => method,
            (None, Some(_)) => ReplicationMethod::Incremental,
            (None, None) => self.method()?,
        };
        if settings.replication_method.is_some() || replication_key.is_some() {
            self.check_offered(method)?;
            self.check_replication_key(method, replication_key)?;
        }
        if self.metadata.is_empty() {
            self.metadata_mut(&[]).insert(key::SELECTED.into(), true.into());
        }
        if settings.replication_method.is_some() || replication_key.is_some() {
            self.metadata_mut(&[]).insert(key::METHOD.into(), method.to_string().into());
            self.replication_method = Some(method.to_string());
        }
        if let Some(column) = replication_key {
            self.metadata_mut(&[]).insert(key::REPLICATION_KEY.into(), column.into());
            self.replication_key = Some(column.to_owned());
        }
        if !settings.key_properties.is_empty() {
            self.set_keys(&settings.key_properties);
        }
        Ok(())
    }

    fn check_offered(&self, method: ReplicationMethod) -> Result<()> {
        let offered = self.offered_methods()?;
        match offered {
            Some(offered) if !offered.contains(&method) => {
                let names: Vec<String> = offered.iter().map(ToString::to_string).collect();
                Err(Error::config(format!("the tap does not offer the replication method {method} for it"))
                    .hint(format!("it offers {}", list(names.iter().map(String::as_str)))))
            }
            _ => Ok(()),
        }
    }

    fn check_replication_key(&self, method: ReplicationMethod, column: Option<&str>) -> Result<()> {
        let valid = self.valid_replication_keys();
        let names = list(valid.iter().map(String::as_str));
        match (method, column) {
            (ReplicationMethod::Incremental, Some(column)) => {
                let is_ours = self.value(&[], key::OFFERED_METHODS).is_some();
                if valid.is_empty() && is_ours {
                    return Err(Error::config(
                        "the tap follows a position of its own and takes no replication key",
                    )
                    .hint("leave out `--replication-key`"));
                }
                if !valid.is_empty() && !valid.iter().any(|name| name == column) {
                    return Err(Error::config(format!("`{column}` cannot be the replication key"))
                        .hint(format!("it can be one of {names}")));
                }
                Ok(())
            }
            (ReplicationMethod::Incremental, None) => {
                if !valid.is_empty() && self.chosen_replication_key().is_none() {
                    return Err(Error::config("INCREMENTAL needs a replication key")
                        .hint(format!("add `--replication-key` with one of {names}")));
                }
                Ok(())
            }
            (_, Some(column)) => {
                Err(Error::config(format!("{method} follows no replication key, found `{column}`"))
                    .hint("leave out `--replication-key`, or choose INCREMENTAL"))
            }
            (_, None) => Ok(()),
        }
    }

    pub(super) fn set_keys(&mut self, keys: &[String]) {
        let before = self.keys();
        self.metadata_mut(&[]).insert(key::TABLE_KEYS.into(), json!(keys));
        self.key_properties = Some(keys.to_vec());
        let mut include = |column: &str, inclusion: &str| {
            self.metadata_mut(&["properties", column]).insert(key::INCLUSION.into(), Value::from(inclusion));
        };
        before.iter().filter(|column| !keys.contains(column)).for_each(|column| include(column, "available"));
        keys.iter().for_each(|column| include(column, "automatic"));
    }
}
