//! SQLite files: one target, rows and bookmarks in one transaction.
#![doc = include_str!("../README.md")]

mod cells; // the values of one column, as SQLite takes them
mod client; // the only part that speaks to SQLite
mod gate; // the one connection that writes
mod json; // nested values as JSON
mod options; // what the user may set
mod quote; // names in SQL
mod spill; // batches in a file beside the database
mod table; // what a stream needs of its table
mod target; // what is durable
mod text; // dates, times and decimals as text
mod types; // Arrow type -> how SQLite stores it
mod window; // what is taken and not committed
mod writer; // one partition being written

pub use target::SqliteTarget;

dstream_sdk::export! {
    manifest: "../manifest.json",
    connectors: { "sqlite" => target: SqliteTarget }
}
