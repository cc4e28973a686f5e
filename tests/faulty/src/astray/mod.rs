//! A tap and a target that keep every promise but the one that `fault` names: teeth for the conformance kit.

mod numbers; // the records
mod reader; // one partition being read
mod store; // tables and records in a file
mod tap; // which streams there are
mod target; // what is durable
mod writer; // one partition being written

use dstream_abi::{ConnectorConfig, Error, Result};
use std::path::PathBuf;

pub(crate) use tap::AstrayTap;
pub(crate) use target::AstrayTarget;

/// What goes wrong, and where.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    fault: String,
    /// Records of a stream that has some.
    rows: i64,
    /// `connection.path`: the folder that the target keeps its tables in.
    folder: PathBuf,
    type_name: String,
}

impl Settings {
    fn read(config: &ConnectorConfig) -> Result<Settings> {
        let fault = match &config.options["fault"] {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(fault) => fault.clone(),
            _ => return Err(Error::config("`options.fault` is not text")),
        };
        let rows = match &config.options["rows"] {
            serde_json::Value::Null => 40,
            rows => match rows.as_i64() {
                Some(rows) if rows >= 0 => rows,
                _ if fault == "takes_bad_options" => 40,
                _ if fault == "blames_bad_options_on_data" => return Err(Error::data("`options.rows`")),
                _ => return Err(Error::config("`options.rows` is not a number of rows")),
            },
        };
        let folder = PathBuf::from(config.connection["path"].as_str().unwrap_or_default());
        Ok(Settings { fault, rows, folder, type_name: config.type_name.clone() })
    }

    /// Whether this is what goes wrong.
    fn has(&self, fault: &str) -> bool {
        self.fault == fault
    }

    /// As it is found out by a call that only looks.
    fn check(&self) -> Result<()> {
        if self.has("check_fails") {
            return Err(Error::unavailable("nobody answers"));
        }
        if self.has("check_writes") {
            let written = std::fs::write(self.folder.join("trace"), "somebody was here");
            written.map_err(|error| Error::denied(error.to_string()))?;
        }
        Ok(())
    }
}
