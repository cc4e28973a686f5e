//! The connection: the only part that speaks to SQLite.

mod control; // fence, records, ownership
mod fault; // what SQLite said -> who must act
mod holder; // who holds a file
mod insert; // the statement that writes rows
mod load; // rows into tables
mod look; // what is there
mod read; // a connection that only reads
mod swap; // what was built aside takes the table's place
mod tables; // what is there to be read
mod visit; // what reading leaves behind

pub(crate) use control::Stored;
pub(crate) use insert::{check_real, inexact};
pub(crate) use load::Loader;
pub(crate) use read::DIGITS;
pub(crate) use tables::{Listed, TableColumn};
pub(crate) use visit::{Visit, Visits};

use dstream_sdk::{Context, Error, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::options::{JournalMode, Settings, Synchronous};

/// How long one attempt waits for another program; between attempts the run may be cancelled.
const ATTEMPT: Duration = Duration::from_millis(100);
/// Pages that SQLite keeps in memory, in KiB.
const CACHE_KIB: i64 = 16 * 1024;
/// Statements kept ready: two per stream and version are in use.
const STATEMENTS: usize = 64;

/// One connection to the file.
pub(crate) struct Client {
    connection: Connection,
    path: PathBuf,
    context: Context,
    busy_timeout: Duration,
    is_reader: bool,
}

impl Client {
    /// Opens the file that is there.
    ///
    /// # Errors
    /// `NotFound`, `Denied`, `Config`: there is no such file, it may not be opened, it is no database.
    pub(crate) fn open(settings: &Settings, context: &Context) -> Result<Client> {
        Client::with_flags(&settings.path, settings.busy_timeout, context, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// Opens the file for writing; makes it where there is none.
    ///
    /// # Errors
    /// As [`Client::open`]. `Unsupported`: the file system does not allow the journal mode.
    pub(crate) fn create(settings: &Settings, context: &Context) -> Result<Client> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let client = Client::with_flags(&settings.path, settings.busy_timeout, context, flags)?;
        client.check_writable()?;
        let journal_mode = match settings.journal_mode {
            JournalMode::Wal => "wal",
            JournalMode::Delete => "delete",
        };
        let mode: String = client.patiently(|connection| {
            connection.query_row(&format!("PRAGMA journal_mode = {journal_mode}"), [], |row| row.get(0))
        })?;
        if mode != journal_mode {
            return Err(Error::unsupported(format!(
                "`{}` cannot have the journal mode `{journal_mode}`: it stays with `{mode}`",
                client.path.display()
            ))
            .hint("set the option `journal_mode` to `delete`: some network drives cannot do `wal`"));
        }
        let synchronous = match settings.synchronous {
            Synchronous::Full => "FULL",
            Synchronous::Normal => "NORMAL",
        };
        client.run(&format!(
            "PRAGMA synchronous = {synchronous}; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1; \
             PRAGMA cache_size = -{CACHE_KIB}"
        ))?;
        Ok(client)
    }

    fn with_flags(
        path: &Path,
        busy_timeout: Duration,
        context: &Context,
        flags: OpenFlags,
    ) -> Result<Client> {
        let is_reader = flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY);
        // Each connection is used by one thread at a time, so SQLite need not lock on every call.
        let opened = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        let connection = opened.map_err(|error| fault::failed(path, is_reader, error))?;
        let client =
            Client { connection, path: path.to_owned(), context: context.clone(), busy_timeout, is_reader };
        let set_up = |connection: &Connection| {
            connection.busy_timeout(ATTEMPT)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            // A table that is swapped must neither take the rows of those that refer to it along (foreign_keys), nor
            // change what views and triggers refer to (legacy_alter_table); code in the file is not trusted.
            connection.execute_batch(
                "PRAGMA foreign_keys = 0; PRAGMA legacy_alter_table = 1; PRAGMA trusted_schema = 0",
            )
        };
        set_up(&client.connection).map_err(|error| client.failed(error))?;
        // The first look at the file: tells whether it is a database.
        client.patiently(|connection| connection.query_row("PRAGMA schema_version", [], |_| Ok(())))?;
        Ok(client)
    }

    /// # Errors
    /// `Denied`: the file may be read only.
    pub(crate) fn check_writable(&self) -> Result<()> {
        match self.connection.is_readonly("main").map_err(|error| self.failed(error))? {
            false => Ok(()),
            true => Err(Error::denied(format!("`{}` is read-only", self.path.display()))
                .hint("allow writing to the file, or choose another `path`")),
        }
    }

    /// Begins to write: no other connection can until the end of the transaction.
    ///
    /// # Errors
    /// `Unavailable`: another program has been writing for longer than `busy_timeout_ms`.
    pub(crate) fn begin(&self) -> Result<()> {
        self.patiently(|connection| connection.execute_batch("BEGIN IMMEDIATE"))
    }

    /// As [`Client::begin`], where nobody else is writing.
    pub(crate) fn try_begin(&self) -> bool {
        self.connection.execute_batch("BEGIN IMMEDIATE").is_ok()
    }

    /// Makes the transaction durable.
    ///
    /// # Errors
    /// `Unavailable`: nobody knows whether it is durable. Every other: it is rolled back.
    pub(crate) fn commit(&self) -> Result<()> {
        self.patiently(|connection| connection.execute_batch("COMMIT"))
    }

    /// Drops what the transaction wrote, where there is one.
    pub(crate) fn roll_back(&self) {
        if self.is_in_transaction() {
            // What fails here SQLite has rolled back by itself, or does so when it next opens the file.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    pub(crate) fn is_in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// Runs statements without results.
    fn run(&self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).map_err(|error| self.failed(error))
    }

    /// Tries again while another program holds the file, until the timeout or the end of the run.
    fn patiently<T>(&self, attempt: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let started = Instant::now();
        loop {
            match attempt(&self.connection) {
                Ok(done) => return Ok(done),
                Err(error) if !is_busy(&error) => return Err(self.failed(error)),
                Err(_) if self.context.is_cancelled() => {
                    return Err(Error::cancelled(format!("stopped waiting for `{}`", self.path.display())));
                }
                Err(error) if started.elapsed() >= self.busy_timeout => return Err(self.failed(error)),
                Err(_) => {}
            }
        }
    }

    fn failed(&self, error: rusqlite::Error) -> Error {
        fault::failed(&self.path, self.is_reader, error)
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// A number as SQLite stores it.
fn int(number: u64) -> Result<i64> {
    i64::try_from(number)
        .map_err(|_| Error::bug(format!("the number {number} is more than SQLite can store")))
}

#[cfg(test)]
impl Client {
    /// As on a disk with room for no more pages than there are, and `more`.
    pub(crate) fn limit_pages(&self, more: i64) {
        let pages: i64 = self.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        let sql = format!("PRAGMA max_page_count = {}", pages + more);
        let _: i64 = self.connection.query_row(&sql, [], |row| row.get(0)).unwrap();
    }
}
