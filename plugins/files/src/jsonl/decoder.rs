//! Records of the selected columns, as batches.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

use dstream_sdk::{Error, Result};

use super::cut::{Cease, Cut};
use super::infer::read;
use super::lines::find_line;
use super::parse::Fault;
use super::tape::Tape;
use super::values::{Members, Misfit};
use crate::csv::Nulls;
use crate::options::Settings;
use crate::shown::shown;
use crate::tap::{Decode, Decoded, Position, Room, Start, Stop, Window, batch, too_long};
use crate::types;

/// Records of one call: enough to make the call cheap, few enough to look at the clock now and then.
const CALL_ROWS: usize = 4096;

/// Parses record by record and takes the selected keys.
pub(crate) struct JsonlDecoder {
    schema: SchemaRef,
    members: Members,
    tape: Tape,
    cut: Cut,
    bytes_per_row: u64,
}

impl JsonlDecoder {
    pub(crate) fn new(settings: &Settings, schema: SchemaRef, window: &mut Window) -> Result<JsonlDecoder> {
        skip_mark(window);
        let cut = Cut::of(window, settings.max_record_bytes)?;
        let nulls = Arc::new(Nulls::new(&settings.null_values));
        let members = Members::new(schema.fields(), |column| settings.types.contains_key(column), &nulls)?;
        let widths: u64 = schema.fields().iter().map(|field| types::width(field.data_type())).sum();
        let bytes_per_row = widths + (schema.fields().len() as u64).div_ceil(8) + 1;
        Ok(JsonlDecoder { schema, members, tape: Tape::default(), cut, bytes_per_row })
    }
}

/// Passes a byte order mark.
pub(super) fn skip_mark(window: &mut Window) {
    if window.bytes().starts_with(b"\xef\xbb\xbf") {
        window.consume(3);
    }
}

impl Decode for JsonlDecoder {
    fn decode(&mut self, window: &mut Window, position: &mut Position, room: Room) -> Result<Decoded> {
        let mut done = Decoded { rows: 0, bytes: 0, stop: Stop::Full };
        let (mut at, mut line_end) = (0, position.line_end);
        while done.rows < room.rows.min(CALL_ROWS) {
            let bytes = window.bytes();
            let is_first = position.records == 0 && done.rows == 0;
            let line = match self.cut.next(bytes, window.is_last(), at, is_first) {
                Ok(line) => line,
                Err(Cease::Stop(stop)) => {
                    done.stop = stop;
                    break;
                }
                Err(Cease::Fault(fault)) => return Err(no_record(window, 0, fault)),
            };
            if line.start >= room.until {
                done.stop = Stop::Until;
                break;
            }
            if line.end - line.start > room.record_bytes {
                return Err(too_long(window, line.start, room.record_bytes));
            }
            let record = match read(&bytes[line.start..line.end], &mut self.tape) {
                Ok(record) => record,
                Err(fault) => return Err(no_record(window, line.start, fault)),
            };
            // Every value takes its text, or 16 bytes at most, with an offset.
            let bytes = (line.end - line.start) as u64 + 20 * record.size() as u64 + self.bytes_per_row;
            if done.bytes + bytes > room.bytes && !(room.is_empty_batch && done.rows == 0) {
                break;
            }
            self.members.push(record, true).map_err(|misfit| wrong(window, line.start, misfit))?;
            done.rows += 1;
            done.bytes += bytes;
            (at, line_end) = (line.next, line.line_end);
        }
        position.pass(done.rows, line_end);
        window.consume(at);
        if done.rows > 0 && done.stop == Stop::End {
            done.stop = Stop::Full;
        }
        Ok(done)
    }

    fn finish(&mut self, rows: usize) -> Result<RecordBatch> {
        batch(&self.schema, self.members.finish()?, rows)
    }

    fn find_start(&self, bytes: &[u8], wanted: usize, _is_last: bool) -> Start {
        find_line(bytes, wanted)
    }

    fn has_local_starts(&self) -> bool {
        self.cut == Cut::Lines
    }

    fn fingerprint(&self) -> String {
        self.cut.fingerprint().to_owned()
    }
}

/// The error of what is no record, `fault.at` bytes behind `start`.
pub(super) fn no_record(window: &Window, start: usize, fault: Fault) -> Error {
    let before = &window.bytes()[..start + fault.at];
    let (place, line) = (shown(window.path()), window.line_at(before.len()));
    let (at, message) = (byte_after(window, before), fault.message);
    Error::data(format!("`{place}` line {line}, {at}: {message}"))
        .hint("every line must be one JSON object in UTF-8, or the file one list of objects")
        .with_row_data()
}

/// The place behind `before`, which the window begins with, in its line.
fn byte_after(window: &Window, before: &[u8]) -> String {
    let line_end = |bytes: &[u8]| memchr::memrchr(b'\n', bytes);
    if let Some(end) = line_end(before) {
        return format!("byte {}", before.len() - end);
    }
    // The line has records before the window, where lines are none.
    let tail = window.tail();
    match line_end(tail) {
        Some(end) => format!("byte {}", tail.len() - end + before.len()),
        None if tail.len() as u64 == window.offset() => format!("byte {}", tail.len() + before.len() + 1),
        None => format!("byte {} of the file", window.offset() + before.len() as u64 + 1),
    }
}

fn wrong(window: &Window, start: usize, misfit: Misfit) -> Error {
    let (place, line) = (shown(window.path()), window.line_at(start));
    match misfit {
        Misfit::Value { key, want, found } => {
            Error::data(format!("`{place}` line {line}: column `{key}` has {found}, which is no {want}"))
                .hint("run `dstreams discover` again, or declare the column as text in `types`")
                .with_row_data()
        }
        Misfit::Null { key } => {
            Error::data(format!("`{place}` line {line}: column `{key}` is null, the catalog says never"))
                .hint("run `dstreams discover` again")
        }
        Misfit::UnknownKey { key, unknown } => Error::schema(format!(
            "`{place}` line {line}: column `{key}` has the key {unknown}, which the catalog does not know"
        ))
        .hint("run `dstreams discover` again"),
    }
}
