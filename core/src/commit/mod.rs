//! Which windows are committed, in which order, with which records: the commit protocol as a pure state machine.
//!
//! The machine has no clock, no thread and does no I/O: [`Event`]s go in, [`Action`]s come out. A run keeps one
//! behind a mutex; production and the exhaustive exploration in `tests/commit_exploration` run the same code.
//!
//! **A lane asks, the machine answers.** Every event of a lane (all that name a partition or a window) is answered by
//! exactly one action that names this lane; it comes at once or, while the machine finds out what became of a commit,
//! together with the answer to some other lane's event. [`Action::partition`] says whom an action is for. Actions
//! without a partition are carried out by whoever receives them, in order.
//!
//! ```text
//! LaneReady ─► OpenLane ─► (read, write) ─► WindowClosed ─► Prepare ─► Prepared ─► Commit ─► Committed ─► GoOn | LaneDone
//!                 ▲                                                                  └────► CommitUnknown
//!                 └───────────────── Begun ◄── Begin ◄── (commits in flight return) ◄───────────┘
//! ```
//!
//! After an unknown outcome the machine waits for the other commits in flight, begins again (a new epoch: no commit
//! that is still on its way can land), reads from the target's records what became of the unknown windows, and has
//! every lane opened again at its last committed bookmark.

mod event; // what happened, what is to be done
mod lane; // what is known of one lane
mod machine; // the protocol: events to their parts, and what these share
mod protocol; // its settings, and the bugs that tests plant
mod recovery; // after an unknown outcome: begin again, and find out
mod window; // windows, from the first record to the answer of `commit`

pub use event::{Action, Event, LaneStart};
pub use lane::Lane;
pub use machine::{Machine, Run};
pub use protocol::{Protocol, SeededBug};

#[cfg(test)]
mod tests;
