//! Rows of an SQLite file.

use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;

pub use rusqlite::types::Value;

/// An SQLite file, opened to be read.
#[derive(Debug)]
pub struct Database(Connection);

impl Database {
    /// Opens it.
    ///
    /// # Panics
    /// It is not there.
    pub fn open(path: &Path) -> Database {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(path, flags);
        Database(connection.unwrap_or_else(|error| panic!("`{}`: {error}", path.display())))
    }

    /// Opens one that a program which was killed has left: SQLite puts it in order first.
    ///
    /// # Panics
    /// It is no database.
    pub fn open_to_repair(path: &Path) -> Database {
        let database =
            Database(Connection::open(path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display())));
        database.number("SELECT count(*) FROM sqlite_schema");
        database
    }

    /// The rows of a query.
    pub fn rows(&self, query: &str) -> Vec<Vec<Value>> {
        let mut statement = self.0.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let columns = statement.column_count();
        let rows = statement
            .query_map([], |row| {
                (0..columns).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>()
            })
            .and_then(Iterator::collect);
        rows.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The one number that a query gives.
    pub fn number(&self, query: &str) -> i64 {
        match self.rows(query).as_slice() {
            [row] => match row.as_slice() {
                [Value::Integer(number)] => *number,
                other => panic!("{query}: {other:?}"),
            },
            other => panic!("{query}: {other:?}"),
        }
    }

    /// The rows of a table.
    pub fn count(&self, table: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM \"{table}\""))
    }

    /// The names of the user's tables, sorted.
    pub fn tables(&self) -> Vec<String> {
        let query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_dstreams%' ESCAPE '\\' \
                     ORDER BY name";
        let text = |row: Vec<Value>| match row.into_iter().next() {
            Some(Value::Text(name)) => name,
            other => panic!("a table without name: {other:?}"),
        };
        self.rows(query).into_iter().map(text).collect()
    }

    /// Everything that the user's tables hold, whatever the order of the rows.
    pub fn content(&self) -> BTreeMap<String, Vec<String>> {
        let rows = |table: &String| {
            let mut rows: Vec<String> = self
                .rows(&format!("SELECT * FROM \"{table}\""))
                .iter()
                .map(|row| format!("{row:?}"))
                .collect();
            rows.sort();
            rows
        };
        self.tables().into_iter().map(|table| (table.clone(), rows(&table))).collect()
    }
}
