//! From piece to piece through a file of text.

use super::decode::{Start, more};
use super::position::{LineEnd, Position};
use super::share::Pieces;
use super::window::Window;
use dstream_sdk::Result;

/// The way through the pieces of one file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    pieces: Pieces,
    state: State,
}

/// What is to be done with the bytes that come next.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Nobody has looked yet in which piece they are.
    Unknown,
    /// Records that begin before this place are wanted.
    Read { until: u64 },
    /// Records are wanted from the first that begins at this place or behind it.
    Skip { until: u64 },
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Records that begin so many bytes after the window's position, or before, are wanted.
    Read { until: usize },
    /// Some bytes of others were passed; ask again.
    Passed,
    /// The file has nothing more.
    End,
}

impl Walk {
    pub(crate) fn new(pieces: Pieces) -> Walk {
        Walk { pieces, state: State::Unknown }
    }

    pub(crate) fn pieces(&self) -> Pieces {
        self.pieces
    }

    /// Passes what others read, as far as it is in the window. `find_start` is that of the format; where it is `local`, the
    /// bytes that it looks at may begin anywhere.
    pub(crate) fn go_on(
        &mut self,
        window: &mut Window,
        position: &mut Position,
        record_bytes: usize,
        local: bool,
        find_start: &dyn Fn(&[u8], usize, bool) -> Start,
    ) -> Result<Way> {
        if let State::Unknown = self.state {
            let offset = window.offset();
            self.state = match self.pieces.end_at(offset) {
                Some(until) => State::Read { until },
                None => State::Skip { until: self.pieces.next_start(offset) },
            };
        }
        let until = match self.state {
            State::Skip { until } => until,
            State::Read { until } => return Ok(Way::Read { until: ahead(until, window) }),
            State::Unknown => return Ok(Way::Passed),
        };
        // The line end before the start may be the byte right before the place.
        let before = until.saturating_sub(1);
        if local && before > window.offset() && window.reaches(until) {
            window.go_to(before, &|| Ok(()))?;
        }
        let start = find_start(window.bytes(), ahead(until, window), window.is_last());
        let (Start::Found(length) | Start::Further(length)) = start;
        if length > 0 {
            position.pass(0, LineEnd::Complete);
            window.consume(length);
        }
        match start {
            Start::Found(_) => self.state = State::Unknown,
            Start::Further(_) if window.is_last() => return Ok(Way::End),
            Start::Further(_) => more(window, record_bytes)?,
        }
        Ok(Way::Passed)
    }

    /// The next record begins behind the piece that was read.
    pub(crate) fn leave(&mut self) {
        if let State::Read { until } = self.state {
            self.state = State::Skip { until: self.pieces.next_start(until) };
        }
    }
}

fn ahead(until: u64, window: &Window) -> usize {
    usize::try_from(until.saturating_sub(window.offset())).unwrap_or(usize::MAX)
}
