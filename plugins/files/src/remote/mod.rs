//! Buckets of object stores, and files of web servers.

mod address; // what a url says
mod bucket; // one bucket: what can be asked of it
mod client; // from an address and its auth to a client
mod fault; // what went wrong, by who must act

pub(crate) use address::{Address, Service};
pub(crate) use bucket::{Bucket, Seen};

#[cfg(test)]
mod tests;
