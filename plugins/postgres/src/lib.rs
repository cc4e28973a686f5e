//! PostgreSQL as tap and target.
#![allow(dead_code, unused_imports, clippy::todo)] // while it grows

mod client; // the only part that speaks to the server
mod decode; // rows of a binary COPY -> batches
mod encode; // batches -> rows of a binary COPY
#[cfg(test)]
mod manifest; // what the library says of itself
mod numeric; // the server's numeric
mod quote; // names and texts in SQL
mod reader; // streams being read
mod tap; // the side that reads
#[cfg(test)]
mod testing; // a table of the real server, in and out
mod types; // the types of the server <-> Arrow

dstream_sdk::export! {
    manifest: "../manifest.json",
    connectors: { "postgres" => tap: tap::PostgresTap }
}
