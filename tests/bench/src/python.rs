//! The peers that come from Python's registry, in an environment of their own.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::output::line;
use crate::shell::output;

/// Versions are pinned there.
const REQUIREMENTS: &str = include_str!("../peers/requirements.txt");
/// Programs of a few lines that the peers are run by.
const PROGRAMS: [(&str, &str); 3] = [
    ("query.py", include_str!("../peers/query.py")),
    ("adbc.py", include_str!("../peers/adbc.py")),
    ("drain.py", include_str!("../peers/drain.py")),
];

/// An environment with DuckDB and the maker of the data.
pub(crate) struct Python {
    folder: PathBuf,
    home: PathBuf,
}

impl Python {
    /// Installs it into `folder`, unless the same versions are there.
    pub(crate) fn install(folder: &Path) -> Result<Python> {
        let python = Python { folder: folder.join("python"), home: folder.join("home") };
        fs::create_dir_all(&python.home)?;
        for (name, text) in PROGRAMS {
            fs::write(folder.join(name), text)?;
        }
        // The last file to be written: what stopped half-way is begun again.
        let installed = python.folder.join("installed.txt");
        if fs::read_to_string(&installed).is_ok_and(|text| text == REQUIREMENTS) {
            return Ok(python);
        }
        line("installing the peers");
        if python.folder.exists() {
            fs::remove_dir_all(&python.folder)?;
        }
        output(Command::new("python3").args(["-m", "venv"]).arg(&python.folder))
            .context("python3 with its module venv is needed for the peers")?;
        let requirements = folder.join("requirements.txt");
        fs::write(&requirements, REQUIREMENTS)?;
        output(python.command("pip").args(["install", "--quiet", "--requirement"]).arg(requirements))?;
        // DuckDB finds it in its home from here on; looking for it is no part of what is measured.
        let import =
            "from duckdb_extensions import import_extension as i; i('postgres_scanner', force_install=True)";
        output(python.command("python").args(["-c", import]))?;
        fs::write(installed, REQUIREMENTS)?;
        Ok(python)
    }

    /// Where its programs are.
    pub(crate) fn programs(&self) -> PathBuf {
        self.folder.join("bin")
    }

    /// The home of all that is measured.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// A program of it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs().join(program));
        command.env("HOME", &self.home);
        command
    }

    /// What SQLite, as Python has it, answers to `statement` about the database `file`.
    pub(crate) fn query_sqlite(&self, folder: &Path, file: &str, statement: &str) -> Result<String> {
        let program =
            "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])";
        output(self.command("python").current_dir(folder).args(["-c", program, file, statement]))
    }

    /// What DuckDB answers to `statement`, inside of `folder`.
    pub(crate) fn query(&self, folder: &Path, statement: &str) -> Result<String> {
        output(self.command("python").current_dir(folder).args(["query.py", statement]))
    }
}
