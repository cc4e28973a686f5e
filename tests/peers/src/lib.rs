//! Reads the files of tests with programs that are not ours: pyarrow, DuckDB, Polars.
//!
//! They live in an environment of Python of their own, made once for a target folder; `DSTREAMS_TEST_PYTHON` names an
//! interpreter that has them already.

mod environment; // where the interpreter is

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub use environment::{PYTHON, install, install_into, target};

const PROGRAM: &str = include_str!("peer.py");

/// Somebody who reads files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Its names for types are those of SQL; reads no Arrow IPC.
    DuckDb,
    /// Its names for types are those of Arrow.
    Pyarrow,
    /// Reads everything as its own types.
    Polars,
}

impl Peer {
    /// All of them.
    pub const ALL: [Peer; 3] = [Peer::DuckDb, Peer::Pyarrow, Peer::Polars];

    fn name(self) -> &'static str {
        match self {
            Peer::DuckDb => "duckdb",
            Peer::Pyarrow => "pyarrow",
            Peer::Polars => "polars",
        }
    }
}

/// What was found in files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Table {
    /// Names of columns with the reader's names for their types.
    pub columns: Vec<(String, String)>,
    /// Values as Python's `str` writes them, bytes as hexadecimal digits; `None` is null.
    pub rows: Vec<Vec<Option<String>>>,
}

/// What a file of Parquet says of the values of one column in one row group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Chunk {
    /// Its column: parts joined with dots.
    pub path: String,
    /// How its pages are packed.
    pub codec: String,
    /// Of the row group.
    pub has_statistics: bool,
    /// Of its pages: the smallest and greatest values.
    pub has_column_index: bool,
    /// Of its pages: where they are.
    pub has_offset_index: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Error { error: String },
    Footer { chunks: Vec<Chunk> },
    Table(Table),
}

/// A process that has the libraries loaded: a file more takes milliseconds.
pub struct Readers {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Readers {
    /// Starts one, and makes its environment before where there is none.
    ///
    /// # Errors
    /// There is no Python 3 with `venv`, or its packages cannot be had.
    pub fn start() -> Result<Readers> {
        let python = install()?;
        let mut process = Command::new(&python)
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("`{}` cannot be started", python.display()))?;
        let requests = process.stdin.take().context("no input")?;
        let answers = BufReader::new(process.stdout.take().context("no output")?);
        Ok(Readers { process, requests, answers })
    }

    /// All rows of files of one form (`parquet`, `csv`, `jsonl`, `arrow`), in their order.
    ///
    /// # Errors
    /// The peer cannot read one; what it says.
    pub fn read(&mut self, peer: Peer, form: &str, files: &[PathBuf]) -> Result<Table> {
        self.ask(json!({"peer": peer.name(), "form": form, "files": files, "columns": null}), peer)
    }

    /// The same of some columns; those that no file has are left out.
    ///
    /// # Errors
    /// As `read`.
    pub fn read_columns(
        &mut self,
        peer: Peer,
        form: &str,
        files: &[PathBuf],
        columns: &[&str],
    ) -> Result<Table> {
        self.ask(json!({"peer": peer.name(), "form": form, "files": files, "columns": columns}), peer)
    }

    /// What DuckDB answers to a statement, in UTC.
    ///
    /// # Errors
    /// What it says.
    pub fn query(&mut self, statement: &str) -> Result<Table> {
        self.ask(json!({ "statement": statement }), Peer::DuckDb)
    }

    /// What pyarrow finds in the footer of a file of Parquet.
    ///
    /// # Errors
    /// It cannot read it; what it says.
    pub fn footer(&mut self, file: &Path) -> Result<Vec<Chunk>> {
        match self.answer(json!({ "footer": file }), Peer::Pyarrow)? {
            Answer::Footer { chunks } => Ok(chunks),
            _ => bail!("pyarrow gave rows for a footer"),
        }
    }

    fn ask(&mut self, request: Value, peer: Peer) -> Result<Table> {
        match self.answer(request, peer)? {
            Answer::Table(table) => Ok(table),
            _ => bail!("{} gave no rows", peer.name()),
        }
    }

    fn answer(&mut self, request: Value, peer: Peer) -> Result<Answer> {
        writeln!(self.requests, "{request}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        match serde_json::from_str(&line).with_context(|| format!("{} said `{line}`", peer.name()))? {
            Answer::Error { error } => bail!("{}: {error}", peer.name()),
            answer => Ok(answer),
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The files in a folder that end so, as readers who look for them find them; none where it is not there.
///
/// # Errors
/// It cannot be listed.
pub fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(ending) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
