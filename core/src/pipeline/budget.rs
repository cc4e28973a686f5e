//! Bytes in flight of one lane: handed out by the tap, not yet released by the target.
//!
//! Every lane has its own share of the run's memory. A lane that waits for memory therefore waits for itself alone, and
//! no two lanes can wait for each other.

use std::any::Any;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The share of one lane.
#[derive(Debug)]
pub(crate) struct Budget {
    limit_bytes: u64,
    in_flight: Mutex<u64>,
    released: Condvar,
}

/// Gives its bytes back when it is dropped.
struct Reserved {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(limit_bytes: u64) -> Arc<Budget> {
        Arc::new(Budget { limit_bytes, in_flight: Mutex::new(0), released: Condvar::new() })
    }

    pub(crate) fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// Whether a batch of `bytes` may be asked for; waits at most `timeout`. Something is always allowed in flight, so a
    /// record larger than expected passes alone.
    pub(crate) fn wait_for_room(&self, bytes: u64, timeout: Duration) -> bool {
        let fits = |in_flight: u64| in_flight == 0 || in_flight.saturating_add(bytes) <= self.limit_bytes;
        let guard = self.lock();
        if fits(*guard) {
            return true;
        }
        let waited = self.released.wait_timeout_while(guard, timeout, |in_flight| !fits(*in_flight));
        let (guard, _) = waited.unwrap_or_else(PoisonError::into_inner);
        fits(*guard)
    }

    /// Counts `bytes` until the result is dropped.
    pub(crate) fn reserve(self: &Arc<Budget>, bytes: u64) -> Box<dyn Any + Send> {
        *self.lock() += bytes;
        Box::new(Reserved { budget: self.clone(), bytes })
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        *self.budget.lock() -= self.bytes;
        self.budget.released.notify_all();
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
