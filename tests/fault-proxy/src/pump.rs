//! Carries the bytes of one direction.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::link::Link;
use crate::plan::{Break, Direction, Place};
use crate::replace::Replacer;
use crate::replies::Replies;
use crate::shared::{POLL, Shared};

/// Which way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// Passes bytes on until their end, a break, or the end of the proxy.
pub(crate) fn run(shared: &Shared, link: &Link, way: Way, direction: Direction) {
    let (from, to, passed) = match way {
        Way::ToServer => (&link.client, &link.server, &shared.to_server),
        Way::ToClient => (&link.server, &link.client, &shared.to_client),
    };
    let replacer = direction.replace.clone().map(|(find, with)| Replacer::new(find, with));
    let limit = match &direction.breaks {
        None => Limit::None,
        Some((Place::After(bytes), _)) => Limit::Bytes(*bytes),
        Some((Place::BeforeReply { tag, nth }, _)) => Limit::Reply(Replies::new(tag, *nth)),
    };
    Pump { shared, link, from, to, passed, direction, replacer, limit }.run();
}

/// What may still be passed on.
enum Limit {
    None,
    Bytes(u64),
    Reply(Replies),
}

struct Pump<'a> {
    shared: &'a Shared,
    link: &'a Link,
    from: &'a TcpStream,
    to: &'a TcpStream,
    passed: &'a AtomicU64,
    direction: Direction,
    replacer: Option<Replacer>,
    limit: Limit,
}

/// Whether there is more to do in this direction.
#[derive(PartialEq)]
enum Next {
    More,
    Done,
}

impl Pump<'_> {
    fn run(mut self) {
        let mut buffer = vec![0; 64 << 10];
        if matches!(self.limit, Limit::Bytes(0)) && self.break_off() == Next::Done {
            return;
        }
        loop {
            self.shared.wait_while_frozen(self.link);
            if self.link.is_reset() || self.shared.wish().ended {
                return;
            }
            let read = (&mut &*self.from).read(&mut buffer);
            // What came while the proxy froze is held back as well.
            self.shared.wait_while_frozen(self.link);
            let next = match read {
                Ok(0) if self.link.is_reset() => return,
                Ok(0) => {
                    self.end();
                    Next::Done
                }
                Ok(count) => {
                    let bytes = match &mut self.replacer {
                        Some(replacer) => replacer.push(&buffer[..count]),
                        None => buffer[..count].to_vec(),
                    };
                    self.pass(bytes)
                }
                Err(error) if is_timeout(&error) => match &mut self.replacer {
                    Some(replacer) => {
                        let held = replacer.flush();
                        self.pass(held)
                    }
                    None => Next::More,
                },
                Err(_) => self.fail(),
            };
            if next == Next::Done {
                return;
            }
        }
    }

    /// Passes on what is allowed of `bytes`, and breaks off where it ends.
    fn pass(&mut self, mut bytes: Vec<u8>) -> Next {
        if !self.link.is_open() || bytes.is_empty() {
            return Next::More;
        }
        let mut breaks = false;
        match &mut self.limit {
            Limit::None => {}
            Limit::Bytes(left) => {
                bytes.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= bytes.len() as u64;
                breaks = *left == 0;
            }
            Limit::Reply(replies) => (bytes, breaks) = replies.push(&bytes),
        }
        if self.write(&bytes) == Next::Done {
            return Next::Done;
        }
        if breaks { self.break_off() } else { Next::More }
    }

    fn write(&self, bytes: &[u8]) -> Next {
        if !self.direction.latency.is_zero() {
            self.shared.pause(self.link, self.direction.latency);
        }
        let slice_bytes = self.direction.slice_bytes.unwrap_or(usize::MAX);
        // In steps of about 20 ms: one long pause after a large piece would be a stall, not a narrow line.
        let per_second = self.direction.bytes_per_second.map(std::num::NonZeroU64::get);
        let paced_bytes =
            per_second.map_or(usize::MAX, |rate| usize::try_from(rate / 50).unwrap_or(usize::MAX));
        for slice in bytes.chunks(slice_bytes.min(paced_bytes.max(1)).min(bytes.len().max(1))) {
            if self.write_slice(slice) == Next::Done {
                return Next::Done;
            }
            if let Some(rate) = per_second {
                self.shared.pause(self.link, Duration::from_secs_f64(slice.len() as f64 / rate as f64));
            } else if self.direction.slice_bytes.is_some() {
                // Gives the reader a chance to see the slice alone.
                thread::yield_now();
            }
        }
        Next::More
    }

    fn write_slice(&self, mut slice: &[u8]) -> Next {
        self.shared.pieces.fetch_add(1, Ordering::Relaxed);
        while !slice.is_empty() {
            if self.link.is_reset() || self.shared.wish().ended {
                return Next::Done;
            }
            if !self.link.is_open() {
                return Next::More;
            }
            match (&mut &*self.to).write(slice) {
                Ok(count) => {
                    self.passed.fetch_add(count as u64, Ordering::Relaxed);
                    slice = &slice[count..];
                }
                Err(error) if is_timeout(&error) => {}
                Err(_) => return self.fail(),
            }
        }
        Next::More
    }

    /// Breaks the connection as the plan says.
    fn break_off(&mut self) -> Next {
        let Some((_, how)) = self.direction.breaks.take() else { return Next::More };
        if !self.link.is_open() {
            return Next::More;
        }
        self.limit = Limit::None;
        // Before it happens: whoever sees the break finds it counted.
        self.shared.breaks.fetch_add(1, Ordering::SeqCst);
        match how {
            Break::Reset => {
                self.link.reset();
                Next::Done
            }
            Break::Cut => {
                self.link.cut();
                Next::More
            }
            Break::BlackHole => {
                while !self.shared.wish().ended && self.link.is_open() {
                    self.shared.pause(self.link, POLL);
                }
                Next::More
            }
        }
    }

    /// The sender has ended: the receiver is told, after all that is held back.
    fn end(&mut self) {
        if let Some(held) = self.replacer.as_mut().map(Replacer::flush) {
            self.pass(held);
        }
        self.shared.pause(self.link, self.direction.close_after);
        if self.link.is_open() {
            let _ = self.to.shutdown(Shutdown::Write);
        }
    }

    /// A socket failed: the other side is told the same way. One that was cut is only read to its end.
    fn fail(&self) -> Next {
        if self.link.is_open() {
            self.link.reset();
        }
        Next::Done
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
