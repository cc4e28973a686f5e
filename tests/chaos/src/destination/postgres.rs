//! Tables of a PostgreSQL database.

use anyhow::{Context, Result};
use dstream_postgres_server::Database;
use serde_json::{Value as Json, json};
use std::thread;
use std::time::{Duration, Instant};

use super::{Destination, EPOCHS, Epochs, Record};
use crate::copy;
use crate::source::url_by_way_of;
use crate::value::Found;

/// How long the server may take to notice that a client is gone.
const LIMIT: Duration = Duration::from_secs(10);

/// A database of its own.
#[derive(Debug)]
pub(crate) struct PostgresDestination {
    database: Database,
    /// What its target connects to.
    url: String,
    options: Json,
}

impl PostgresDestination {
    pub(crate) fn new(database: Database) -> PostgresDestination {
        PostgresDestination { url: database.url(), database, options: json!({}) }
    }

    /// As it is, written by way of another address, with these options.
    pub(crate) fn by_way_of(mut self, address: std::net::SocketAddr, options: Json) -> PostgresDestination {
        self.url = url_by_way_of(&self.database, address);
        self.options = options;
        self
    }

    fn list(&self, query: &str) -> Result<Vec<String>> {
        let mut all = Vec::new();
        copy::read(&self.database, query, &mut |fields| {
            all.extend(fields.iter().flatten().cloned());
            Ok(())
        })?;
        Ok(all)
    }
}

impl Destination for PostgresDestination {
    fn target(&self) -> Json {
        json!({"name": "out", "type": "postgres", "connection": {"url": self.url}, "options": self.options})
    }

    fn control(&self) -> &'static [&'static str] {
        &["_dstreams_fence", "_dstreams_state", "_dstreams_tables", "_dstreams_changes"]
    }

    // Tables of sessions go with them. Those of a server that crashed go when it gets to it.
    fn leftovers(&self) -> Result<Vec<String>> {
        let until = Instant::now() + LIMIT;
        loop {
            let left = self.list(
                "select format('the session %s of `%s`', pid, application_name) from pg_stat_activity \
                 where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' \
                 union all \
                 select format('the prepared transaction `%s`', gid) from pg_prepared_xacts",
            )?;
            if left.is_empty() || Instant::now() > until {
                return Ok(left);
            }
            // The server closes the sessions of a run that has ended in its own time.
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn damage(&self) -> Result<Option<String>> {
        Ok(None)
    }

    fn tables(&self) -> Result<Vec<String>> {
        self.list(
            "select case n.nspname when 'public' then c.relname else n.nspname || '.' || c.relname end \
             from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't' \
             and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')",
        )
    }

    fn rows(&self, table: &str, columns: &[&str], visit: &mut dyn FnMut(&[Found])) -> Result<()> {
        let query = format!("select {} from \"{table}\"", columns.join(", "));
        let mut values = Vec::new();
        copy::read(&self.database, &query, &mut |fields| {
            values.clear();
            values.extend(fields.iter().cloned().map(Found::Postgres));
            visit(&values);
            Ok(())
        })
    }

    fn records(&self) -> Result<Vec<Record>> {
        let mut all = Vec::new();
        let query = "select key, sequence, value from _dstreams_state";
        copy::read(&self.database, query, &mut |fields| {
            let [Some(key), Some(sequence), Some(value)] = fields else {
                return Ok(());
            };
            let value = serde_json::from_str(value).context("a record is not JSON")?;
            all.push(Record { key: key.clone(), sequence: sequence.parse()?, value });
            Ok(())
        })?;
        Ok(all)
    }

    fn epochs(&self) -> Result<Epochs> {
        let mut epochs = Epochs::default();
        if self.tables()?.iter().any(|table| table == "_dstreams_state") {
            copy::read(&self.database, EPOCHS, &mut |fields| {
                if let [Some(begun), Some(committed)] = fields {
                    epochs = Epochs { begun: begun.parse()?, committed: committed.parse()? };
                }
                Ok(())
            })?;
        }
        Ok(epochs)
    }
}
