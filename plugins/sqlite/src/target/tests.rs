//! Promises of the target, through its traits and a file of its own each.

mod commits; // rows and records: both or neither, once
mod faults; // disks, locks, permissions, other people's files
pub(crate) mod kit; // a target, batches, questions to the file
mod lanes; // several writers at once
mod modes; // append, upsert, overwrite
mod shapes; // tables that are there, columns that come and go
mod values; // every type, exactly
