//! JSON text, read piece by piece: no tree is made of it.

use std::borrow::Cow;

use dstream_sdk::Why;

const NO_JSON: Why = "text that is not the JSON of its type";
/// Deeper than any type is.
const MAX_DEPTH: usize = 128;

/// A text and how far it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0 }
    }

    /// Checks that nothing but space is left.
    pub(crate) fn end(&mut self) -> Result<(), Why> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(NO_JSON),
        }
    }

    /// The next byte that is no space.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Takes this byte, where it is the next.
    pub(crate) fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    pub(crate) fn take(&mut self, byte: u8) -> Result<(), Why> {
        if self.takes(byte) { Ok(()) } else { Err(NO_JSON) }
    }

    /// Takes this word, where it is the next.
    pub(crate) fn takes_word(&mut self, word: &str) -> bool {
        self.peek();
        let is_next = self.text[self.at..].starts_with(word);
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    /// Calls `each` for every item between the brackets.
    pub(crate) fn items<E: From<Why>>(
        &mut self,
        (open, close): (u8, u8),
        mut each: impl FnMut(&mut Scanner<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.take(open)?;
        if self.takes(close) {
            return Ok(());
        }
        loop {
            each(self)?;
            if self.takes(close) {
                return Ok(());
            }
            self.take(b',')?;
        }
    }

    /// The digits of a number.
    pub(crate) fn number(&mut self) -> Result<&'a str, Why> {
        self.peek();
        let rest = &self.text[self.at..];
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.bytes().take_while(is_part).count();
        self.at += length;
        let number = &rest[..length];
        // What Rust reads as a number and JSON does not.
        let digits = number.strip_prefix('-').unwrap_or(number);
        match digits.as_bytes() {
            [b'0', b'0'..=b'9', ..] | [] => Err(NO_JSON),
            [b'0'..=b'9', ..]
                if ![".e", ".E"].iter().any(|odd| digits.contains(odd)) && !digits.ends_with('.') =>
            {
                Ok(number)
            }
            _ => Err(NO_JSON),
        }
    }

    /// A string without its quotes and escapes.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Why> {
        self.take(b'"')?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        let plain = bytes[start..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        self.at = start + plain.ok_or(NO_JSON)?;
        if bytes[self.at] == b'"' {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        let mut out = self.text[start..self.at].to_owned();
        loop {
            let rest = &bytes[self.at..];
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).ok_or(NO_JSON)?;
            out.push_str(&self.text[self.at..self.at + plain]);
            self.at += plain + 1;
            match rest[plain] {
                b'"' => return Ok(Cow::Owned(out)),
                b'\\' => out.push(self.escape()?),
                _ => return Err(NO_JSON),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Why> {
        let byte = *self.text.as_bytes().get(self.at).ok_or(NO_JSON)?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                let code = match first {
                    0xD800..0xDC00 => {
                        let pair = self.text.as_bytes().get(self.at..self.at + 2);
                        if pair != Some(b"\\u") {
                            return Err(NO_JSON);
                        }
                        self.at += 2;
                        match self.hex()? {
                            second @ 0xDC00..0xE000 => 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00),
                            _ => return Err(NO_JSON),
                        }
                    }
                    code => code,
                };
                char::from_u32(code).ok_or(NO_JSON)?
            }
            _ => return Err(NO_JSON),
        })
    }

    fn hex(&mut self) -> Result<u32, Why> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(NO_JSON)?;
        self.at += 4;
        match digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            true => u32::from_str_radix(digits, 16).map_err(|_| NO_JSON),
            false => Err(NO_JSON),
        }
    }

    /// Takes a whole value, as it is written.
    pub(crate) fn value(&mut self) -> Result<&'a str, Why> {
        self.peek();
        let start = self.at;
        self.skip(0)?;
        Ok(&self.text[start..self.at])
    }

    fn skip(&mut self, depth: usize) -> Result<(), Why> {
        if depth > MAX_DEPTH {
            return Err("JSON that is nested too deeply");
        }
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'[') => self.items((b'[', b']'), |scan| scan.skip(depth + 1)),
            Some(b'{') => self.items((b'{', b'}'), |scan| {
                scan.string()?;
                scan.take(b':')?;
                scan.skip(depth + 1)
            }),
            Some(b't') if self.takes_word("true") => Ok(()),
            Some(b'f') if self.takes_word("false") => Ok(()),
            Some(b'n') if self.takes_word("null") => Ok(()),
            _ => {
                let number = self.number()?;
                number.parse::<f64>().map(drop).map_err(|_| NO_JSON)
            }
        }
    }
}

/// Checks that a text is JSON.
pub(crate) fn check(text: &str) -> Result<(), Why> {
    let mut scan = Scanner::new(text);
    scan.value().and_then(|_| scan.end()).map_err(|_| "text that is not JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_string_is_what_another_reader_says(text: String) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(Scanner::new(&json).string().unwrap(), text);
        }

        #[test]
        fn any_text_is_json_where_another_reader_says_so(text in "[\\[\\]{}:,\"0-9.eE+ \\-truefalsn\\\\u]{0,12}") {
            let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok()
                // A number beyond every double.
                || serde_json::from_str::<serde_json::Value>(&text).is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert_eq!(check(&text).is_ok(), theirs, "{}", text);
        }
    }

    #[test]
    fn escapes_are_read_and_halves_of_pairs_refused() {
        assert_eq!(Scanner::new(r#""\ud83d\ude00\n\/""#).string().unwrap(), "😀\n/");
        for text in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83dx""#, r#""\x""#, r#""\u+123""#, "\"a", "\"\n\""]
        {
            assert!(Scanner::new(text).string().is_err(), "{text}");
        }
        assert!(check(&"[".repeat(1_000_000)).is_err());
    }
}
