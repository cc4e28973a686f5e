//! From the word in a config to a library that runs: where plugins are looked for, what is checked before any of their
//! code runs, and the one place that loads them.

mod file; // a file opened once: every check reads through it
mod image; // what the headers of a library say
mod inspect; // every check that runs no code, in order
mod library; // the decision to trust a file, and the only unsafe block of this crate
mod manifest_file; // the manifest, read out of a file without running it
#[cfg(unix)]
mod private_group; // whether a group is one user alone
mod registry; // all files of all places; type and role -> one file
mod search; // where plugins are looked for
mod trust; // who may have changed the file
mod verify; // the checks as lines for a user
mod whole; // a file that is cut kills the process that loads it

#[cfg(test)]
mod fixtures;

pub use library::Library;
pub use registry::{Found, PlaceState, Registry, Role, SearchedPlace, Status};
pub use search::{Environment, Os, Place, SearchPath, Source};
pub use trust::Trust;
pub use verify::{Check, Outcome, read_manifest, verify_load, verify_static};
