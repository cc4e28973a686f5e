//! The PostgreSQL server that all tests share.

use anyhow::Result;
use dstream_postgres_server::{Options, Programs, SHARED_SERVER, Server};
use std::env;

use crate::{packages, say};

/// A server, with its name for the tests; none where the environment names one already.
pub(crate) struct TestServer(Option<Server>);

impl TestServer {
    /// Starts one, and installs PostgreSQL before where it is missing and may be installed.
    pub(crate) fn start() -> Result<TestServer> {
        if let Ok(named) = env::var(SHARED_SERVER) {
            say::line(&format!("the tests use the PostgreSQL of {SHARED_SERVER}: {named}"));
            return Ok(TestServer(None));
        }
        // Where the user has named a folder, the one that is installed would not be looked at.
        if Programs::find().is_err() && env::var_os("DSTREAMS_POSTGRES_BIN").is_none() {
            packages::install("postgresql", "there is no PostgreSQL server yet")?;
        }
        Ok(TestServer(Some(Server::start(&Options::default())?)))
    }

    /// What tells the tests of it.
    pub(crate) fn environment(&self) -> Option<(&'static str, String)> {
        self.0.as_ref().map(|server| (SHARED_SERVER, server.address().to_string()))
    }
}
