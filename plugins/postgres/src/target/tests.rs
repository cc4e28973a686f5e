//! The promises of the target, with a real server.

mod commits; // rows and records: both or neither, and once
mod kit; // a target, batches, and questions to the server
mod modes; // append, upsert, overwrite
mod shapes; // tables that are there, columns that come and go
mod faults; // runs that overtake each other, sessions that end, servers that stop
mod values; // values that are changed, refused or deleted
