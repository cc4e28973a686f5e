//! What the user may set.

use globset::{Glob, GlobMatcher};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::DataType;
use dstream_sdk::{
    Auth, Connection, ConnectorConfig, Context, Error, Result, StoreConnection, parse_options,
};

use crate::csv::Dialect;
use crate::remote::{Address, Bucket, Service};
use crate::tap::{Encoding, Globs, Opening, Patterns};
use crate::types;

/// Options of the type `csv`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CsvOptions {
    /// The character between two fields. Default: a comma; a tab for files named `.tsv`.
    #[serde(default)]
    pub(crate) delimiter: Option<char>,
    /// The character around a field that holds delimiters or line ends; doubled, it stands for itself. `null`: there is
    /// none.
    #[serde(default = "default_quote")]
    pub(crate) quote: Option<char>,
    /// A character that takes the meaning from the one after it, inside of quotes.
    #[serde(default)]
    pub(crate) escape: Option<char>,
    /// Lines that begin with this character are skipped.
    #[serde(default)]
    pub(crate) comment: Option<char>,
    /// The first record names the columns. If not, they are called `column_1`, `column_2`, and so on; a column without
    /// name in the header is called the same way.
    #[serde(default = "yes")]
    pub(crate) header: bool,
    /// Fields that mean null. Only a field without quotes does: `""` is the empty text, and `"NA"` is text. A list that
    /// leaves out the empty text makes an empty field the empty text.
    #[serde(default = "default_nulls")]
    pub(crate) null_values: Vec<String>,
    /// How the types of columns are found: `full` looks at every record, `none` makes every column text.
    #[serde(default)]
    pub(crate) infer: Infer,
    /// Types of columns by name, in place of what is found: `text`, `bool`, `int64`, `float64`, `decimal(P,S)`, `date`,
    /// `timestamp`, `timestamp_utc` and others. A column declared here takes every spelling of a value, such as `007`
    /// for an integer, and the nearest float.
    #[serde(default)]
    pub(crate) types: BTreeMap<String, String>,
    /// Streams by name, with the patterns of their files beneath `path`, which is a folder then:
    /// `{"orders": "orders_*.csv", "events": ["2024/*.csv", "2025/*.csv"]}`. Default: files and folders are streams.
    #[serde(default)]
    pub(crate) streams: BTreeMap<String, Globs>,
    /// Columns that identify a record, by stream; a stream may be a glob.
    #[serde(default)]
    pub(crate) key_properties: BTreeMap<String, Vec<String>>,
    /// A record of more bytes is an error: most often a quote was left open. Default 128 MiB.
    #[serde(default = "default_max_record_bytes")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(crate) max_record_bytes: u32,
    /// A packed file of more bytes, unpacked, is an error. Default: there is no limit; memory is bounded in any case.
    #[serde(default)]
    pub(crate) max_unpacked_bytes: Option<NonZeroU64>,
    /// How characters are written: `utf-8` (the default), `utf-16` (with a byte order mark), `utf-16le`, `utf-16be`,
    /// `latin-1` or `windows-1252`.
    #[serde(default)]
    pub(crate) encoding: Encoding,
}

/// Options of the type `jsonl`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonlOptions {
    /// How the types of columns are found: `full` looks at every record, `none` makes every column JSON text.
    #[serde(default)]
    pub(crate) infer: Infer,
    /// Texts that mean null besides JSON's own `null`.
    #[serde(default)]
    pub(crate) null_values: Vec<String>,
    /// Types of columns by name, in place of what is found: `text`, `bool`, `int64`, `float64`, `decimal(P,S)`, `date`,
    /// `timestamp`, `timestamp_utc` and others. A column declared here takes its values from text too, and the nearest
    /// float; as `text` it takes numbers, objects and lists as they are written.
    #[serde(default)]
    pub(crate) types: BTreeMap<String, String>,
    /// Streams by name, with the patterns of their files beneath `path`, which is a folder then:
    /// `{"orders": "orders_*.csv", "events": ["2024/*.csv", "2025/*.csv"]}`. Default: files and folders are streams.
    #[serde(default)]
    pub(crate) streams: BTreeMap<String, Globs>,
    /// Columns that identify a record, by stream; a stream may be a glob.
    #[serde(default)]
    pub(crate) key_properties: BTreeMap<String, Vec<String>>,
    /// A line of more bytes is an error. Default 128 MiB.
    #[serde(default = "default_max_record_bytes")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(crate) max_record_bytes: u32,
    /// A packed file of more bytes, unpacked, is an error. Default: there is no limit; memory is bounded in any case.
    #[serde(default)]
    pub(crate) max_unpacked_bytes: Option<NonZeroU64>,
    /// How characters are written: `utf-8` (the default), `utf-16` (with a byte order mark), `utf-16le`, `utf-16be`,
    /// `latin-1` or `windows-1252`.
    #[serde(default)]
    pub(crate) encoding: Encoding,
}

/// Options of the tap `parquet`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParquetOptions {
    /// Streams by name, with the patterns of their files beneath `path`, which is a folder then:
    /// `{"orders": "orders_*.csv", "events": ["2024/*.csv", "2025/*.csv"]}`. Default: files and folders are streams.
    #[serde(default)]
    pub(crate) streams: BTreeMap<String, Globs>,
    /// Columns that identify a record, by stream; a stream may be a glob.
    #[serde(default)]
    pub(crate) key_properties: BTreeMap<String, Vec<String>>,
}

/// How the types of columns are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Infer {
    /// From every record.
    #[default]
    Full,
    /// Not at all.
    None,
}

fn default_quote() -> Option<char> {
    Some('"')
}
fn default_nulls() -> Vec<String> {
    vec![String::new()]
}
fn default_max_record_bytes() -> u32 {
    128 << 20
}
fn yes() -> bool {
    true
}

/// What both types of file are read with.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) infer: Infer,
    pub(crate) null_values: Vec<String>,
    pub(crate) types: BTreeMap<String, DataType>,
    pub(crate) patterns: Patterns,
    pub(crate) keys: Keys,
    pub(crate) max_record_bytes: usize,
    pub(crate) opening: Opening,
}

/// What a CSV file is read with.
#[derive(Debug)]
pub(crate) struct CsvSettings {
    pub(crate) common: Settings,
    pub(crate) dialect: Dialect,
    /// The delimiter was not named: a file named `.tsv` has tabs.
    pub(crate) tab_for_tsv: bool,
    pub(crate) header: bool,
}

impl CsvSettings {
    pub(crate) fn from_config(config: &ConnectorConfig) -> Result<CsvSettings> {
        let options: CsvOptions = parse_options(config)?;
        let quote = byte("quote", options.quote)?;
        let dialect = Dialect {
            delimiter: byte("delimiter", options.delimiter)?.unwrap_or(b','),
            quote,
            // A quote that escapes itself is the doubling that is always understood.
            escape: byte("escape", options.escape)?.filter(|escape| Some(*escape) != quote),
            comment: byte("comment", options.comment)?,
        };
        dialect.check()?;
        Ok(CsvSettings {
            common: Settings {
                infer: options.infer,
                null_values: options.null_values,
                types: parse_types(&options.types)?,
                patterns: Patterns::new(options.streams)?,
                keys: Keys::new(options.key_properties)?,
                max_record_bytes: record_limit(options.max_record_bytes)?,
                opening: Opening {
                    max_unpacked_bytes: options.max_unpacked_bytes,
                    encoding: options.encoding,
                },
            },
            dialect,
            tab_for_tsv: options.delimiter.is_none(),
            header: options.header,
        })
    }
}

impl Settings {
    pub(crate) fn of_jsonl(config: &ConnectorConfig) -> Result<Settings> {
        let options: JsonlOptions = parse_options(config)?;
        Ok(Settings {
            infer: options.infer,
            null_values: options.null_values,
            types: parse_types(&options.types)?,
            patterns: Patterns::new(options.streams)?,
            keys: Keys::new(options.key_properties)?,
            max_record_bytes: record_limit(options.max_record_bytes)?,
            opening: Opening { max_unpacked_bytes: options.max_unpacked_bytes, encoding: options.encoding },
        })
    }
}

/// Where files are.
pub(crate) enum Place {
    /// On this machine.
    Folder(PathBuf),
    /// In a bucket, or on a web server.
    Bucket(Arc<Bucket>),
}

impl Place {
    /// The place that `connection.url` names; `None`: the connection is not by `url`.
    fn of_url(context: &Context, config: &ConnectorConfig) -> Result<Option<Place>> {
        let Some(connection) = StoreConnection::of(config)? else {
            Auth::of(config)?.check_is_one_of(&["none"])?;
            return Ok(None);
        };
        let address = Address::parse(&connection.url)?;
        let bucket = Bucket::new(context.clone(), address, &connection, &Auth::of(config)?)?;
        Ok(Some(Place::Bucket(Arc::new(bucket))))
    }
}

/// Where a tap finds its files.
pub(crate) fn tap_place(context: &Context, config: &ConnectorConfig) -> Result<Place> {
    if let Some(place) = Place::of_url(context, config)? {
        return Ok(place);
    }
    let connection = Connection::of(config)?;
    let path = connection.path().map_err(|error| {
        error.hint("write `\"connection\": {\"path\": \"data/*.csv\"}`: a file, a folder or a glob")
    });
    path.map(Path::to_owned).map(Place::Folder)
}

/// Where a target puts its files.
pub(crate) fn target_place(context: &Context, config: &ConnectorConfig) -> Result<Place> {
    if let Some(place) = Place::of_url(context, config)? {
        return match &place {
            Place::Bucket(bucket) if bucket.address().service == Service::Http => {
                Err(Error::config("`connection.url` is that of a web server, which is only read")
                    .hint("write to `s3://…`, `gs://…`, `az://…` or a folder"))
            }
            _ => Ok(place),
        };
    }
    let connection = Connection::of(config)?;
    let path = connection
        .path()
        .map_err(|error| error.hint("write `\"connection\": {\"path\": \"out\"}`: the folder for the files"));
    path.map(Path::to_owned).map(Place::Folder)
}

pub(crate) fn byte(option: &str, value: Option<char>) -> Result<Option<u8>> {
    let Some(value) = value else { return Ok(None) };
    match u8::try_from(value) {
        Ok(byte) if byte.is_ascii() && !matches!(byte, b'\r' | b'\n' | 0) => Ok(Some(byte)),
        _ => Err(Error::config(format!("`{option}` is `{}`", value.escape_default()))
            .hint("it must be one ASCII character and no line end")),
    }
}

fn record_limit(bytes: u32) -> Result<usize> {
    match bytes {
        1..=1_000_000_000 => Ok(bytes as usize),
        _ => Err(Error::config(format!("`max_record_bytes` is {bytes}")).hint("it must be 1 to 1000000000")),
    }
}

fn parse_types(types: &BTreeMap<String, String>) -> Result<BTreeMap<String, DataType>> {
    types.iter().map(|(column, name)| Ok((column.clone(), types::from_name(name)?))).collect()
}

/// Columns by stream, such as those that identify a record, by the names and globs of an option.
#[derive(Debug)]
pub(crate) struct Keys {
    option: &'static str,
    entries: Vec<(String, GlobMatcher, Vec<String>)>,
}

impl Keys {
    pub(crate) fn new(written: BTreeMap<String, Vec<String>>) -> Result<Keys> {
        Keys::of_option("key_properties", written)
    }

    pub(crate) fn of_option(option: &'static str, written: BTreeMap<String, Vec<String>>) -> Result<Keys> {
        let matcher = |pattern: &str| {
            Glob::new(pattern).map(|glob| glob.compile_matcher()).map_err(|error| {
                Error::config(format!("`{option}` has the glob `{pattern}`: {}", error.kind()))
            })
        };
        let keys = written.into_iter().map(|(pattern, columns)| {
            let glob = matcher(&pattern)?;
            Ok((pattern, glob, columns))
        });
        Ok(Keys { option, entries: keys.collect::<Result<_>>()? })
    }

    /// The columns of `stream`. Its own name goes before globs.
    pub(crate) fn of(&self, stream: &str) -> Result<Vec<String>> {
        if let Some((_, _, columns)) = self.entries.iter().find(|(pattern, ..)| pattern == stream) {
            return Ok(columns.clone());
        }
        let mut matching = self.entries.iter().filter(|(_, glob, _)| glob.is_match(stream));
        let Some((first, _, columns)) = matching.next() else { return Ok(Vec::new()) };
        match matching.find(|(_, _, others)| others != columns) {
            None => Ok(columns.clone()),
            Some((second, ..)) => Err(Error::config(format!(
                "`{}` has two globs for the stream `{stream}`: `{first}` and `{second}`",
                self.option
            ))
            .hint("name the stream itself")),
        }
    }

    /// Every entry is about one of `streams`.
    ///
    /// # Errors
    /// `Config`: one is not.
    pub(crate) fn check_used(&self, streams: &[&str]) -> Result<()> {
        let about = |pattern: &str, glob: &GlobMatcher| {
            streams.iter().any(|stream| *stream == pattern || glob.is_match(stream))
        };
        match self.entries.iter().find(|(pattern, glob, _)| !about(pattern, glob)) {
            Some((pattern, ..)) => Err(Error::config(format!(
                "`{}` names the stream `{pattern}`, which there is not",
                self.option
            ))
            .hint(format!("there are: {}", streams.join(", ")))),
            None => Ok(()),
        }
    }
}
