//! One server for all tests.

use anyhow::{Context, Result};
use std::env;
use std::sync::OnceLock;

use crate::address::Address;
use crate::database::Database;
use crate::options::Options;
use crate::programs::Programs;
use crate::server::Server;

/// The environment variable that names a server which is there, as `host:port:user`.
///
/// The user is a superuser who needs no password. nextest runs each test in a process: without this each of them
/// starts a server.
pub const SHARED_SERVER: &str = "DSTREAMS_TEST_POSTGRES";

/// A server that runs for as long as this process, for tests that do not stop it.
#[derive(Debug)]
pub struct Shared {
    address: Address,
    // Ended by its watcher: what is static is never dropped.
    _server: Option<Server>,
}

impl Shared {
    pub(crate) fn get() -> &'static Shared {
        static SHARED: OnceLock<Shared> = OnceLock::new();
        SHARED.get_or_init(|| {
            Shared::open().unwrap_or_else(|error| panic!("no PostgreSQL to test with: {error:#}"))
        })
    }

    fn open() -> Result<Shared> {
        if let Ok(named) = env::var(SHARED_SERVER) {
            let address = parse(&named, Programs::find()?)
                .with_context(|| format!("{SHARED_SERVER} is `{named}` and not host:port:user"))?;
            return Ok(Shared { address, _server: None });
        }
        let server = Server::start(&Options::default())?;
        Ok(Shared { address: server.address().clone(), _server: Some(server) })
    }

    /// Where it is, and its superuser.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// An empty database with a name that begins with `prefix`.
    ///
    /// # Panics
    /// The server does not make one.
    #[must_use]
    pub fn database(&self, prefix: &str) -> Database {
        Database::create(&self.address, prefix).unwrap_or_else(|error| panic!("{error:#}"))
    }
}

fn parse(named: &str, programs: Programs) -> Option<Address> {
    let (rest, user) = named.rsplit_once(':')?;
    let (host, port) = rest.rsplit_once(':')?;
    let (host, user) = (host.to_owned(), user.to_owned());
    Some(Address { host, port: port.parse().ok()?, user, password: None, programs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_shown() {
        let programs = Programs::find().unwrap();
        for named in ["127.0.0.1:5432:postgres", "::1:20000:me"] {
            assert_eq!(parse(named, programs.clone()).unwrap().to_string(), named);
        }
        for wrong in ["", "localhost", "localhost:5432", "localhost:port:me"] {
            assert!(parse(wrong, programs.clone()).is_none(), "{wrong}");
        }
    }
}
