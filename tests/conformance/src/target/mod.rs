//! What a target promises.

pub(crate) mod batches; // what becomes of the batches that a target is given
pub(crate) mod commits; // what a commit makes durable, and when
pub(crate) mod fences; // one run at a time, several writers in it
pub(crate) mod modes; // the write modes
pub(crate) mod run; // a run against a target under test
pub(crate) mod samples; // an array of every Arrow type
pub(crate) mod types; // every type is written or refused
