//! `dstreams plugin verify FILE`: the checks one by one, as lines for a user.

use std::path::Path;

use dstream_abi::{Error, Manifest, Result};

use super::inspect::Inspection;
use super::library::Library;
use super::trust::Trust;

/// One check and what came of it.
#[derive(Clone, Debug)]
pub struct Check {
    /// What is checked: the rest of a sentence about the file.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a check.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It holds; the text says what was seen and may be empty.
    Passed(String),
    /// It does not hold.
    Failed(Error),
    /// A check before it failed.
    Skipped,
}

impl Check {
    /// Whether it holds.
    pub fn passed(&self) -> bool {
        matches!(self.outcome, Outcome::Passed(_))
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.outcome {
            Outcome::Passed(seen) if seen.is_empty() => write!(f, "pass  {}", self.name),
            Outcome::Passed(seen) => write!(f, "pass  {}: {seen}", self.name),
            Outcome::Failed(error) => write!(f, "FAIL  {}: {error}", self.name),
            Outcome::Skipped => write!(f, "skip  {}", self.name),
        }
    }
}

/// Every check that runs no code of the file.
pub fn verify_static(path: &Path, trust: Trust) -> Vec<Check> {
    Inspection::of(path, trust).checks
}

/// What the file says of itself. Runs none of its code.
///
/// # Errors
/// The first check that fails.
pub fn read_manifest(path: &Path, trust: Trust) -> Result<Manifest> {
    let seen = Inspection::of(path, trust);
    match (seen.failure(), &seen.manifest) {
        (Some((_, error)), _) => Err(error.clone().context(format!("plugin `{}`", path.display()))),
        (None, Some(manifest)) => Ok(manifest.clone()),
        (None, None) => Err(Error::bug("every check holds, and yet the manifest is missing")),
    }
}

/// The check that runs code of the file: it is loaded and entered. Run it in a process of its own: a library can end the
/// process that loads it.
pub fn verify_load(path: &Path, trust: Trust) -> Check {
    let outcome = match Library::open(path, trust) {
        Ok(library) => {
            let connectors = library.manifest().connectors.len();
            Outcome::Passed(format!("connectors: {connectors}, manifest as in the file"))
        }
        Err(error) => Outcome::Failed(error),
    };
    Check { name: "can be loaded", outcome }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::fixtures;

    #[test]
    fn a_failed_check_is_named_and_what_depends_on_it_is_skipped() {
        let folder = fixtures::folder();
        let bytes = fixtures::elf(fixtures::HOST, &fixtures::manifest("csv"));
        let file = folder.file("cut.so", &bytes[..bytes.len() / 2]);
        let lines: Vec<_> = verify_static(&file, Trust::Required).iter().map(Check::to_string).collect();
        assert_eq!(lines.len(), 8);
        assert!(lines[0].starts_with("pass  is a regular file: "), "{lines:?}");
        assert!(lines[2].starts_with("FAIL  is whole: the file is cut: it has "), "{lines:?}");
        assert_eq!(lines[3], "skip  is for this machine");
        assert_eq!(lines[7], "pass  is trusted");
    }

    #[test]
    fn a_good_file_passes_everything() {
        let folder = fixtures::folder();
        let bytes = fixtures::elf(fixtures::HOST, &fixtures::manifest("csv"));
        let checks = verify_static(&folder.file("csv.so", &bytes), Trust::Required);
        if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            assert!(checks.iter().all(Check::passed), "{checks:?}");
        }
    }
}
