//! Singer messages: one JSON object a line, as `dstreams tap` prints and `dstreams target` reads them.
//!
//! [`SingerTarget`] writes SCHEMA, RECORD and STATE. [`SingerReader`] reads them, and [`ingest()`] brings what it reads to
//! a target. How a value stands in a record is the table of [`json_schema`](crate::catalog::json_schema); the `x-arrow`
//! of every property brings the exact type back, so that a batch that is written and read is the same, bit by bit.
//!
//! # What comes back otherwise
//! - Metadata of a whole schema is not written; that of columns is.
//! - A dictionary holds the same values, in the order of their first use. Runs are as long as they can be.
//! - JSON text (`arrow.json`) loses line breaks and the white space around it: they mean nothing to JSON.
//!
//! # What is refused, by name of column and record
//! - Written: NaN and infinities; dates and timestamps outside the years 0000 to 9999; a `Date64` that is no whole day; a
//!   time that is not within a day; JSON text that is no JSON, or is `null`, which would be no value; text keys that
//!   stand twice in a map; two fields of one name.
//! - Read: union columns, for a value does not say which of its types is meant; dictionaries and runs of nested values; a
//!   number that the column cannot hold exactly; null or nothing in a key property or in a column that cannot be null;
//!   a field that stands twice; ACTIVATE_VERSION and BATCH messages.
//!
//! The Arrow form ([`arrows`](crate::arrows)) refuses none of these.
//!
//! # What is taken with a warning, once for each name
//! - Fields that the schema does not name are left out, as other Singer targets do.
//! - Messages of unknown types are left out: the specification allows them.
//! - A time without zone in a column with one is UTC.

mod bind; // Arrow array -> typed column, one line per type
mod builder; // JSON value -> Arrow column, one line per type
mod column; // a typed column writes its values
mod compound; // values that take more than a look
mod duration; // ISO 8601 durations
mod fault; // what is wrong with a line
pub(crate) mod feed; // bytes of an input that may stay silent
mod incoming; // what comes in, in whichever form
mod ingest; // the loop of `dstreams target`
mod json; // one line of JSON, read in place
mod lines; // lines of any length
mod maps; // columns of maps
mod message; // which message a line is
mod nested; // columns of lists and structs
mod number; // numbers without loss
mod object; // the fields of a record, in any order
mod options; // how an input is taken
pub(crate) mod output; // what targets that print have in common
mod parse; // what a single value means
mod reader; // messages -> batches
mod record; // batch -> RECORD messages
mod refusal; // errors of lines
mod scalar; // columns of single values
mod scan; // the inside of JSON strings
mod target; // the target that prints
mod temporal; // RFC 3339
mod text; // strings, numbers and bytes as JSON

pub use incoming::{Incoming, Source, StreamSchema};
pub use ingest::ingest;
pub use options::{IngestOptions, Ingested};
pub use reader::{BatchLimits, SingerReader};
pub use target::SingerTarget;

#[cfg(test)]
mod ingest_tests;
#[cfg(test)]
mod reader_tests;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
pub(crate) mod seed;
#[cfg(test)]
pub(crate) mod tests;
