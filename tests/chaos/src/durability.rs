//! What a power failure would leave of the files: a completed run is traced, and every file that it leaves must have
//! reached the disk after its last change, before it took the place of another, and so must its name.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::pair::Pair;
use crate::process::{End, Running};
use crate::servers::Servers;
use crate::subject::Subject;
use crate::verdict::Verdict;
use crate::world::{LIMIT, Plan, World};

/// Files that nobody reads after a power failure, by the end of their names.
const PASSING: [&str; 2] = [".lock", "-shm"];
/// Files without a name, which end with their process, begin with this.
const NAMELESS: char = '#';
const ROUNDS: usize = 3;

/// Whether the program that records system calls is there.
pub fn can_watch() -> bool {
    Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success())
}

/// Follows three runs from files to SQLite, and what they write. What is wrong is counted as `state`.
///
/// # Errors
/// There is no `strace`, or a run failed.
pub fn watch(subject: &Subject, seed: u64) -> Result<Verdict> {
    let mut servers = Servers::default();
    let mut world = World::create(subject, Pair::CsvSqlite, Plan::ByStream, &mut servers, seed)?;
    let mut verdict = Verdict::default();
    for _ in 0..ROUNDS {
        let log = world.path("trace.log");
        let command = world.sync_command("home", "state/state.json");
        let mut traced = world.traced(&log.to_string_lossy(), &command);
        let end = Running::start(&mut traced).context("is `strace` installed?")?.end(LIMIT)?;
        ensure!(matches!(end, End::Completed(_)), "a run that nobody disturbed: {end:?}");
        let trace = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let root = world.path("").canonicalize()?;
        let mut disk = Disk::new(&root);
        trace.lines().filter_map(|line| Call::read(line, &root)).for_each(|call| disk.follow(call));
        ensure!(disk.renamed > 0, "the trace shows no file that took the place of another");
        for finding in disk.findings() {
            verdict.state += 1;
            verdict.tell(|| finding);
        }
        world.change_source(2_000)?;
    }
    Ok(verdict)
}

/// A system call that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    Write(PathBuf),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Call {
    /// Reads a line such as `71 fsync(5</tmp/x>) = 0`. A call that another thread interrupts is told by its first half.
    fn read(line: &str, root: &Path) -> Option<Call> {
        let (_, call) = line.split_once(' ')?;
        let (name, arguments) = call.trim_start().split_once('(')?;
        if arguments.contains(") = -1 ") {
            return None;
        }
        let opened = || Some(PathBuf::from(arguments.split_once('<')?.1.split_once('>')?.0));
        let mut named = arguments.split('"').skip(1).step_by(2).map(|path| root.join(path));
        match name {
            "write" | "pwrite64" | "writev" | "pwritev" | "ftruncate" => opened().map(Call::Write),
            "fsync" | "fdatasync" => opened().map(Call::Sync),
            "rename" | "renameat" | "renameat2" => Some(Call::Rename(named.next()?, named.next()?)),
            "unlink" | "unlinkat" => named.next().map(Call::Remove),
            _ => None,
        }
    }
}

/// What is not sure to be on disk.
struct Disk<'a> {
    root: &'a Path,
    /// Files, after their last change.
    changed: BTreeSet<PathBuf>,
    /// Folders, after a name in them has changed.
    folders: BTreeSet<PathBuf>,
    renamed: usize,
    findings: Vec<String>,
}

impl Disk<'_> {
    fn new(root: &Path) -> Disk<'_> {
        Disk { root, changed: BTreeSet::new(), folders: BTreeSet::new(), renamed: 0, findings: Vec::new() }
    }

    fn follow(&mut self, call: Call) {
        match call {
            Call::Write(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let is_passing = name.starts_with(NAMELESS) || PASSING.iter().any(|end| name.ends_with(end));
                if path.starts_with(self.root) && !is_passing {
                    self.changed.insert(path);
                }
            }
            Call::Sync(path) => {
                self.changed.remove(&path);
                self.folders.remove(&path);
            }
            Call::Rename(from, to) => {
                self.renamed += 1;
                if self.changed.remove(&from) {
                    self.findings.push(format!("`{}` took its place before it was on disk", to.display()));
                }
                self.folders.extend(to.parent().map(Path::to_owned));
            }
            Call::Remove(path) => {
                self.changed.remove(&path);
            }
        }
    }

    fn findings(self) -> Vec<String> {
        let mut findings = self.findings;
        findings.extend(self.changed.iter().map(|file| format!("`{}` may not be on disk", file.display())));
        findings.extend(
            self.folders
                .iter()
                .map(|folder| format!("new names in `{}` may not be on disk", folder.display())),
        );
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(trace: &str) -> Vec<String> {
        let root = Path::new("/w");
        let mut disk = Disk::new(root);
        trace.lines().filter_map(|line| Call::read(line, root)).for_each(|call| disk.follow(call));
        disk.findings()
    }

    #[test]
    fn a_file_is_sure_once_it_and_its_folder_are_synced() {
        let trace = "7 write(5</w/a.tmp>, \"\"..., 3) = 3\n8 fsync(5</w/a.tmp> <unfinished ...>\n\
                     7 <... fsync resumed>) = 0\n7 rename(\"/w/a.tmp\", \"/w/a\") = 0\n7 fsync(6</w>) = 0\n\
                     7 write(2</dev/null>, \"\"..., 3) = 3";
        assert_eq!(findings(trace), [""; 0]);
    }

    #[test]
    fn each_thing_that_is_left_out_is_found() {
        let early =
            "7 write(5</w/a.tmp>, \"\"..., 3) = 3\n7 rename(\"a.tmp\", \"a\") = 0\n7 fsync(6</w>) = 0";
        assert_eq!(findings(early), ["`/w/a` took its place before it was on disk"]);
        assert_eq!(
            findings("7 rename(\"/w/a.tmp\", \"/w/a\") = 0"),
            ["new names in `/w` may not be on disk"]
        );
        assert_eq!(
            findings("7 fsync(5</w/d>) = 0\n7 pwrite64(5</w/d>, \"\"..., 1, 0) = 1"),
            ["`/w/d` may not be on disk"]
        );
    }
}
