//! What the user may set for the tap.

use dstream_sdk::{Auth, ConnectorConfig, Error, Result, parse_options};
use globset::{Glob, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::declared::{ReadAs, named_type};
use crate::options::{default_busy_timeout_ms, path};

/// What the user may set for reading an SQLite file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TapOptions {
    /// Milliseconds to wait for another program that holds the file. Default 30000.
    #[serde(default = "default_busy_timeout_ms")]
    busy_timeout_ms: u64,
    /// Tables and views to offer, by globs; a glob after `!` leaves out. Default: all.
    #[serde(default)]
    tables: Vec<String>,
    /// What columns are read as, by `table.column`, in place of their declared type: `text`, `binary`, `json`, `bool`,
    /// `int64`, `float64`, `decimal(P,S)`, `date`, `time`, `timestamp`, `timestamp_utc` and others. `text` takes numbers
    /// too, as their digits.
    #[serde(default)]
    types: BTreeMap<String, String>,
    /// Conditions in SQL, by table or view: rows that do not fulfil it are not read.
    #[serde(default)]
    filters: BTreeMap<String, String>,
    /// Streams that are the rows of a `SELECT`, by their name.
    #[serde(default)]
    queries: BTreeMap<String, String>,
    /// How far before its bookmark an incremental run begins, by stream: in seconds for a point in time, otherwise a
    /// number. Rows in there come again, so the stream needs a key and the target the write mode `upsert`.
    #[serde(default)]
    lookback: BTreeMap<String, u32>,
}

/// What the code uses.
#[derive(Debug)]
pub(crate) struct TapSettings {
    /// Absolute.
    pub(crate) path: PathBuf,
    pub(crate) busy_timeout: Duration,
    pub(crate) tables: Tables,
    pub(crate) types: BTreeMap<String, ReadAs>,
    pub(crate) filters: BTreeMap<String, String>,
    pub(crate) queries: BTreeMap<String, String>,
    pub(crate) lookback: BTreeMap<String, u32>,
}

impl TapSettings {
    /// # Errors
    /// `Config`: what the user wrote cannot be meant.
    pub(crate) fn read(config: &ConnectorConfig) -> Result<TapSettings> {
        let options: TapOptions = parse_options(config)?;
        Auth::of(config)?.check_is_one_of(&["none"])?;
        let types = options.types.iter().map(|(column, name)| Ok((column.clone(), named_type(name)?)));
        Ok(TapSettings {
            path: path(config)?,
            busy_timeout: Duration::from_millis(options.busy_timeout_ms),
            tables: Tables::new(&options.tables)?,
            types: types.collect::<Result<_>>()?,
            filters: sql("filters", options.filters)?,
            queries: sql("queries", options.queries)?,
            lookback: options.lookback,
        })
    }
}

/// Text that stands between brackets in a statement of ours.
fn sql(option: &str, written: BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let trimmed = written.into_iter().map(|(name, sql)| {
        let trimmed = sql.trim().trim_end_matches(';').trim_end();
        match trimmed.is_empty() || name.is_empty() || trimmed.contains('\0') {
            true => Err(Error::config(format!("`{option}` has no SQL for `{name}`"))
                .hint("write it, or take the entry out")),
            false => Ok((name, trimmed.to_owned())),
        }
    });
    trimmed.collect()
}

/// Which tables are offered.
#[derive(Debug)]
pub(crate) struct Tables {
    /// None: all.
    taken: Option<GlobSet>,
    left_out: GlobSet,
}

impl Tables {
    fn new(globs: &[String]) -> Result<Tables> {
        let set = |globs: &mut dyn Iterator<Item = &str>| -> Result<GlobSet, globset::Error> {
            let mut set = GlobSetBuilder::new();
            for glob in globs {
                set.add(Glob::new(glob)?);
            }
            set.build()
        };
        let wrong = |error: globset::Error| {
            let glob = error.glob().unwrap_or_default();
            Error::config(format!("`tables` has the glob `{glob}`: {}", error.kind()))
                .hint("write names such as `orders`, or globs such as `shop_*` and `!tmp_*`")
        };
        let has_taken = globs.iter().any(|glob| !glob.starts_with('!'));
        let taken = set(&mut globs.iter().map(String::as_str).filter(|glob| !glob.starts_with('!')));
        let left_out = set(&mut globs.iter().filter_map(|glob| glob.strip_prefix('!')));
        Ok(Tables {
            taken: Some(taken.map_err(wrong)?).filter(|_| has_taken),
            left_out: left_out.map_err(wrong)?,
        })
    }

    pub(crate) fn has(&self, table: &str) -> bool {
        self.taken.as_ref().is_none_or(|taken| taken.is_match(table)) && !self.left_out.is_match(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dstream_sdk::ErrorKind;
    use serde_json::{Value, json};

    fn read(options: Value) -> Result<TapSettings> {
        let config =
            json!({"name": "in", "type": "sqlite", "connection": {"path": "in.db"}, "options": options});
        TapSettings::read(&serde_json::from_value(config).unwrap())
    }

    #[test]
    fn globs_take_in_and_leave_out() {
        let offered = |globs: Value, table: &str| read(json!({"tables": globs})).unwrap().tables.has(table);
        assert!(offered(json!([]), "a"));
        assert!(offered(json!(["a*"]), "ab") && !offered(json!(["a*"]), "b"));
        assert!(!offered(json!(["a*", "!ab"]), "ab") && offered(json!(["!b"]), "a"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for options in [
            json!({"tables": ["["]}),
            json!({"types": {"a.b": "strange"}}),
            json!({"queries": {"q": " ; "}}),
            json!({"queries": {"": "SELECT 1"}}),
            json!({"filters": {"t": ""}}),
            json!({"lookback": {"t": -1}}),
            json!({"journal_mode": "wal"}),
        ] {
            assert_eq!(read(options.clone()).unwrap_err().kind(), ErrorKind::Config, "{options}");
        }
        assert_eq!(read(json!({"queries": {"q": "SELECT 1; "}})).unwrap().queries["q"], "SELECT 1");
    }
}
