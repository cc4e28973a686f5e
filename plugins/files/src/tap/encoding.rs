//! Encodings of text that are not UTF-8, made UTF-8. What is no character is an error, never another one.

use schemars::JsonSchema;
use serde::Deserialize;

/// How a file writes its characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16 that begins with a byte order mark, which says the order.
    #[serde(rename = "utf-16")]
    Utf16,
    /// UTF-16 with the low byte first, with or without a byte order mark.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16 with the high byte first, with or without a byte order mark.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// ISO 8859-1: every byte is the character of its number.
    #[serde(rename = "latin-1")]
    Latin1,
    /// Windows-1252, of which five bytes are no characters.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16 => "utf-16",
            Encoding::Utf16Le => "utf-16le",
            Encoding::Utf16Be => "utf-16be",
            Encoding::Latin1 => "latin-1",
            Encoding::Windows1252 => "windows-1252",
        }
    }

    /// What is behind the dialect in a bookmark: with another encoding the same bytes are other records.
    pub(crate) fn fingerprint(self) -> String {
        match self {
            Encoding::Utf8 => String::new(),
            other => format!(" {}", other.name()),
        }
    }
}

/// The characters of windows-1252 from 0x80 to 0x9f.
const WINDOWS_1252: [Option<char>; 32] = [
    Some('€'),
    None,
    Some('‚'),
    Some('ƒ'),
    Some('„'),
    Some('…'),
    Some('†'),
    Some('‡'),
    Some('ˆ'),
    Some('‰'),
    Some('Š'),
    Some('‹'),
    Some('Œ'),
    None,
    Some('Ž'),
    None,
    None,
    Some('‘'),
    Some('’'),
    Some('“'),
    Some('”'),
    Some('•'),
    Some('–'),
    Some('—'),
    Some('˜'),
    Some('™'),
    Some('š'),
    Some('›'),
    Some('œ'),
    None,
    Some('ž'),
    Some('Ÿ'),
];

/// What cannot be read as a character, and where.
#[derive(Debug, PartialEq)]
pub(super) struct NoCharacter {
    /// Bytes before it.
    pub(super) at: u64,
    pub(super) what: String,
    /// What to do, where that is known.
    pub(super) hint: Option<&'static str>,
}

/// Makes UTF-8 of the bytes of a file, as they come.
#[derive(Debug)]
pub(super) struct Transcoder {
    encoding: Encoding,
    /// Bytes before the next ones.
    passed: u64,
    /// The beginning of a character whose end is yet to come.
    rest: Vec<u8>,
    text: Vec<u8>,
    given: usize,
}

impl Transcoder {
    /// `None`: the file is UTF-8 already.
    pub(super) fn new(encoding: Encoding) -> Option<Transcoder> {
        let is_other = encoding != Encoding::Utf8;
        is_other.then(|| Transcoder { encoding, passed: 0, rest: Vec::new(), text: Vec::new(), given: 0 })
    }

    /// Moves text that is ready to `buffer`.
    pub(super) fn give(&mut self, buffer: &mut [u8]) -> usize {
        let ready = &self.text[self.given..];
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.given += count;
        count
    }

    /// Takes the next bytes of the file, once all text was given.
    pub(super) fn add(&mut self, bytes: &[u8], is_last: bool) -> Result<(), NoCharacter> {
        debug_assert_eq!(self.given, self.text.len());
        self.text.clear();
        self.given = 0;
        match self.encoding {
            Encoding::Utf8 => self.text.extend_from_slice(bytes),
            Encoding::Latin1 => self.add_bytes(bytes, |byte| Some(char::from(byte)))?,
            Encoding::Windows1252 => self.add_bytes(bytes, |byte| match byte {
                0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
                _ => Some(char::from(byte)),
            })?,
            Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => {
                let mut all = std::mem::take(&mut self.rest);
                all.extend_from_slice(bytes);
                let used = self.add_units(&all, is_last)?;
                self.passed += used as u64;
                all.drain(..used);
                self.rest = all;
            }
        }
        Ok(())
    }

    fn add_bytes(&mut self, bytes: &[u8], character: impl Fn(u8) -> Option<char>) -> Result<(), NoCharacter> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let plain = rest.iter().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
            self.text.extend_from_slice(&rest[..plain]);
            at += plain;
            let Some(byte) = bytes.get(at) else { break };
            let Some(found) = character(*byte) else {
                let (at, name) = (self.passed + at as u64, self.encoding.name());
                let what = format!("0x{byte:02x} is no character of {name}");
                return Err(NoCharacter { at, what, hint: None });
            };
            self.text.extend_from_slice(found.encode_utf8(&mut [0; 4]).as_bytes());
            at += 1;
        }
        self.passed += bytes.len() as u64;
        Ok(())
    }

    /// Takes units of 16 bits; answers how many bytes it took.
    fn add_units(&mut self, bytes: &[u8], is_last: bool) -> Result<usize, NoCharacter> {
        let passed = self.passed;
        let wrong = |at: usize, what: String, hint| NoCharacter { at: passed + at as u64, what, hint };
        if passed == 0 && bytes.len() >= 2 {
            self.encoding = match (self.encoding, &bytes[..2]) {
                (Encoding::Utf16 | Encoding::Utf16Le, [0xff, 0xfe]) => Encoding::Utf16Le,
                (Encoding::Utf16 | Encoding::Utf16Be, [0xfe, 0xff]) => Encoding::Utf16Be,
                (Encoding::Utf16, _) => {
                    let hint = Some("set `encoding` to `utf-16le` or `utf-16be`");
                    return Err(wrong(0, "no byte order mark says the order of UTF-16".to_owned(), hint));
                }
                (_, [0xff, 0xfe] | [0xfe, 0xff]) => {
                    let hint = Some("set `encoding` to `utf-16`");
                    return Err(wrong(0, "the byte order mark says another order".to_owned(), hint));
                }
                (encoding, _) => encoding,
            };
        }
        let is_big = self.encoding == Encoding::Utf16Be;
        let unit = |at: usize| match bytes.get(at..at + 2) {
            Some([a, b]) if is_big => Some(u16::from_be_bytes([*a, *b])),
            Some([a, b]) => Some(u16::from_le_bytes([*a, *b])),
            _ => None,
        };
        let mut at = 0;
        while let Some(first) = unit(at) {
            let (code, length) = match first {
                0xd800..=0xdbff => match unit(at + 2) {
                    Some(second @ 0xdc00..=0xdfff) => {
                        let high = u32::from(first - 0xd800) << 10;
                        (0x10000 + high + u32::from(second - 0xdc00), 4)
                    }
                    None if !is_last => break,
                    _ => return Err(wrong(at, format!("0x{first:04x} is half of a surrogate pair"), None)),
                },
                _ => (u32::from(first), 2),
            };
            let Some(found) = char::from_u32(code) else {
                return Err(wrong(at, format!("0x{first:04x} is half of a surrogate pair"), None));
            };
            self.text.extend_from_slice(found.encode_utf8(&mut [0; 4]).as_bytes());
            at += length;
        }
        match is_last && at < bytes.len() {
            true => Err(wrong(at, "the file ends amid a character of UTF-16".to_owned(), None)),
            false => Ok(at),
        }
    }
}

#[cfg(test)]
#[path = "encoding_tests.rs"]
mod tests;
