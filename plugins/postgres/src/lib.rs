//! PostgreSQL as tap and target: one table of types, rows by binary COPY in both directions.
#![doc = include_str!("../README.md")]

mod client; // the only part that speaks to the server
mod decode; // rows of a binary COPY -> batches
mod encode; // batches -> rows of a binary COPY
mod epoch; // where the server begins to count
#[cfg(test)]
mod manifest; // what the library says of itself
mod numeric; // the server's numeric
mod quote; // names and texts in SQL
mod reader; // streams being read
mod table; // what a stream needs of its table
mod tap; // the side that reads
mod target; // what is durable
#[cfg(test)]
mod testing; // a table of the real server, in and out
mod types; // the types of the server <-> Arrow
mod writer; // one partition being written

dstream_sdk::export! {
    manifest: "../manifest.json",
    connectors: { "postgres" => tap: tap::PostgresTap, target: target::PostgresTarget }
}
