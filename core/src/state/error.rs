//! Errors that have an exit code of their own.

use dstream_abi::Error;

/// The result of reading or deciding about state.
pub type Result<T, E = StateError> = std::result::Result<T, E>;

/// Why state cannot be used.
#[derive(Clone, Debug)]
pub enum StateError {
    /// The state is cut, changed, foreign or newer, or it contradicts the target or the catalog. Exit code 8.
    Unusable(Error),
    /// Another run of the pipeline is going on. Exit code 9.
    Locked(Error),
    /// Anything else: the error's kind says who must act.
    Other(Error),
}

impl StateError {
    /// The error without the mark.
    pub fn error(&self) -> &Error {
        match self {
            StateError::Unusable(error) | StateError::Locked(error) | StateError::Other(error) => error,
        }
    }

    /// Adds what was being done.
    pub(super) fn context(self, doing: String) -> StateError {
        match self {
            StateError::Unusable(error) => StateError::Unusable(error.context(doing)),
            StateError::Locked(error) => StateError::Locked(error.context(doing)),
            StateError::Other(error) => StateError::Other(error.context(doing)),
        }
    }

    /// The exit code that the mark stands for; `None`: that of the error's kind.
    pub fn exit_code(&self) -> Option<u8> {
        match self {
            StateError::Unusable(_) => Some(8),
            StateError::Locked(_) => Some(9),
            StateError::Other(_) => None,
        }
    }
}

impl From<Error> for StateError {
    fn from(error: Error) -> StateError {
        StateError::Other(error)
    }
}

impl From<StateError> for Error {
    fn from(error: StateError) -> Error {
        match error {
            StateError::Unusable(error) | StateError::Locked(error) | StateError::Other(error) => error,
        }
    }
}

impl std::fmt::Display for StateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error().fmt(f)
    }
}

impl std::error::Error for StateError {}
