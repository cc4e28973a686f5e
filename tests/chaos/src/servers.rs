//! The PostgreSQL servers of a campaign: its own, for it stops them.

use anyhow::{Context, Result};
use dstream_postgres_server::{Options, Server};
use std::sync::Arc;
use std::time::Duration;

/// Servers by number, started when they are asked for.
#[derive(Debug, Default)]
pub(crate) struct Servers(Vec<Arc<Server>>);

impl Servers {
    /// # Errors
    /// There is no PostgreSQL, or it does not start.
    pub(crate) fn get(&mut self, number: usize) -> Result<Arc<Server>> {
        while self.0.len() <= number {
            self.0.push(Arc::new(Server::start(&Options::default())?));
        }
        Ok(Arc::clone(&self.0[number]))
    }
}

/// How a server goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// Its sessions are ended in whatever they do.
    Immediate,
    /// Its first process is killed; the sessions notice when they look.
    Kill,
}

/// Takes the server down, and up again after `pause`, which waits.
///
/// # Errors
/// It does not come up.
pub(crate) fn crash(server: &Server, how: Crash, down: Duration, pause: impl FnOnce(Duration)) -> Result<()> {
    match how {
        Crash::Immediate => server.stop_immediate()?,
        Crash::Kill => server.kill9()?,
    }
    pause(down);
    server.restart().context("the server does not come up again")
}
