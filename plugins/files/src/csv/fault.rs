//! What is wrong with a file, said with its name, line and column.

use arrow::datatypes::DataType;

use dstream_sdk::{Error, Result};

use super::split::{Chunk, Fault, FaultKind};
use crate::shown::{quoted, shown};
use crate::tap::{Window, too_long};
use crate::types;

/// The error of a record that is none. `window` stands at the beginning of the chunk.
pub(super) fn error(window: &Window, fault: Fault, columns: usize, record_bytes: usize) -> Error {
    let place = shown(window.path());
    let line = window.line_at(fault.at);
    match fault.kind {
        FaultKind::Ragged(found) => {
            let (fields, columns) = (count(found, "field"), count(columns, "column"));
            Error::data(format!("`{place}` line {line} has {fields}, the file has {columns}")).hint(
                "quote fields that hold the delimiter, or set `delimiter` and `quote` to those of the file",
            )
        }
        FaultKind::TooLong => too_long(window, fault.at, record_bytes),
        FaultKind::AfterQuote => {
            Error::data(format!("`{place}` line {line} has text after the closing quote of a field"))
                .hint("double the quotes inside of fields, or set `quote` or `escape` to those of the file")
        }
        FaultKind::OpenQuote => {
            Error::data(format!("`{place}` ends inside of the quotes that were opened in line {line}"))
                .hint("close them, or set `quote` to that of the file; `null` if it has none")
        }
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The error of a value that is none of its column's type.
pub(super) fn misfit(window: &Window, start: u32, name: &str, want: &DataType, value: &[u8]) -> Error {
    let place = shown(window.path());
    let line = window.line_at(start as usize);
    let (value, want) = (quoted(value), types::name(want));
    Error::data(format!("`{place}` line {line}: column `{name}` has {value}, which is no {want}"))
        .hint("run `dstreams discover` again, or declare the column as text in `types`")
        .with_row_data()
}

/// Text is UTF-8. `window` stands at the beginning of the chunk.
pub(super) fn check_utf8(window: &Window, chunk: &Chunk, names: &[String]) -> Result<()> {
    let bytes = &window.bytes()[..chunk.length];
    let Err(error) = std::str::from_utf8(bytes) else { return Ok(()) };
    let at = error.valid_up_to();
    let (place, line) = (shown(window.path()), window.line_at(at));
    let field = chunk.fields.partition_point(|field| field.start() <= at).saturating_sub(1);
    let columns = chunk.fields.len() / chunk.starts.len().max(1);
    let column = match chunk.fields.get(field) {
        Some(found) if (found.start()..found.start() + found.text(bytes).len()).contains(&at) => {
            let index = field % columns.max(1);
            names.get(index).map_or(format!(", column {}", index + 1), |name| format!(", column `{name}`"))
        }
        _ => String::new(),
    };
    let byte = bytes[at];
    Err(Error::data(format!("`{place}` line {line}{column}: the byte 0x{byte:02x} is not UTF-8"))
        .hint("set `encoding` to that of the file, or save it as UTF-8"))
}
