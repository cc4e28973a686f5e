//! Records that come one by one, as batches.

mod builder; // rows -> batches, cut by rows and bytes
mod column; // one column being built
mod json; // JSON value -> column
pub(crate) mod number; // numbers that fit, exactly
mod store; // what a column keeps until its batch is finished
#[cfg(test)]
mod tests;
pub(crate) mod time; // text -> dates and timestamps, exactly

pub use builder::BatchBuilder;
pub use column::ColumnBuilder;
