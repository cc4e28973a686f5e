//! Which bytes separate, quote and comment.

use dstream_sdk::{Error, Result};

use super::split::Field;

/// The bytes with a meaning. Line ends are LF, CRLF and CR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) escape: Option<u8>,
    pub(crate) comment: Option<u8>,
}

impl Dialect {
    /// Without quotes and comments every line is a record.
    pub(crate) fn has_local_starts(&self) -> bool {
        self.quote.is_none() && self.comment.is_none()
    }

    /// No byte has two meanings.
    pub(crate) fn check(&self) -> Result<()> {
        let named = [
            ("delimiter", Some(self.delimiter)),
            ("quote", self.quote),
            ("escape", self.escape),
            ("comment", self.comment),
        ];
        for (at, (name, byte)) in named.iter().enumerate() {
            let same = named[..at].iter().find(|(_, other)| byte.is_some() && other == byte);
            if let (Some((other, _)), Some(byte)) = (same, byte) {
                let shown = char::from(*byte).escape_debug();
                return Err(Error::config(format!("`{other}` and `{name}` are both `{shown}`"))
                    .hint("choose another character for one of them"));
            }
        }
        Ok(())
    }

    /// The dialect in a bookmark: with another one the same bytes are other records.
    pub(crate) fn fingerprint(&self, header: bool) -> String {
        let or_none = |byte: Option<u8>| byte.map_or("none".to_owned(), |byte| byte.to_string());
        let header = if header { "header" } else { "records" };
        let (quote, escape, comment) = (or_none(self.quote), or_none(self.escape), or_none(self.comment));
        format!("csv {} {quote} {escape} {comment} {header}", self.delimiter)
    }

    /// Appends the text of `field` to `out`.
    pub(super) fn text_of(&self, field: Field, bytes: &[u8], out: &mut Vec<u8>) {
        match field.is_escaped() {
            true => self.unescape(field.text(bytes), out),
            false => out.extend_from_slice(field.text(bytes)),
        }
    }

    /// Appends the text between quotes to `out`, with what was doubled or escaped made one.
    pub(crate) fn unescape(&self, mut text: &[u8], out: &mut Vec<u8>) {
        let (quote, escape) = (self.quote.unwrap_or(b'"'), self.escape);
        let marked = |byte: &u8| *byte == quote || Some(*byte) == escape;
        while let Some(at) = text.iter().position(marked) {
            out.extend_from_slice(&text[..at]);
            out.extend(text.get(at + 1));
            text = text.get(at + 2..).unwrap_or_default();
        }
        out.extend_from_slice(text);
    }
}
