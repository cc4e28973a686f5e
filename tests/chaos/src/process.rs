//! One run of the program, and its end.

use anyhow::{Context, Result};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How a run ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Killed before it ended by itself.
    Killed,
    /// By itself, after this time.
    Completed(Duration),
    /// By itself, with what it said; without a code where a signal ended it.
    Failed { code: Option<i32>, said: String },
    /// Not by itself within the limit.
    Wedged,
}

/// A run that goes on.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    start: Instant,
    ended: Receiver<()>,
    reader: JoinHandle<String>,
    is_killed: bool,
}

impl Running {
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(command: &mut Command) -> Result<Running> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let start = Instant::now();
        let mut child = command.spawn().context("dstreams cannot be started")?;
        let mut pipe = child.stderr.take().context("the run has no stderr")?;
        let (sender, ended) = mpsc::channel();
        // The pipe ends with the process, so its end is a moment that can be waited for together with another.
        let reader = thread::spawn(move || {
            let mut said = Vec::new();
            let _ = pipe.read_to_end(&mut said);
            let _ = sender.send(());
            String::from_utf8_lossy(&said).into_owned()
        });
        Ok(Running { child, start, ended, reader, is_killed: false })
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The time since its start.
    pub(crate) fn age(&self) -> Duration {
        self.start.elapsed()
    }

    /// Waits until this time after its start, or until it has ended: says whether it has.
    pub(crate) fn wait(&self, after_start: Duration) -> bool {
        let left = (self.start + after_start).saturating_duration_since(Instant::now());
        self.ended.recv_timeout(left) != Err(RecvTimeoutError::Timeout)
    }

    /// `kill -9`. One that ended in this moment is told by its status.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        self.is_killed = true;
    }

    /// Waits for its end, until `limit` after its start.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub(crate) fn end(mut self, limit: Duration) -> Result<End> {
        let in_time = self.wait(limit);
        if !in_time {
            let _ = self.child.kill();
        }
        let status = self.child.wait().context("the end of the run cannot be waited for")?;
        let took = self.start.elapsed();
        let said = self.reader.join().unwrap_or_default().trim_end().to_owned();
        Ok(match status.code() {
            Some(0) => End::Completed(took),
            Some(code) => End::Failed { code: Some(code), said },
            None if !in_time => End::Wedged,
            None if self.is_killed => End::Killed,
            None => End::Failed { code: None, said: format!("{status}: {said}") },
        })
    }
}
