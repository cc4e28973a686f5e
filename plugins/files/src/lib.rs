//! Taps and targets for files: comma-separated values, JSON lines and Parquet.
#![doc = include_str!("../README.md")]

mod columns; // text -> the values of one column
mod csv; // comma-separated values
mod inference; // which types hold a text
mod input; // a file that is read
mod ipc; // Arrow IPC
mod jsonl; // JSON lines
mod number; // numbers in text, exactly or not at all
mod options; // what the user may set
mod parquet; // Parquet
mod remote; // buckets of object stores
mod shown; // names and values in messages
mod store; // where a target keeps its files
mod tap; // which files there are, what they hold, readers of them
mod target; // what is durable of files that are written
mod time; // dates and timestamps in ISO 8601
mod types; // names of types <-> Arrow

#[cfg(feature = "fuzzing")]
pub mod fuzzing; // for harnesses that make up files

#[cfg(test)]
mod manifest; // what the library says of itself
#[cfg(test)]
mod testing; // files and readers for tests

dstream_sdk::export! {
    manifest: "../manifest.json",
    connectors: { "csv" => tap: tap::FilesTap<csv::Csv>, target: target::CsvTarget;
        "jsonl" => tap: tap::FilesTap<jsonl::Jsonl>, target: target::JsonlTarget;
        "parquet" => tap: tap::FilesTap<parquet::Parquet>, target: target::ParquetTarget;
        "arrow" => tap: tap::FilesTap<ipc::Ipc>, target: target::ArrowTarget }
}
