//! First copies of streams with a key: rows go straight into a table that was empty when the run came to it, until two of
//! them turn out to have one key.

use dstream_sdk::Result;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which tables of a run are filled so.
#[derive(Debug, Default)]
pub(crate) struct FirstCopies(Mutex<HashMap<String, bool>>);

impl FirstCopies {
    /// Whether rows may go straight into the table; decided when the run comes to it.
    ///
    /// # Errors
    /// As `is_empty`.
    pub(super) fn is_one(&self, table: &str, is_empty: impl FnOnce() -> Result<bool>) -> Result<bool> {
        let mut tables = self.tables();
        if let Some(is_one) = tables.get(table) {
            return Ok(*is_one);
        }
        let is_one = is_empty()?;
        tables.insert(table.to_owned(), is_one);
        Ok(is_one)
    }

    /// From now on rows of this table are merged.
    pub(crate) fn give_up(&self, table: &str) {
        self.tables().insert(table.to_owned(), false);
    }

    fn tables(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
