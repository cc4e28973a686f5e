//! A folder of its own for every test, `dstreams` run in it, and what came of it.

mod built; // the binary and libraries that cargo built
mod database; // rows of an SQLite file
mod faults; // libraries that are broken on purpose
mod run; // a run that goes on, and one that has ended
mod sandbox; // the folder

pub use built::{binary, library};
pub use database::{Database, Value};
pub use faults::{cut, for_another_machine, without_manifest};
pub use run::{Run, Started};
pub use sandbox::{Sandbox, example};
