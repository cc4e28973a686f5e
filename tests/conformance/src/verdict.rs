//! What came of a case.

use dstream_abi::Error;

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The promise is kept; the text says what was looked at and may be empty.
    Passed(String),
    /// The promise is broken: how.
    Failed(String),
    /// Nothing was looked at: why.
    Skipped(String),
}

/// Why a case ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(String),
    Skipped(String),
}

/// A step of a case.
pub(crate) type Step<T = ()> = Result<T, Stop>;

impl From<Error> for Stop {
    /// An error where none was expected.
    fn from(error: Error) -> Stop {
        Stop::Failed(format!("an error of kind `{}`: {error}", error.kind().name()))
    }
}

impl From<Step<String>> for Outcome {
    fn from(step: Step<String>) -> Outcome {
        match step {
            Ok(seen) => Outcome::Passed(seen),
            Err(Stop::Failed(why)) => Outcome::Failed(why),
            Err(Stop::Skipped(why)) => Outcome::Skipped(why),
        }
    }
}

/// Says what was being done when something failed.
pub(crate) trait While<T> {
    /// Puts `doing` before the reason.
    fn during(self, doing: impl FnOnce() -> String) -> Step<T>;
}

impl<T, E: Into<Stop>> While<T> for Result<T, E> {
    fn during(self, doing: impl FnOnce() -> String) -> Step<T> {
        self.map_err(|stop| match stop.into() {
            Stop::Failed(why) => Stop::Failed(format!("{}: {why}", doing())),
            Stop::Skipped(why) => Stop::Skipped(why),
        })
    }
}

/// Ends the case as failed.
pub(crate) fn fail<T>(why: impl Into<String>) -> Step<T> {
    Err(Stop::Failed(why.into()))
}

/// Ends the case as skipped.
pub(crate) fn skip<T>(why: impl Into<String>) -> Step<T> {
    Err(Stop::Skipped(why.into()))
}

/// Ends the case as failed where `holds` is not true.
pub(crate) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Step {
    if holds { Ok(()) } else { Err(Stop::Failed(why())) }
}
