//! What came of the faults of a network.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::verdict::Verdict;

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// By the kind of fault: runs that completed all the same, and runs that failed and were followed by one that
    /// completed.
    pub faults: BTreeMap<&'static str, (u64, u64)>,
    /// The longest run under a fault, and which.
    pub slowest: (Duration, &'static str),
    /// Runs that the fault missed.
    pub missed: u64,
    /// Rows that were compared.
    pub rows: u64,
    /// Time for all.
    pub took: Duration,
    /// Everything that was wrong.
    pub verdict: Verdict,
    /// Folders of the worlds in which something was wrong.
    pub kept: Vec<PathBuf>,
}

impl Figures {
    /// Runs that a fault struck.
    pub fn struck(&self) -> u64 {
        self.faults.values().map(|(completed, failed)| completed + failed).sum()
    }

    pub(super) fn count(&mut self, kind: &'static str, struck: bool, completed: bool) {
        if !struck {
            self.missed += 1;
            return;
        }
        let (of_completed, of_failed) = self.faults.entry(kind).or_default();
        *if completed { of_completed } else { of_failed } += 1;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.verdict.findings {
            writeln!(out, "  {finding}")?;
        }
        for folder in &self.kept {
            writeln!(out, "  kept: {}", folder.display())?;
        }
        for (kind, (completed, failed)) in &self.faults {
            writeln!(
                out,
                "  {kind}: {completed} runs completed, {failed} failed and the next one completed"
            )?;
        }
        let Figures { slowest: (slowest, kind), missed, rows, took, verdict, .. } = self;
        let (struck, seconds) = (self.struck(), took.as_secs_f64());
        writeln!(
            out,
            "{struck} faults of the network in {seconds:.1} s ({missed} more missed), the slowest run took {:.1} s ({kind}), {rows} \
             rows compared",
            slowest.as_secs_f64()
        )?;
        write!(out, "{verdict}")
    }
}
