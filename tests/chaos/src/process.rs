//! One run, and its end.

use anyhow::{Context, Result};
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How a run ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Killed at the moment it was to be killed.
    Killed,
    /// By itself, after this time.
    Completed(Duration),
    /// By itself, with what it said.
    Failed(String),
    /// Not by itself within the limit.
    Wedged,
}

/// Starts it and kills it `kill_after` its start, or at `limit` if it still runs then.
///
/// # Errors
/// It cannot be started.
pub(crate) fn run(command: &mut Command, kill_after: Option<Duration>, limit: Duration) -> Result<End> {
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
    let until = start + kill_after.unwrap_or(limit);
    let in_time = ended.recv_timeout(until.saturating_duration_since(Instant::now()));
    if in_time == Err(RecvTimeoutError::Timeout) {
        // One that ended in this moment is told by its status.
        let _ = child.kill();
    }
    let status = child.wait().context("the end of the run cannot be waited for")?;
    let took = start.elapsed();
    let said = reader.join().unwrap_or_default();
    Ok(match status.code() {
        Some(0) => End::Completed(took),
        Some(code) => End::Failed(format!("exit code {code}: {}", said.trim_end())),
        None if in_time.is_ok() => End::Failed(format!("{status}: {}", said.trim_end())),
        None if kill_after.is_some() => End::Killed,
        None => End::Wedged,
    })
}
