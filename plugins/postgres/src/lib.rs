//! PostgreSQL as tap and target.
#![allow(dead_code, unused_imports, clippy::todo)] // while it grows

mod client; // the only part that speaks to the server
mod decode; // rows of a binary COPY -> batches
mod encode; // batches -> rows of a binary COPY
mod numeric; // the server's numeric
mod quote; // names and texts in SQL
mod table; // what a stream needs of its table
mod target; // what is durable
#[cfg(test)]
mod testing; // a table of the real server, in and out
mod types; // the types of the server <-> Arrow
mod writer; // one partition being written

pub use target::PostgresTarget;
