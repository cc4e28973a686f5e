//! A table that was dropped and made again: a bookmark of the other one says nothing of it.
//!
//! SQLite gives a table no number of its own. It counts the changes of the schema, and a table that is made stands after
//! all others, also once the file was vacuumed. Where these leave it open, the rows decide.

use dstream_sdk::serde_json::{Value as Json, json};
use dstream_sdk::{Bookmark, Error, Result};
use rusqlite::types::Value;

use crate::client::Client;
use crate::describe::Stream;
use crate::select::count_where;

/// In a bookmark: where the table stood.
const TABLE: &str = "@table";
/// In there: how often the schema had changed, and the table that stood next.
const SCHEMA: &str = "schema";
const NEXT: &str = "next";

/// The table with which a bookmark was made, and the one that is read now.
#[derive(Debug)]
pub(crate) struct Remade {
    stream: String,
    then: Option<Json>,
    now: Option<Json>,
    /// The table that stood after it stands before it.
    has_moved: bool,
    /// Rows with a value came.
    has_come: bool,
    /// The table has rows with a value.
    has_rows: bool,
    /// It is the same one.
    is_known: bool,
}

impl Remade {
    /// Looks where the table stands. A view or a query stands nowhere.
    ///
    /// # Errors
    /// `BookmarkLost`: the bookmark is damaged.
    pub(crate) fn look(
        client: &Client,
        stream: &Stream,
        key: &str,
        bookmark: Option<&Bookmark>,
    ) -> Result<Remade> {
        let now = if stream.is_table { place(client, &stream.name)? } else { None };
        let then = bookmark.and_then(|bookmark| bookmark.get(TABLE)).filter(|_| now.is_some()).cloned();
        let mut remade = Remade {
            stream: stream.name.clone(),
            then,
            now,
            has_moved: false,
            has_come: false,
            has_rows: false,
            is_known: true,
        };
        let (Some(then), Some(now)) = (&remade.then, &remade.now) else { return Ok(remade) };
        if !then[SCHEMA].is_i64() {
            return Err(Error::bookmark_lost(format!("`{TABLE}` in the bookmark is damaged"))
                .hint("take it out of the bookmark: it says which table was read"));
        }
        remade.is_known = then[SCHEMA] == now[SCHEMA];
        if remade.is_known {
            return Ok(remade);
        }
        if let Some(next) = then[NEXT].as_str() {
            remade.has_moved = stands_before(client, next, &stream.name)?;
        }
        if let Some(at) = stream.find(key) {
            remade.has_rows = client.number(&count_where(stream, at, "{c} IS NOT NULL")?)? > Some(0);
        }
        Ok(remade)
    }

    /// Whether that is still open: until then nothing that was read can be covered by a bookmark.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_known
    }

    /// Rows came, in the order of the key: one of them is known to the bookmark, they go past its value.
    ///
    /// # Errors
    /// `BookmarkLost`: it is another table.
    pub(crate) fn see(&mut self, is_known: bool, is_past: bool) -> Result<()> {
        self.has_come = true;
        self.is_known |= is_known;
        // Until they go past it, a known one may come yet.
        if is_past { self.check_moved() } else { Ok(()) }
    }

    /// All rows have come.
    ///
    /// # Errors
    /// `BookmarkLost`: it is another table.
    pub(crate) fn check_end(&mut self) -> Result<()> {
        match (self.has_come, self.has_rows) {
            (true, _) => self.check_moved(),
            // All that there are are older than the bookmark.
            (false, true) if self.is_open() => Err(self.lost()),
            // An empty one may be either: the next bookmark asks again.
            (false, _) => Ok(()),
        }
    }

    /// None of the rows was known.
    fn check_moved(&mut self) -> Result<()> {
        if self.is_open() && self.has_moved {
            return Err(self.lost());
        }
        self.is_known = true;
        Ok(())
    }

    /// Notes in a bookmark which table it is of.
    pub(crate) fn mark(&self, mut bookmark: Bookmark) -> Bookmark {
        if let Some(place) = if self.is_open() { &self.then } else { &self.now } {
            bookmark[TABLE] = place.clone();
        }
        bookmark
    }

    fn lost(&self) -> Error {
        Error::bookmark_lost(
            "the schema has changed and the rows that were read last are gone, as if the table was dropped and made again: \
             the bookmark says nothing of another one",
        )
        .hint(format!("start over with `--full-refresh --streams {}`", self.stream))
    }
}

/// Tables of the user that have pages of their own: SQLite moves the others when it vacuums.
const TABLES: &str =
    "main.sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

fn place(client: &Client, table: &str) -> Result<Option<Json>> {
    let name = [Value::Text(table.to_owned())];
    let Some(row) = client.number_with(&format!("SELECT rowid FROM {TABLES} AND name = ?1"), &name)? else {
        return Ok(None);
    };
    let mut next = None;
    let after = format!("SELECT name FROM {TABLES} AND rowid > ?1 ORDER BY rowid LIMIT 1");
    client.each_row(&after, &[Value::Integer(row)], |row| {
        next = row.get::<_, String>(0).ok();
        Ok(false)
    })?;
    let schema = client.number("PRAGMA main.schema_version")?;
    Ok(Some(json!({ SCHEMA: schema, NEXT: next })))
}

fn stands_before(client: &Client, one: &str, other: &str) -> Result<bool> {
    let of = |at| format!("(SELECT rowid FROM {TABLES} AND name = ?{at})");
    let names = [Value::Text(one.to_owned()), Value::Text(other.to_owned())];
    let found = client.number_with(&format!("SELECT coalesce({} < {}, 0)", of(1), of(2)), &names)?;
    Ok(found == Some(1))
}
