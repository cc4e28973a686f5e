//! Rows of one value that are too many to be remembered one by one: their number, and the sum of their hashes.

use serde_json::{Value, json};

use crate::{Error, Result};

const ROWS: &str = "boundary_rows";
const SUM: &str = "boundary_sum";

/// So many rows, whatever their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Crowd {
    rows: u64,
    sum: u64,
}

impl Crowd {
    /// The crowd of a bookmark; `None`: it has none.
    ///
    /// # Errors
    /// `Config`: it is damaged.
    pub(super) fn of(bookmark: &Value) -> Result<Option<Crowd>> {
        let (rows, sum) = (&bookmark[ROWS], &bookmark[SUM]);
        if rows.is_null() && sum.is_null() {
            return Ok(None);
        }
        let sum = sum.as_str().and_then(|sum| u64::from_str_radix(sum, 16).ok());
        match (rows.as_u64(), sum) {
            (Some(rows), Some(sum)) => Ok(Some(Crowd { rows, sum })),
            _ => Err(Error::config(format!("`{ROWS}` and `{SUM}` in the bookmark are damaged"))
                .hint("take both out: rows of the bookmark's value are then read again")),
        }
    }

    pub(super) fn note(self, bookmark: &mut Value) {
        bookmark[ROWS] = json!(self.rows);
        bookmark[SUM] = json!(format!("{:016x}", self.sum));
    }

    pub(super) fn add(&mut self, hashes: &[u64]) {
        self.rows += hashes.len() as u64;
        self.sum = hashes.iter().fold(self.sum, |sum, hash| sum.wrapping_add(*hash));
    }

    /// Checks that what came is what an earlier run had.
    ///
    /// # Errors
    /// `BookmarkLost`: it is not, and nobody can tell new rows from known ones.
    pub(super) fn check(self, found: Crowd, key: &str) -> Result<()> {
        if self == found {
            return Ok(());
        }
        Err(Error::bookmark_lost(format!(
            "{} rows with the last value of `{key}` were read before, and {} are there now, not all of them the same: \
             without a key, new ones cannot be told from known ones",
            self.rows, found.rows
        ))
        .hint("name key columns with `dstreams catalog set … --key`, or read the stream anew with `--full-refresh`"))
    }
}
