//! A connection that reads: it changes nothing, and ends its work when the run does.

use dstream_sdk::{Context, Error, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Row, params_from_iter};
use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicBool};
use std::time::Duration;

use super::{CACHE_KIB, Client};

/// The order of numbers that are kept as text, with all digits of their scale.
pub(crate) const DIGITS: &str = "dstreams_digits";
/// Steps of SQLite between two looks whether the run goes on: some milliseconds.
const STEPS: i32 = 100_000;

impl Client {
    /// Opens a file that is there. `stop` ends what the connection does.
    ///
    /// # Errors
    /// `NotFound`, `Denied`, `Config`: there is no such file, it may not be opened, it is no database.
    pub(crate) fn open_to_read(
        path: &Path,
        busy_timeout: Duration,
        context: &Context,
        stop: Arc<AtomicBool>,
    ) -> Result<Client> {
        if path.is_dir() {
            return Err(Error::config(format!("`{}` is a folder, not a file", path.display()))
                .hint("add the name of the SQLite file to `path`"));
        }
        let mut client = Client::with_flags(path, busy_timeout, context, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let shared = context.clone();
        let is_over = move || stop.load(atomic::Ordering::Relaxed) || shared.is_cancelled();
        let set_up = |connection: &mut Connection| {
            connection.progress_handler(STEPS, Some(is_over))?;
            connection.create_collation(DIGITS, compare_digits)?;
            connection.execute_batch(&format!("PRAGMA query_only = 1; PRAGMA cache_size = -{CACHE_KIB}"))
        };
        set_up(&mut client.connection).map_err(|error| client.failed(error))?;
        Ok(client)
    }

    /// From now on the file is as it is now, whoever writes to it.
    ///
    /// # Errors
    /// `Unavailable`: another program has held the file for longer than `busy_timeout_ms`.
    pub(crate) fn begin_to_read(&self) -> Result<()> {
        self.patiently(|connection| {
            if connection.is_autocommit() {
                connection.execute_batch("BEGIN")?;
            }
            connection.query_row("SELECT count(*) FROM (SELECT 1 FROM sqlite_schema LIMIT 1)", [], |_| Ok(()))
        })
    }

    /// The columns of a query, with the types that are declared for them.
    ///
    /// # Errors
    /// `Schema`: it is no query that SQLite understands.
    pub(crate) fn query_columns(&self, sql: &str) -> Result<Vec<(String, String)>> {
        let statement = self.connection.prepare(sql).map_err(|error| self.not_understood(error))?;
        if !statement.readonly() || statement.parameter_count() > 0 {
            return Err(Error::schema("it is no query that only reads, or it has parameters")
                .hint("write one `SELECT` with all its values"));
        }
        let declared = |column: &rusqlite::Column<'_>| column.decl_type().unwrap_or_default().to_owned();
        Ok(statement.columns().map(|column| (column.name().to_owned(), declared(&column))).collect())
    }

    /// Checks that SQLite understands a query of ours.
    ///
    /// # Errors
    /// `Schema`: it does not.
    pub(crate) fn check_query(&self, sql: &str) -> Result<()> {
        self.connection.prepare(sql).map(drop).map_err(|error| self.not_understood(error))
    }

    /// Calls `on_row` for every row, until it says `false`.
    ///
    /// # Errors
    /// `Schema`: SQLite does not understand the query. `Data`: it cannot read a row. `Cancelled`: the run ended.
    pub(crate) fn each_row(
        &self,
        sql: &str,
        params: &[Value],
        mut on_row: impl FnMut(&Row<'_>) -> Result<bool>,
    ) -> Result<()> {
        let mut statement = self.connection.prepare(sql).map_err(|error| self.not_understood(error))?;
        let mut rows = statement.query(params_from_iter(params)).map_err(|error| self.failed(error))?;
        while let Some(row) = rows.next().map_err(|error| self.failed(error))? {
            if !on_row(row)? {
                break;
            }
        }
        Ok(())
    }

    /// The one number that a query gives, if it is not NULL.
    ///
    /// # Errors
    /// As [`Client::each_row`].
    pub(crate) fn number(&self, sql: &str) -> Result<Option<i64>> {
        self.number_with(sql, &[])
    }

    /// As [`Client::number`], with values for the parameters.
    ///
    /// # Errors
    /// As [`Client::each_row`].
    pub(crate) fn number_with(&self, sql: &str, params: &[Value]) -> Result<Option<i64>> {
        let mut number = None;
        self.each_row(sql, params, |row| {
            number = row.get(0).map_err(|error| self.failed(error))?;
            Ok(false)
        })?;
        Ok(number)
    }

    /// Whether SQLite sorts the rows of the query itself: no index has them in their order.
    ///
    /// # Errors
    /// As [`Client::each_row`].
    pub(crate) fn is_sorted_by_hand(&self, sql: &str, params: &[Value]) -> Result<bool> {
        let mut is_sorted = false;
        self.each_row(&format!("EXPLAIN QUERY PLAN {sql}"), params, |row| {
            let step: String = row.get(3).map_err(|error| self.failed(error))?;
            is_sorted |= step.contains("TEMP B-TREE");
            Ok(!is_sorted)
        })?;
        Ok(is_sorted)
    }

    pub(super) fn not_understood(&self, error: rusqlite::Error) -> Error {
        match &error {
            rusqlite::Error::SqliteFailure(failure, Some(reason))
                if failure.extended_code == rusqlite::ffi::SQLITE_ERROR =>
            {
                Error::schema(format!("SQLite does not understand the query: {reason}"))
                    .hint("run `dstreams discover` again, and look at `queries` and `filters` of the options")
            }
            rusqlite::Error::SqlInputError { msg, .. } => {
                Error::schema(format!("SQLite does not understand the query: {msg}"))
                    .hint("run `dstreams discover` again, and look at `queries` and `filters` of the options")
            }
            _ => self.failed(error),
        }
    }
}

/// Numbers of equal scale: the longer one is the larger one.
fn compare_digits(a: &str, b: &str) -> Ordering {
    match (a.strip_prefix('-'), b.strip_prefix('-')) {
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (None, None) => (a.len(), a).cmp(&(b.len(), b)),
        (Some(a), Some(b)) => (b.len(), b).cmp(&(a.len(), a)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_have_the_order_of_their_numbers() {
        let in_order = ["-10.00", "-9.50", "-0.01", "0.00", "0.10", "9.50", "10.00", "123.45"];
        for pair in in_order.windows(2) {
            assert_eq!(compare_digits(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare_digits(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
    }
}
