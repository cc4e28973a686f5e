//! PostgreSQL as tap and target.
#![allow(dead_code)] // while it grows

mod client; // the only part that speaks to the server
