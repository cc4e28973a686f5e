//! Where the bookmark of a followed stream comes from: of anything else it says nothing.

use dstream_sdk::{Bookmark, Error, Result};
use serde_json::Value;

use crate::client::Client;
use crate::table::fnv;
use crate::tap::{Source, place};

/// In a bookmark: server and database. Bookmarks of older versions have none.
const PLACE: &str = "@place";
/// In a bookmark: the number of the table.
const TABLE: &str = "@oid";
/// In a bookmark: a hash of the user's condition, where there is one.
const FILTER: &str = "@filter";
/// A server that the role is not told of.
const UNKNOWN: &str = "?";

/// What a stream is read from, as its bookmarks say it.
pub(super) struct Origin {
    stream: String,
    server: String,
    database: String,
    table: Option<u32>,
    filter: Option<String>,
}

impl Origin {
    /// Asks for it.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub(super) fn find(client: &mut Client, source: &Source) -> Result<Origin> {
        let place = place(client)?;
        // The history between the two is left out: a standby that is promoted goes on with the keys of its primary.
        let server = place.split('/').next().unwrap_or(UNKNOWN);
        let database = place.rsplit('/').next().unwrap_or_default();
        Ok(Origin {
            stream: source.stream.clone(),
            server: server.to_owned(),
            database: database.to_owned(),
            table: source.relation.as_ref().map(|relation| relation.oid),
            filter: source.filter.as_ref().map(|filter| format!("{:016x}", fnv(filter.as_bytes()))),
        })
    }

    /// Writes it into a bookmark.
    pub(super) fn sign(&self, bookmark: &mut Bookmark) {
        bookmark[PLACE] = format!("{}/{}", self.server, self.database).into();
        if let Some(table) = self.table {
            bookmark[TABLE] = table.into();
        }
        if let Some(filter) = &self.filter {
            bookmark[FILTER] = filter.as_str().into();
        }
    }

    /// Checks that a bookmark is from here, as far as it says so: one that was set by hand says nothing.
    ///
    /// # Errors
    /// `BookmarkLost`: it is not.
    pub(super) fn check(&self, bookmark: Option<&Bookmark>) -> Result<()> {
        let Some(bookmark) = bookmark else { return Ok(()) };
        let place = bookmark.get(PLACE).and_then(Value::as_str);
        if place.is_some_and(|place| !self.is_at(place)) {
            return Err(
                self.lost("the bookmark is of another server or database: it says nothing of this one")
            );
        }
        // A table that was made again may hold anything: what was read of the other one does not count.
        let then = bookmark.get(TABLE).and_then(Value::as_u64);
        if let (Some(then), Some(now)) = (then, self.table)
            && then != u64::from(now)
        {
            return Err(self.lost(
                "the table was dropped and made again since it was read: the bookmark says nothing of this one",
            ));
        }
        // Without a place it is of a version that said nothing of filters.
        let then = bookmark.get(FILTER).and_then(Value::as_str);
        if place.is_some() && then != self.filter.as_deref() {
            return Err(self.lost(
                "its filter in `options.filters` was another one when it was read: the bookmark passed over records \
                 that are wanted now, or took some that are not",
            ));
        }
        Ok(())
    }

    fn is_at(&self, place: &str) -> bool {
        let (server, database) = place.split_once('/').unwrap_or((place, ""));
        let is_unknown = server == UNKNOWN || self.server == UNKNOWN;
        database == self.database && (is_unknown || server == self.server)
    }

    fn lost(&self, why: &str) -> Error {
        Error::bookmark_lost(why).hint(format!("start over with `--full-refresh --streams {}`", self.stream))
    }
}
