//! The promises of the target, with a real server.

mod commits; // rows and records: both or neither, and once
mod faults; // runs that overtake each other, sessions that end, servers that stop
mod kit; // a target, batches, and questions to the server
mod modes; // append, upsert, overwrite
mod shapes; // tables that are there, columns that come and go
mod values; // values that are changed, refused or deleted
