//! From a library's tables to `Box<dyn Tap>` and `Box<dyn Target>`.
//!
//! Nothing that comes from a library is believed before it is looked at: tables by size, text by encoding, schemas and
//! arrays by [`gate`](self). What cannot be looked at is said in `docs/guarantees.md`.

mod array; // the gate for arrays
mod host; // what the host offers: errors, log, cancel
mod plugin; // root, entry
mod promises; // what the manifest says, against what the tables have
mod schema; // the gate for schemas
mod shape; // what a schema demands of an array
mod tap;
mod target;

pub(crate) use host::log_event;
pub use plugin::Plugin;

/// How far the host looks into the arrays of a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// Counts, pointers, lengths and sizes; per batch, not per record. For libraries whose arrays are valid by
    /// construction.
    Structural,
    /// Every value as well: offsets, UTF-8, dictionary keys, views.
    Full,
}

/// Keeps panics that this crate catches from being printed. Call once, early, in the host.
pub fn install_panic_hook() {
    crate::panics::install_hook();
}
