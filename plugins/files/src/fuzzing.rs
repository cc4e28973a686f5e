//! What harnesses that make up files need of this library. Behind the feature `fuzzing`, never in a release.

use dstream_sdk::{ConnectorConfig, Context, Error, OpenTap, Result, Tap};

use crate::csv::Csv;
use crate::jsonl::Jsonl;
use crate::tap::FilesTap;
use crate::target::rewritten_entry;

/// A tap of files that are cut into pieces of so many bytes.
///
/// # Errors
/// `Config`: the config cannot be meant, or its type is neither `csv` nor `jsonl`.
pub fn tap(context: Context, config: ConnectorConfig, piece_bytes: u64) -> Result<Box<dyn Tap>> {
    match config.type_name.as_str() {
        "csv" => Ok(Box::new(FilesTap::<Csv>::open(context, config)?.cut_into(piece_bytes))),
        "jsonl" => Ok(Box::new(FilesTap::<Jsonl>::open(context, config)?.cut_into(piece_bytes))),
        other => Err(Error::config(format!("no tap `{other}` for harnesses"))),
    }
}

/// Reads an entry of a target's log and writes it again; `None`: it is none.
pub fn rewrite_entry(bytes: &[u8]) -> Option<Vec<u8>> {
    rewritten_entry(bytes)
}
