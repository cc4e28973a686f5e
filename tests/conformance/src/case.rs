//! A case: one promise of the contract, written once and selected by what a manifest claims.

use dstream_abi::WriteMode;
use std::sync::atomic::Ordering;

use crate::subject::Subject;
use crate::verdict::{Outcome, Step};

/// One promise, and how it is tested.
pub struct Case {
    /// The promise in short.
    pub name: &'static str,
    /// The promise.
    pub promise: &'static str,
    /// What has to be claimed, or given, for it to be tested.
    needs: &'static [Need],
    run: Run,
}

/// Tests the promise: what was looked at, or why it ended early.
type Run = fn(&Subject<'_>) -> Step<String>;

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What has to be claimed, or given, for a case to be tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// A config to open the connector with.
    Config,
    /// The manifest claims it of the tap.
    Exact,
    /// The manifest claims it of the tap.
    Deterministic,
    /// The manifest claims it of the target.
    Transactional,
    /// The manifest lists it.
    Mode(WriteMode),
    /// The target does not say that it drops what it is given.
    KeepsRecords,
}

/// A target that counts records and keeps none of them says so.
const DISCARDS_RECORDS: &str = "discards_records";

impl Need {
    /// Why a case with this need does not concern the subject.
    fn missing(self, subject: &Subject<'_>) -> Option<String> {
        let (tap, target) = (subject.tap_manifest(), subject.target_manifest());
        let unless = |holds: bool, why: &str| (!holds).then(|| why.to_owned());
        match self {
            Need::Config => unless(subject.config.is_some(), "no config was given"),
            Need::Exact => unless(tap.is_some_and(|tap| tap.exact), "`exact` is not claimed"),
            Need::Deterministic => {
                unless(tap.is_some_and(|tap| tap.deterministic), "`deterministic` is not claimed")
            }
            Need::Transactional => {
                unless(target.is_some_and(|target| target.transactional), "`transactional` is not claimed")
            }
            Need::Mode(mode) => {
                let offers = target.is_some_and(|target| target.write_modes.contains(&mode));
                (!offers).then(|| format!("the write mode `{mode}` is not claimed"))
            }
            Need::KeepsRecords => {
                let discards = target
                    .is_some_and(|target| target.capabilities.iter().any(|claim| claim == DISCARDS_RECORDS));
                unless(!discards, "`discards_records` is claimed")
            }
        }
    }
}

impl std::fmt::Display for Need {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Need::Config => f.write_str("a config"),
            Need::Exact => f.write_str("the claim `exact`"),
            Need::Deterministic => f.write_str("the claim `deterministic`"),
            Need::Transactional => f.write_str("the claim `transactional`"),
            Need::Mode(mode) => write!(f, "the write mode `{mode}`"),
            Need::KeepsRecords => write!(f, "no claim `{DISCARDS_RECORDS}`"),
        }
    }
}

impl Case {
    pub(crate) const fn new(
        name: &'static str,
        needs: &'static [Need],
        promise: &'static str,
        run: Run,
    ) -> Case {
        Case { name, promise, needs, run }
    }

    /// What has to be claimed, or given, for it to be tested.
    pub fn needs(&self) -> impl Iterator<Item = String> {
        self.needs.iter().map(Need::to_string)
    }

    /// Why the case does not concern the subject: what its manifest does not claim, or what was not given.
    pub fn unselected(&self, subject: &Subject<'_>) -> Option<String> {
        self.needs.iter().find_map(|need| need.missing(subject))
    }

    /// Tests the promise. A case that does not concern the subject is skipped.
    pub fn run(&self, subject: &Subject<'_>) -> Outcome {
        if let Some(why) = self.unselected(subject) {
            return Outcome::Skipped(why);
        }
        subject.rows_unseen.store(false, Ordering::Relaxed);
        match (self.run)(subject).into() {
            Outcome::Passed(seen) if subject.rows_unseen.load(Ordering::Relaxed) => {
                let comma = if seen.is_empty() { "" } else { ", " };
                Outcome::Passed(format!("{seen}{comma}rows were not looked at"))
            }
            outcome => outcome,
        }
    }
}
