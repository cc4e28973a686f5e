//! One record, from seed, stream, number and version.

use crate::column::Column;
use crate::random::Random;
use crate::value::{Found, Value};

/// What makes a record: everything about it follows from this, but the time of its last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) seed: u64,
    pub(crate) stream: u64,
    /// Its `id`.
    pub(crate) number: i64,
    pub(crate) version: i64,
}

impl Origin {
    /// The values of `columns`, each with the numbers from which more about it can be drawn.
    pub(crate) fn cells(self, columns: &[Column]) -> impl Iterator<Item = (&Column, Value, Random)> {
        columns.iter().zip(0u64..).map(move |(column, at)| {
            let parts = [self.seed, self.stream, self.number as u64, self.version as u64, at];
            let mut random = Random::of(&parts);
            let value = column.draw(&mut random);
            (column, value, random)
        })
    }

    /// The first column that a table holds otherwise, with both values. `found` begins with `version`.
    pub(crate) fn find_difference(self, columns: &[Column], found: &[Found]) -> Option<String> {
        let version = ("version", Value::Integer(self.version));
        let cells = self.cells(columns).map(|(column, value, _)| (column.name, value));
        let mut pairs = std::iter::once(version).chain(cells).zip(found);
        pairs.find_map(|((name, wanted), found)| {
            (!wanted.is_held_as(found)).then(|| format!("`{name}` is {found:?} and has to be {wanted:?}"))
        })
    }
}
