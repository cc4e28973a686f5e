//! Bytes in flight of one lane: handed out by the tap, not yet released by the target.
//!
//! Every lane has its own share of the run's memory. A lane that waits for memory therefore waits for itself alone, and
//! no two lanes can wait for each other.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The share of one lane.
#[derive(Debug)]
pub(crate) struct Budget {
    limit_bytes: u64,
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct State {
    in_flight_bytes: u64,
    /// Threads that wait for bytes: to wake nobody is a system call, too.
    waiting: u32,
}

/// Gives its bytes back when it is dropped.
pub(crate) struct Reserved {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(limit_bytes: u64) -> Arc<Budget> {
        Arc::new(Budget { limit_bytes, state: Mutex::default(), released: Condvar::new() })
    }

    pub(crate) fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// Whether a batch of `bytes` may be asked for; waits at most `timeout`. Something is always allowed in flight, so a
    /// record larger than expected passes alone.
    pub(crate) fn wait_for_room(&self, bytes: u64, timeout: Duration) -> bool {
        let fits = |state: &State| {
            state.in_flight_bytes == 0 || state.in_flight_bytes.saturating_add(bytes) <= self.limit_bytes
        };
        let mut state = self.lock();
        if fits(&state) {
            return true;
        }
        state.waiting += 1;
        let waited = self.released.wait_timeout_while(state, timeout, |state| !fits(state));
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        fits(&state)
    }

    /// Counts `bytes` until the result is dropped.
    pub(crate) fn reserve(self: &Arc<Budget>, bytes: u64) -> Reserved {
        self.lock().in_flight_bytes += bytes;
        Reserved { budget: self.clone(), bytes }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut state = self.budget.lock();
        state.in_flight_bytes -= self.bytes;
        let is_awaited = state.waiting > 0;
        drop(state);
        if is_awaited {
            self.budget.released.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_waits_until_the_bytes_before_it_are_released() {
        let budget = Budget::new(100);
        let first = budget.reserve(80);
        assert!(!budget.wait_for_room(40, Duration::ZERO));
        drop(first);
        assert!(budget.wait_for_room(40, Duration::ZERO));
    }

    #[test]
    fn a_batch_larger_than_the_share_passes_alone() {
        let budget = Budget::new(100);
        assert!(budget.wait_for_room(1000, Duration::ZERO));
        let large = budget.reserve(1000);
        assert!(!budget.wait_for_room(1, Duration::ZERO));
        drop(large);
        assert!(budget.wait_for_room(1000, Duration::ZERO));
    }

    #[test]
    fn a_release_wakes_who_waits() {
        let budget = Budget::new(10);
        let held = budget.reserve(10);
        let waiter = std::thread::spawn({
            let budget = budget.clone();
            move || budget.wait_for_room(10, Duration::from_secs(60))
        });
        drop(held);
        assert!(waiter.join().unwrap());
    }
}
