//! Which part of a stream's files one reader reads.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of a piece of a file of text: enough that finding where it begins costs little, few enough that the readers of one
/// file stay near each other.
pub(crate) const PIECE_BYTES: u64 = 16 << 20;

/// One of `parts` equal parts. Every piece of every file is in one of them, now and when the file has grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) part: u64,
    pub(crate) parts: u64,
    /// Bytes of a piece of text.
    pub(crate) piece_bytes: u64,
}

impl Share {
    pub(crate) const WHOLE: Share = Share { part: 0, parts: 1, piece_bytes: PIECE_BYTES };

    /// The pieces of a file that are in this part. Files begin with different parts, so that small ones are shared out.
    pub(crate) fn pieces_of(self, name: &str) -> Pieces {
        let digest = Sha256::digest(name.as_bytes());
        let [a, b, c, d, ..] = digest[..] else { return Pieces::WHOLE };
        let shift = u64::from(u32::from_le_bytes([a, b, c, d])) % self.parts;
        let first = (self.part + self.parts - shift) % self.parts;
        Pieces { first, step: self.parts, bytes: self.piece_bytes }
    }
}

/// Some pieces of one file: every `step`th, from the `first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pieces {
    first: u64,
    step: u64,
    bytes: u64,
}

impl Pieces {
    pub(crate) const WHOLE: Pieces = Pieces { first: 0, step: 1, bytes: PIECE_BYTES };

    /// All pieces are among them.
    pub(crate) fn is_whole(self) -> bool {
        self.step == 1
    }

    pub(crate) fn has(self, piece: u64) -> bool {
        piece % self.step == self.first
    }

    /// The pieces of a file that cannot be read in pieces: all of them, or `None`.
    pub(crate) fn undivided(self) -> Option<Pieces> {
        self.has(0).then_some(Pieces::WHOLE)
    }

    /// Where the piece ends that has this place of a text; `None`: it is none of these.
    pub(crate) fn end_at(self, offset: u64) -> Option<u64> {
        if self.is_whole() {
            return Some(u64::MAX);
        }
        let piece = offset / self.bytes;
        self.has(piece).then(|| (piece + 1).saturating_mul(self.bytes))
    }

    /// Where the next piece begins behind a place that is in none of these.
    pub(crate) fn next_start(self, offset: u64) -> u64 {
        let piece = offset / self.bytes;
        let ahead = (self.first + self.step - piece % self.step) % self.step;
        (piece + ahead).saturating_mul(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_of_every_file_is_in_one_part() {
        for parts in 1..6 {
            for name in ["a", "b", "orders/2024.csv"] {
                for piece in 0..20 {
                    let with =
                        |part: &u64| Share { part: *part, parts, piece_bytes: 10 }.pieces_of(name).has(piece);
                    assert_eq!((0..parts).filter(with).count(), 1, "{piece} of {name} in {parts} parts");
                }
            }
        }
    }

    #[test]
    fn places_are_in_pieces() {
        let pieces = Pieces { first: 1, step: 3, bytes: 10 };
        assert_eq!((pieces.end_at(9), pieces.end_at(10), pieces.end_at(19)), (None, Some(20), Some(20)));
        assert_eq!((pieces.next_start(0), pieces.next_start(20), pieces.next_start(39)), (10, 40, 40));
        assert_eq!(Pieces::WHOLE.end_at(1 << 60), Some(u64::MAX));
    }
}
