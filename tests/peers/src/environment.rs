//! Where the interpreter is: an environment in the target folder, with pinned packages.

use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names an interpreter that has the packages.
pub const PYTHON: &str = "DSTREAMS_TEST_PYTHON";
/// Versions are pinned there.
const REQUIREMENTS: &str = include_str!("../requirements.txt");

/// The interpreter. Installs the packages where they are not yet; whoever comes meanwhile waits.
///
/// # Errors
/// There is no Python 3 with `venv`, or the packages cannot be had.
pub fn install() -> Result<PathBuf> {
    install_into("test-python", REQUIREMENTS, PYTHON)
}

/// The same for other packages, which have a folder of their own. `named_by` is the variable that names an interpreter
/// which has them.
///
/// # Errors
/// There is no Python 3 with `venv`, or the packages cannot be had.
pub fn install_into(name: &str, requirements: &str, named_by: &str) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(named_by) {
        return Ok(named.into());
    }
    let target = target()?;
    let folder = target.join(name);
    let lock = File::create(target.join(format!("{name}.lock")))?;
    lock.lock()?;
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    // The last file to be written: what stopped half-way is begun again.
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == requirements) {
        return Ok(python);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder)).with_context(|| {
        format!("the tests need python3 with its module venv, or one named by {named_by}")
    })?;
    let file = folder.join("requirements.txt");
    fs::write(&file, requirements)?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(file))?;
    fs::write(installed, requirements)?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    ensure!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// The target folder: tests run out of `target/<profile>/deps`, programs out of `target/<profile>`.
///
/// # Errors
/// The program that runs is outside of one.
pub fn target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let named = |folder: &&Path| folder.join("CACHEDIR.TAG").exists();
    let target = program.ancestors().find(named).context("the test runs outside of a target folder")?;
    Ok(target.to_owned())
}
