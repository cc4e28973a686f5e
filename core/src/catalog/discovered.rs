//! The catalog file of what a tap discovered.

use dstream_abi::{Catalog, ReplicationMethod, Result, StreamInfo};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

use super::document::key;
use super::{CatalogFile, MetadataEntry, StreamEntry, TapIdentity, json_schema};
use crate::config::hint_for;
use dstream_abi::Error;

impl CatalogFile {
    /// The catalog file of a discovery, with every stream and every column selected.
    ///
    /// # Errors
    /// `Schema`: the tap contradicts itself: a name twice, a key that is no column.
    pub fn from_discovered(catalog: &Catalog, tap: TapIdentity) -> Result<CatalogFile> {
        let mut seen = HashSet::new();
        let mut streams = Vec::with_capacity(catalog.streams.len());
        for stream in &catalog.streams {
            if stream.name.is_empty() || !seen.insert(stream.name.as_str()) {
                return Err(Error::schema(format!(
                    "the tap names two streams `{}`, or one not at all",
                    stream.name
                )));
            }
            streams.push(entry(stream).map_err(|error| error.stream(&stream.name))?);
        }
        Ok(CatalogFile { tap: Some(tap), streams, other: Map::new() })
    }
}

fn entry(stream: &StreamInfo) -> Result<StreamEntry> {
    let columns: Vec<&str> = stream.schema.fields().iter().map(|field| field.name().as_str()).collect();
    for column in stream.key_properties.iter().chain(&stream.replication_keys) {
        if !columns.contains(&column.as_str()) {
            return Err(Error::schema(format!(
                "the tap names `{column}` as a key, but there is no such column"
            ))
            .hint(hint_for("columns", column, columns.iter().copied())));
        }
    }
    let method = stream.replication_methods.first().copied().unwrap_or(ReplicationMethod::FullTable);
    let replication_key = match method {
        ReplicationMethod::Incremental => stream.replication_keys.first().cloned(),
        _ => None,
    };
    let mut schema = json_schema::stream_schema(&stream.schema)?;
    if let Some(description) = &stream.description {
        schema["description"] = json!(description);
    }
    Ok(StreamEntry {
        tap_stream_id: stream.name.clone(),
        stream: Some(stream.name.clone()),
        schema,
        key_properties: Some(stream.key_properties.clone()),
        replication_method: Some(method.to_string()),
        replication_key: replication_key.clone(),
        metadata: metadata(stream, method, replication_key.as_deref(), &columns),
        other: Map::new(),
    })
}

fn metadata(
    stream: &StreamInfo,
    method: ReplicationMethod,
    replication_key: Option<&str>,
    columns: &[&str],
) -> Vec<MetadataEntry> {
    let mut root = Map::new();
    root.insert(key::SELECTED.into(), true.into());
    root.insert(key::INCLUSION.into(), "available".into());
    root.insert(key::TABLE_KEYS.into(), json!(stream.key_properties));
    root.insert(key::METHOD.into(), method.to_string().into());
    if let Some(column) = replication_key {
        root.insert(key::REPLICATION_KEY.into(), column.into());
    }
    if !stream.replication_keys.is_empty() {
        root.insert(key::VALID_REPLICATION_KEYS.into(), json!(stream.replication_keys));
    }
    root.insert(key::OFFERED_METHODS.into(), json!(stream.replication_methods));
    if let Some(rows) = stream.row_count {
        root.insert(key::ROW_COUNT.into(), rows.into());
    }
    let mut metadata = vec![MetadataEntry { breadcrumb: Vec::new(), metadata: root }];
    for column in columns {
        let is_key = stream.key_properties.iter().any(|key| key == column);
        let inclusion: Value = if is_key { "automatic" } else { "available" }.into();
        metadata.push(MetadataEntry {
            breadcrumb: vec!["properties".into(), (*column).into()],
            metadata: Map::from_iter([(key::INCLUSION.to_owned(), inclusion)]),
        });
    }
    metadata
}
