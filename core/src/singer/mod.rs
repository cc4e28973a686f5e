//! Singer.
mod bind;
mod builder;
mod column;
mod duration;
pub(crate) mod feed;
mod incoming;
mod ingest;
mod json;
mod lines;
mod message;
mod nested;
mod number;
mod object;
pub(crate) mod output;
mod parse;
mod reader;
mod record;
mod scalar;
mod target;
mod temporal;
mod text;

pub use incoming::{Incoming, Source, StreamSchema};
pub use ingest::{IngestOptions, Ingested, ingest};
pub use reader::{BatchLimits, SingerReader};
pub use target::SingerTarget;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
pub(crate) mod tests;
