//! What a test holds.

use anyhow::{Context, Result};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::listener;
use crate::plan::Plan;
use crate::shared::{Counters, Shared};

/// A proxy on a port of 127.0.0.1; dropped, it resets what is open and ends its threads.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    listener: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Takes connections and passes them on to `upstream`, as `plan` says.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start(upstream: SocketAddr, plan: Plan) -> Result<Proxy> {
        let listener: TcpListener = listener::bind()?;
        let address = listener.local_addr().context("the proxy has no address")?;
        let shared = Arc::new(Shared::new(upstream, plan));
        let theirs = Arc::clone(&shared);
        let thread = thread::spawn(move || listener::run(&theirs, address, listener));
        Ok(Proxy { shared, address, listener: Some(thread) })
    }

    /// What clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Another plan for the connections to come; they are counted from 0 again.
    pub fn set_plan(&self, plan: Plan) {
        self.shared.set_plan(plan);
    }

    /// Refuses new connections from now on; those that are open go on.
    pub fn down(&self) {
        self.set_down(true);
    }

    /// Takes connections again, on the same port.
    pub fn up(&self) {
        self.set_down(false);
    }

    /// Passes nothing on, in no connection, from now on; the sockets stay open.
    pub fn freeze(&self) {
        self.shared.change(|wish| wish.frozen = true);
    }

    /// Passes everything on again, what came meanwhile included.
    pub fn thaw(&self) {
        self.shared.change(|wish| wish.frozen = false);
    }

    /// Resets every connection that is open.
    pub fn reset_all(&self) {
        self.shared.reset_all();
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// Waits until the counters are as `wanted`; `false` where they are not within `limit`.
    pub fn wait_for(&self, limit: Duration, wanted: impl Fn(&Counters) -> bool) -> bool {
        let until = Instant::now() + limit;
        loop {
            if wanted(&self.counters()) {
                return true;
            }
            if Instant::now() > until {
                return false;
            }
            drop(self.shared.wait(self.shared.wish(), Duration::from_millis(2)));
        }
    }

    /// Returns when it is so: whoever connects after this is refused, or taken.
    fn set_down(&self, down: bool) {
        self.shared.change(|wish| wish.down = down);
        let until = Instant::now() + Duration::from_secs(30);
        let mut wish = self.shared.wish();
        while wish.listens == down && Instant::now() < until {
            wish = self.shared.wait(wish, Duration::from_millis(20));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.change(|wish| wish.ended = true);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}
