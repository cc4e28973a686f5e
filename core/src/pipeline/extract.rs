//! The thread that pulls: from the reader into the lane's channel, never more than the lane may hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use dstream_abi::{Error, Message, Next, Reader, Result};

use super::budget::Budget;

/// Messages that may wait between the two threads; the bytes are bounded by the budget.
const CHANNEL_MESSAGES: usize = 64;
/// How often a thread that waits looks whether it is still wanted.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// What the loading side receives.
pub(crate) enum Extracted {
    Message(Message),
    /// The reader has nothing more.
    End,
    /// Reading failed; nothing comes after.
    Failed(Error),
}

/// The running thread, as the loading side sees it.
pub(crate) struct Extractor {
    pub(crate) messages: Receiver<Extracted>,
    budget: Arc<Budget>,
    batch_bytes: u64,
    unwanted: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Extractor {
    /// Starts pulling. `unwanted` is also the cancel flag of the reader's context. Batches are asked for when
    /// `batch_bytes` more fit.
    pub(crate) fn start(
        name: &str,
        reader: Box<dyn Reader>,
        budget: Arc<Budget>,
        batch_bytes: u64,
        unwanted: Arc<AtomicBool>,
    ) -> Result<Extractor> {
        let (sender, messages) = sync_channel(CHANNEL_MESSAGES);
        let (flag, shared) = (unwanted.clone(), budget.clone());
        let thread = std::thread::Builder::new()
            .name(format!("extract {name}"))
            .spawn(move || pull(reader, &shared, batch_bytes, &flag, &sender))
            .map_err(|error| Error::resource(format!("no thread can be started: {error}")))?;
        Ok(Extractor { messages, budget, batch_bytes, unwanted, thread })
    }

    /// No further batch fits into the lane until one is released.
    pub(crate) fn is_full(&self) -> bool {
        !self.budget.wait_for_room(self.batch_bytes, Duration::ZERO)
    }

    /// Tells the thread to end, and waits at most `grace`. Answers whether it ended.
    pub(crate) fn stop(self, grace: Duration) -> bool {
        self.unwanted.store(true, Ordering::Relaxed);
        // A sender that waits for room in the channel ends once the receiver is gone.
        drop(self.messages);
        let deadline = std::time::Instant::now() + grace;
        while !self.thread.is_finished() {
            if std::time::Instant::now() >= deadline {
                return false;
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        // A panic of the host's own code in there was reported through the closed channel.
        let _ = self.thread.join();
        true
    }
}

fn pull(
    mut reader: Box<dyn Reader>,
    budget: &Arc<Budget>,
    batch_bytes: u64,
    unwanted: &AtomicBool,
    sender: &SyncSender<Extracted>,
) {
    while !unwanted.load(Ordering::Relaxed) {
        if !budget.wait_for_room(batch_bytes, POLL) {
            continue;
        }
        let extracted = match reader.next(POLL) {
            Ok(Next::Pending) => continue,
            Ok(Next::End) => Extracted::End,
            Ok(Next::Message(message)) => match guarded(message, budget) {
                Ok(message) => Extracted::Message(message),
                Err(error) => Extracted::Failed(error),
            },
            Err(error) => Extracted::Failed(error),
        };
        let is_last = !matches!(extracted, Extracted::Message(_));
        // The loading side has gone: nobody wants the rest.
        if sender.send(extracted).is_err() || is_last {
            break;
        }
    }
}

/// Counts a batch until its last buffer is released.
fn guarded(message: Message, budget: &Arc<Budget>) -> Result<Message> {
    let Message::Batch { stream, version, batch, source_bytes } = message else {
        return Ok(message);
    };
    let bytes = batch.bytes();
    if bytes > budget.limit_bytes() {
        let what = format!(
            "a batch of {bytes} bytes does not fit into the {} bytes of its lane",
            budget.limit_bytes()
        );
        return Err(Error::resource(what).hint("raise `--memory`, or lower `batch_size` in the tap's config"));
    }
    let batch = batch.with_guard(budget.reserve(bytes));
    Ok(Message::Batch { stream, version, batch, source_bytes })
}
