//! Files that are made up. Each harness takes any bytes: the first ones choose the options, the others are the file. A
//! harness panics where the library breaks a promise; that it refuses a file is none.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)] // a panic is what a harness says

mod entries; // entries of a target's log
mod mutation; // from samples to files like them
mod reading; // one file, read in every way
mod text; // CSV and JSON lines

pub use entries::entry;
pub use mutation::{Mutation, SAMPLES_OF_CSV, SAMPLES_OF_ENTRIES, SAMPLES_OF_JSON};
pub use text::{csv, jsonl};
