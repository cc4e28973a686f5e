//! One stream being read, by a thread of its own: SQLite may sort for long before it has a first row.

use dstream_sdk::{Context, Error, Message, Next, Reader, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::scan::Scan;

/// How long a wait goes on before it looks whether the run was cancelled.
const STEP: Duration = Duration::from_millis(50);

/// The messages of a thread that reads.
pub(crate) struct SqliteReader {
    context: Context,
    /// `None` once nobody listens.
    messages: Option<Receiver<Result<Option<Message>>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    has_ended: bool,
}

impl SqliteReader {
    /// Begins to read. `stop` ends the thread.
    ///
    /// # Errors
    /// `Resource`: no thread can be started.
    pub(crate) fn start(context: Context, scan: Scan, stop: Arc<AtomicBool>) -> Result<SqliteReader> {
        // While the host works on a batch the next one is made, and no more than that.
        let (sender, messages) = sync_channel(0);
        let inner = context.clone();
        let thread = std::thread::Builder::new()
            .name("read sqlite".to_owned())
            .spawn(move || inner.enter(|| scan.run(&sender)))
            .map_err(|error| Error::resource(format!("no thread can be started: {error}")))?;
        Ok(SqliteReader { context, messages: Some(messages), stop, thread: Some(thread), has_ended: false })
    }
}

impl Reader for SqliteReader {
    fn next(&mut self, timeout: Duration) -> Result<Next> {
        let Some(messages) = self.messages.as_ref().filter(|_| !self.has_ended) else { return Ok(Next::End) };
        let started = Instant::now();
        loop {
            if self.context.is_cancelled() {
                return Err(Error::cancelled("the run was told to stop"));
            }
            let left = timeout.saturating_sub(started.elapsed());
            match messages.recv_timeout(left.min(STEP)) {
                Ok(Ok(Some(message))) => return Ok(message.into()),
                Ok(Ok(None)) => {
                    self.has_ended = true;
                    return Ok(Next::End);
                }
                Ok(Err(error)) => return Err(error),
                Err(RecvTimeoutError::Timeout) if started.elapsed() >= timeout => return Ok(Next::Pending),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::bug("the thread that reads the file has gone"));
                }
            }
        }
    }
}

impl Drop for SqliteReader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.messages = None;
        if let Some(thread) = self.thread.take() {
            // A panic in there was told by the channel.
            let _ = thread.join();
        }
    }
}
