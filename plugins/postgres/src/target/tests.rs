//! The promises of the target, with a real server.

mod commits; // rows and records: both or neither, and once
mod kit; // a target, batches, and questions to the server
mod modes; // append, upsert, overwrite
mod shapes; // tables that are there, columns that come and go
