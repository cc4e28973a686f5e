//! What the user may set for the tap.

use schemars::JsonSchema;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::num::{NonZeroU32, NonZeroUsize};

use crate::stream::KEY;
use crate::{ColumnType, StreamSpec};
use dstream_sdk::{Error, Result};

/// What the user may set: `streams`, or one stream `synthetic` by the other options.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyntheticOptions {
    /// The streams. Without it there is one, `synthetic`.
    #[serde(default)]
    streams: Vec<StreamOptions>,
    /// Rows of a stream that does not say it itself.
    #[serde(default = "default_rows")]
    rows: u64,
    /// Columns of a stream that does not say it itself, beside the key: how many, or which.
    #[serde(default)]
    columns: Columns,
    /// Types of columns that are only counted, in turn. Default: every type.
    #[serde(default = "default_types")]
    types: Vec<ColumnType>,
    /// Every value follows from it.
    #[serde(default)]
    seed: u64,
    /// Records per batch, at most. Default: as many as the run allows.
    #[serde(default)]
    pub(crate) batch_rows: Option<NonZeroUsize>,
    /// Share of values that are null, from 0 to 1, in columns that do not say it themselves.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    nulls: f64,
    /// Readers of one stream at once. Part of the position: with another number the stream starts over.
    #[serde(default = "default_partitions")]
    pub(crate) partitions: NonZeroU32,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct StreamOptions {
    /// Its name.
    name: String,
    /// Its rows.
    rows: Option<u64>,
    /// Its columns beside the key: how many, or which.
    columns: Option<Columns>,
    /// Whether it has the key `id`, the number of the row.
    #[serde(default = "yes")]
    key: bool,
}

/// How many columns, or which.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
enum Columns {
    /// So many, `c0`, `c1`, …
    Count(usize),
    /// These.
    List(Vec<ColumnOptions>),
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct ColumnOptions {
    /// Its name.
    name: String,
    /// Its type.
    #[serde(rename = "type")]
    column_type: ColumnType,
    /// Share of its values that are null, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    nulls: Option<f64>,
}

impl Default for Columns {
    fn default() -> Columns {
        Columns::Count(8)
    }
}

fn default_rows() -> u64 {
    1000
}

fn default_types() -> Vec<ColumnType> {
    ColumnType::ALL.to_vec()
}

fn default_partitions() -> NonZeroU32 {
    NonZeroU32::MIN
}

fn yes() -> bool {
    true
}

/// By hand, so that a mistake within a column is named and not only that no form fits.
impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Columns, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Columns;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of columns or a list of them")
            }

            fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<Columns, E> {
                usize::try_from(count).map(Columns::Count).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, columns: A) -> Result<Columns, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(columns)).map(Columns::List)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl SyntheticOptions {
    /// The streams that are meant.
    ///
    /// # Errors
    /// `Config`: two streams or columns with one name, a share of nulls outside of 0 to 1, no types.
    pub fn streams(&self) -> Result<Vec<StreamSpec>> {
        let mut names = HashSet::new();
        let streams = match self.streams.as_slice() {
            [] => vec![StreamOptions { name: "synthetic".to_owned(), rows: None, columns: None, key: true }],
            streams => streams.to_vec(),
        };
        for stream in &streams {
            if !names.insert(stream.name.as_str()) {
                return Err(
                    Error::config(format!("two streams are called `{}`", stream.name)).hint("rename one")
                );
            }
        }
        streams.iter().map(|stream| self.stream(stream).map_err(|error| error.stream(&stream.name))).collect()
    }

    fn stream(&self, options: &StreamOptions) -> Result<StreamSpec> {
        let rows = options.rows.unwrap_or(self.rows);
        let mut stream =
            StreamSpec { name: options.name.clone(), rows, seed: self.seed, columns: Vec::new() };
        if options.key {
            stream.add_key();
        }
        match options.columns.as_ref().unwrap_or(&self.columns) {
            Columns::Count(0) => {}
            Columns::Count(_) if self.types.is_empty() => {
                return Err(Error::config("`options.types` is empty").hint("name a type, or leave it out"));
            }
            Columns::Count(count) => {
                let types = self.types.iter().cycle().take(*count).enumerate();
                types.for_each(|(index, column_type)| {
                    stream.add_column(&format!("c{index}"), *column_type, self.nulls);
                });
            }
            Columns::List(columns) => columns.iter().for_each(|column| {
                stream.add_column(&column.name, column.column_type, column.nulls.unwrap_or(self.nulls));
            }),
        }
        let mut names = HashSet::new();
        for column in &stream.columns {
            if !(0.0..=1.0).contains(&column.nulls) {
                return Err(Error::config(format!("column `{}`: `nulls` is {}", column.name, column.nulls))
                    .hint("write a share from 0 to 1"));
            }
            if !names.insert(column.name.as_str()) {
                let hint = match column.name.as_str() {
                    KEY if options.key => "rename it, or set `key` to false",
                    _ => "rename one",
                };
                return Err(Error::config(format!("two columns are called `{}`", column.name)).hint(hint));
            }
        }
        if stream.columns.is_empty() {
            return Err(Error::config("a stream without columns").hint("give it a key or columns"));
        }
        Ok(stream)
    }
}
