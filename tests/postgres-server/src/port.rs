//! A port that stays free while the server is down.

use anyhow::{Context, Result};
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// Below what systems give to outgoing connections: one of those could take the port of a server that is about to be
/// started again, or reach itself there.
const FIRST: u16 = 15_000;
const LAST: u16 = 31_999;

/// A free port, from a random one on. Another process may take it before it is used.
pub(crate) fn free() -> Result<u16> {
    let count = LAST - FIRST + 1;
    let start = u16::try_from(random() % u64::from(count))?;
    (0..count)
        .map(|step| FIRST + (start + step) % count)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("there is no free port")
}

/// A number that no other process has drawn; nothing that is tested depends on it.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
