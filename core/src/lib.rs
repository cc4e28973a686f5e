//! Placeholder.
pub mod plugin; // type -> library
