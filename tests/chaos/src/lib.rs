//! The kill campaign: the real binary with the real plugins moves CSV into SQLite, is killed at random moments and
//! started again, and every row of the target is compared with what it has to be.
#![doc = include_str!("../README.md")]

pub mod campaign; // rounds until enough kills, and the figures
mod cell; // one value: as it stands in the file, as the target has to store it
mod oracle; // what is in the target, against what has to be
mod process; // one run, and its end
mod random; // numbers from a seed
mod row; // one record, from seed, stream, number and version
pub mod subject; // the binary and plugins under test
mod tables; // the files of a world and what their tables have to hold
pub mod verdict; // what an oracle found
mod world; // one pipeline in a folder of its own
