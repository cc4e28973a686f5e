//! Settings of the protocol, and the bugs that tests plant in it.

/// How the machine behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Protocol {
    /// Calls of `begin` in a row, before the run fails.
    pub max_begins: u32,
    /// Unknown outcomes in a row without one commit between them, before the run fails.
    pub max_recoveries: u32,
    pub(crate) bug: Option<SeededBug>,
}

impl Default for Protocol {
    fn default() -> Protocol {
        Protocol::DEFAULT
    }
}

impl Protocol {
    /// The usual settings.
    pub const DEFAULT: Protocol = Protocol { max_begins: 5, max_recoveries: 5, bug: None };

    /// The protocol with a bug: the exploration and the kill campaign must find it.
    #[doc(hidden)]
    pub fn seeded(bug: SeededBug) -> Protocol {
        Protocol { bug: Some(bug), ..Protocol::default() }
    }

    pub(crate) fn has(&self, bug: SeededBug) -> bool {
        self.bug == Some(bug)
    }
}

/// A bug that tests plant, to see that they would find it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeededBug {
    /// State is saved before the data is committed, and trusted at the start of the next run.
    StateBeforeData,
    /// After an unknown outcome the window is done again without a look at the target's sequence.
    NoSequenceCheck,
    /// After a new `begin` the other lanes go on with the windows they had open.
    KeepWriters,
    /// A stream is published when its first partition is complete.
    PublishEarly,
    /// Two partitions of a stream may end at the same moment: neither sees the other, nobody publishes.
    PublishUnordered,
    /// The newest epoch is taken, also when another run has begun in between.
    IgnoreOtherRuns,
}
