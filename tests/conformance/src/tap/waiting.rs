//! How long a call may take.

use dstream_abi::{Context, ErrorKind, Next};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::source::{Job, Limits, Source, WIDE, read_all};
use crate::records::check_contains;
use crate::subject::{Subject, context};
use crate::verdict::{Step, While, ensure, fail};

/// A call that must not wait takes less: many times what the contract says, for a machine that is busy.
pub(crate) const SOON: Duration = Duration::from_secs(2);

/// A reader that may not wait says so, and still gives everything.
pub(crate) fn a_timeout_of_zero_does_not_wait(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let mut longest = Duration::ZERO;
    for job in source.jobs()? {
        let (wanted, limits) = source.read_in_parts(&job)?;
        let mut reader = source.open_reader(&job, context(), None, limits).during(|| job.named())?;
        let mut timed = Timed { reader: &mut *reader, longest: Duration::ZERO };
        let found = read_all(&mut timed, Duration::ZERO).during(|| job.named())?;
        longest = longest.max(timed.longest);
        ensure(longest < SOON, || format!("{}: a call with a timeout of 0 took {longest:.1?}", job.named()))?;
        for stream in 0..job.streams.len() as u32 {
            check_contains(&wanted.batches(stream, 0), &found.batches(stream, 0), true)
                .during(|| format!("{} with a timeout of 0", job.named()))?;
        }
    }
    Ok(format!("at most {longest:.1?}"))
}

struct Timed<'a> {
    reader: &'a mut dyn dstream_abi::Reader,
    longest: Duration,
}

impl dstream_abi::Reader for Timed<'_> {
    fn next(&mut self, timeout: Duration) -> dstream_abi::Result<Next> {
        let start = Instant::now();
        let next = self.reader.next(timeout);
        self.longest = self.longest.max(start.elapsed());
        next
    }
}

/// Once the run is told to stop, no call goes on for long, and the reader ends.
pub(crate) fn a_cancelled_reader_ends_soon(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let jobs = source.jobs()?;
    let mut longest = Duration::ZERO;
    for job in jobs {
        for messages in [0, 1, 3] {
            longest = longest.max(
                cancel(subject, &job, messages)
                    .during(|| format!("{}, cancelled after {messages} messages", job.named()))?,
            );
        }
    }
    Ok(format!("at most {longest:.1?}"))
}

/// Cancels after so many messages, and answers how long the reader went on.
fn cancel(subject: &Subject<'_>, job: &Job, messages: usize) -> Step<Duration> {
    let source = Source::open(subject)?;
    let flag = Arc::new(AtomicBool::new(false));
    let limits = Limits { rows: 1, ..WIDE };
    let mut reader = source.open_reader(job, Context::detached(flag.clone()), None, limits)?;
    for _ in 0..messages {
        if matches!(reader.next(SOON)?, Next::End) {
            return Ok(Duration::ZERO);
        }
    }
    flag.store(true, Ordering::Relaxed);
    let start = Instant::now();
    // A thread of its own: a reader that never comes back must not take the kit with it.
    let (sender, outcomes) = mpsc::channel();
    std::thread::spawn(move || {
        loop {
            let outcome = reader.next(Duration::from_secs(3600));
            let is_last = !matches!(outcome, Ok(Next::Message(_) | Next::Pending));
            if sender.send(outcome.map(drop)).is_err() || is_last {
                break;
            }
        }
        drop((reader, source));
    });
    loop {
        match outcomes.recv_timeout(SOON) {
            Ok(Ok(())) => ensure(start.elapsed() < SOON * 10, || "the reader goes on and on".to_owned())?,
            Ok(Err(error)) if error.kind() == ErrorKind::Cancelled => return Ok(start.elapsed()),
            Ok(Err(error)) => {
                return fail(format!(
                    "the error is of kind `{}` in place of `cancelled`: {error}",
                    error.kind().name()
                ));
            }
            // It ended by itself.
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(start.elapsed()),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                return fail(format!("a call did not come back within {SOON:?}"));
            }
        }
    }
}
