//! Finds a reply in what PostgreSQL sends: a type, a length, and no more than is needed.

/// A tag is a word or two and a count.
const LONGEST_TAG: usize = 1 << 10;

/// Passes messages on until the one that is looked for.
#[derive(Debug)]
pub(crate) struct Replies {
    tag: Vec<u8>,
    /// How many are to come, the one that is looked for included.
    left: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The answers to the requests for encryption, a byte each, come before any message.
    Start,
    /// The bytes of a message that is not whole yet and may be the one.
    Header(Vec<u8>),
    /// Bytes of a message that is not.
    Body(usize),
    /// Encrypted, or no PostgreSQL at all.
    Opaque,
}

impl Replies {
    pub(crate) fn new(tag: &str, nth: u64) -> Replies {
        Replies { tag: tag.as_bytes().to_vec(), left: nth.max(1), state: State::Start }
    }

    /// What can be passed on now, and whether the reply comes next.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> (Vec<u8>, bool) {
        let mut out = Vec::with_capacity(bytes.len());
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.state {
                State::Opaque => {
                    out.extend_from_slice(bytes);
                    break;
                }
                State::Start => match first {
                    // Refused; the client asks for something else or goes on without.
                    b'N' => {
                        out.push(*first);
                        bytes = rest;
                    }
                    b'S' | b'G' => self.state = State::Opaque,
                    _ => self.state = State::Header(Vec::new()),
                },
                State::Body(left) => {
                    let (body, after) = bytes.split_at((*left).min(bytes.len()));
                    out.extend_from_slice(body);
                    *left -= body.len();
                    bytes = after;
                    if *left == 0 {
                        self.state = State::Header(Vec::new());
                    }
                }
                State::Header(held) => {
                    held.push(*first);
                    bytes = rest;
                    let Some(length) = length(held) else { continue };
                    let total = length.saturating_add(1);
                    if length < 4 {
                        out.append(held);
                        self.state = State::Opaque;
                    } else if held[0] != b'C' || total > LONGEST_TAG {
                        out.append(held);
                        self.state =
                            if total > 5 { State::Body(total - 5) } else { State::Header(Vec::new()) };
                    } else if held.len() == total {
                        if is_tag(&held[5..], &self.tag) {
                            self.left -= 1;
                        }
                        if self.left == 0 {
                            return (out, true);
                        }
                        out.append(held);
                    }
                }
            }
        }
        (out, false)
    }
}

/// The length that a message says it has, without its type.
fn length(held: &[u8]) -> Option<usize> {
    let bytes: [u8; 4] = held.get(1..5)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}

/// Whether a `CommandComplete` has the tag, with a count or without.
fn is_tag(body: &[u8], tag: &[u8]) -> bool {
    let rest = body.strip_prefix(tag);
    rest.is_some_and(|rest| matches!(rest.first(), Some(b' ' | 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], &length[..], body].concat()
    }

    fn session() -> Vec<Vec<u8>> {
        vec![
            b"N".to_vec(),
            message(b'R', &[0, 0, 0, 0]),
            message(b'S', b"server_version\x0015\0"),
            message(b'D', b"C\0\0\0\x0bCOMMIT\0"),
            message(b'C', b"COPY 17\0"),
            message(b'Z', b"T"),
            message(b'C', b"COMMIT\0"),
            message(b'1', b""),
            message(b'C', b"COMMIT PREPARED\0"),
            message(b'C', b"COMMITTED\0"),
        ]
    }

    #[test]
    fn everything_before_the_reply_is_passed_and_nothing_of_it() {
        let messages = session();
        for (tag, nth, before) in [("COPY", 1, 4), ("COMMIT", 1, 6), ("COMMIT", 2, 8), ("COMMITTED", 1, 9)] {
            let all = messages.concat();
            for size in 1..=all.len() {
                let mut replies = Replies::new(tag, nth);
                let mut out = Vec::new();
                let found = all.chunks(size).any(|piece| {
                    let (passed, found) = replies.push(piece);
                    out.extend(passed);
                    found
                });
                assert!(found, "{tag} {nth} in pieces of {size}");
                assert_eq!(out, messages[..before].concat(), "{tag} {nth} in pieces of {size}");
            }
        }
    }

    #[test]
    fn what_is_encrypted_passes_as_it_comes() {
        let mut replies = Replies::new("COMMIT", 1);
        let bytes = [b"S".to_vec(), message(b'C', b"COMMIT\0")].concat();
        assert_eq!(replies.push(&bytes), (bytes, false));
    }
}
