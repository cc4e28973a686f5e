//! The promises of the target, with a real server.

mod commits; // rows and records: both or neither, and once
mod faults; // runs that overtake each other, sessions that end, servers that stop
mod first; // first copies of streams with a key
mod kit; // a target, batches, and questions to the server
mod lanes; // several writers at once
mod modes; // append, upsert, overwrite
mod network; // connections that break
mod shapes; // tables that are there, columns that come and go
mod values; // values that are changed, refused or deleted
