//! The kill campaign: the real binary with the real plugins moves records from system to system, is killed at random
//! moments and started again, and every row of the target is compared with what it has to be.
#![doc = include_str!("../README.md")]

mod allowed; // what may be seen of a table beside a run
pub mod bug; // bugs on purpose, and the harness that finds each
mod build; // makes the two sides of a world
pub mod campaign; // rounds until enough kills
mod column; // the columns of each kind of source
mod copy; // rows in PostgreSQL's text format
mod destination; // where the records go
mod draw; // values at random, of every type
pub mod durability; // what a power failure would leave of the files
#[cfg(unix)]
pub mod fencing; // two runs of one pipeline
pub mod figures; // what came of a campaign
mod nemesis; // what disturbs a run, and when
pub mod network; // faults of the network between the program and its databases
mod oracle; // what is in the target, against what has to be
pub mod pair; // what is moved to where
mod process; // one run, and its end
mod random; // numbers from a seed
mod row; // one record, from seed, stream, number and version
mod servers; // the PostgreSQL servers of a campaign
mod source; // where the records come from
mod stream; // a stream as it has to be
pub mod subject; // the binary and plugins under test
mod value; // one value, and how each system holds it
pub mod verdict; // what an oracle found
mod watch; // somebody who reads beside a run
mod world; // one pipeline in a folder of its own
