//! What a tap promises.

pub(crate) mod bookmarks; // reading on, and reading again
pub(crate) mod catalog; // what the tap says it has
pub(crate) mod lifetime; // what lives how long, and what disturbs what
pub(crate) mod order; // the order of messages, and whether batches are what was asked for
pub(crate) mod plan; // how the selection is cut into partitions
pub(crate) mod selection; // what the host may ask for, and what it may not
pub(crate) mod source; // a tap under test: opened, discovered, planned and read
pub(crate) mod waiting; // how long a call may take
