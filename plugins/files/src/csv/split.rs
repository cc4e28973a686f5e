//! Bytes to records to fields. Nothing is copied: a field is a place in the window.

use super::Dialect;
use crate::tap::{LineEnd, Room, Stop};

/// One field: where its text stands in the chunk, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Field {
    start: u32,
    /// The length, with two flags at the top: a record has less than 1 GiB.
    length: u32,
}

const QUOTED: u32 = 1 << 31;
const ESCAPED: u32 = 1 << 30;

impl Field {
    fn new(start: usize, end: usize, flags: u32) -> Field {
        Field { start: start as u32, length: (end - start) as u32 | flags }
    }

    pub(crate) fn text<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.start as usize;
        &bytes[start..start + (self.length & !(QUOTED | ESCAPED)) as usize]
    }

    pub(crate) fn start(&self) -> usize {
        self.start as usize
    }

    pub(crate) fn is_quoted(&self) -> bool {
        self.length & QUOTED != 0
    }

    /// The text has doubled or escaped bytes.
    pub(crate) fn is_escaped(&self) -> bool {
        self.length & ESCAPED != 0
    }
}

/// Records in a row.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// The fields of the first record, then those of the next, and so on.
    pub(crate) fields: Vec<Field>,
    /// Where each record starts.
    pub(crate) starts: Vec<u32>,
    /// Bytes up to the end of the last record.
    pub(crate) length: usize,
    pub(crate) line_end: LineEnd,
}

/// A record that is none, at this offset in the chunk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) kind: FaultKind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FaultKind {
    /// This many fields, not as many as there are columns.
    Ragged(usize),
    /// Something follows the closing quote.
    AfterQuote,
    /// The file ends between quotes.
    OpenQuote,
    /// More bytes than a record may have.
    TooLong,
}

enum Record {
    Complete { next: usize, line_end: LineEnd },
    Incomplete,
}

/// Splits records off the beginning of `bytes` into `chunk`. A fault is reported once it is the first record.
pub(crate) fn split(
    dialect: &Dialect,
    columns: usize,
    bytes: &[u8],
    is_last: bool,
    room: Room,
    chunk: &mut Chunk,
) -> Result<Stop, Fault> {
    chunk.fields.clear();
    chunk.starts.clear();
    chunk.length = 0;
    let mut used = 0;
    loop {
        if chunk.starts.len() == room.rows {
            return Ok(Stop::Full);
        }
        // With a single column an empty line is a record: its field is empty.
        let Some(start) = skip(dialect, bytes, chunk.length, is_last, columns != 1) else {
            return Ok(if is_last { Stop::End } else { Stop::Incomplete });
        };
        if start >= room.until {
            return Ok(Stop::Until);
        }
        let first = chunk.fields.len();
        let outcome = record(dialect, bytes, start, is_last, &mut chunk.fields).and_then(|record| {
            let found = chunk.fields.len() - first;
            match record {
                Record::Complete { next, .. } if next - start > room.record_bytes => {
                    Err(Fault { at: start, kind: FaultKind::TooLong })
                }
                Record::Complete { .. } if found != columns => {
                    Err(Fault { at: start, kind: FaultKind::Ragged(found) })
                }
                record => Ok(record),
            }
        });
        let (next, line_end) = match outcome {
            Ok(Record::Complete { next, line_end }) => (next, line_end),
            Ok(Record::Incomplete) => {
                chunk.fields.truncate(first);
                return Ok(Stop::Incomplete);
            }
            Err(fault) if first == 0 => return Err(fault),
            Err(_) => {
                chunk.fields.truncate(first);
                return Ok(Stop::Full);
            }
        };
        used += (next - start) as u64 + room.bytes_per_row;
        if used > room.bytes && !(room.is_empty_batch && first == 0) {
            chunk.fields.truncate(first);
            return Ok(Stop::Full);
        }
        chunk.starts.push(start as u32);
        chunk.length = next;
        chunk.line_end = line_end;
    }
}

/// Splits off the first record, whatever number of fields it has.
pub(crate) fn split_one(
    dialect: &Dialect,
    bytes: &[u8],
    is_last: bool,
    chunk: &mut Chunk,
) -> Result<Stop, Fault> {
    chunk.fields.clear();
    let Some(start) = skip(dialect, bytes, 0, is_last, true) else {
        return Ok(if is_last { Stop::End } else { Stop::Incomplete });
    };
    match record(dialect, bytes, start, is_last, &mut chunk.fields)? {
        Record::Complete { next, line_end } => {
            chunk.starts = vec![start as u32];
            (chunk.length, chunk.line_end) = (next, line_end);
            Ok(Stop::Full)
        }
        Record::Incomplete => Ok(Stop::Incomplete),
    }
}

/// Passes empty lines and comments; `None`: no record begins in `bytes`.
fn skip(dialect: &Dialect, bytes: &[u8], mut at: usize, is_last: bool, empty_lines: bool) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            byte if Some(byte) == dialect.comment => {
                at += memchr::memchr2(b'\n', b'\r', &bytes[at..])? + 1;
                if bytes[at - 1] == b'\r' {
                    // The line feed of this line end may be the next byte to come.
                    match bytes.get(at) {
                        Some(b'\n') => at += 1,
                        None if !is_last => return None,
                        _ => {}
                    }
                }
            }
            b'\n' | b'\r' if empty_lines => at += 1,
            _ => return Some(at),
        }
    }
}

#[inline]
fn record(
    dialect: &Dialect,
    bytes: &[u8],
    mut at: usize,
    is_last: bool,
    fields: &mut Vec<Field>,
) -> Result<Record, Fault> {
    loop {
        if dialect.quote.is_some() && bytes.get(at).copied() == dialect.quote {
            let Some((end, escaped)) = closing_quote(dialect, bytes, at + 1, is_last) else {
                let fault = Fault { at, kind: FaultKind::OpenQuote };
                return if is_last { Err(fault) } else { Ok(Record::Incomplete) };
            };
            fields.push(Field::new(at + 1, end, QUOTED | if escaped { ESCAPED } else { 0 }));
            at = end + 1;
        } else {
            let end = field_end(dialect.delimiter, bytes, at);
            fields.push(Field::new(at, end, 0));
            at = end;
        }
        match bytes.get(at) {
            Some(byte) if *byte == dialect.delimiter => at += 1,
            Some(b'\n') => return Ok(Record::Complete { next: at + 1, line_end: LineEnd::Complete }),
            Some(b'\r') => {
                return Ok(match bytes.get(at + 1) {
                    Some(b'\n') => Record::Complete { next: at + 2, line_end: LineEnd::Complete },
                    Some(_) => Record::Complete { next: at + 1, line_end: LineEnd::Complete },
                    None if is_last => Record::Complete { next: at + 1, line_end: LineEnd::CarriageReturn },
                    None => Record::Incomplete,
                });
            }
            Some(_) => return Err(Fault { at, kind: FaultKind::AfterQuote }),
            None if is_last => return Ok(Record::Complete { next: at, line_end: LineEnd::Missing }),
            None => return Ok(Record::Incomplete),
        }
    }
}

/// Where the quoted text that begins at `at` ends, and whether it has doubled or escaped bytes.
pub(super) fn closing_quote(
    dialect: &Dialect,
    bytes: &[u8],
    mut at: usize,
    is_last: bool,
) -> Option<(usize, bool)> {
    let quote = dialect.quote?;
    let mut escaped = false;
    loop {
        let rest = bytes.get(at..)?;
        let found = match dialect.escape {
            Some(escape) => memchr::memchr2(quote, escape, rest)?,
            None => memchr::memchr(quote, rest)?,
        };
        at += found;
        match bytes.get(at + 1) {
            _ if bytes[at] != quote => {}
            Some(byte) if *byte == quote => {}
            // It may be the first half of a doubled one.
            None if !is_last => return None,
            _ => return Some((at, escaped)),
        }
        escaped = true;
        at += 2;
    }
}

/// Where the field without quotes that begins at `at` ends. Most are a few bytes long, too short for a call to pay off:
/// the first are looked at eight at once.
#[inline]
fn field_end(delimiter: u8, bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const TOPS: u64 = ONES << 7;
    for _ in 0..3 {
        let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) else { break };
        let word = u64::from_le_bytes(*word);
        // The top bit of every byte that is zero, and of some behind the first such.
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word & TOPS;
        let equal = |byte: u8| zeros(word ^ (ONES * u64::from(byte)));
        let found = equal(delimiter) | equal(b'\n') | equal(b'\r');
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + memchr::memchr3(delimiter, b'\n', b'\r', rest).unwrap_or(rest.len())
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
