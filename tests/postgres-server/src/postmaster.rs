//! The process of a server: started, ready, stopped.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::programs::Programs;

/// How long a start (with its recovery) or a stop may take.
const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// A server that accepts connections.
#[derive(Debug)]
pub(crate) struct Postmaster {
    child: Child,
}

/// Why a server did not start.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// Another process has the port, or what is left of the server that was killed before has the memory.
    Occupied(anyhow::Error),
    /// Anything else.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for NotStarted {
    fn from(error: E) -> NotStarted {
        NotStarted::Failed(error.into())
    }
}

impl Postmaster {
    /// Starts it and waits until it accepts connections, recovery included.
    pub(crate) fn start(
        programs: &Programs,
        folder: &Folder,
        port: u16,
        settings: &[(String, String)],
    ) -> Result<Postmaster, NotStarted> {
        let mut command = programs.server_command("postgres", folder.path())?;
        command.arg("-D").arg(folder.data());
        let sockets = if cfg!(unix) { folder.path().display().to_string() } else { String::new() };
        let own = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &port.to_string()),
            ("unix_socket_directories", &sockets),
        ];
        for (name, value) in own {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let before = fs::metadata(folder.log()).map_or(0, |log| log.len());
        let log = File::options().create(true).append(true).open(folder.log())?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A Ctrl-C at the terminal is a smart stop for PostgreSQL, which waits for its clients.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let until = Instant::now() + LIMIT;
        loop {
            if is_ready(folder, child.id()) {
                return Ok(Postmaster { child });
            }
            let ended = child.try_wait()?;
            if ended.is_none() && Instant::now() < until {
                thread::sleep(POLL);
                continue;
            }
            let _ = child.kill();
            let _ = child.wait();
            let log = fs::read(folder.log()).unwrap_or_default();
            let said = String::from_utf8_lossy(log.get(before as usize..).unwrap_or_default()).into_owned();
            let error = match ended {
                Some(status) => anyhow::anyhow!("the server ended with {status}: {}", said.trim_end()),
                None => anyhow::anyhow!("the server is not ready after {LIMIT:?}: {}", said.trim_end()),
            };
            let occupied = said.contains("could not create any TCP/IP sockets")
                || said.contains("pre-existing shared memory block");
            return Err(if occupied { NotStarted::Occupied(error) } else { NotStarted::Failed(error) });
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended by itself.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends it a signal (`QUIT`: immediate; `INT`: fast) and waits for its end.
    pub(crate) fn stop(mut self, programs: &Programs, folder: &Folder, signal: &str) -> Result<()> {
        if self.is_running() {
            let mut kill = programs.server_command("pg_ctl", folder.path())?;
            let sent = kill.args(["kill", signal, &self.id().to_string()]).stdout(Stdio::null()).status()?;
            if !sent.success() && self.is_running() {
                bail!("the server cannot be sent {signal}");
            }
        }
        let until = Instant::now() + LIMIT;
        while self.is_running() {
            if Instant::now() > until {
                self.kill()?;
                bail!("the server has not ended {LIMIT:?} after {signal}, and was killed");
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// `kill -9`, and its end.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill().context("the server cannot be killed")?;
        self.child.wait().context("the end of the server cannot be waited for")?;
        Ok(())
    }
}

/// What the server says of itself in its data, as `pg_ctl` reads it: a connection could reach another one.
fn is_ready(folder: &Folder, id: u32) -> bool {
    let Ok(said) = fs::read_to_string(folder.data().join("postmaster.pid")) else { return false };
    let mut lines = said.lines();
    let first = lines.next().and_then(|line| line.trim().parse().ok());
    let status = lines.nth(6).map(str::trim);
    // On Windows the server is a process that `postgres` starts.
    (first == Some(id) || cfg!(windows)) && status == Some("ready")
}
