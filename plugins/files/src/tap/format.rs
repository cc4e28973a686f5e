//! What is special to one type of file.

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use serde_json::Value;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Instant;

use super::found::Found;
use super::patterns::Patterns;
use super::share::Pieces;
use crate::options::Keys;
use dstream_sdk::{ConnectorConfig, Context, Result};

/// A type of file that can be read.
pub(crate) trait Format: Send + Sync + Sized + 'static {
    /// How names of such files end.
    const ENDINGS: &'static [&'static str];
    /// A piece is as many bytes of the file: what is shorter has one.
    const PIECES_ARE_BYTES: bool;
    /// What is known of the columns of files that were looked at.
    type Shape: Send;

    fn from_config(config: &ConnectorConfig) -> Result<Self>;

    /// The streams that the user names; none where they have the names of their files.
    fn patterns(&self) -> &Patterns;

    /// The user's keys.
    fn keys(&self) -> &Keys;

    /// Columns that the options name; each has to be in some file.
    fn named_columns(&self) -> Vec<&str> {
        Vec::new()
    }

    /// What a bookmark must have been made with to be read on from: the type and the options that make records of bytes.
    fn fingerprint(&self) -> String;

    /// Whether the file can be read in pieces, by its bytes and the options.
    fn has_pieces(&self, file: &Found) -> bool;

    /// Opens it far enough to know that it can be read.
    fn check(&self, file: &Found) -> Result<()>;

    /// Looks at the records in these pieces of a file.
    ///
    /// # Errors
    /// `Data`: they are none.
    fn look(&self, context: &Context, file: &Found, pieces: Pieces) -> Result<Self::Shape>;

    /// What both have in common.
    ///
    /// # Errors
    /// `Schema`: nothing.
    fn join(&self, one: Self::Shape, other: Self::Shape) -> Result<Self::Shape>;

    /// The columns and, if they were counted, the number of records.
    ///
    /// # Errors
    /// `Data`: there are no columns.
    fn columns(&self, shape: Self::Shape, files: &[Found]) -> Result<(Schema, Option<u64>)>;

    /// The records in these pieces of a file, from a place on.
    ///
    /// # Errors
    /// `Schema`: a column is not as the catalog says. `BookmarkLost`: the file no longer has that place.
    fn open(
        &self,
        context: &Context,
        file: &Found,
        pieces: Pieces,
        schema: &SchemaRef,
        limits: Limits,
        place: Option<&Value>,
    ) -> Result<Box<dyn Records>>;
}

/// What a batch may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) rows: NonZeroUsize,
    pub(crate) bytes: NonZeroU64,
}

/// The records of one file.
pub(crate) trait Records: Send {
    /// The next ones; gives up at the deadline.
    ///
    /// # Errors
    /// `Data`: one is none, or does not fit its columns.
    fn next(&mut self, deadline: Option<Instant>) -> Result<Given>;

    /// The place behind the last one that was given.
    fn place(&self) -> Result<Value>;
}

/// What came.
#[derive(Debug)]
pub(crate) enum Given {
    Batch {
        batch: RecordBatch,
        /// Bytes of the file that they take, unpacked.
        source_bytes: u64,
    },
    /// Nothing until the deadline.
    Pending,
    /// No more in this file, for now.
    End,
}
