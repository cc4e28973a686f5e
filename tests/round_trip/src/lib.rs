//! Random tables of PostgreSQL: columns of every type, values at its ends and between them, as SQL.

mod kinds; // the types, and how a value of each is drawn
mod table; // columns and rows

pub use kinds::{KINDS, Kind, Route};
pub use table::{Column, Table, tables};
