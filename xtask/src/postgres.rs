//! The PostgreSQL server that all tests share.

use anyhow::Result;
use dstream_postgres_server::{Options, Programs, SHARED_SERVER, Server};
use std::env;

use crate::say;
use crate::shell::program;

/// A server, with its name for the tests; none where the environment names one already.
pub(crate) struct TestServer(Option<Server>);

impl TestServer {
    /// Starts one, and installs PostgreSQL before where it is missing and may be installed.
    pub(crate) fn start() -> Result<TestServer> {
        if let Ok(named) = env::var(SHARED_SERVER) {
            say::line(&format!("the tests use the PostgreSQL of {SHARED_SERVER}: {named}"));
            return Ok(TestServer(None));
        }
        if Programs::find().is_err() && may_install() {
            say::line("there is no PostgreSQL server yet: apt-get installs it, once");
            let install =
                || program("apt-get install --yes postgresql").env("DEBIAN_FRONTEND", "noninteractive");
            // The lists of a fresh machine are empty or old.
            if !install().try_run()? && program("apt-get update").try_run()? {
                install().try_run()?;
            }
        }
        Ok(TestServer(Some(Server::start(&Options::default())?)))
    }

    /// What tells the tests of it.
    pub(crate) fn environment(&self) -> Option<(&'static str, String)> {
        self.0.as_ref().map(|server| (SHARED_SERVER, server.address().to_string()))
    }
}

fn may_install() -> bool {
    // Where the user has named a folder, the one that is installed would not be looked at.
    if env::var_os("DSTREAMS_POSTGRES_BIN").is_some() {
        return false;
    }
    let root = program("id -u").output().is_ok_and(|id| id.trim() == "0");
    root && program("apt-get --version").exists()
}
