//! Bytes to records: lines, the objects of one list, or objects one after the other over any lines.

use dstream_sdk::Result;

use super::lines::{Line, next_line};
use super::parse::Fault;
use crate::tap::{LineEnd, Stop, Window};

/// How the records of a file stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// One in a line.
    Lines,
    /// In a list.
    List,
    /// One after the other, over any number of lines; the first has more than one.
    Objects,
}

/// Why there is no record.
#[derive(Debug, PartialEq)]
pub(super) enum Cease {
    Stop(Stop),
    /// What is there is none; the place is that in the window.
    Fault(Fault),
}

impl Cut {
    /// Looks at the beginning of a file, where the window stands, up to the end of its first record.
    pub(super) fn of(window: &mut Window, record_bytes: usize) -> Result<Cut> {
        loop {
            let found = look(window.bytes(), window.is_last() || window.bytes().len() > record_bytes);
            match found {
                Some(cut) => return Ok(cut),
                None => window.fill()?,
            };
        }
    }

    /// What a bookmark must have been made with to be read on from.
    pub(super) fn fingerprint(self) -> &'static str {
        match self {
            Cut::Lines => "jsonl",
            Cut::List => "json list",
            Cut::Objects => "json objects",
        }
    }

    /// The next record from `at` on, which is the beginning of the file or right behind another record.
    #[inline]
    pub(super) fn next(
        self,
        bytes: &[u8],
        is_last: bool,
        at: usize,
        is_first: bool,
    ) -> std::result::Result<Line, Cease> {
        match self {
            Cut::Lines => next_line(bytes, is_last, at).map_err(Cease::Stop),
            Cut::List => next_item(bytes, is_last, at, is_first),
            Cut::Objects => match skip_space(bytes, at) {
                Some(start) => object(bytes, is_last, start),
                None => Err(Cease::Stop(if is_last { Stop::End } else { Stop::Incomplete })),
            },
        }
    }
}

/// `None`: more bytes will tell.
fn look(bytes: &[u8], is_all: bool) -> Option<Cut> {
    let otherwise = is_all.then_some(Cut::Lines);
    let Some(start) = skip_space(bytes, 0) else { return otherwise };
    match bytes[start] {
        b'[' => return Some(Cut::List),
        b'{' => {}
        _ => return Some(Cut::Lines),
    }
    let line_end = memchr::memchr(b'\n', &bytes[start..]).map(|length| start + length);
    match (end_of_object(bytes, start), line_end) {
        (End::At(end), Some(line_end)) if line_end < end => Some(Cut::Objects),
        // What else is in its line is an error there.
        (End::At(_), _) => Some(Cut::Lines),
        // A text has no line end: the line is broken, and is said to be.
        (End::InText(text), Some(line_end)) if text < line_end => Some(Cut::Lines),
        (_, Some(line_end)) if skip_space(bytes, line_end).is_some() => Some(Cut::Objects),
        _ => otherwise,
    }
}

/// The next object of a list. What follows the last one is looked at and left where it is: a list that has grown goes on
/// there.
fn next_item(bytes: &[u8], is_last: bool, at: usize, is_first: bool) -> std::result::Result<Line, Cease> {
    let incomplete = |what: &str| match is_last {
        true => Cease::Fault(fault(bytes, bytes.len(), what)),
        false => Cease::Stop(Stop::Incomplete),
    };
    let before = skip_space(bytes, at).ok_or_else(|| incomplete("`,` or `]`"))?;
    let start = match (bytes[before], is_first) {
        (b'[', true) => {
            let start = skip_space(bytes, before + 1).ok_or_else(|| incomplete("an object or `]`"))?;
            if bytes[start] == b']' {
                return Err(end_of_list(bytes, is_last, start + 1));
            }
            start
        }
        (b',', false) => skip_space(bytes, before + 1).ok_or_else(|| incomplete("an object"))?,
        (b']', false) => return Err(end_of_list(bytes, is_last, before + 1)),
        (_, true) => return Err(Cease::Fault(fault(bytes, before, "`[`"))),
        (_, false) => return Err(Cease::Fault(fault(bytes, before, "`,` or `]`"))),
    };
    object(bytes, is_last, start)
}

fn end_of_list(bytes: &[u8], is_last: bool, at: usize) -> Cease {
    match skip_space(bytes, at) {
        Some(more) => Cease::Fault(fault(bytes, more, "the end of the file")),
        None if is_last => Cease::Stop(Stop::End),
        None => Cease::Stop(Stop::Incomplete),
    }
}

/// The object that begins at `start`.
fn object(bytes: &[u8], is_last: bool, start: usize) -> std::result::Result<Line, Cease> {
    if bytes[start] != b'{' {
        return Err(Cease::Fault(fault(bytes, start, "an object")));
    }
    match end_of_object(bytes, start) {
        End::At(end) => Ok(Line { start, end, next: end, line_end: LineEnd::Complete }),
        _ if is_last => Err(Cease::Fault(fault(bytes, bytes.len(), "the end of an object"))),
        _ => Err(Cease::Stop(Stop::Incomplete)),
    }
}

fn fault(bytes: &[u8], at: usize, wanted: &str) -> Fault {
    let found = String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 4)]);
    let found = match found.chars().next() {
        Some(found) => format!("`{}`", crate::shown::printable(std::iter::once(found))),
        None => "the end of the file".to_owned(),
    };
    Fault { at, message: format!("{wanted} was expected, {found} was found") }
}

fn skip_space(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).map(|length| at + length)
}

/// Where an object ends.
enum End {
    At(usize),
    /// Behind these bytes, amid the text that begins here.
    InText(usize),
    Behind,
}

/// Only quotes and brackets are looked at; whether it is JSON, the parser says.
fn end_of_object(bytes: &[u8], start: usize) -> End {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(length) =
        bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))
    {
        at += length + 1;
        match bytes[at - 1] {
            b'"' => match end_of_text(bytes, at) {
                Some(end) => at = end,
                None => return End::InText(at - 1),
            },
            b'{' | b'[' => depth += 1,
            _ if depth <= 1 => return End::At(at),
            _ => depth -= 1,
        }
    }
    End::Behind
}

/// Behind the quote that ends a text.
fn end_of_text(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = bytes.get(at..)?;
        at += memchr::memchr2(b'"', b'\\', rest)? + 1;
        match bytes[at - 1] {
            b'"' => return Some(at),
            _ => at += 1,
        }
    }
}
