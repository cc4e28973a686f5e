//! What users do, with the real binary and real libraries. One test binary: it is linked once.
#![allow(clippy::print_stdout, reason = "figures, and reasons why a test cannot run here")]

mod bad_input; // one clear error, and nothing is lost
mod command_line; // every command and option
mod faulty_plugins; // libraries that are broken
mod main_job; // CSV files to SQLite
mod memory; // within the budget
mod nyc; // the flights of New York City
mod plugin_search; // where plugins are found
mod signals; // told to stop
mod state; // where a run begins
mod tap_target; // in two processes
