//! Somebody who reads the files of a target beside a run, again and again.
//!
//! Every file that has the ending must be whole. What is appended may come file by file, never twice, and never goes again.
//! A table that is overwritten is the old one or the new one.

use anyhow::{Context, Result, anyhow};
use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::allowed::{Allowed, Row};
use crate::destination::{FilesDestination, Listed};
use crate::world::World;

/// Between two looks: the run that is looked at needs the machine too.
const PAUSE: Duration = Duration::from_millis(3);
/// The same, where a server is asked that the run needs too.
const PAUSE_OF_SERVER: Duration = Duration::from_millis(100);
const COLUMNS: [&str; 2] = ["id", "version"];

/// What was seen last of each table, in order, and what is known of files that never change.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    tables: BTreeMap<&'static str, Vec<Row>>,
    files: BTreeMap<Listed, Vec<Row>>,
}

/// What somebody saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Times that a table was read.
    pub(crate) looks: u64,
    /// Times that its files were replaced meanwhile.
    pub(crate) repeated: u64,
    /// What must not be.
    pub(crate) findings: Vec<String>,
    pub(crate) memory: Memory,
}

/// Somebody who reads.
pub(crate) struct Watch {
    stop: Sender<()>,
    reader: JoinHandle<Result<Seen>>,
}

impl Watch {
    /// Begins to read, if there are files that anybody may read. `memory` is of the run before, of the same sources.
    pub(crate) fn start(world: &World<'_>, memory: Memory) -> Option<Watch> {
        let files = world.destination.files()?.clone();
        // A bucket has no folders that could be exchanged.
        let overlaps = files.place().lists_at_once();
        let pause = if overlaps { PAUSE_OF_SERVER } else { PAUSE };
        let allowed: Vec<(&'static str, Allowed)> =
            world.streams.iter().map(|stream| (stream.name, Allowed::of(stream, overlaps))).collect();
        let (stop, stopped) = mpsc::channel();
        let reader = thread::spawn(move || {
            let mut seen = Seen { memory, ..Seen::default() };
            let mut is_last = false;
            // Once more after the end: what a killed run leaves is seen until the next one.
            while seen.findings.is_empty() && !is_last {
                is_last = stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout);
                for (table, allowed) in &allowed {
                    seen.look(&files, table, allowed)?;
                }
            }
            Ok(seen)
        });
        Some(Watch { stop, reader })
    }

    /// Looks once more, and says what was seen.
    ///
    /// # Errors
    /// A folder could not be read.
    pub(crate) fn end(self) -> Result<Seen> {
        let _ = self.stop.send(());
        self.reader.join().map_err(|_| anyhow!("the reader of the files panicked"))?
    }
}

impl Seen {
    fn look(&mut self, files: &FilesDestination, table: &'static str, allowed: &Allowed) -> Result<()> {
        let mut rows = loop {
            match read(files, table, &mut self.memory.files) {
                Ok(Some(rows)) => break rows,
                Ok(None) => self.repeated += 1,
                Err(error) => {
                    self.findings.push(format!("beside a run, `{table}` cannot be read: {error:#}"));
                    return Ok(());
                }
            }
        };
        self.looks += 1;
        rows.sort_unstable();
        let before = self.memory.tables.get(table).map(Vec::as_slice);
        if let Some(problem) = allowed.find_problem(&rows, before) {
            self.findings.push(format!("beside a run, `{table}` {problem}"));
        }
        self.memory.tables.insert(table, rows);
        Ok(())
    }
}

/// The rows of all files of a table, as they come. None: its files were replaced meanwhile.
fn read(
    files: &FilesDestination,
    table: &str,
    known: &mut BTreeMap<Listed, Vec<Row>>,
) -> Result<Option<Vec<Row>>> {
    let listed = files.list(table)?;
    let mut contents = Vec::new();
    for file in &listed {
        match known.contains_key(file) {
            true => {}
            false => match files.place().read(&file.name)? {
                Some(bytes) => contents.push((file, bytes)),
                None => return Ok(None),
            },
        }
    }
    if !files.place().lists_at_once() {
        // A folder that is exchanged while it is listed shows some of its files.
        let again = files.list(table)?;
        if listed.iter().any(|file| !again.contains(file)) || (listed.is_empty() && !again.is_empty()) {
            return Ok(None);
        }
    }
    let mut all: Vec<Row> = listed.iter().filter_map(|file| known.get(file)).flatten().copied().collect();
    for (file, bytes) in contents {
        let mut rows = Vec::new();
        let mut row = |found: &[crate::value::Found]| {
            rows.push((found[0].number().unwrap_or(-1), found[1].number().unwrap_or(-1)));
        };
        files.read(bytes, &COLUMNS, &mut row).with_context(|| format!("`{}`", file.name))?;
        all.extend(&rows);
        if file.tag.is_some() {
            known.insert(file.clone(), rows);
        }
    }
    Ok(Some(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::{Form, Place};
    use crate::stream::{Kind, Stream};
    use std::fs;

    #[test]
    fn half_a_file_and_a_row_that_is_there_twice_are_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = FilesDestination::new(Place::Folder(folder.path().to_owned()), Form::Jsonl);
        let table = folder.path().join("events");
        fs::create_dir(&table).expect("made");
        let mut stream = Stream::new("events", Kind::Appended, None, 1, 1);
        stream.append(10, &mut crate::random::Random::of(&[1]));
        let allowed = Allowed::of(&stream, false);
        let look = || {
            let mut seen = Seen::default();
            seen.look(&files, "events", &allowed).expect("listed");
            seen.findings
        };
        let line = "{\"id\":1,\"version\":0}\n";
        fs::write(table.join("a.jsonl"), line).expect("written");
        fs::write(table.join("b.jsonl.staged"), "{").expect("written");
        assert_eq!(look(), [""; 0]);
        fs::write(table.join("b.jsonl"), line).expect("written");
        assert!(look()[0].contains("1 rows twice"), "{:?}", look());
        fs::write(table.join("b.jsonl"), &line[..9]).expect("written");
        assert!(look()[0].contains("cannot be read"), "{:?}", look());
    }
}
