//! What users do, with the real binary and real libraries. One test binary: it is linked once.
#![allow(clippy::print_stdout, reason = "figures, and reasons why a test cannot run here")]

mod command_line; // every command and option
mod main_job; // CSV files to SQLite
mod nyc; // the flights of New York City
mod plugin_search; // where plugins are found
mod state; // where a run begins
