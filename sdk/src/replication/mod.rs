//! Following a replication key: values compared by type, ties at the boundary neither lost nor doubled.

mod boundary; // where a run stopped, and which rows of that value it had
mod crowd; // rows of one value that are too many to be remembered one by one
mod value; // one value of a replication key

pub use boundary::Boundary;
pub use value::KeyValue;
