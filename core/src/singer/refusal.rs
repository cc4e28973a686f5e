//! Errors of lines: where, what, and what to do.

use dstream_abi::Error;

use super::json::Fault;
use super::message::{Envelope, Kind};

/// The error of a line that cannot be read.
pub(crate) fn broken(line: u64, stream: Option<&str>, fault: &Fault) -> Error {
    let place = format!("line {line}, byte {}", fault.at + 1);
    let error = match (&fault.column, fault.is_value) {
        (Some(column), true) => {
            Error::data(format!("{place}: column `{column}`: {}", fault.what)).with_row_data()
        }
        _ => Error::data(format!("{place}: {}", fault.what)),
    };
    let error = if fault.is_value {
        error.hint("mend the record, or the schema that the tap writes for it")
    } else {
        error.hint("every line must be one whole JSON object: was the input cut, or is something else printed on it?")
    };
    match stream {
        Some(stream) => error.stream(stream),
        None => error,
    }
}

/// The error of a message that is known and cannot be taken.
pub(crate) fn refuse(line: u64, message: &Envelope<'_>) -> Error {
    let (name, hint) = match message.kind {
        Kind::Batch => {
            ("BATCH", "turn batches off in the tap (`batch_config`): its records then come as messages")
        }
        _ => (
            "ACTIVATE_VERSION",
            "turn it off in the tap (`emit_activate_version_messages`) and choose `\"write_mode\": \"overwrite\"` for full tables",
        ),
    };
    let error = Error::unsupported(format!("line {line}: {name} messages cannot be taken")).hint(hint);
    match &message.stream {
        Some(stream) => error.stream(stream.as_ref()),
        None => error,
    }
}
