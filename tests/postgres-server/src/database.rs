//! One database, dropped with its value.

use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::address::Address;
use crate::port::random;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// An empty database with a name of its own: UTF-8, sorted as in C. Dropped with its value, sessions in it are ended.
#[derive(Debug)]
pub struct Database {
    address: Address,
    name: String,
}

impl Database {
    pub(crate) fn create(address: &Address, prefix: &str) -> Result<Database> {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}_{}_{count}_{:08x}", std::process::id(), random() >> 32);
        let sql = format!(
            "create database {} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'",
            quoted(&name)
        );
        address.psql("postgres", &sql).with_context(|| format!("the database `{name}` cannot be made"))?;
        Ok(Database { address: address.clone(), name })
    }

    /// Where its server is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The host of its server.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.address.host
    }

    /// The port of its server.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port
    }

    /// A superuser of its server.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.address.user
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `postgres://user@host:port/name`, with the password where there is one.
    #[must_use]
    pub fn url(&self) -> String {
        self.address.url(&self.name)
    }

    /// A program of PostgreSQL that connects to it by its environment, such as `pg_dump`.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        self.address.command(program, &self.name)
    }

    /// Runs SQL in it: see [`Address::psql`].
    ///
    /// # Errors
    /// A statement failed; the message is what psql says.
    pub fn psql(&self, sql: &str) -> Result<String> {
        self.address.psql(&self.name, sql)
    }

    /// Runs the statements of a file in it.
    ///
    /// # Errors
    /// As [`Database::psql`].
    pub fn psql_file(&self, file: &Path) -> Result<String> {
        self.address.psql_file(&self.name, file)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that a test has stopped takes its databases with it.
        let _ = self
            .address
            .psql("postgres", &format!("drop database if exists {} with (force)", quoted(&self.name)));
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
