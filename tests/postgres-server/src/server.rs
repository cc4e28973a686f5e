//! A private server, its process and its folder together.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::address::Address;
use crate::database::Database;
use crate::folder::{Folder, SUPERUSER};
use crate::options::Options;
use crate::port;
use crate::postmaster::{NotStarted, Postmaster};
use crate::processor;
use crate::programs::Programs;
use crate::shared::Shared;
use crate::watcher::Watcher;

/// How long a port or a memory that somebody holds is waited for when a server starts again.
const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// A PostgreSQL server of this process on 127.0.0.1 and on a socket in its folder.
///
/// Stopped, with its folder removed, when the value is dropped; a watcher does the same when this process is killed.
/// It can be stopped and started from any thread.
#[derive(Debug)]
pub struct Server {
    address: Address,
    settings: Vec<(String, String)>,
    running: Mutex<Option<Postmaster>>,
    folder: Folder,
    // The last to go: it looks for the folder.
    _watcher: Watcher,
}

impl Server {
    /// Makes a server in a folder of its own and waits until it accepts connections: about a second.
    ///
    /// # Errors
    /// There is no PostgreSQL (the message says what to install), or it does not start (with its log).
    pub fn start(options: &Options) -> Result<Server> {
        let programs = Programs::find()?;
        let folder = Folder::create(&programs, options)?;
        let watcher = Watcher::start(&programs, &folder).context("the watcher cannot be started")?;
        let mut settings = folder.settings();
        settings.extend(options.all_settings());
        let (port, postmaster) = start_anywhere(&programs, &folder, &settings)?;
        let address = Address {
            host: "127.0.0.1".to_owned(),
            port,
            user: SUPERUSER.to_owned(),
            password: options.password.clone(),
            programs,
        };
        Ok(Server { address, settings, running: Mutex::new(Some(postmaster)), folder, _watcher: watcher })
    }

    /// The server of all tests: that which [`SHARED_SERVER`](crate::SHARED_SERVER) names, or one for this process.
    ///
    /// # Panics
    /// There is none and none can be started.
    #[must_use]
    pub fn shared() -> &'static Shared {
        Shared::get()
    }

    /// Where it is, and its superuser.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The folder with its socket and its data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What a client needs to speak TLS with it; none where it does not.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn certificates(&self) -> Option<&crate::Certificates> {
        self.folder.certificates()
    }

    /// All that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.folder.log()).unwrap_or_default()).into_owned()
    }

    /// An empty database with a name that begins with `prefix`.
    ///
    /// # Errors
    /// The server does not run.
    pub fn database(&self, prefix: &str) -> Result<Database> {
        Database::create(&self.address, prefix)
    }

    /// Stops it at once, as a crash does (SIGQUIT): the next start recovers. Nothing happens where it is down.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop_immediate(&self) -> Result<()> {
        self.stop("QUIT")
    }

    /// Ends its sessions, writes a checkpoint and stops (SIGINT). Nothing happens where it is down.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop_fast(&self) -> Result<()> {
        self.stop("INT")
    }

    /// `kill -9` of the postmaster alone; its children notice and go, [`Server::restart`] waits for that.
    ///
    /// # Errors
    /// It cannot be killed.
    pub fn kill9(&self) -> Result<()> {
        self.running().take().map_or(Ok(()), Postmaster::kill)
    }

    /// Starts it again on the same port and waits until it has recovered; one that runs is stopped fast before.
    ///
    /// # Errors
    /// It does not stop or does not start, with its log.
    pub fn restart(&self) -> Result<()> {
        let mut running = self.running();
        if let Some(postmaster) = running.take() {
            postmaster.stop(&self.address.programs, &self.folder, "INT")?;
        }
        let until = Instant::now() + LIMIT;
        loop {
            match Postmaster::start(&self.address.programs, &self.folder, self.address.port, &self.settings) {
                Ok(postmaster) => {
                    *running = Some(postmaster);
                    return Ok(());
                }
                Err(NotStarted::Occupied(_)) if Instant::now() < until => thread::sleep(POLL),
                Err(NotStarted::Occupied(error) | NotStarted::Failed(error)) => return Err(error),
            }
        }
    }

    /// Whether its process is there.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running().as_mut().is_some_and(Postmaster::is_running)
    }

    /// Processor time of all its processes since its last start, those that have ended included. Linux alone.
    ///
    /// # Errors
    /// It does not run, or this is another system.
    pub fn cpu_seconds(&self) -> Result<f64> {
        processor::seconds(self.running().as_ref().context("the server does not run")?.id())
    }

    fn stop(&self, signal: &str) -> Result<()> {
        match self.running().take() {
            Some(postmaster) => postmaster.stop(&self.address.programs, &self.folder, signal),
            None => Ok(()),
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Postmaster>> {
        // A test that failed while it held this still has its server stopped.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What cannot be stopped is left to the watcher.
        let _ = self.stop_immediate();
    }
}

/// On a free port; on another one where somebody was quicker.
fn start_anywhere(
    programs: &Programs,
    folder: &Folder,
    settings: &[(String, String)],
) -> Result<(u16, Postmaster)> {
    for _ in 0..10 {
        let port = port::free()?;
        match Postmaster::start(programs, folder, port, settings) {
            Ok(postmaster) => return Ok((port, postmaster)),
            Err(NotStarted::Occupied(_)) => {}
            Err(NotStarted::Failed(error)) => return Err(error),
        }
    }
    bail!("ten free ports were taken before the server could have them")
}
