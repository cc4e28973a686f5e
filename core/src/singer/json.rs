//! One line of JSON, read in place: numbers stay text, strings without escapes are borrowed, nothing becomes a tree.

use std::borrow::Cow;

pub(crate) use super::fault::{Fault, Parsed};
use super::scan::{plain_until, unicode};

/// Values nested deeper than this are refused, as `serde_json` does.
const MAX_DEPTH: u32 = 128;

/// A position in one line.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    /// A cursor that stands at `at`, where a value begins.
    pub(crate) fn at(text: &'a str, at: usize) -> Cursor<'a> {
        Cursor { text, at }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// The next byte that is not white space; it is not taken.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    fn expect(&mut self, wanted: u8, what: &'static str) -> Parsed<()> {
        if self.peek() != Some(wanted) {
            return Fault::syntax(self.at, what);
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing but white space is left.
    pub(crate) fn end(&mut self) -> Parsed<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Fault::syntax(self.at, "something follows after the end of the JSON value"),
        }
    }

    pub(crate) fn begin_object(&mut self) -> Parsed<()> {
        self.expect(b'{', "expected an object")
    }

    /// Whether an object has one more key, at which the cursor then stands. `first`: none was read yet.
    #[inline]
    pub(crate) fn has_key(&mut self, first: bool) -> Parsed<bool> {
        match self.peek() {
            Some(b'}') => {
                self.at += 1;
                return Ok(false);
            }
            Some(b',') if !first => self.at += 1,
            Some(_) if first => {}
            _ => return Fault::syntax(self.at, "expected `,` or `}` in an object"),
        }
        match self.peek() {
            Some(b'"') => Ok(true),
            _ => Fault::syntax(self.at, "expected a key in double quotes"),
        }
    }

    pub(crate) fn colon(&mut self) -> Parsed<()> {
        self.expect(b':', "expected `:` after a key")
    }

    /// The next key of an object, or `None` after its end. `first`: none was read yet.
    #[inline]
    pub(crate) fn key<'s>(&mut self, first: bool, scratch: &'s mut String) -> Parsed<Option<&'s str>>
    where
        'a: 's,
    {
        if !self.has_key(first)? {
            return Ok(None);
        }
        let key = self.string(scratch)?;
        self.colon()?;
        Ok(Some(key))
    }

    pub(crate) fn begin_array(&mut self) -> Parsed<()> {
        self.expect(b'[', "expected an array")
    }

    /// Whether an array has one more element, which comes next. `first`: none was read yet.
    pub(crate) fn element(&mut self, first: bool) -> Parsed<bool> {
        match self.peek() {
            Some(b']') => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                match self.peek() {
                    Some(b']') => Fault::syntax(self.at, "an element is missing after `,`"),
                    _ => Ok(true),
                }
            }
            Some(_) if first => Ok(true),
            _ => Fault::syntax(self.at, "expected `,` or `]` in an array"),
        }
    }

    /// Takes `null` if it comes next.
    #[inline]
    pub(crate) fn null(&mut self) -> Parsed<bool> {
        match self.peek() {
            Some(b'n') => self.literal("null").map(|()| true),
            _ => Ok(false),
        }
    }

    pub(crate) fn boolean(&mut self) -> Parsed<bool> {
        match self.peek() {
            Some(b't') => self.literal("true").map(|()| true),
            Some(b'f') => self.literal("false").map(|()| false),
            _ => Err(self.wrong("true or false")),
        }
    }

    fn literal(&mut self, word: &str) -> Parsed<()> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Fault::syntax(self.at, "this is no JSON value")
    }

    /// The digits of a number, as written.
    pub(crate) fn number(&mut self) -> Parsed<&'a str> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.wrong("a number"));
        }
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start;
        if bytes[at] == b'-' {
            at += 1;
        }
        match bytes.get(at) {
            Some(b'0') => at += 1,
            Some(b'1'..=b'9') => at = digits(bytes, at),
            _ => return Fault::syntax(start, "`-` without digits is no number"),
        }
        if bytes.get(at) == Some(&b'.') {
            let end = digits(bytes, at + 1);
            if end == at + 1 {
                return Fault::syntax(start, "a number needs digits after its point");
            }
            at = end;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            at += 1;
            if let Some(b'+' | b'-') = bytes.get(at) {
                at += 1;
            }
            let end = digits(bytes, at);
            if end == at {
                return Fault::syntax(start, "a number needs digits in its exponent");
            }
            at = end;
        }
        if bytes.get(at).is_some_and(u8::is_ascii_digit) {
            return Fault::syntax(start, "a number must not begin with 0");
        }
        self.at = at;
        Ok(&self.text[start..at])
    }

    /// A string: borrowed from the line, or built in `scratch` where it has escapes.
    #[inline]
    pub(crate) fn string<'s>(&mut self, scratch: &'s mut String) -> Parsed<&'s str>
    where
        'a: 's,
    {
        if self.peek() != Some(b'"') {
            return Err(self.wrong("a string"));
        }
        let start = self.at + 1;
        let stop = plain_until(self.text.as_bytes(), start);
        if self.text.as_bytes().get(stop) == Some(&b'"') {
            self.at = stop + 1;
            return Ok(&self.text[start..stop]);
        }
        scratch.clear();
        self.escaped(start, stop, scratch)?;
        Ok(scratch)
    }

    /// A string, owned where it has escapes.
    pub(crate) fn name(&mut self) -> Parsed<Cow<'a, str>> {
        let mut scratch = String::new();
        self.peek();
        let start = self.at + 1;
        let len = self.string(&mut scratch)?.len();
        Ok(match scratch.is_empty() {
            true => Cow::Borrowed(&self.text[start..start + len]),
            false => Cow::Owned(scratch),
        })
    }

    fn escaped(&mut self, mut start: usize, mut stop: usize, out: &mut String) -> Parsed<()> {
        let bytes = self.text.as_bytes();
        loop {
            out.push_str(&self.text[start..stop]);
            match bytes.get(stop) {
                Some(b'"') => {
                    self.at = stop + 1;
                    return Ok(());
                }
                Some(b'\\') => {}
                Some(_) => return Fault::syntax(stop, "a string holds a control character"),
                None => return Fault::syntax(stop, "a string does not end"),
            }
            start = stop + 2;
            out.push(match bytes.get(stop + 1) {
                Some(b'"') => '"',
                Some(b'\\') => '\\',
                Some(b'/') => '/',
                Some(b'b') => '\u{8}',
                Some(b'f') => '\u{c}',
                Some(b'n') => '\n',
                Some(b'r') => '\r',
                Some(b't') => '\t',
                Some(b'u') => {
                    let (unescaped, end) = unicode(bytes, stop)?;
                    start = end;
                    unescaped
                }
                _ => return Fault::syntax(stop, "an unknown escape in a string"),
            });
            stop = plain_until(bytes, start);
        }
    }

    /// Goes over one value of any kind and gives its text.
    pub(crate) fn skip(&mut self) -> Parsed<&'a str> {
        self.peek();
        let start = self.at;
        self.skip_at(0)?;
        Ok(&self.text[start..self.at])
    }

    fn skip_at(&mut self, depth: u32) -> Parsed<()> {
        if depth == MAX_DEPTH {
            return Fault::syntax(self.at, "a value is nested deeper than 128");
        }
        match self.peek() {
            Some(b'"') => self.skip_string(),
            Some(b'{') => {
                self.at += 1;
                let mut scratch = String::new();
                let mut first = true;
                while self.key(first, &mut scratch)?.is_some() {
                    first = false;
                    self.skip_at(depth + 1)?;
                }
                Ok(())
            }
            Some(b'[') => {
                self.at += 1;
                let mut first = true;
                while self.element(first)? {
                    first = false;
                    self.skip_at(depth + 1)?;
                }
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            Some(b't' | b'f') => self.boolean().map(|_| ()),
            Some(b'n') => self.literal("null"),
            Some(b'N' | b'I') => {
                Fault::syntax(self.at, "`NaN` and `Infinity` are no JSON; null stands for them in Singer")
            }
            Some(_) => Fault::syntax(self.at, "this is no JSON value"),
            None => Fault::syntax(self.at, "the line ends within a value"),
        }
    }

    fn skip_string(&mut self) -> Parsed<()> {
        let mut scratch = String::new();
        self.string(&mut scratch).map(|_| ())
    }

    /// The fault of a value of another kind; that of JSON that is broken comes first.
    pub(crate) fn wrong(&self, wanted: &str) -> Box<Fault> {
        let mut ahead = self.clone();
        match ahead.skip_at(0) {
            Err(fault) => fault,
            Ok(()) => {
                let found = match self.text.as_bytes()[self.at] {
                    b'"' => "a string",
                    b'{' => "an object",
                    b'[' => "an array",
                    b't' | b'f' => "a boolean",
                    b'n' => "null",
                    _ => "a number",
                };
                Fault::value(self.at, format!("expected {wanted}, found {found}"))
            }
        }
    }
}

fn digits(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}
