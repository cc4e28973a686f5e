//! What a tap promises.

pub(crate) mod bookmarks; // reading on, and reading again
pub(crate) mod source; // a tap under test: opened, discovered, planned and read
