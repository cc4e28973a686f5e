//! Where the records go.

mod files; // files in folders, one a table
mod lines; // JSON lines, as they are written
mod place; // where files are
mod postgres; // tables of a PostgreSQL database
mod sqlite; // tables of an SQLite file

pub(crate) use files::{FilesDestination, Form};
pub(crate) use place::{Listed, Place};
pub(crate) use postgres::PostgresDestination;
pub(crate) use sqlite::SqliteDestination;

use anyhow::Result;
use serde_json::Value as Json;

use crate::value::Found;

/// What a target writes to.
pub(crate) trait Destination {
    /// The config of its target, without `batch_size`; `options` is an object.
    fn target(&self) -> Json;

    /// Tables that the connector keeps for itself.
    fn control(&self) -> &'static [&'static str];

    /// Where a newer version of a record takes the place of an older one.
    fn upserts(&self) -> bool {
        true
    }

    /// The files, where they are what anybody may read at any time.
    fn files(&self) -> Option<&FilesDestination> {
        None
    }

    /// What a completed sync has no use for, tables aside. Looked at before anything else.
    ///
    /// # Errors
    /// It cannot be looked at.
    fn leftovers(&self) -> Result<Vec<String>>;

    /// What the database says of itself, where it is damaged.
    ///
    /// # Errors
    /// It cannot be asked.
    fn damage(&self) -> Result<Option<String>>;

    /// The names of all tables.
    ///
    /// # Errors
    /// They cannot be read.
    fn tables(&self) -> Result<Vec<String>>;

    /// Shows these columns of all rows to `visit`.
    ///
    /// # Errors
    /// The table cannot be read.
    fn rows(&self, table: &str, columns: &[&str], visit: &mut dyn FnMut(&[Found])) -> Result<()>;

    /// The records of the host.
    ///
    /// # Errors
    /// They cannot be read.
    fn records(&self) -> Result<Vec<Record>>;

    /// Who may commit, and who did last.
    ///
    /// # Errors
    /// They cannot be read.
    fn epochs(&self) -> Result<Epochs>;
}

/// The epoch of the newest run, and of the one that has committed last; 0: there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Epochs {
    pub(crate) begun: i64,
    pub(crate) committed: i64,
}

/// The query for them.
const EPOCHS: &str = "select (select coalesce(max(epoch), 0) from _dstreams_fence), \
                      (select coalesce(max(epoch), 0) from _dstreams_state)";

/// A record of the host: how far a partition is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) key: String,
    pub(crate) sequence: i64,
    pub(crate) value: Json,
}
