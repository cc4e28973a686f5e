//! Singer.

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
pub(crate) mod tests;
