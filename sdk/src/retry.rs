//! Trying again: bounded, with growing pauses, and only where waiting can help.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use crate::{Context, ErrorKind, Result, wait};

/// How often and after which pauses a call is tried again.
///
/// Only `Unavailable` is tried again. The pause doubles from `first_pause` to `longest_pause`; a random part of its
/// second half is left out, so that many readers do not come back at the same moment. A server that names its own pause
/// is obeyed, up to `longest_pause`; a longer one ends the call, and the host decides.
///
/// ```
/// use dstream_sdk::{Context, Error, RetryPolicy};
/// use std::{sync::Arc, time::Duration};
///
/// let policy = RetryPolicy { first_pause: Duration::ZERO, ..RetryPolicy::default() };
/// let context = Context::detached(Arc::default());
/// let mut calls = 0;
/// let answer = policy.run(&context, || {
///     calls += 1;
///     if calls < 3 { Err(Error::unavailable("the server is busy")) } else { Ok(calls) }
/// });
/// assert_eq!(answer.unwrap(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Calls in all, the first one included.
    pub attempts: NonZeroU32,
    /// The pause after the first call.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// Set: the random part of the pauses is the same in every run.
    pub seed: Option<u64>,
}

impl Default for RetryPolicy {
    /// Five calls, with pauses from half a second to half a minute.
    fn default() -> RetryPolicy {
        RetryPolicy {
            attempts: NonZeroU32::new(5).expect("five is not zero"),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            seed: None,
        }
    }
}

impl RetryPolicy {
    /// Calls `f` until it succeeds, fails for good, or the attempts are used up. Blocks between the calls.
    ///
    /// # Errors
    /// The last error of `f`, or `Cancelled` when the run is told to stop during a pause.
    pub fn run<T>(&self, context: &Context, f: impl FnMut() -> Result<T>) -> Result<T> {
        self.run_with(f, |pause| wait(context, pause))
    }

    /// As [`run`](RetryPolicy::run), for a call that is a future.
    ///
    /// # Errors
    /// The last error of `f`. A cancelled run ends the future from outside, in [`block_on`](crate::block_on).
    pub async fn run_async<T, F: Future<Output = Result<T>>>(&self, mut f: impl FnMut() -> F) -> Result<T> {
        let mut pauses = self.pauses();
        loop {
            let error = match f().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            match pauses.after(&error) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    /// The pauses of one call, for code that waits in its own way.
    pub fn pauses(&self) -> Pauses {
        Pauses {
            policy: *self,
            failed: 0,
            random: self.seed.unwrap_or_else(|| RandomState::new().hash_one(())),
        }
    }

    fn run_with<T>(
        &self,
        mut f: impl FnMut() -> Result<T>,
        mut wait: impl FnMut(Duration) -> Result<()>,
    ) -> Result<T> {
        let mut pauses = self.pauses();
        loop {
            let error = match f() {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            match pauses.after(&error) {
                Some(pause) => wait(pause)?,
                None => return Err(error),
            }
        }
    }
}

/// The pauses of one call that is tried again.
#[derive(Clone, Debug)]
pub struct Pauses {
    policy: RetryPolicy,
    failed: u32,
    random: u64,
}

impl Pauses {
    /// How long to wait before the next call after `error`; `None`: do not call again.
    pub fn after(&mut self, error: &crate::Error) -> Option<Duration> {
        self.failed = self.failed.saturating_add(1);
        if error.kind() != ErrorKind::Unavailable || self.failed >= self.policy.attempts.get() {
            return None;
        }
        let grown = 2u32.saturating_pow(self.failed - 1);
        let pause = self.policy.first_pause.saturating_mul(grown).min(self.policy.longest_pause);
        let jittered = pause.mul_f64(0.5 + 0.5 * self.fraction());
        match error.retry_after().map(Duration::from_millis) {
            Some(asked) if asked > self.policy.longest_pause => None,
            Some(asked) => Some(asked.max(jittered)),
            None => Some(jittered),
        }
    }

    /// From 0 to 1; SplitMix64.
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn policy() -> RetryPolicy {
        RetryPolicy { seed: Some(7), ..RetryPolicy::default() }
    }

    fn pauses_of(policy: RetryPolicy, error: Error) -> Vec<Duration> {
        let mut pauses = Vec::new();
        let outcome = policy.run_with(
            || Err::<(), _>(error.clone()),
            |pause| {
                pauses.push(pause);
                Ok(())
            },
        );
        assert_eq!(outcome.unwrap_err().kind(), error.kind());
        pauses
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_repeat_with_the_seed() {
        let policy = RetryPolicy {
            attempts: NonZeroU32::new(10).unwrap(),
            longest_pause: Duration::from_secs(4),
            ..policy()
        };
        let pauses = pauses_of(policy, Error::unavailable("busy"));
        assert_eq!(pauses.len(), 9);
        for (failed, pause) in pauses.iter().enumerate() {
            let full = Duration::from_millis(500 * 2u64.pow(failed as u32)).min(Duration::from_secs(4));
            assert!(*pause >= full / 2 && *pause <= full, "{failed}: {pause:?}");
        }
        assert_eq!(pauses, pauses_of(policy, Error::unavailable("busy")));
        assert_ne!(pauses, pauses_of(RetryPolicy { seed: Some(8), ..policy }, Error::unavailable("busy")));
    }

    #[test]
    fn only_what_is_unavailable_is_tried_again() {
        for error in [Error::denied("no"), Error::data("no"), Error::bug("no"), Error::cancelled("no")] {
            assert!(pauses_of(policy(), error).is_empty());
        }
    }

    #[test]
    fn the_pause_that_a_server_names_is_obeyed_up_to_the_longest() {
        let pauses = pauses_of(policy(), Error::unavailable("busy").retry_after_ms(20_000));
        assert!(pauses.iter().all(|pause| *pause == Duration::from_secs(20)), "{pauses:?}");
        assert!(pauses_of(policy(), Error::unavailable("busy").retry_after_ms(31_000)).is_empty());
    }

    #[test]
    fn a_run_that_is_told_to_stop_is_not_tried_again() {
        let mut calls = 0;
        let outcome = policy().run_with(
            || {
                calls += 1;
                Err::<(), _>(Error::unavailable("busy"))
            },
            |_| Err(Error::cancelled("stop")),
        );
        assert_eq!((outcome.unwrap_err().kind(), calls), (ErrorKind::Cancelled, 1));
    }
}
