#![doc = include_str!("../README.md")]

mod arrays; // Arrow's C structs, made by hand
mod astray; // right but for one fault
mod cases; // batches that are malformed in one way each
mod hollow; // tables with holes
mod panicky; // the safe traits, panicking
mod root; // manifest and entry
mod talk; // texts to and from the host
mod tap; // the raw tap
mod target; // the raw target
mod witness; // a target that tells where the buffers are

pub use cases::CASES;
