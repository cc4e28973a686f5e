//! What an oracle found: all of it has to be zero.

use std::fmt;
use std::ops::AddAssign;

/// What is wrong after a completed sync.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Records of the files that no row holds.
    pub lost: u64,
    /// Rows for records that another row holds already.
    pub doubled: u64,
    /// Rows that are like no record.
    pub altered: u64,
    /// Runs that failed or did not end.
    pub wedged: u64,
    /// Tables and files that a completed sync has no use for.
    pub leftovers: u64,
    /// Contradictions between the state file, the records of the target, and the files.
    pub state: u64,
    /// What somebody saw beside a run that is neither what was committed before nor after.
    pub torn: u64,
    /// The first findings, in words.
    pub findings: Vec<String>,
}

impl Verdict {
    /// Nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.altered + self.wedged + self.leftovers + self.state + self.torn == 0
    }

    /// Keeps a finding, or its beginning, if there are not many already.
    pub(crate) fn tell(&mut self, finding: impl FnOnce() -> String) {
        if self.findings.len() < 20 {
            self.findings.push(finding().chars().take(1_000).collect());
        }
    }
}

impl AddAssign for Verdict {
    fn add_assign(&mut self, other: Verdict) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.altered += other.altered;
        self.wedged += other.wedged;
        self.leftovers += other.leftovers;
        self.state += other.state;
        self.torn += other.torn;
        other.findings.into_iter().for_each(|finding| self.tell(|| finding));
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { lost, doubled, altered, wedged, leftovers, state, torn, .. } = self;
        write!(
            out,
            "lost {lost}, doubled {doubled}, altered {altered}, wedged {wedged}, leftovers {leftovers}, state {state}, torn {torn}"
        )
    }
}
