//! Taps for files: comma-separated values and JSON lines, one stream per file.
#![doc = include_str!("../README.md")]

mod bookmark; // where to read on in a file, and what that file looked like
mod columns; // text -> the values of one column
mod csv; // comma-separated values
mod decode; // what a format does with the bytes of a window
mod decompression; // gzip and zstd, by their first bytes
mod discovery; // a file, a folder or a glob -> files
mod inference; // which types hold a text
mod jsonl; // JSON lines
mod number; // numbers in text, exactly or not at all
mod options; // what the user may set
mod parquet; // Parquet
mod position; // lines and records before the window
mod reader; // the records of one file, as batches with bookmarks
mod shown; // names and values in messages
mod store; // where a target keeps its files
mod tap; // which files there are, what they hold, readers of them
mod target; // what is durable of files that are written
mod time; // dates and timestamps in ISO 8601
mod types; // names of types <-> Arrow
mod window; // slides over the decompressed bytes of a file

#[cfg(test)]
mod manifest; // what the library says of itself
#[cfg(test)]
mod testing; // files and readers for tests

dstream_sdk::export! {
    manifest: "../manifest.json",
    connectors: { "csv" => tap: tap::CsvTap; "jsonl" => tap: tap::JsonlTap; "parquet" => tap: parquet::ParquetTap, target: target::ParquetTarget }
}
