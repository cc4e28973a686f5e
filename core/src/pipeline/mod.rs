//! One run: every partition is a lane, *extract* (a thread that pulls) → bounded by bytes → *load* (a thread that writes,
//! prepares and commits).
//!
//! Data goes left to right; the only thing that comes back is `Ok` from `commit`. A lane holds back the batches that no
//! checkpoint covers yet, so whatever a writer was given can be committed when the source fails or the user stops the
//! run. Threads are plain and not joined for ever: a plugin that ignores its cancel flag is left behind, not waited for.

mod budget; // bytes in flight of one lane
mod close; // how a window ends
mod committer; // the commit machine behind a mutex
mod extract; // pulls
mod lane; // opens, loads, opens again
mod load; // writes what is covered, ends windows
mod progress; // what a display and the report want to know
mod run; // starts lanes, waits for them
mod window; // when a window ends

pub use progress::{Progress, StreamProgress};
pub use run::{Interrupt, Job, LaneError, LaneJob, LaneOutcome, Limits, Outcome, Side, run};
pub use window::WindowLimits;

#[cfg(test)]
mod tests;
