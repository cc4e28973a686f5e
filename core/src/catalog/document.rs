//! The catalog file as it stands: Singer's keys, and everything that other tools added, kept.

use dstream_abi::{Error, ReplicationMethod, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Metadata keys, as Singer spells them.
pub(super) mod key {
    pub(crate) const SELECTED: &str = "selected";
    pub(crate) const SELECTED_BY_DEFAULT: &str = "selected-by-default";
    pub(crate) const INCLUSION: &str = "inclusion";
    pub(crate) const TABLE_KEYS: &str = "table-key-properties";
    pub(crate) const VIEW_KEYS: &str = "view-key-properties";
    pub(crate) const METHOD: &str = "replication-method";
    pub(crate) const FORCED_METHOD: &str = "forced-replication-method";
    pub(crate) const REPLICATION_KEY: &str = "replication-key";
    pub(crate) const VALID_REPLICATION_KEYS: &str = "valid-replication-keys";
    pub(crate) const ROW_COUNT: &str = "row-count";
    /// The methods that the tap offers: Singer has no word for them.
    pub(crate) const OFFERED_METHODS: &str = "x-dstreams.replication-methods";
}

/// A catalog file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CatalogFile {
    /// Whose catalog it is; a catalog of another program does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tap: Option<TapIdentity>,
    /// The streams, in the order of discovery.
    pub streams: Vec<StreamEntry>,
    /// What others wrote.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The tap that a catalog was discovered from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapIdentity {
    /// The connector.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The user's name for it.
    pub name: String,
}

/// One stream in a catalog file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamEntry {
    /// Unique within the tap: its name here.
    #[serde(default)]
    pub tap_stream_id: String,
    /// The name that Singer messages carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// JSON Schema of a record.
    pub schema: Value,
    /// Repeats the metadata, for tools that look here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_properties: Option<Vec<String>>,
    /// Repeats the metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_method: Option<String>,
    /// Repeats the metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_key: Option<String>,
    /// What is known and wanted of the stream (empty breadcrumb) and of its columns.
    #[serde(default)]
    pub metadata: Vec<MetadataEntry>,
    /// What others wrote.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Metadata of a stream or of one of its columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetadataEntry {
    /// `[]` for the stream, `["properties", "id"]` for a column, longer for what is nested in it.
    pub breadcrumb: Vec<String>,
    /// What is known and wanted.
    pub metadata: Map<String, Value>,
}

impl CatalogFile {
    /// Refuses the catalog of another tap.
    ///
    /// # Errors
    /// `Config`: it was discovered from a tap of another type or name.
    pub fn check_tap(&self, type_name: &str, name: &str) -> Result<()> {
        let Some(tap) = &self.tap else { return Ok(()) };
        if tap.type_name == type_name && tap.name == name {
            return Ok(());
        }
        Err(Error::config(format!(
            "the catalog is that of another tap: it was discovered from `{}` of type `{}`, the config is that of \
             `{name}` of type `{type_name}`",
            tap.name, tap.type_name
        ))
        .hint("run `dstreams discover` with this config, or name the catalog that belongs to it"))
    }

    /// The stream called `name`: by its id first, then by the name in its messages.
    pub fn find_stream(&self, name: &str) -> Option<&StreamEntry> {
        let named = |stream: &&StreamEntry| stream.stream.as_deref() == Some(name);
        self.streams.iter().find(|stream| stream.name() == name).or_else(|| self.streams.iter().find(named))
    }

    /// The names of all streams.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.streams.iter().map(StreamEntry::name)
    }
}

impl StreamEntry {
    /// Its name: the id, where one is given.
    pub fn name(&self) -> &str {
        match self.tap_stream_id.as_str() {
            "" => self.stream.as_deref().unwrap_or_default(),
            id => id,
        }
    }

    /// The names of its columns, in order.
    pub fn column_names(&self) -> impl Iterator<Item = &str> + Clone {
        let properties = self.schema.get("properties").and_then(Value::as_object);
        properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str))
    }

    /// The columns that identify a record: metadata first, then the legacy key.
    pub fn keys(&self) -> Vec<String> {
        let from_metadata = |key| self.value(&[], key).and_then(names);
        let table = from_metadata(key::TABLE_KEYS);
        let chosen = match &table {
            Some(keys) if !keys.is_empty() => table,
            _ => from_metadata(key::VIEW_KEYS).filter(|keys| !keys.is_empty()).or(table),
        };
        chosen.or_else(|| self.key_properties.clone()).unwrap_or_default()
    }

    /// The methods that the tap offers; none where the catalog does not say.
    pub fn offered_methods(&self) -> Result<Option<Vec<ReplicationMethod>>> {
        if let Some(forced) = self.forced_method()? {
            return Ok(Some(vec![forced]));
        }
        let Some(offered) = self.value(&[], key::OFFERED_METHODS).and_then(names) else { return Ok(None) };
        offered
            .iter()
            .map(|name| parse_method(name).map_err(|error| error.stream(self.name())))
            .collect::<Result<_>>()
            .map(Some)
    }

    /// How the stream is kept up to date: what the tap forces, else what is chosen, else the first that is offered.
    pub fn method(&self) -> Result<ReplicationMethod> {
        if let Some(forced) = self.forced_method()? {
            return Ok(forced);
        }
        let chosen =
            self.value(&[], key::METHOD).and_then(Value::as_str).or(self.replication_method.as_deref());
        match chosen {
            Some(name) => parse_method(name).map_err(|error| error.stream(self.name())),
            None => Ok(self
                .offered_methods()?
                .and_then(|offered| offered.first().copied())
                .unwrap_or(ReplicationMethod::FullTable)),
        }
    }

    /// The replication key that is written down, whatever the method.
    pub fn chosen_replication_key(&self) -> Option<&str> {
        self.value(&[], key::REPLICATION_KEY).and_then(Value::as_str).or(self.replication_key.as_deref())
    }

    /// The columns that can be the replication key; empty where the catalog does not say.
    pub fn valid_replication_keys(&self) -> Vec<String> {
        self.value(&[], key::VALID_REPLICATION_KEYS).and_then(names).unwrap_or_default()
    }

    /// Records, as far as is known.
    pub fn row_count(&self) -> Option<u64> {
        let count = self.value(&[], key::ROW_COUNT).or_else(|| self.other.get("row_count"));
        count.and_then(Value::as_u64)
    }

    pub(super) fn value(&self, breadcrumb: &[&str], key: &str) -> Option<&Value> {
        self.metadata_of(breadcrumb)?.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn metadata_of(&self, breadcrumb: &[&str]) -> Option<&Map<String, Value>> {
        self.metadata.iter().find(|entry| entry.breadcrumb == breadcrumb).map(|entry| &entry.metadata)
    }

    /// The metadata at `breadcrumb`, made where there is none.
    pub(super) fn metadata_mut(&mut self, breadcrumb: &[&str]) -> &mut Map<String, Value> {
        let at = self.metadata.iter().position(|entry| entry.breadcrumb == breadcrumb).unwrap_or_else(|| {
            let breadcrumb = breadcrumb.iter().map(|part| (*part).to_owned()).collect();
            self.metadata.push(MetadataEntry { breadcrumb, metadata: Map::new() });
            self.metadata.len() - 1
        });
        &mut self.metadata[at].metadata
    }

    /// Taps write it as text, or as an object that also gives the reason.
    fn forced_method(&self) -> Result<Option<ReplicationMethod>> {
        let Some(forced) = self.value(&[], key::FORCED_METHOD) else { return Ok(None) };
        let name = forced.as_str().or_else(|| forced.get(key::METHOD)?.as_str()).unwrap_or_default();
        parse_method(name).map(Some).map_err(|error| error.stream(self.name()))
    }
}

/// The method of a name in any case.
pub(super) fn parse_method(name: &str) -> Result<ReplicationMethod> {
    match name.to_uppercase().replace('-', "_").as_str() {
        "FULL_TABLE" | "FULLTABLE" => Ok(ReplicationMethod::FullTable),
        "INCREMENTAL" => Ok(ReplicationMethod::Incremental),
        "LOG_BASED" | "LOGBASED" => Ok(ReplicationMethod::LogBased),
        _ => Err(Error::config(format!("`{name}` is no replication method"))
            .hint("known methods: `FULL_TABLE`, `INCREMENTAL`, `LOG_BASED`")),
    }
}

fn names(value: &Value) -> Option<Vec<String>> {
    Some(value.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
