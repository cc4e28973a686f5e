//! The values of one line, as they are written: nothing is rounded or copied.

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
    pub(super) start: u32,
    pub(super) end: u32,
    /// The node after this one and what it holds.
    pub(super) next: u32,
}

/// The values of a line, outermost first.
#[derive(Debug, Default)]
pub(super) struct Tape {
    pub(super) nodes: Vec<Node>,
    /// Room for the keys of one object, and for what tells them apart.
    pub(super) keys: Vec<u32>,
    pub(super) signatures: Vec<u64>,
    /// The keys of the last record that had other ones than those before it, in quotes, as they are written; none where
    /// one of them has escapes.
    pub(super) shape: Vec<Box<[u8]>>,
    /// How many shapes there were.
    pub(super) shapes: u64,
    /// The record has the keys of `shape`.
    pub(super) keys_as_before: bool,
}

impl Tape {
    /// Keeps the keys of the record that was parsed.
    pub(super) fn note_shape(&mut self, line: &[u8]) {
        self.shape.clear();
        self.shapes += 1;
        let mut key = 1;
        while let (Some(node), Some(value)) = (self.nodes.get(key), self.nodes.get(key + 1)) {
            if node.kind == Kind::EscapedText {
                self.shape.clear();
                return;
            }
            self.shape.push(line[node.start as usize - 1..=node.end as usize].into());
            key = value.next as usize;
        }
    }
}

/// One value of a line.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) tape: &'a Tape,
    pub(super) line: &'a [u8],
    pub(super) node: usize,
}

impl<'a> Value<'a> {
    pub(super) fn kind(&self) -> Kind {
        self.tape.nodes[self.node].kind
    }

    /// The byte of the line where it begins; that of a text is behind its quote.
    pub(super) fn start(&self) -> u64 {
        self.tape.nodes[self.node].start.into()
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

    /// The number of the shape that the record has, which tells its keys and their order; `None`: it has one of its own.
    pub(super) fn shape(&self) -> Option<u64> {
        (self.node == 0 && self.tape.keys_as_before).then_some(self.tape.shapes)
    }

    /// Values in it, with those inside of them.
    pub(super) fn size(&self) -> usize {
        self.tape.nodes[self.node].next as usize - self.node
    }
}

/// The number of `\uXXXX`.
pub(super) fn code_unit(text: &[u8]) -> Option<u32> {
    let [b'\\', b'u', digits @ ..] = text.get(..6)? else { return None };
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// What a text with escapes, which are sound, says.
pub(super) fn unescape(mut text: &[u8]) -> Vec<u8> {
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
