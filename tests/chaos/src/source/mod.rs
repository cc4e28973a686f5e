//! Where the records come from.

mod csv; // files of comma-separated values
mod parquet; // files of Parquet
mod postgres; // tables of a PostgreSQL database
mod sqlite; // tables of an SQLite file

pub(crate) use csv::CsvSource;
pub(crate) use parquet::ParquetSource;
pub(crate) use postgres::{PostgresSource, url_by_way_of};
pub(crate) use sqlite::SqliteSource;

use anyhow::Result;
use serde_json::Value as Json;
use std::collections::BTreeMap;

use crate::column::Column;
use crate::random::Random;
use crate::stream::{Change, Stream};
use crate::value::Value;

/// What a tap reads.
pub(crate) trait Source {
    /// The config of its tap.
    fn tap(&self) -> Json;

    /// The columns behind `id`, `version` and, where there is one, [`STAMP`].
    fn columns(&self) -> &'static [Column];

    /// What the tap calls a stream.
    fn stream_name(&self, stream: &Stream) -> String;

    /// Makes the file or table, empty.
    ///
    /// # Errors
    /// It cannot be made.
    fn create(&mut self, stream: &Stream) -> Result<()>;

    /// Does what has happened to the stream.
    ///
    /// # Errors
    /// It cannot be done.
    fn change(&mut self, stream: &Stream, change: &Change, random: &mut Random) -> Result<()>;

    /// By `id`, what [`STAMP`] is. None: the source has no such column.
    ///
    /// # Errors
    /// The source cannot be read.
    fn stamps(&self, stream: &Stream) -> Result<Option<BTreeMap<i64, Value>>>;
}

/// The column that rises with every change, by the clock of the source.
pub(crate) const STAMP: &str = "updated_at";

/// A bookmark remembers 4,096 rows of one value of the replication key. Where there are more, all of them come again in
/// the next run: known of `dstream_sdk::Boundary`, and nothing that a fault has to do with.
const LARGEST_TRANSACTION: usize = 4_000;

/// A change, cut into transactions at random.
pub(crate) fn transactions<'c>(
    change: &'c Change,
    random: &mut Random,
) -> impl Iterator<Item = &'c [crate::row::Origin]> + use<'c> {
    let count = change.written.len().div_ceil(random.between(1, 3) as usize);
    change.written.chunks(count.clamp(1, LARGEST_TRANSACTION))
}
