//! What happens to which connection.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

/// How a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Both sides get a reset (RST). What their systems have not taken yet is lost.
    Reset,
    /// Both sides get the end of the stream (FIN), after all that was passed on.
    Cut,
    /// Nothing more is passed on in this direction, not even its end; the sockets stay open.
    BlackHole,
}

/// Where a connection breaks.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    After(u64),
    BeforeReply { tag: String, nth: u64 },
}

/// What happens to the bytes of one direction. As [`Direction::default`] they pass as they come.
///
/// All of it can be combined: bytes are replaced first, then the place of the break is looked for, then they are
/// sliced and slowed down.
#[derive(Clone, Debug, Default)]
pub struct Direction {
    pub(crate) breaks: Option<(Place, Break)>,
    pub(crate) slice_bytes: Option<usize>,
    pub(crate) latency: Duration,
    pub(crate) bytes_per_second: Option<NonZeroU64>,
    pub(crate) close_after: Duration,
    pub(crate) replace: Option<(Vec<u8>, Vec<u8>)>,
}

impl Direction {
    /// Breaks the connection once exactly `bytes` are passed on.
    #[must_use]
    pub fn after(mut self, bytes: u64, how: Break) -> Direction {
        self.breaks = Some((Place::After(bytes), how));
        self
    }

    /// Breaks the connection in place of the `nth` (from 1) `CommandComplete` of PostgreSQL with this tag; all before it
    /// is passed on. `COMMIT` finds `COMMIT`, `COPY` finds `COPY 17`. For the direction to the client, without TLS.
    #[must_use]
    pub fn before_reply(mut self, tag: &str, nth: u64, how: Break) -> Direction {
        self.breaks = Some((Place::BeforeReply { tag: tag.to_owned(), nth }, how));
        self
    }

    /// Passes at most `bytes` at a time.
    ///
    /// # Panics
    /// With none.
    #[must_use]
    pub fn slices(mut self, bytes: usize) -> Direction {
        assert!(bytes > 0, "a slice has bytes");
        self.slice_bytes = Some(bytes);
        self
    }

    /// Holds what has been read back for this long before it is passed on.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Direction {
        self.latency = latency;
        self
    }

    /// Passes no more than this on in a second.
    #[must_use]
    pub fn bandwidth(mut self, bytes_per_second: NonZeroU64) -> Direction {
        self.bytes_per_second = Some(bytes_per_second);
        self
    }

    /// Holds the end of the stream back for this long.
    #[must_use]
    pub fn slow_close(mut self, after: Duration) -> Direction {
        self.close_after = after;
        self
    }

    /// Passes `with` on wherever `find` comes. Bytes that could be the beginning of `find` are held back for as long as
    /// more are coming.
    ///
    /// # Panics
    /// Both have to be of the same length, and not empty: messages carry their length.
    #[must_use]
    pub fn replace(mut self, find: impl Into<Vec<u8>>, with: impl Into<Vec<u8>>) -> Direction {
        let (find, with) = (find.into(), with.into());
        assert!(!find.is_empty() && find.len() == with.len(), "bytes are replaced by as many bytes");
        self.replace = Some((find, with));
        self
    }
}

/// What happens to one connection.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// To the bytes that the client sends.
    pub to_server: Direction,
    /// To the bytes that the server sends.
    pub to_client: Direction,
}

impl Faults {
    /// To the bytes that the client sends alone.
    #[must_use]
    pub fn to_server(to_server: Direction) -> Faults {
        Faults { to_server, to_client: Direction::default() }
    }

    /// To the bytes that the server sends alone.
    #[must_use]
    pub fn to_client(to_client: Direction) -> Faults {
        Faults { to_server: Direction::default(), to_client }
    }

    /// The same to both.
    #[must_use]
    pub fn both(direction: Direction) -> Faults {
        Faults { to_server: direction.clone(), to_client: direction }
    }
}

type OfConnection = dyn Fn(u64) -> Faults + Send + Sync;

/// What happens to each connection, by its number: 0 for the first that came after the plan was set.
#[derive(Clone)]
pub struct Plan(Arc<OfConnection>);

impl Plan {
    /// Nothing happens.
    #[must_use]
    pub fn pass() -> Plan {
        Plan::with(|_| Faults::default())
    }

    /// The same to every connection.
    #[must_use]
    pub fn every(faults: Faults) -> Plan {
        Plan::with(move |_| faults.clone())
    }

    /// To the first `count` connections; later ones are left alone.
    #[must_use]
    pub fn first(count: u64, faults: Faults) -> Plan {
        Plan::with(move |number| if number < count { faults.clone() } else { Faults::default() })
    }

    /// To the connection with this number alone.
    #[must_use]
    pub fn only(chosen: u64, faults: Faults) -> Plan {
        Plan::with(move |number| if number == chosen { faults.clone() } else { Faults::default() })
    }

    /// As `faults` says of each number. A random plan draws from a seed and the number, so that it can be replayed.
    #[must_use]
    pub fn with(faults: impl Fn(u64) -> Faults + Send + Sync + 'static) -> Plan {
        Plan(Arc::new(faults))
    }

    pub(crate) fn of(&self, number: u64) -> Faults {
        (self.0)(number)
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Plan")
    }
}
