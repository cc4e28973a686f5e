//! Packages of the system that the tests need.

use anyhow::Result;

use crate::say;
use crate::shell::program;

/// Installs a package where that may be done: as root, on a system with apt-get. Whoever needs it says what is missing then.
///
/// # Errors
/// A program cannot be started.
pub(crate) fn install(package: &str, why: &str) -> Result<()> {
    let root = program("id -u").output().is_ok_and(|id| id.trim() == "0");
    if !root || !program("apt-get --version").exists() {
        return Ok(());
    }
    say::line(&format!("{why}: apt-get installs it, once"));
    let install = || {
        program("apt-get install --yes --no-install-recommends")
            .arg(package)
            .env("DEBIAN_FRONTEND", "noninteractive")
    };
    // The lists of a fresh machine are empty or old.
    if !install().try_run()? && program("apt-get update").try_run()? {
        install().try_run()?;
    }
    Ok(())
}
