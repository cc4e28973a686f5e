//! The types of the columns, from every record of the file.

use arrow::datatypes::{Field, Schema};
use std::path::Path;

use dstream_sdk::{Error, Result};

use super::decoder::{no_record, skip_mark};
use super::lines::next_line;
use super::parse::{Kind, Tape, Value, parse};
use super::shape::Members;
use crate::csv::Nulls;
use crate::decode::{Stop, more, too_long};
use crate::options::{Infer, Settings};
use crate::position::{LineEnd, Position};
use crate::shown::shown;
use crate::types;
use crate::window::Window;

/// More keys than this in one file are values that were written as keys.
const MAX_COLUMNS: usize = 10_000;

/// The columns of a file, in the order in which they come up, and the number of its records.
pub(crate) fn discover(
    settings: &Settings,
    path: &Path,
    on_block: &dyn Fn() -> Result<()>,
) -> Result<(Schema, Option<u64>)> {
    let mut window = Window::open(path)?;
    skip_mark(&mut window);
    let mut position = Position::default();
    let mut members = Members::default();
    let mut tape = Tape::default();
    let nulls = Nulls::new(&settings.null_values);
    let place = shown(path);
    loop {
        let mut at = 0;
        let stop = loop {
            let bytes = window.bytes();
            let line = match next_line(bytes, window.is_last(), at) {
                Ok(line) => line,
                Err(stop) => break stop,
            };
            if line.end - line.start > settings.max_record_bytes {
                return Err(too_long(&window, &position, line.start, settings.max_record_bytes));
            }
            let record = read(&bytes[line.start..line.end], &mut tape)
                .map_err(|fault| no_record(&window, &position, line.start, fault))?;
            members.observe(record, &nulls, 0);
            position.records += 1;
            if members.names.len() > MAX_COLUMNS {
                return Err(Error::data(format!(
                    "the records of `{place}` have more than {MAX_COLUMNS} keys"
                ))
                .hint("write values that vary from record to record as values, not as keys"));
            }
            at = line.next;
        };
        position.pass(&window.bytes()[..at], 0, LineEnd::Complete);
        window.consume(at);
        match stop {
            Stop::End => break,
            _ => {
                on_block()?;
                more(&mut window, &position, settings.max_record_bytes)?;
            }
        }
    }
    if members.names.is_empty() {
        let what = if position.records == 0 { "is empty" } else { "has no key in any record" };
        return Err(Error::data(format!("`{place}` {what}: nothing says which columns there are"))
            .hint("remove the file, or write a record into it"));
    }
    if let Some(name) = members.names.iter().find(|name| name.contains('\0')) {
        let name = name.escape_debug();
        return Err(
            Error::data(format!("`{place}` has the key `{name}`, which holds NUL")).hint("rename the key")
        );
    }
    let fields = members.names.iter().zip(&members.shapes).map(|(name, shape)| {
        match (settings.types.get(name), settings.infer) {
            (Some(declared), _) => Field::new(name, declared.clone(), true),
            (None, Infer::Full) => shape.field(name),
            (None, Infer::None) => types::json_field(name),
        }
    });
    Ok((Schema::new(fields.collect::<Vec<_>>()), Some(position.records)))
}

/// The object of a line.
pub(super) fn read<'a>(
    line: &'a [u8],
    tape: &'a mut Tape,
) -> std::result::Result<Value<'a>, super::parse::Fault> {
    use super::parse::Fault;
    if let Err(error) = std::str::from_utf8(line) {
        let at = error.valid_up_to();
        return Err(Fault { at, message: format!("the byte 0x{:02x} is not UTF-8", line[at]) });
    }
    let value = parse(line, tape)?;
    match value.kind() {
        Kind::Object => Ok(value),
        Kind::List => Err(Fault { at: 0, message: "an object was expected, a list was found".to_owned() }),
        _ => Err(Fault { at: 0, message: "an object was expected, another value was found".to_owned() }),
    }
}
