//! The files of a world and what their tables have to hold.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::random::Random;
use crate::row::{Origin, columns};

/// What happens to a file between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Records come to its end; no key.
    Appended,
    /// Records come to its end, new ones and newer versions of old ones; `id` is the key.
    Keyed,
    /// Other records take the place of all; read as a full table.
    Replaced,
}

/// One file and the table that it becomes.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    file: PathBuf,
    seed: u64,
    number: u64,
    line_end: &'static str,
    /// Records in the file.
    pub(crate) written: u64,
    /// By `id`: the version that the table has to hold.
    pub(crate) versions: BTreeMap<i64, i64>,
}

impl Stream {
    /// Makes the file with its first records.
    pub(crate) fn create(
        folder: &Path,
        name: &'static str,
        kind: Kind,
        seed: u64,
        number: u64,
    ) -> Result<Stream> {
        let mut random = Random::of(&[seed, number, 0xF11E]);
        let line_end = random.choose(&["\n", "\r\n"]);
        let file = folder.join(format!("{name}.csv"));
        let mut stream =
            Stream { name, kind, file, seed, number, line_end: "", written: 0, versions: BTreeMap::new() };
        stream.line_end = if line_end == "\n" { "\n" } else { "\r\n" };
        match kind {
            Kind::Replaced => stream.replace(2_500, 0)?,
            Kind::Appended | Kind::Keyed => {
                fs::write(&stream.file, stream.header()).context("the first file cannot be written")?;
                stream.append(2_500, &mut random)?;
            }
        }
        Ok(stream)
    }

    /// The record that has this `id` now.
    pub(crate) fn origin(&self, id: i64) -> Option<Origin> {
        self.versions.get(&id).map(|version| self.made(id, *version))
    }

    fn made(&self, number: i64, version: i64) -> Origin {
        Origin { seed: self.seed, stream: self.number, number, version }
    }

    fn header(&self) -> String {
        format!("{}{}", columns().collect::<Vec<_>>().join(","), self.line_end)
    }

    /// Adds records to the end of the file.
    pub(crate) fn append(&mut self, records: u64, random: &mut Random) -> Result<()> {
        let mut text = String::new();
        for _ in 0..records {
            let known = self.versions.len() as u64;
            let is_newer = self.kind == Kind::Keyed && known > 0 && random.percent(40);
            let id = if is_newer { random.below(known) } else { known } as i64;
            let version = self.versions.get(&id).map_or(0, |version| version + 1);
            self.made(id, version).write(&mut text, self.line_end);
            self.versions.insert(id, version);
        }
        self.written += records;
        let file = OpenOptions::new().append(true).open(&self.file);
        file.and_then(|mut file| file.write_all(text.as_bytes())).context("a file cannot be appended to")
    }

    /// Puts other records in the place of all.
    pub(crate) fn replace(&mut self, records: u64, version: i64) -> Result<()> {
        let mut text = self.header();
        for id in 0..records as i64 {
            self.made(id, version).write(&mut text, self.line_end);
        }
        self.versions = (0..records as i64).map(|id| (id, version)).collect();
        self.written = records;
        fs::write(&self.file, text).context("a file cannot be replaced")
    }
}
