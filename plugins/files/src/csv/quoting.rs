//! Which text is put in quotes.

/// Text in fields.
#[derive(Debug)]
pub(super) struct Quoting {
    null: Box<[u8]>,
    delimiter: u8,
    checks_plain: bool,
}

impl Quoting {
    pub(super) fn new(delimiter: u8, null: &str) -> Quoting {
        // What numbers, dates, truth values and base64 are made of.
        let is_plain = delimiter.is_ascii_alphanumeric() || b"+-./:=".contains(&delimiter);
        Quoting { null: null.as_bytes().into(), delimiter, checks_plain: is_plain || !null.is_empty() }
    }

    /// Whether numbers and the like may need quotes, too.
    pub(super) fn checks_plain(&self) -> bool {
        self.checks_plain
    }

    #[inline]
    pub(super) fn null(&self, out: &mut Vec<u8>) {
        if !self.null.is_empty() {
            out.extend_from_slice(&self.null);
        }
    }

    /// Appends a text.
    #[inline]
    pub(super) fn text(&self, text: &str, out: &mut Vec<u8>) {
        match self.needs_quotes(text.as_bytes()) {
            false => out.extend_from_slice(text.as_bytes()),
            true => quoted(text.as_bytes(), out),
        }
    }

    /// Puts what was appended from `start` on into quotes, if it needs them.
    pub(super) fn check(&self, start: usize, out: &mut Vec<u8>) {
        // Quotes that are there already stand for the empty text.
        if &out[start..] != b"\"\"" && self.needs_quotes(&out[start..]) {
            let text = out.split_off(start);
            quoted(&text, out);
        }
    }

    #[inline]
    fn needs_quotes(&self, text: &[u8]) -> bool {
        // An empty field is a null, or might be taken for one.
        text.is_empty() || self.has_special(text) || *text == *self.null
    }

    #[inline]
    fn has_special(&self, text: &[u8]) -> bool {
        let delimiter = self.delimiter;
        let is_special = |byte: u8| byte == delimiter || byte == b'"' || byte == b'\n' || byte == b'\r';
        // Sixteen at once, without a branch in between: most texts have none.
        let (pieces, rest) = text.as_chunks::<16>();
        pieces.iter().any(|piece| piece.iter().fold(false, |any, byte| any | is_special(*byte)))
            || rest.iter().fold(false, |any, byte| any | is_special(*byte))
    }
}

fn quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=at]);
        out.push(b'"');
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
