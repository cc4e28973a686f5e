//! Waiting that ends when the run does.

use std::time::{Duration, Instant};

use crate::{Context, Error, Result};

const STEP: Duration = Duration::from_millis(50);

/// Blocks for `duration`, or until the context is cancelled.
///
/// # Errors
/// `Cancelled`: the run was told to stop.
pub fn wait(context: &Context, duration: Duration) -> Result<()> {
    let until = Instant::now() + duration;
    loop {
        if context.is_cancelled() {
            return Err(Error::cancelled("the run was told to stop"));
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(STEP));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_cancelled_run_waits_for_nothing() {
        let context = Context::detached(Arc::new(AtomicBool::new(true)));
        let hours = Duration::from_secs(10_000);
        assert_eq!(wait(&context, hours).unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(wait(&Context::detached(Arc::default()), Duration::ZERO).is_ok());
    }
}
