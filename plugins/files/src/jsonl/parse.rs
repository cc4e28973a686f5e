//! Parses one line of JSON, strictly.

use super::tape::{Kind, Node, Tape, Value, code_unit, unescape};
use crate::shown::{printable, quoted};

/// Deeper nesting is refused.
const MAX_DEPTH: u32 = 128;

/// Why a line is no record: what was found at this byte.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

/// Parses one line, which is UTF-8.
pub(super) fn parse<'a>(line: &'a [u8], tape: &'a mut Tape) -> Result<Value<'a>, Fault> {
    tape.nodes.clear();
    tape.keys_as_before = false;
    let mut parser = Parser { line, at: 0, tape };
    parser.skip_space();
    parser.value(0)?;
    parser.skip_space();
    if parser.at < line.len() {
        return Err(parser.expected("the end of the line"));
    }
    Ok(Value { tape, line, node: 0 })
}

struct Parser<'a> {
    line: &'a [u8],
    at: usize,
    tape: &'a mut Tape,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn expected(&self, what: &str) -> Fault {
        let rest = &self.line[self.at.min(self.line.len())..];
        let found = match std::str::from_utf8(rest).ok().and_then(|rest| rest.chars().next()) {
            Some(found) => format!("`{}`", printable(std::iter::once(found))),
            None => "the end of the line".to_owned(),
        };
        Fault { at: self.at, message: format!("{what} was expected, {found} was found") }
    }

    fn value(&mut self, depth: u32) -> Result<(), Fault> {
        if depth == MAX_DEPTH {
            return Err(Fault { at: self.at, message: format!("it is nested deeper than {MAX_DEPTH}") });
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.text(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let words = [("null", Kind::Null), ("true", Kind::True), ("false", Kind::False)];
                let rest = &self.line[self.at..];
                let found = words.iter().find(|(word, _)| rest.starts_with(word.as_bytes()));
                let (word, kind) = found.ok_or_else(|| self.expected("a value"))?;
                self.push(*kind, self.at, self.at + word.len());
                self.at += word.len();
                Ok(())
            }
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) -> usize {
        let next = self.tape.nodes.len() as u32 + 1;
        self.tape.nodes.push(Node { kind, start: start as u32, end: end as u32, next });
        next as usize - 1
    }

    /// Ends a list or object: what was pushed after it is in it.
    fn close(&mut self, node: usize) {
        self.at += 1;
        let next = self.tape.nodes.len() as u32;
        self.tape.nodes[node].next = next;
        self.tape.nodes[node].end = self.at as u32;
    }

    fn list(&mut self, depth: u32) -> Result<(), Fault> {
        let node = self.push(Kind::List, self.at, self.at);
        self.at += 1;
        self.skip_space();
        if self.peek() != Some(b']') {
            loop {
                self.skip_space();
                self.value(depth + 1)?;
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break,
                    _ => return Err(self.expected("`,` or `]`")),
                }
            }
        }
        self.close(node);
        Ok(())
    }

    fn object(&mut self, depth: u32) -> Result<(), Fault> {
        let node = self.push(Kind::Object, self.at, self.at);
        self.at += 1;
        self.skip_space();
        // Records have the keys of the one before, mostly: so far, as many of them.
        let mut as_before = (depth == 0).then_some(0);
        if self.peek() != Some(b'}') {
            loop {
                self.skip_space();
                as_before = as_before.and_then(|key| self.known_key(key).then_some(key + 1));
                if as_before.is_none() {
                    if self.peek() != Some(b'"') {
                        return Err(self.expected("a key in quotes"));
                    }
                    self.text()?;
                }
                self.skip_space();
                if self.peek() != Some(b':') {
                    return Err(self.expected("`:`"));
                }
                self.at += 1;
                self.skip_space();
                self.value(depth + 1)?;
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    _ => return Err(self.expected("`,` or `}`")),
                }
            }
        }
        self.close(node);
        if as_before == Some(self.tape.shape.len()) {
            self.tape.keys_as_before = true;
            return Ok(());
        }
        self.check_keys(node)?;
        if depth == 0 {
            self.tape.note_shape(self.line);
        }
        Ok(())
    }

    /// Passes a key that is the one at this place in the record before.
    #[inline]
    fn known_key(&mut self, key: usize) -> bool {
        let Some(expected) = self.tape.shape.get(key) else { return false };
        let end = self.at + expected.len();
        let is_known = self.line.get(self.at..end).is_some_and(|found| is_same(found, expected));
        if is_known {
            self.push(Kind::Text, self.at + 1, end - 1);
            self.at = end;
        }
        is_known
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.expected("a digit")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.some_digits()?;
        }
        self.push(Kind::Number, start, self.at);
        Ok(())
    }

    fn some_digits(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(b'0'..=b'9') => self.digits(),
            _ => return Err(self.expected("a digit")),
        }
        Ok(())
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    fn text(&mut self) -> Result<(), Fault> {
        self.at += 1;
        let start = self.at;
        let mut kind = Kind::Text;
        loop {
            self.at += plain_length(&self.line[self.at..]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    kind = Kind::EscapedText;
                    self.escape()?;
                }
                _ => return Err(self.expected("the end of a text")),
            }
        }
        self.push(kind, start, self.at);
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let start = self.at;
        match self.line.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match code_unit(&self.line[self.at..]) {
                Some(0xd800..=0xdbff) => match code_unit(&self.line[self.at + 6..]) {
                    Some(0xdc00..=0xdfff) => self.at += 12,
                    _ => return Err(lone_surrogate(start)),
                },
                Some(0xdc00..=0xdfff) => return Err(lone_surrogate(start)),
                Some(_) => self.at += 6,
                None => {
                    return Err(Fault {
                        at: start,
                        message: "`\\u` needs four hexadecimal digits".to_owned(),
                    });
                }
            },
            _ => return Err(Fault { at: start, message: "there is no such escape in JSON".to_owned() }),
        }
        Ok(())
    }

    /// An object says each key once.
    fn check_keys(&mut self, node: usize) -> Result<(), Fault> {
        let Tape { nodes, keys, signatures, .. } = &mut *self.tape;
        let (line, end) = (self.line, nodes[node].next);
        let text = |key: u32| &line[nodes[key as usize].start as usize..nodes[key as usize].end as usize];
        keys.clear();
        signatures.clear();
        let (mut key, mut has_escapes) = (node as u32 + 1, false);
        while key < end {
            keys.push(key);
            signatures.push(signature(text(key)));
            has_escapes |= nodes[key as usize].kind == Kind::EscapedText;
            // The key is one node, its value follows.
            key = nodes[key as usize + 1].next;
        }
        // Keys that are alike as they are written have one signature.
        if !has_escapes && !has_twice(signatures) {
            return Ok(());
        }
        let mut seen = std::collections::HashSet::new();
        match keys.iter().find(|key| !seen.insert(unescape(text(**key)))) {
            None => Ok(()),
            Some(key) => Err(Fault {
                at: nodes[*key as usize].start as usize,
                message: format!("the key {} is there twice", quoted(text(*key))),
            }),
        }
    }
}

/// Bytes before the first that ends a text, escapes something or is a control character; eight are looked at at once.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const TOPS: u64 = ONES << 7;
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        // The top bit of every byte below `limit`, and of some behind the first such.
        let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & TOPS;
        let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        let found = equal(b'"') | equal(b'\\') | below(word, 0x20);
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

/// Whether two of one length are equal: keys are short, and a call is long.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let ends = |bytes: &[u8]| -> Option<(u64, u64)> {
        Some((u64::from_le_bytes(*bytes.first_chunk()?), u64::from_le_bytes(*bytes.last_chunk()?)))
    };
    match (ends(one), ends(other)) {
        (Some(first), Some(second)) if one.len() <= 16 => first == second,
        _ => one == other,
    }
}

/// Equal for equal keys, and for few others.
#[inline]
fn signature(key: &[u8]) -> u64 {
    match (key.first_chunk(), key.last_chunk()) {
        (Some(first), Some(last)) => {
            let first = u64::from_le_bytes(*first).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            first.rotate_left(29) ^ u64::from_le_bytes(*last) ^ key.len() as u64
        }
        _ => key.iter().fold(key.len() as u64, |all, byte| all << 8 | u64::from(*byte)),
    }
}

/// Whether one of them is there twice; their order is lost where they are many.
fn has_twice(signatures: &mut [u64]) -> bool {
    if signatures.len() <= 32 {
        let is_before = |at: usize| signatures[..at].contains(&signatures[at]);
        return (1..signatures.len()).any(is_before);
    }
    signatures.sort_unstable();
    signatures.windows(2).any(|pair| pair[0] == pair[1])
}

fn lone_surrogate(at: usize) -> Fault {
    Fault { at, message: "half of a surrogate pair is no character".to_owned() }
}
