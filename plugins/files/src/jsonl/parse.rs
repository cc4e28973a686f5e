//! One line of JSON to its values. Numbers and texts stay as they are written: nothing is rounded on the way.

use crate::shown::{printable, quoted};

/// Deeper nesting is refused.
const MAX_DEPTH: u32 = 128;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    Number,
    /// Text without escapes.
    Text,
    /// Text with escapes.
    EscapedText,
    List,
    Object,
}

/// One value, or the key before it in an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    start: u32,
    end: u32,
    /// The node after this one and what it holds.
    next: u32,
}

/// The values of a line, outermost first.
#[derive(Debug, Default)]
pub(super) struct Tape {
    nodes: Vec<Node>,
    order: Vec<u32>,
}

/// Why a line is no record: what was found at this byte.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

/// One value of a line.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    tape: &'a Tape,
    line: &'a [u8],
    node: usize,
}

impl<'a> Value<'a> {
    pub(super) fn kind(&self) -> Kind {
        self.tape.nodes[self.node].kind
    }

    /// The value as it is written; a text without its quotes.
    pub(super) fn written(&self) -> &'a [u8] {
        let node = self.tape.nodes[self.node];
        &self.line[node.start as usize..node.end as usize]
    }

    /// The value as it is written, a text with its quotes.
    pub(super) fn raw(&self) -> &'a [u8] {
        let node = self.tape.nodes[self.node];
        let quote = usize::from(matches!(node.kind, Kind::Text | Kind::EscapedText));
        &self.line[node.start as usize - quote..node.end as usize + quote]
    }

    /// What a text says.
    pub(super) fn with_text<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        match self.kind() {
            Kind::EscapedText => take(&unescape(self.written())),
            _ => take(self.written()),
        }
    }

    /// The values of a list.
    pub(super) fn items(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (tape, line) = (self.tape, self.line);
        let end = tape.nodes[self.node].next as usize;
        let mut node = self.node + 1;
        std::iter::from_fn(move || {
            let item = (node < end).then_some(Value { tape, line, node })?;
            node = tape.nodes[node].next as usize;
            Some(item)
        })
    }

    /// The keys and values of an object.
    pub(super) fn members(&self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> + use<'a> {
        let mut items = self.items();
        std::iter::from_fn(move || Some((items.next()?, items.next()?)))
    }

    /// Values in it, with those inside of them.
    pub(super) fn size(&self) -> usize {
        self.tape.nodes[self.node].next as usize - self.node
    }
}

/// Parses one line, which is UTF-8.
pub(super) fn parse<'a>(line: &'a [u8], tape: &'a mut Tape) -> Result<Value<'a>, Fault> {
    tape.nodes.clear();
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
        if self.peek() != Some(b'}') {
            loop {
                self.skip_space();
                if self.peek() != Some(b'"') {
                    return Err(self.expected("a key in quotes"));
                }
                self.text()?;
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
        self.check_keys(node)
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
            let rest = &self.line[self.at..];
            let plain =
                rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len());
            self.at += plain;
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
        let Tape { nodes, order } = &mut *self.tape;
        let end = nodes[node].next;
        order.clear();
        let (mut key, mut has_escapes) = (node as u32 + 1, false);
        while key < end {
            order.push(key);
            has_escapes |= nodes[key as usize].kind == Kind::EscapedText;
            // The key is one node, its value follows.
            key = nodes[key as usize + 1].next;
        }
        let line = self.line;
        let text = |key: &u32| &line[nodes[*key as usize].start as usize..nodes[*key as usize].end as usize];
        let twice = if has_escapes {
            let mut seen = std::collections::HashSet::new();
            order.iter().find(|key| !seen.insert(unescape(text(key)))).copied()
        } else if order.len() <= 24 {
            let is_before =
                |(at, key): &(usize, &u32)| order[..*at].iter().any(|other| text(other) == text(key));
            order.iter().enumerate().find(is_before).map(|(_, key)| *key)
        } else {
            order.sort_unstable_by_key(text);
            order.windows(2).find(|pair| text(&pair[0]) == text(&pair[1])).map(|pair| pair[1])
        };
        match twice {
            None => Ok(()),
            Some(key) => Err(Fault {
                at: nodes[key as usize].start as usize,
                message: format!("the key {} is there twice", quoted(text(&key))),
            }),
        }
    }
}

fn lone_surrogate(at: usize) -> Fault {
    Fault { at, message: "half of a surrogate pair is no character".to_owned() }
}

/// The number of `\uXXXX`.
fn code_unit(text: &[u8]) -> Option<u32> {
    let [b'\\', b'u', digits @ ..] = text.get(..6)? else { return None };
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// What a text with escapes, which are sound, says.
fn unescape(mut text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    while let Some(at) = memchr::memchr(b'\\', text) {
        out.extend_from_slice(&text[..at]);
        text = &text[at..];
        let (byte, length) = match text.get(1) {
            Some(b'b') => (8, 2),
            Some(b'f') => (12, 2),
            Some(b'n') => (b'\n', 2),
            Some(b'r') => (b'\r', 2),
            Some(b't') => (b'\t', 2),
            Some(b'u') => {
                let first = code_unit(text).unwrap_or_default();
                let second = text.get(6..).and_then(code_unit).filter(|_| (0xd800..0xdc00).contains(&first));
                let code = match second {
                    Some(second) => {
                        0x10000 + ((first - 0xd800) << 10) + (second.wrapping_sub(0xdc00) & 0x3ff)
                    }
                    None => first,
                };
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                text = &text[if second.is_some() { 12 } else { 6 }..];
                continue;
            }
            other => (other.copied().unwrap_or(b'\\'), 2),
        };
        out.push(byte);
        text = text.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(text);
    out
}
