//! Promises of the tap, against the real server.

mod discovery; // what is found
mod errors; // bad input: what is said of it
mod full; // tables read whole, in parts, gone on with
mod incremental; // what came after the bookmark
mod origins; // bookmarks that come from elsewhere
mod schedules; // many writers in any order: no row is lost
