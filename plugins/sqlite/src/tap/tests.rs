//! Promises of the tap, through its traits and a file of its own each.

mod files; // locked, damaged, not there; left as they were
mod following; // replication keys
mod kit; // a file, and what is read of it
mod random; // any type
mod random_values; // and columns of it
mod reading; // what is offered, read and refused
mod remade; // a table that was made again between two runs
mod round_trip; // what the target writes comes back
