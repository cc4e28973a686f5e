//! What came of a campaign.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::verdict::Verdict;

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Runs that were killed.
    pub kills: u64,
    /// Runs under which a server went down.
    pub crashes: u64,
    /// Runs that ended with an error because of that; the next one had to complete.
    pub failed: u64,
    /// Runs that ended by themselves.
    pub completed: u64,
    /// Targets.
    pub worlds: u64,
    /// Rows that were compared.
    pub rows: u64,
    /// Looks at the files beside a run.
    pub looks: u64,
    /// Looks that had to be begun anew, because the files of a folder were replaced amid them.
    pub repeated: u64,
    /// Time for all.
    pub took: Duration,
    /// Everything that was wrong.
    pub verdict: Verdict,
    /// Folders of the worlds in which something was wrong.
    pub kept: Vec<PathBuf>,
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.verdict.findings {
            writeln!(out, "  {finding}")?;
        }
        for folder in &self.kept {
            writeln!(out, "  kept: {}", folder.display())?;
        }
        let Figures {
            kills, crashes, failed, completed, worlds, rows, looks, repeated, took, verdict, ..
        } = self;
        let seconds = took.as_secs_f64();
        write!(out, "{kills} kills in {seconds:.1} s ({:.0} a minute), ", *kills as f64 * 60.0 / seconds)?;
        if *crashes > 0 {
            write!(out, "{crashes} stops of a server under a run ({failed} of them ended it), ")?;
        }
        writeln!(out, "{completed} completed syncs in {worlds} databases, {rows} rows compared")?;
        if *looks > 0 {
            writeln!(
                out,
                "{looks} looks at the files beside a run, {repeated} begun anew amid a replacement"
            )?;
        }
        write!(out, "{verdict}")
    }
}
