//! Private servers of objects for tests, in memory, on loopback: S3 by moto, Azure Blob Storage by Azurite. Both know
//! conditional puts, uploads in parts and copies.

mod azure; // Azurite
mod read; // what is in a bucket

pub use azure::{ACCOUNT, ACCOUNT_KEY, AzureServer};
pub use read::ListedObject;

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Names an interpreter that has the packages.
pub const PYTHON: &str = "DSTREAMS_TEST_MOTO_PYTHON";
/// Versions are pinned there.
const REQUIREMENTS: &str = include_str!("../requirements.txt");
const PROGRAM: &str = include_str!("server.py");

/// The one bucket that a server begins with.
pub const BUCKET: &str = "bucket";

/// What a client of S3 shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Who it is.
    pub id: String,
    /// What it signs with.
    pub secret: String,
    /// What it sends along.
    pub token: String,
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct S3Server {
    port: u16,
    keys: Keys,
    child: Child,
    /// Closed, it ends: also where the test was killed.
    stdin: Option<ChildStdin>,
}

impl S3Server {
    /// Starts one with an empty bucket, which takes any keys.
    ///
    /// # Errors
    /// There is no Python, or the packages cannot be had.
    pub fn start() -> Result<S3Server> {
        S3Server::start_with(&[])
    }

    /// Starts one with an empty bucket, which looks at each signature: only [`S3Server::keys`] are right.
    ///
    /// # Errors
    /// There is no Python, or the packages cannot be had.
    pub fn start_checked() -> Result<S3Server> {
        S3Server::start_with(&["checked"])
    }

    fn start_with(args: &[&str]) -> Result<S3Server> {
        let python = dstream_peers::install_into("test-moto", REQUIREMENTS, PYTHON)?;
        let mut child = Command::new(python)
            .args(["-c", PROGRAM, BUCKET])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("its output is a pipe")?;
        let keys = Keys { id: String::new(), secret: String::new(), token: String::new() };
        let mut server = S3Server { port: 0, keys, child, stdin };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut word = || words.next().context("the server did not say its port and keys");
        server.port = word()?.parse()?;
        server.keys = Keys { id: word()?, secret: word()?, token: word()? };
        Ok(server)
    }

    /// Keys that it takes.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It holds nothing that is needed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
