//! The servers of a campaign: its own, for it stops those of PostgreSQL.

use anyhow::{Context, Result};
use dstream_object_server::S3Server;
use dstream_postgres_server::{Options, Server};
use std::sync::Arc;
use std::time::Duration;

/// Servers of PostgreSQL by number, and one of objects, started when they are asked for.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    postgres: Vec<Arc<Server>>,
    objects: Option<Arc<S3Server>>,
    prefixes: u32,
}

impl Servers {
    /// # Errors
    /// There is no PostgreSQL, or it does not start.
    pub(crate) fn get(&mut self, number: usize) -> Result<Arc<Server>> {
        while self.postgres.len() <= number {
            self.postgres.push(Arc::new(Server::start(&Options::default())?));
        }
        Ok(Arc::clone(&self.postgres[number]))
    }

    /// A server of objects, and what no key in it begins with yet.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn objects(&mut self) -> Result<(Arc<S3Server>, String)> {
        let server = match &self.objects {
            Some(server) => server.clone(),
            None => Arc::clone(self.objects.insert(Arc::new(S3Server::start()?))),
        };
        self.prefixes += 1;
        Ok((server, format!("lake-{}", self.prefixes)))
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
