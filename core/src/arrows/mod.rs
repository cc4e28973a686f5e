//! Arrow.
mod framing;
mod reader;
mod segment;
mod target;

pub use reader::ArrowsReader;
pub use target::ArrowsTarget;
