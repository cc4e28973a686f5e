//! What is wrong with an Arrow file, before its name is known.

use std::fmt::Display;
use std::io;
use std::path::Path;

use arrow::error::ArrowError;
use dstream_sdk::Error;

use crate::shown::{printable, shown};
use crate::tap::io_error;

/// The fault.
#[derive(Debug)]
pub(super) enum Fault {
    /// It says what cannot be.
    Damaged(String),
    /// It has what this version does not read.
    Unsupported(String),
    /// A record batch takes more memory than is allowed.
    TooLarge {
        bytes: u64,
        limit: u64,
    },
    Io(io::Error),
}

/// A result with a fault.
pub(super) type Told<T> = Result<T, Fault>;

impl Fault {
    pub(super) fn damaged(what: impl Display) -> Fault {
        Fault::Damaged(what.to_string())
    }

    pub(super) fn unsupported(what: impl Display) -> Fault {
        Fault::Unsupported(what.to_string())
    }

    /// The fault with the file's name, by who must act.
    pub(super) fn of(self, path: &Path) -> Error {
        let place = shown(path);
        match self {
            Fault::Damaged(what) => {
                let what = printable(what.chars());
                Error::data(format!("`{place}` is damaged, cut short, or no Arrow file: {what}"))
                    .hint("wait until it is written to the end, or copy it again")
            }
            Fault::Unsupported(what) => {
                let what = printable(what.chars());
                Error::unsupported(format!("`{place}` cannot be read: {what}"))
                    .hint("write it again without that, or leave it out with the path or a glob")
            }
            Fault::TooLarge { bytes, limit } => {
                Error::data(format!("`{place}` has a record batch of {bytes} bytes, and {limit} are allowed"))
                    .hint("write it in smaller batches, or raise `max_record_batch_bytes`")
            }
            Fault::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Error::data(format!("`{place}` was cut while it was read"))
                    .hint("run again once nobody writes to it")
            }
            Fault::Io(error) => io_error("reading", path, &error),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Io(error)
    }
}

impl From<ArrowError> for Fault {
    fn from(error: ArrowError) -> Fault {
        Fault::damaged(error)
    }
}
