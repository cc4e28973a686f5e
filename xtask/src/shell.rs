//! Programs, and what became of them.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::say;

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// The cargo that runs this.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}

/// A program with its arguments, as one thing that can be shown and run.
pub(crate) struct Program {
    shown: String,
    command: Command,
}

/// A program by its path, without arguments.
pub(crate) fn program_at(path: &Path) -> Program {
    Program { shown: path.display().to_string(), command: Command::new(path) }
}

/// A program with arguments, split at spaces.
pub(crate) fn program(line: &str) -> Program {
    let mut words = line.split_whitespace();
    let name = words.next().unwrap_or_default();
    let mut command = Command::new(if name == "cargo" { cargo() } else { name.to_owned() });
    command.args(words);
    Program { shown: line.to_owned(), command }
}

impl Program {
    /// One more argument, taken as it is.
    pub(crate) fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Program {
        self.shown.push(' ');
        self.shown.push_str(&arg.as_ref().to_string_lossy());
        self.command.arg(arg);
        self
    }

    /// More arguments, taken as they are.
    pub(crate) fn args(self, args: &[String]) -> Program {
        args.iter().fold(self, Program::arg)
    }

    /// Runs it in `folder`.
    pub(crate) fn inside(mut self, folder: &Path) -> Program {
        self.command.current_dir(folder);
        self
    }

    /// Shows this in place of its path.
    pub(crate) fn shown_as(mut self, name: &str) -> Program {
        self.shown = name.to_owned();
        self
    }

    /// An environment variable for it.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Program {
        self.command.env(name, value);
        self
    }

    /// Runs it, shown with a `$`; its output is the user's to read.
    pub(crate) fn try_run(mut self) -> Result<bool> {
        say::line(&format!("$ {}", self.shown));
        let status = self.command.status().with_context(|| format!("`{}` cannot be started", self.shown))?;
        Ok(status.success())
    }

    /// Runs it and insists that it succeeds.
    pub(crate) fn run(self) -> Result<()> {
        let shown = self.shown.clone();
        if !self.try_run()? {
            bail!("`{shown}` failed");
        }
        Ok(())
    }

    /// Whether it can be run at all; shows nothing.
    pub(crate) fn exists(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// Its stdout.
    pub(crate) fn output(mut self) -> Result<String> {
        let output = self
            .command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("`{}` cannot be started", self.shown))?;
        if !output.status.success() {
            bail!("`{}` failed", self.shown);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
