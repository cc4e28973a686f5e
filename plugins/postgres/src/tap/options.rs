//! What the user may set for the tap.

use dstream_sdk::{ConnectorConfig, Error, Result, parse_options};
use globset::{Glob, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::client::{Settings, TimeoutOptions, TlsOptions};

/// Options of the tap.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TapOptions {
    /// Schemas to look into; globs are understood. Default: all but those of the server itself.
    #[serde(default)]
    schemas: Vec<String>,
    /// Tables and views to offer, as `schema.table`; globs are understood, `!` before one leaves out. Default: all.
    #[serde(default)]
    tables: Vec<String>,
    /// What a column is read as in place of what its type says, by `schema.table.column`: `text` or `decimal(P,S)`.
    #[serde(default)]
    types: BTreeMap<String, String>,
    /// Streams that are made of a query, by the name of the stream: one SELECT each.
    #[serde(default)]
    queries: BTreeMap<String, String>,
    /// A condition in SQL by stream: rows for which it does not hold are not read.
    #[serde(default)]
    filters: BTreeMap<String, String>,
    /// Columns that identify a record, by stream, where the server does not know: for views and queries.
    #[serde(default)]
    key_properties: BTreeMap<String, Vec<String>>,
    /// Columns of text that can be the replication key, as `schema.table.column`: their values only grow, in the order
    /// of their bytes (`'10'` comes before `'9'`).
    #[serde(default)]
    text_keys: Vec<String>,
    /// How far before its bookmark an incremental stream is read again, by stream: seconds where the replication key is
    /// a time, else the difference of two values. Rows come again: only for streams with a key that are upserted.
    #[serde(default)]
    lookback: BTreeMap<String, u64>,
    /// How old a value of the replication key must be to be read, in seconds, where the server does not show when the
    /// transactions of others began. Default 600.
    #[serde(default = "default_hold_back_seconds")]
    hold_back_seconds: u64,
    /// How long to wait for the end of transactions that may still commit a smaller value of the replication key, in
    /// milliseconds. Then nothing is read of the stream in this run. Default 30000.
    #[serde(default = "default_writers_wait_ms")]
    writers_wait_ms: u64,
    /// The time zone in which replication keys of type `timestamp` and `date` are written, such as `UTC`. Default: both
    /// UTC and the zone of the database count as possible, and the earlier one decides.
    #[serde(default)]
    time_zone: Option<String>,
    /// Parts of a table that are read at once. Default: 1 below 128 MB, up to 4 for large tables.
    #[serde(default)]
    partitions: Option<NonZeroU32>,
    /// A section of the service file of libpq, for what `connection` does not say.
    #[serde(default)]
    service: Option<String>,
    /// How the connection is kept from others' eyes.
    #[serde(default)]
    tls: TlsOptions,
    /// How long to wait.
    #[serde(default)]
    timeouts: TimeoutOptions,
}

fn default_hold_back_seconds() -> u64 {
    600
}
fn default_writers_wait_ms() -> u64 {
    30_000
}

/// What the code uses.
#[derive(Clone, Debug)]
pub(crate) struct Wishes {
    /// As written; empty: all but the server's own.
    pub(crate) schemas: Vec<String>,
    schema_globs: GlobSet,
    tables: Option<GlobSet>,
    excluded: GlobSet,
    pub(crate) types: BTreeMap<String, String>,
    pub(crate) queries: BTreeMap<String, String>,
    pub(crate) filters: BTreeMap<String, String>,
    pub(crate) keys: BTreeMap<String, Vec<String>>,
    pub(crate) text_keys: Vec<String>,
    pub(crate) lookback: BTreeMap<String, u64>,
    pub(crate) hold_back_seconds: u64,
    pub(crate) writers_wait: Duration,
    pub(crate) time_zone: Option<String>,
    pub(crate) partitions: Option<NonZeroU32>,
    /// What the tests have to find.
    #[cfg(test)]
    pub(crate) bug: Option<Bug>,
}

/// Bugs that the tests plant, to see that they are found.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Reads up to the time of the clock, whoever is still running.
    TrustTheClock,
    /// Reads up to the largest number, whoever is still writing.
    WaitForNobody,
}

impl Wishes {
    /// Reads the options, and where the server is.
    ///
    /// # Errors
    /// `Config`: they cannot be meant.
    pub(crate) fn read(config: &ConnectorConfig) -> Result<(Wishes, Settings)> {
        let options: TapOptions = parse_options(config)?;
        let mut settings =
            Settings::read(config, &options.tls, &options.timeouts, options.service.as_deref())?;
        // Sessions that only read are told apart by it: see `reader/horizon.rs`.
        settings.application_name = format!("{TAP_SESSION} {}", config.name);
        let is_out = |pattern: &&String| pattern.starts_with('!');
        let (excluded, wanted): (Vec<&String>, Vec<&String>) = options.tables.iter().partition(is_out);
        let excluded: Vec<&str> = excluded.iter().map(|pattern| &pattern[1..]).collect();
        let queries =
            options.queries.into_iter().map(|(name, sql)| Ok((name.clone(), one_query(&name, &sql)?)));
        let wishes = Wishes {
            schema_globs: globs("schemas", &options.schemas)?,
            schemas: options.schemas,
            tables: match wanted.is_empty() {
                true => None,
                false => Some(globs("tables", &wanted)?),
            },
            excluded: globs("tables", &excluded)?,
            types: options.types,
            queries: queries.collect::<Result<_>>()?,
            filters: options.filters,
            keys: options.key_properties,
            text_keys: options.text_keys,
            lookback: options.lookback,
            hold_back_seconds: options.hold_back_seconds,
            writers_wait: Duration::from_millis(options.writers_wait_ms),
            time_zone: options.time_zone,
            partitions: options.partitions,
            #[cfg(test)]
            bug: None,
        };
        Ok((wishes, settings))
    }

    /// Whether a schema is looked into.
    pub(crate) fn wants_schema(&self, schema: &str) -> bool {
        let is_hidden = schema.starts_with("pg_temp_") || schema.starts_with("pg_toast");
        let is_system = schema.starts_with("pg_") || schema == "information_schema";
        !is_hidden && if self.schemas.is_empty() { !is_system } else { self.schema_globs.is_match(schema) }
    }

    /// Whether a relation of such a schema is offered.
    pub(crate) fn wants_stream(&self, stream: &str) -> bool {
        self.tables.as_ref().is_none_or(|tables| tables.is_match(stream)) && !self.excluded.is_match(stream)
    }
}

/// How the names of the tap's sessions begin.
pub(crate) const TAP_SESSION: &str = "dstreams tap";

fn globs<P: AsRef<str>>(option: &str, patterns: &[P]) -> Result<GlobSet> {
    let wrong = |pattern: &str, error: &globset::Error| {
        Error::config(format!("`options.{option}` has the glob `{pattern}`: {}", error.kind()))
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns.iter().map(AsRef::as_ref) {
        set.add(Glob::new(pattern).map_err(|error| wrong(pattern, &error))?);
    }
    set.build().map_err(|error| wrong("", &error))
}

/// Inside of parentheses the server takes nothing but one query that changes nothing.
fn one_query(name: &str, sql: &str) -> Result<String> {
    let sql = sql.trim().trim_end_matches(';').trim_end();
    match sql.is_empty() || name.is_empty() {
        true => Err(Error::config(format!("`options.queries` has the name `{name}` and the query `{sql}`"))
            .hint("write `\"queries\": {\"name\": \"SELECT …\"}`")),
        false => Ok(sql.to_owned()),
    }
}
