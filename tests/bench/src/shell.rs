//! Programs of the set-up: those that are not measured.

use anyhow::{Context, Result, bail};
use std::process::Command;

/// Runs it to its end and returns what it prints, without the last newline.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("`{name}` cannot be started"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{command:?} failed, {}; it said:\n{}", output.status, said.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
}
