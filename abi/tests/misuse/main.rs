//! Tables, calls and messages that break the contract, made by hand in this process: each ends in its own clear error,
//! and none in a panic.

#![allow(clippy::unwrap_used)] // a test may

#[path = "../echo/callbacks.rs"]
mod callbacks; // of the header

mod answers; // documents and objects that are not there, or not what they should be
mod crude; // the library
mod given; // what host and library are given
mod messages; // what a reader hands out
mod roots; // what the entry answers
mod statuses; // what a callback says of itself

use dstream_abi::{Error, ErrorKind, Result};

/// The error of one case: who must act, and the words that name what is wrong.
#[track_caller]
fn says<T>(outcome: Result<T>, kind: ErrorKind, words: &str) -> Error {
    let error = outcome.err().unwrap_or_else(|| panic!("accepted; expected: {words}"));
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(words), "`{error}` does not say `{words}`");
    assert!(error.message().lines().count() == 1, "`{error}` is more than a line");
    error
}
