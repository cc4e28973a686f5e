//! Somebody who reads the files of a target beside a run, again and again.
//!
//! Every file that has the ending must be whole. What is appended may come file by file, never twice, and never goes again.
//! A table that is overwritten is the old one or the new one.

use anyhow::{Context, Result, anyhow};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::destination::FilesDestination;
use crate::stream::{Kind, Stream};
use crate::world::World;

/// Between two looks: the run that is looked at needs the machine too.
const PAUSE: Duration = Duration::from_millis(3);
const COLUMNS: [&str; 2] = ["id", "version"];

/// Rows, by `id` and version.
type Rows = BTreeSet<(i64, i64)>;

/// What was seen last of each table.
#[derive(Debug, Default)]
pub(crate) struct Memory(BTreeMap<&'static str, Rows>);

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

/// What may be seen of a table.
enum Allowed {
    /// Some of these, and more each time.
    Growing(Rows),
    /// What there was, then what there is.
    Either(Rows, Rows),
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
        let allowed: Vec<(&'static str, Allowed)> =
            world.streams.iter().map(|stream| (stream.name, Allowed::of(stream))).collect();
        let (stop, stopped) = mpsc::channel();
        let reader = thread::spawn(move || {
            let mut seen = Seen { memory, ..Seen::default() };
            let mut is_last = false;
            // Once more after the end: what a killed run leaves is seen until the next one.
            while seen.findings.is_empty() && !is_last {
                is_last = stopped.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout);
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
        let rows = loop {
            match read(files, table) {
                Ok(Some(rows)) => break rows,
                Ok(None) => self.repeated += 1,
                Err(error) => {
                    self.findings.push(format!("beside a run, `{table}` cannot be read: {error:#}"));
                    return Ok(());
                }
            }
        };
        self.looks += 1;
        let count = rows.len();
        let rows: Rows = rows.into_iter().collect();
        if rows.len() < count {
            self.findings.push(format!("beside a run, `{table}` had {} rows twice", count - rows.len()));
        }
        let before = self.memory.0.get(table);
        if let Some(problem) = allowed.find_problem(&rows, before) {
            self.findings.push(format!("beside a run, `{table}` {problem}"));
        }
        self.memory.0.insert(table, rows);
        Ok(())
    }
}

impl Allowed {
    fn of(stream: &Stream) -> Allowed {
        let rows =
            |versions: &BTreeMap<i64, i64>| versions.iter().map(|(id, version)| (*id, *version)).collect();
        match stream.kind {
            Kind::Appended | Kind::Keyed => Allowed::Growing(stream.history().collect()),
            Kind::Replaced => Allowed::Either(rows(&stream.copied), rows(&stream.versions)),
        }
    }

    fn find_problem(&self, rows: &Rows, before: Option<&Rows>) -> Option<String> {
        match self {
            Allowed::Growing(all) => {
                let foreign = rows.difference(all).next();
                let gone = before.and_then(|before| before.difference(rows).next());
                let foreign = foreign.map(|row| format!("had the row {row:?}, which is not in the source"));
                foreign.or_else(|| gone.map(|row| format!("had no row {row:?} any more")))
            }
            Allowed::Either(_, new) if rows == new => None,
            Allowed::Either(_, new) if before == Some(new) => {
                Some("was the new one, and is not any more".into())
            }
            Allowed::Either(old, _) if rows == old => None,
            Allowed::Either(old, new) => {
                let (count, old, new) = (rows.len(), old.len(), new.len());
                Some(format!("was neither the old one ({old} rows) nor the new one ({new}): {count} rows"))
            }
        }
    }
}

/// The rows of all files of a table, as they come. None: its files were replaced meanwhile.
fn read(files: &FilesDestination, table: &str) -> Result<Option<Vec<(i64, i64)>>> {
    let listed = files.list(table)?;
    let mut opened = Vec::new();
    for path in &listed {
        match File::open(path) {
            Ok(file) => opened.push((path, file)),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("`{}`", path.display())),
        }
    }
    // A folder that is exchanged while it is listed shows some of its files.
    let again = files.list(table)?;
    if listed.iter().any(|path| !again.contains(path)) || (listed.is_empty() && !again.is_empty()) {
        return Ok(None);
    }
    let mut rows = Vec::new();
    for (path, file) in opened {
        let mut row = |found: &[crate::value::Found]| {
            rows.push((found[0].number().unwrap_or(-1), found[1].number().unwrap_or(-1)));
        };
        files.read(file, &COLUMNS, &mut row).with_context(|| format!("`{}`", path.display()))?;
    }
    Ok(Some(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::Form;
    use std::fs;

    fn rows(ids: std::ops::Range<i64>, version: i64) -> Rows {
        ids.map(|id| (id, version)).collect()
    }

    #[test]
    fn what_grows_may_be_there_in_part_and_never_goes_again() {
        let allowed = Allowed::Growing(rows(0..10, 0));
        assert_eq!(allowed.find_problem(&rows(0..4, 0), Some(&rows(0..2, 0))), None);
        assert_eq!(allowed.find_problem(&Rows::new(), None), None);
        let gone = allowed.find_problem(&rows(0..4, 0), Some(&rows(0..5, 0)));
        assert_eq!(gone.as_deref(), Some("had no row (4, 0) any more"));
        assert!(allowed.find_problem(&rows(9..11, 0), None).is_some());
    }

    #[test]
    fn what_is_replaced_is_the_old_one_and_then_the_new_one() {
        let (old, new) = (rows(0..5, 0), rows(0..7, 1));
        let allowed = Allowed::Either(old.clone(), new.clone());
        assert_eq!(allowed.find_problem(&old, None), None);
        assert_eq!(allowed.find_problem(&new, Some(&old)), None);
        for wrong in [Rows::new(), rows(0..4, 0), rows(0..6, 1), old.union(&new).copied().collect()] {
            assert!(allowed.find_problem(&wrong, Some(&old)).is_some(), "{wrong:?}");
        }
        assert!(allowed.find_problem(&old, Some(&new)).is_some(), "and never the old one again");
    }

    #[test]
    fn half_a_file_and_a_row_that_is_there_twice_are_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = FilesDestination::new(folder.path(), Form::Jsonl);
        let table = folder.path().join("events");
        fs::create_dir(&table).expect("made");
        let allowed = Allowed::Growing(rows(0..10, 0));
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
