//! What all threads of a proxy know.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::link::Link;
use crate::plan::{Faults, Plan};

/// How long a thread waits for one thing before it looks whether another has happened.
pub(crate) const POLL: Duration = Duration::from_millis(20);

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections that were taken.
    pub connections: u64,
    /// Bytes passed on to the server.
    pub to_server: u64,
    /// Bytes passed on to the client.
    pub to_client: u64,
    /// Pieces in which they were passed on.
    pub pieces: u64,
    /// Connections that were broken as their faults say.
    pub breaks: u64,
}

/// What the test wants of the proxy as a whole.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) ended: bool,
    pub(crate) down: bool,
    pub(crate) frozen: bool,
    /// Whether there is a listener; the answer to `down`.
    pub(crate) listens: bool,
    plan: Plan,
    next_number: u64,
}

/// What all threads of a proxy know.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) upstream: SocketAddr,
    wish: Mutex<Wish>,
    changed: Condvar,
    links: Mutex<Vec<Weak<Link>>>,
    pub(crate) connections: AtomicU64,
    pub(crate) to_server: AtomicU64,
    pub(crate) to_client: AtomicU64,
    pub(crate) pieces: AtomicU64,
    pub(crate) breaks: AtomicU64,
}

impl Shared {
    pub(crate) fn new(upstream: SocketAddr, plan: Plan) -> Shared {
        let wish = Wish { ended: false, down: false, frozen: false, listens: true, plan, next_number: 0 };
        Shared {
            upstream,
            wish: Mutex::new(wish),
            changed: Condvar::new(),
            links: Mutex::default(),
            connections: AtomicU64::new(0),
            to_server: AtomicU64::new(0),
            to_client: AtomicU64::new(0),
            pieces: AtomicU64::new(0),
            breaks: AtomicU64::new(0),
        }
    }

    pub(crate) fn wish(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is wanted and wakes all who wait.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Wish)) {
        change(&mut self.wish());
        self.changed.notify_all();
    }

    /// Waits for a change, no longer than `limit`.
    pub(crate) fn wait<'a>(&self, wish: MutexGuard<'a, Wish>, limit: Duration) -> MutexGuard<'a, Wish> {
        self.changed.wait_timeout(wish, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn set_plan(&self, plan: Plan) {
        let mut wish = self.wish();
        wish.plan = plan;
        wish.next_number = 0;
    }

    /// What happens to the connection that has just come.
    pub(crate) fn next_faults(&self) -> Faults {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let mut wish = self.wish();
        let number = wish.next_number;
        wish.next_number += 1;
        let plan = wish.plan.clone();
        drop(wish);
        plan.of(number)
    }

    pub(crate) fn remember(&self, link: &Arc<Link>) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|link| link.strong_count() > 0);
        links.push(Arc::downgrade(link));
    }

    pub(crate) fn reset_all(&self) {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.iter().filter_map(Weak::upgrade).for_each(|link| link.reset());
    }

    /// Waits for `time`, or until `link` or the proxy ends.
    pub(crate) fn pause(&self, link: &Link, time: Duration) {
        let until = Instant::now() + time;
        let mut wish = self.wish();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if wish.ended || !link.is_open() || left.is_zero() {
                return;
            }
            wish = self.wait(wish, left.min(POLL));
        }
    }

    /// Waits for as long as the proxy is frozen and `link` is open.
    pub(crate) fn wait_while_frozen(&self, link: &Link) {
        let mut wish = self.wish();
        while wish.frozen && !wish.ended && link.is_open() {
            wish = self.wait(wish, POLL);
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            connections: self.connections.load(Ordering::Relaxed),
            to_server: self.to_server.load(Ordering::Relaxed),
            to_client: self.to_client.load(Ordering::Relaxed),
            pieces: self.pieces.load(Ordering::Relaxed),
            breaks: self.breaks.load(Ordering::Relaxed),
        }
    }
}
