//! One record, from seed, stream, number and version.

use rusqlite::Row;

use crate::cell::{Cell, DRAWN};
use crate::random::Random;

/// What makes a record: everything about it follows from this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) seed: u64,
    pub(crate) stream: u64,
    /// Its `id`.
    pub(crate) number: i64,
    pub(crate) version: i64,
}

/// The names of all columns, in the order of the file.
pub(crate) fn columns() -> impl Iterator<Item = &'static str> {
    ["id", "version"].into_iter().chain(DRAWN.iter().map(|(name, _)| *name))
}

impl Origin {
    fn cells(self) -> impl Iterator<Item = Cell> {
        let drawn = DRAWN.iter().zip(0u64..).map(move |((_, draw), at)| {
            draw(&mut Random::of(&[self.seed, self.stream, self.number as u64, self.version as u64, at]))
        });
        [Cell::integer(self.number), Cell::integer(self.version)].into_iter().chain(drawn)
    }

    /// Appends the record to the text of a file.
    pub(crate) fn write(self, text: &mut String, line_end: &str) {
        for (at, cell) in self.cells().enumerate() {
            if at > 0 {
                text.push(',');
            }
            text.push_str(&cell.written);
        }
        text.push_str(line_end);
    }

    /// The first column that the table holds otherwise, with both values.
    ///
    /// # Errors
    /// The row cannot be read.
    pub(crate) fn find_difference(self, found: &Row<'_>) -> rusqlite::Result<Option<String>> {
        for ((cell, name), at) in self.cells().zip(columns()).zip(0..) {
            let value = found.get_ref(at)?;
            if !cell.is_stored_as(value) {
                return Ok(Some(format!("`{name}` is {value:?} and has to be {:?}", cell.stored)));
            }
        }
        Ok(None)
    }
}
