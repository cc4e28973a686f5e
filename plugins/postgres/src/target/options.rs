//! What the user may set for the target.

use dstream_sdk::{ConnectorConfig, Error, Result, parse_options};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

use crate::client::{Settings, TimeoutOptions, TlsOptions};
use crate::quote::quote;
use crate::table::OWN_PREFIX;

/// What the user may set for a database that is written to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetOptions {
    /// Schema of the tables; made where it is not there. Default `public`.
    #[serde(default = "default_schema")]
    schema: String,
    /// What `delete_column` means: `ignore` and `soft` write a marked record as it is, `hard` deletes the row of its key
    /// in write mode `upsert`. Default `ignore`.
    #[serde(default)]
    deletes: Deletes,
    /// Column that marks a record as deleted: true, or of another type and not NULL. Streams without it have no deletes.
    #[serde(default)]
    delete_column: Option<String>,
    /// What happens to NUL in text, which the server cannot hold: `error`, `replace` (by U+FFFD) or `strip`. What is
    /// changed is counted in `_dstreams_changes`. Default `error`.
    #[serde(default)]
    nul_in_text: NulInText,
    /// How the connection is kept from others' eyes.
    #[serde(default)]
    tls: TlsOptions,
    /// How long to wait.
    #[serde(default)]
    timeouts: TimeoutOptions,
    /// Section of libpq's service file with the rest of the connection.
    #[serde(default)]
    service: Option<String>,
}

fn default_schema() -> String {
    "public".to_owned()
}

/// What happens to the row of a record that is marked as deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deletes {
    /// The mark is a column like any other.
    #[default]
    Ignore,
    /// The row stays, and its mark says that it is deleted.
    Soft,
    /// The row is deleted.
    Hard,
}

/// What happens to NUL in text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NulInText {
    /// The run stops.
    #[default]
    Error,
    /// U+FFFD takes its place.
    Replace,
    /// It is left out.
    Strip,
}

/// What the code uses.
#[derive(Clone, Debug)]
pub(crate) struct TargetSettings {
    pub(crate) server: Arc<Settings>,
    pub(crate) schema: String,
    /// Column that marks what is to be deleted.
    pub(crate) delete_column: Option<String>,
    pub(crate) nul_in_text: NulInText,
}

impl TargetSettings {
    /// # Errors
    /// `Config`: what the user wrote cannot be meant.
    pub(crate) fn read(config: &ConnectorConfig) -> Result<TargetSettings> {
        let options: TargetOptions = parse_options(config)?;
        check_schema_name(&options.schema)?;
        if options.deletes != Deletes::Ignore && options.delete_column.is_none() {
            return Err(Error::config("`deletes` is set and `delete_column` is not")
                .hint("name the column that marks a record as deleted, such as `deleted_at`"));
        }
        let service = options.service.as_deref();
        Ok(TargetSettings {
            server: Arc::new(Settings::read(config, &options.tls, &options.timeouts, service)?),
            schema: options.schema,
            delete_column: options.delete_column.filter(|_| options.deletes == Deletes::Hard),
            nul_in_text: options.nul_in_text,
        })
    }
}

impl TargetSettings {
    /// The table as SQL, with its schema.
    ///
    /// # Errors
    /// As [`quote`].
    pub(crate) fn qualified(&self, table: &str) -> Result<String> {
        Ok(format!("{}.{}", quote(&self.schema)?, quote(table)?))
    }

    /// One of the control tables as SQL.
    pub(crate) fn own(&self, table: &str) -> String {
        let schema = quote(&self.schema).expect("the name was checked when the options were read");
        format!("{schema}.{OWN_PREFIX}{table}")
    }
}

fn check_schema_name(schema: &str) -> Result<()> {
    let is_system = schema.starts_with("pg_") || schema == "information_schema";
    if is_system || quote(schema).is_err() {
        return Err(Error::config(format!("the option `schema` does not take `{}`", schema.escape_debug()))
            .hint("name a schema of at most 63 bytes that is not one of the server's own"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dstream_sdk::ErrorKind;
    use serde_json::{Value, json};

    fn read(options: Value) -> Result<TargetSettings> {
        let config = json!({
            "name": "out", "type": "postgres", "options": options,
            "connection": {"host": "localhost", "port": 5432, "database": "d"},
            "auth": {"type": "basic", "username": "me", "password": "x"},
        });
        TargetSettings::read(&serde_json::from_value(config).unwrap())
    }

    #[test]
    fn the_defaults_change_no_value_and_delete_nothing() {
        let settings = read(Value::Null).unwrap();
        assert_eq!((settings.schema.as_str(), settings.nul_in_text), ("public", NulInText::Error));
        assert_eq!(settings.delete_column, None);
    }

    #[test]
    fn only_hard_deletes_act_on_the_mark() {
        for (deletes, column) in [("ignore", None), ("soft", None), ("hard", Some("gone"))] {
            let settings = read(json!({"deletes": deletes, "delete_column": "gone"})).unwrap();
            assert_eq!(settings.delete_column.as_deref(), column);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for options in [
            json!({"schema": ""}),
            json!({"schema": "pg_temp"}),
            json!({"schema": "information_schema"}),
            json!({"schema": "x".repeat(64)}),
            json!({"deletes": "hard"}),
            json!({"deletes": "maybe"}),
            json!({"nul_in_text": "bytea"}),
            json!({"shema": "x"}),
        ] {
            assert_eq!(read(options.clone()).unwrap_err().kind(), ErrorKind::Config, "{options}");
        }
    }
}
