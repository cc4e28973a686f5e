//! What users do, with the real binary and real libraries. One test binary: it is linked once.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "figures, and reasons why a test cannot run here")]

mod bad_config; // one clear error, and nothing is lost
mod bad_files; // the place is named
mod bad_places; // full, not there, not to be written
mod catalogs; // selected, set, discovered again
mod command_line; // every command and option
mod disk_faults; // at every system call
mod faulty_plugins; // libraries that are broken
mod files; // real files in every form
mod guarantees; // what the documents say of the tests
mod killed; // at every system call
mod main_job; // CSV files to SQLite
mod memory; // within the budget
mod nyc; // the flights of New York City
mod objects; // buckets of object stores
mod plugin_search; // where plugins are found
mod secrets; // in no output
mod shop; // three orders
mod signals; // told to stop
mod sqlite_tap; // SQLite files as a source
mod state; // where a run begins
mod tap_target; // in two processes
