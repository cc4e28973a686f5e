//! Told to stop: the first signal sets a flag, the second ends the process at once.

use signal_hook::consts::{SIGINT, SIGTERM};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The number of SIGINT.
pub(crate) const INTERRUPT: u8 = SIGINT as u8;

struct Told {
    stop: Arc<AtomicBool>,
    which: Arc<AtomicUsize>,
}

static TOLD: OnceLock<Told> = OnceLock::new();

/// Listens from now on. The flag turns true with the first SIGINT, SIGTERM or SIGHUP; a second one ends the process:
/// what is not committed is then rolled back by the next run.
///
/// # Errors
/// The system refuses a handler.
pub(crate) fn listen() -> io::Result<Arc<AtomicBool>> {
    if let Some(told) = TOLD.get() {
        return Ok(told.stop.clone());
    }
    let told = Told { stop: Arc::default(), which: Arc::default() };
    for signal in wanted() {
        // Handlers run in this order: the shutdown sees the flag of an earlier signal only.
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, told.stop.clone())?;
        signal_hook::flag::register_usize(signal, told.which.clone(), signal as usize)?;
        signal_hook::flag::register(signal, told.stop.clone())?;
    }
    Ok(TOLD.get_or_init(|| told).stop.clone())
}

/// The signal that told to stop.
pub(crate) fn received() -> Option<u8> {
    let which = TOLD.get()?.which.load(Ordering::Relaxed);
    u8::try_from(which).ok().filter(|signal| *signal != 0)
}

fn wanted() -> Vec<i32> {
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    if !hangup_is_ignored() {
        signals.push(signal_hook::consts::SIGHUP);
    }
    signals
}

/// Whether the process was started under `nohup`: a handler would undo it.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let ignored = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = ignored.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0").trim();
    u64::from_str_radix(mask, 16).is_ok_and(|mask| mask & 1 != 0)
}
