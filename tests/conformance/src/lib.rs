#![doc = include_str!("../README.md")]

mod case; // one promise, and what selects it
mod list; // every case
mod manifest; // what a library says of itself
mod random; // numbers that follow from a seed
mod read_back; // tables seen through a tap
mod records; // comparing the records of two readings
mod rows; // the rows that the kit writes
mod subject; // what is tested
mod tap; // what a tap promises
mod target; // what a target promises
mod trace; // whether a call left anything behind
mod verdict; // what came of a case

pub use case::Case;
pub use list::{cases, find_case};
pub use read_back::TapReadBack;
pub use rows::Row;
pub use subject::{ReadBack, Role, Subject};
pub use verdict::Outcome;
