//! The protocol.

use dstream_abi::StreamPlan;

use super::{Action, Event, Protocol};
use crate::state::{Entry, Start};

/// What all lanes share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The pipeline's identity.
    pub pipeline: String,
    /// This run's.
    pub run: String,
    /// The epoch that the first `begin` answered.
    pub epoch: u64,
    /// The target's manifest says so: its records decide, and the state file is a cache. Otherwise the file decides.
    pub transactional: bool,
}

/// One partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Where it starts.
    pub start: Start,
    /// Its streams. The machine sets `generation` and `resumed`.
    pub streams: Vec<StreamPlan>,
}

/// The commit protocol of one run.
#[derive(Clone, Debug)]
pub struct Machine {}

impl Machine {
    /// A machine for a run whose first `begin` has returned and whose starts are resolved.
    ///
    /// `lanes` are all partitions of the plan, also those that are complete.
    pub fn new(protocol: Protocol, run: Run, lanes: Vec<Lane>) -> Machine {
        let _ = (protocol, run, lanes);
        Machine {}
    }

    /// Takes one event and says what is to be done, in order.
    #[must_use]
    pub fn handle(&mut self, event: Event) -> Vec<Action> {
        let _ = event;
        Vec::new()
    }

    /// What is committed of a partition, as far as the machine knows.
    pub fn committed(&self, partition: &str) -> Option<&Entry> {
        let _ = partition;
        None
    }

    /// Calls of `begin` that succeeded; rises when open writers have become useless.
    pub fn round(&self) -> u64 {
        1
    }

    /// Every lane is done.
    pub fn is_complete(&self) -> bool {
        false
    }
}
