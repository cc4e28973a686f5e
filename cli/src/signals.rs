//! Told to stop: the first signal asks for an orderly end, the second for an end now, the third is obeyed here.

use signal_hook::consts::SIGINT;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::output;

/// The number of SIGINT.
pub(crate) const INTERRUPT: u8 = SIGINT as u8;

static RECEIVED: AtomicU8 = AtomicU8::new(0);

/// Listens from now on to SIGINT, SIGTERM and SIGHUP: the first sets `stop`, the second `abort`, the third ends the
/// process with 128 and its number.
///
/// # Errors
/// The system refuses a handler or a thread.
#[cfg(unix)]
pub(crate) fn listen(stop: Arc<AtomicBool>, abort: Arc<AtomicBool>) -> io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new(wanted())?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            RECEIVED.store(u8::try_from(signal).unwrap_or(INTERRUPT), Ordering::Relaxed);
            if abort.load(Ordering::Relaxed) {
                // No destructors: a library that hangs in one may be why the user asks a third time.
                signal_hook::low_level::exit(128 + signal);
            }
            if stop.swap(true, Ordering::Relaxed) {
                abort.store(true, Ordering::Relaxed);
            } else {
                output::note("stopping: what was read is being committed; a second signal rolls it back");
            }
        }
    })?;
    Ok(())
}

/// Listens from now on: the first SIGINT sets `stop`, the second ends the process.
///
/// # Errors
/// The system refuses a handler.
#[cfg(not(unix))]
pub(crate) fn listen(stop: Arc<AtomicBool>, _abort: Arc<AtomicBool>) -> io::Result<()> {
    signal_hook::flag::register_conditional_shutdown(SIGINT, 128 + SIGINT, stop.clone())?;
    signal_hook::flag::register(SIGINT, stop)?;
    Ok(())
}

/// The signal that told to stop.
pub(crate) fn received() -> Option<u8> {
    Some(RECEIVED.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
}

#[cfg(unix)]
fn wanted() -> Vec<i32> {
    let mut signals = vec![SIGINT, signal_hook::consts::SIGTERM];
    if !hangup_is_ignored() {
        signals.push(signal_hook::consts::SIGHUP);
    }
    signals
}

/// Whether the process was started under `nohup`: a handler would undo it.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0").trim();
    u64::from_str_radix(mask, 16).is_ok_and(|mask| mask & 1 != 0)
}
