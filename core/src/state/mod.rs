//! How far every partition is: the state file, what the user edits in it by hand, and where the next run starts.

mod document; // the file's content and its checksum
mod edit; // `state view`, `set` and `clear`
mod error; // what the command line maps to exit codes
mod file; // reading and writing it so that a crash leaves the old or the new one
mod lock; // one run of a pipeline per host
mod partition; // what is known of one partition
mod resolve; // file, target and user: who wins, for every partition that is known
mod starts; // where every partition of the plan starts, and in which generation

pub use document::{Authority, Edit, State};
pub use edit::{clear, set, view};
pub use error::{Result, StateError};
pub use file::StateFile;
pub use lock::RunLock;
pub use partition::{Entry, PartitionState};
pub use resolve::{Question, Resolution, resolve};
pub use starts::{Start, Starts};

#[cfg(test)]
mod tests;
