//! What the user may set for targets.

use schemars::JsonSchema;
use serde::Deserialize;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;

use dstream_sdk::{ConnectorConfig, Error, Result, parse_options};

use super::{FromConfig, Packing};
use crate::csv::CsvEncoding;
use crate::ipc::{self, IpcEncoding};
use crate::jsonl::JsonlEncoding;
use crate::options::byte;

/// An object that becomes larger is followed by another one: object stores copy 5 GiB at once, and bytes are looked at now
/// and then.
const MAX_OBJECT_BYTES: u64 = 4 << 30;

/// Options of the target `csv`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CsvTargetOptions {
    /// The character between two fields. Default: a comma.
    #[serde(default = "comma")]
    delimiter: char,
    /// What is written for null. Text like it is put in quotes, and so is the empty text. Default: nothing.
    #[serde(default)]
    null_value: String,
    /// The first line of a file names the columns. Default true.
    #[serde(default = "yes")]
    header: bool,
    /// What a line ends with. Default `lf`.
    #[serde(default)]
    line_end: LineEnd,
    #[serde(flatten)]
    text: TextOptions,
    #[serde(flatten)]
    rolling: RollingOptions,
}

/// Options of the target `jsonl`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonlTargetOptions {
    #[serde(flatten)]
    text: TextOptions,
    #[serde(flatten)]
    rolling: RollingOptions,
}

/// Options of the target `arrow`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArrowTargetOptions {
    /// How buffers are packed. Default `zstd`.
    #[serde(default)]
    compression: ipc::Compression,
    #[serde(flatten)]
    rolling: RollingOptions,
}

/// When another file begins. Every target has these options.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RollingOptions {
    /// Records of a file, at most; then another one begins. Default: no limit but that of a window.
    #[serde(default)]
    max_file_rows: Option<NonZeroU64>,
    /// Another file begins once one has that many bytes, as they are written; it may become a little larger. Default: no
    /// limit.
    #[serde(default)]
    max_file_bytes: Option<NonZeroU64>,
}

/// What the targets for files of text have in common.
#[derive(Debug, Deserialize, JsonSchema)]
struct TextOptions {
    /// `folder`: a folder for every stream, with files that never change; `file`: one file for every stream, which grows.
    /// Default `folder`.
    #[serde(default)]
    layout: Layout,
    /// How files are packed. Default `none`.
    #[serde(default)]
    compression: Compression,
    /// 1 to 9 for gzip, 6 if it is not set; 1 to 22 for zstd, 3 if it is not set: higher is smaller and slower.
    #[serde(default)]
    #[schemars(range(min = 1, max = 22))]
    compression_level: Option<u8>,
}

/// What a line ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum LineEnd {
    /// A line feed.
    #[default]
    Lf,
    /// A carriage return and a line feed.
    Crlf,
}

/// Where the rows of a stream are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Layout {
    /// In the files of a folder.
    #[default]
    Folder,
    /// In one file, which grows.
    File,
}

/// How files are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Compression {
    /// Not at all.
    #[default]
    None,
    Gzip,
    Zstd,
}

/// Which files are made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Files {
    pub(crate) layout: Layout,
    pub(crate) max_rows: Option<NonZeroU64>,
    pub(crate) max_bytes: Option<NonZeroU64>,
}

impl Files {
    /// Fits them to what object stores can do.
    ///
    /// # Errors
    /// `Config`: a file is to grow.
    pub(crate) fn fit_to_objects(&mut self) -> Result<()> {
        if self.layout == Layout::File {
            return Err(Error::config("`layout` is `file`, and objects of an object store do not grow")
                .hint("leave out `layout`, or write to a folder"));
        }
        self.max_bytes = self.max_bytes.or(NonZeroU64::new(MAX_OBJECT_BYTES));
        Ok(())
    }
}

fn comma() -> char {
    ','
}
fn yes() -> bool {
    true
}

/// The level that is set, or that which is taken where none is.
///
/// # Errors
/// `Config`: the codec does not have it.
pub(crate) fn level_of(set: Option<u8>, default: u8, levels: RangeInclusive<u8>) -> Result<u8> {
    match set.unwrap_or(default) {
        level if levels.contains(&level) => Ok(level),
        level => Err(Error::config(format!("`compression_level` is {level}")).hint(format!(
            "it must be {} to {}",
            levels.start(),
            levels.end()
        ))),
    }
}

impl TextOptions {
    fn packing(&self) -> Result<Packing> {
        let level = |default, highest| level_of(self.compression_level, default, 1..=highest);
        match self.compression {
            Compression::None if self.compression_level.is_some() => {
                Err(Error::config("`compression_level` is set, and `compression` is `none`")
                    .hint("set `compression` to `gzip` or `zstd`, or leave out the level"))
            }
            Compression::None => Ok(Packing::Plain),
            Compression::Gzip => Ok(Packing::Gzip(level(6, 9)?.into())),
            Compression::Zstd => Ok(Packing::Zstd(level(3, 22)?.into())),
        }
    }
}

impl RollingOptions {
    /// The files that are made.
    ///
    /// # Errors
    /// `Config`: there is a limit, and one file grows.
    pub(crate) fn files(self, layout: Layout) -> Result<Files> {
        let limited = [("max_file_rows", self.max_file_rows), ("max_file_bytes", self.max_file_bytes)];
        let limited = limited.iter().find(|(_, limit)| layout == Layout::File && limit.is_some());
        match limited {
            Some((name, _)) => {
                Err(Error::config(format!("`{name}` is set, and `layout` is `file`: one file grows"))
                    .hint("leave it out, or set `layout` to `folder`"))
            }
            None => Ok(Files { layout, max_rows: self.max_file_rows, max_bytes: self.max_file_bytes }),
        }
    }
}

impl FromConfig for CsvEncoding {
    fn from_config(config: &ConnectorConfig) -> Result<(CsvEncoding, Files)> {
        let options: CsvTargetOptions = parse_options(config)?;
        let delimiter = byte("delimiter", Some(options.delimiter))?.filter(|byte| *byte != b'"');
        let Some(delimiter) = delimiter else {
            return Err(Error::config("`delimiter` is the quote").hint("choose another character"));
        };
        let null = options.null_value;
        let is_special =
            |letter: char| matches!(letter, '"' | '\r' | '\n' | '\u{feff}') || letter == options.delimiter;
        if null.contains(is_special) {
            return Err(Error::config(format!("`null_value` is `{}`", null.escape_debug()))
                .hint("it must be a text without delimiters, quotes, line ends and byte order marks"));
        }
        let line_end = match options.line_end {
            LineEnd::Lf => "\n",
            LineEnd::Crlf => "\r\n",
        };
        let packing = options.text.packing()?;
        let encoding = CsvEncoding { delimiter, null, header: options.header, line_end, packing };
        Ok((encoding, options.rolling.files(options.text.layout)?))
    }
}

impl FromConfig for JsonlEncoding {
    fn from_config(config: &ConnectorConfig) -> Result<(JsonlEncoding, Files)> {
        let JsonlTargetOptions { text, rolling } = parse_options(config)?;
        Ok((JsonlEncoding { packing: text.packing()? }, rolling.files(text.layout)?))
    }
}

impl FromConfig for IpcEncoding {
    fn from_config(config: &ConnectorConfig) -> Result<(IpcEncoding, Files)> {
        let ArrowTargetOptions { compression, rolling } = parse_options(config)?;
        Ok((IpcEncoding { compression }, rolling.files(Layout::Folder)?))
    }
}
