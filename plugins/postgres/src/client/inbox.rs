//! What came from the server and is not looked at yet: whole messages, where they lie.

/// One message of the wire protocol: a tag and what follows its length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) tag: u8,
    /// Where the body lies in the inbox.
    start: usize,
    end: usize,
}

/// A buffer that is read into at its end and looked at from its start.
pub(super) struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

const USUAL_BYTES: usize = 256 << 10;
/// The server's own limit for one field is 1 GiB; a row has a little more.
const MAX_FRAME_BYTES: usize = (2 << 30) - 1;

impl Inbox {
    pub(super) fn new() -> Inbox {
        Inbox { bytes: vec![0; USUAL_BYTES], start: 0, end: 0 }
    }

    /// The next whole message, where there is one.
    ///
    /// # Errors
    /// A length that no server sends.
    pub(super) fn peek(&self) -> Result<Option<Frame>, usize> {
        let waiting = &self.bytes[self.start..self.end];
        let &[tag, a, b, c, d, ..] = waiting else { return Ok(None) };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if !(4..=MAX_FRAME_BYTES).contains(&length) {
            return Err(length);
        }
        let (start, end) = (self.start + 5, self.start + 1 + length);
        Ok((end <= self.end).then_some(Frame { tag, start, end }))
    }

    pub(super) fn body(&self, frame: Frame) -> &[u8] {
        &self.bytes[frame.start..frame.end]
    }

    /// The message with its head, as the library for messages wants it.
    pub(super) fn whole(&self, frame: Frame) -> &[u8] {
        &self.bytes[frame.start - 5..frame.end]
    }

    /// Takes the message out.
    pub(super) fn pass(&mut self, frame: Frame) {
        self.start = frame.end;
    }

    /// Room for what comes next, where the message that is on its way fits in.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            // A field of 100 MB does not keep its place for ever.
            if self.bytes.len() > 4 * USUAL_BYTES {
                self.bytes = vec![0; USUAL_BYTES];
            }
        }
        let needed = match self.bytes[self.start..self.end] {
            [_, a, b, c, d, ..] => 1 + u32::from_be_bytes([a, b, c, d]) as usize,
            _ => 5,
        };
        let is_short = self.bytes.len() - self.start < needed.min(MAX_FRAME_BYTES);
        if is_short || self.bytes.len() - self.end < 4096 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let needed = needed.clamp(USUAL_BYTES, MAX_FRAME_BYTES);
        if self.bytes.len() < needed {
            self.bytes.resize(needed, 0);
        }
        &mut self.bytes[self.end..]
    }

    /// So many bytes were read into the room.
    pub(super) fn filled(&mut self, bytes: usize) {
        self.end += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        out.extend((body.len() as u32 + 4).to_be_bytes());
        out.extend(body);
        out
    }

    #[test]
    fn messages_come_out_as_they_went_in_whatever_the_pieces() {
        let bodies: Vec<Vec<u8>> =
            [0, 1, 5, 70_000, 300_000, 2_000_000, 3].iter().map(|size| vec![*size as u8; *size]).collect();
        let bytes: Vec<u8> = bodies.iter().flat_map(|body| message(b'd', body)).collect();
        for piece in [1_000, 4_097, 65_536, 1 << 20] {
            let (mut inbox, mut rest, mut found) = (Inbox::new(), bytes.as_slice(), Vec::new());
            while found.len() < bodies.len() {
                while let Some(frame) = inbox.peek().unwrap() {
                    found.push(inbox.body(frame).to_vec());
                    inbox.pass(frame);
                }
                let room = inbox.room();
                let size = piece.min(rest.len()).min(room.len());
                room[..size].copy_from_slice(&rest[..size]);
                inbox.filled(size);
                rest = &rest[size..];
            }
            assert!(found == bodies, "pieces of {piece}");
        }
    }

    #[test]
    fn a_length_that_cannot_be_is_told() {
        let mut inbox = Inbox::new();
        inbox.room()[..5].copy_from_slice(&[b'd', 0xff, 0xff, 0xff, 0xff]);
        inbox.filled(5);
        assert!(inbox.peek().is_err());
    }
}
