//! Who holds a file that is locked, where the system says it.

use std::path::{Path, PathBuf};

/// The system hands its list out in pieces, and a lock that comes or goes in between shifts the next piece: a line can be
/// missed once, hardly every time.
#[cfg(target_os = "linux")]
const LOOKS: usize = 5;

/// Other programs, as words for a message: "`sqlite3` (process 4711)". `None`: nobody knows.
#[cfg(target_os = "linux")]
pub(super) fn holders(path: &Path) -> Option<String> {
    (0..LOOKS).find_map(|_| holders_now(path))
}

#[cfg(target_os = "linux")]
fn holders_now(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    // Locks are on the file itself or, in WAL mode, on the file that its users share.
    let mut shared = path.as_os_str().to_owned();
    shared.push("-shm");
    let files = [path.to_owned(), PathBuf::from(shared)];
    let inodes: Vec<u64> = files.iter().filter_map(|file| Some(file.metadata().ok()?.ino())).collect();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let locks: Vec<Lock> =
        locks.lines().filter_map(Lock::read).filter(|lock| inodes.contains(&lock.inode)).collect();
    // Who writes keeps everyone else out; where nobody does, it is those who read.
    let has_writer = locks.iter().any(|lock| lock.is_write);
    let mut pids: Vec<u32> =
        locks.iter().filter(|lock| lock.is_write == has_writer).map(|lock| lock.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    let names: Vec<String> = pids.into_iter().filter_map(|pid| name(pid, &files)).collect();
    (!names.is_empty()).then(|| names.join(" and "))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn holders(_: &Path) -> Option<String> {
    None
}

/// One line of `/proc/locks`.
#[cfg(target_os = "linux")]
struct Lock {
    is_write: bool,
    pid: u32,
    inode: u64,
}

#[cfg(target_os = "linux")]
impl Lock {
    /// `1: POSIX  ADVISORY  WRITE 4711 fd:01:5678 1073741825 1073741825`. Who waits has an arrow before `POSIX`.
    fn read(line: &str) -> Option<Lock> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "POSIX" | "OFDLCK", _, kind, pid, place, ..] = words[..] else { return None };
        let inode = place.rsplit_once(':')?.1.parse().ok()?;
        Some(Lock { is_write: kind == "WRITE", pid: pid.parse().ok()?, inode })
    }
}

/// Two disks may have files of one number: only a program that has one of these open is meant, as far as can be seen.
#[cfg(target_os = "linux")]
fn name(pid: u32, files: &[PathBuf]) -> Option<String> {
    if pid == std::process::id() {
        return Some("this run itself".to_owned());
    }
    let process = PathBuf::from(format!("/proc/{pid}"));
    let real: Vec<PathBuf> = files.iter().filter_map(|file| file.canonicalize().ok()).collect();
    if let Ok(open) = std::fs::read_dir(process.join("fd")) {
        let mut open = open.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        if !open.any(|file| real.contains(&file)) {
            return None;
        }
    }
    let command = std::fs::read_to_string(process.join("comm")).unwrap_or_default();
    let command: String = command.trim().chars().filter(|c| !c.is_control() && *c != '`').collect();
    match command.is_empty() {
        true => Some(format!("process {pid}")),
        false => Some(format!("`{command}` (process {pid})")),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_system_is_read() {
        let lock = Lock::read("1: POSIX  ADVISORY  WRITE 4711 fd:01:5678 1073741825 1073741825").unwrap();
        assert!(lock.is_write && lock.pid == 4711 && lock.inode == 5678);
        for line in [
            "1: -> POSIX  ADVISORY  WRITE 4711 fd:01:5678 0 EOF",
            "1: FLOCK  ADVISORY  WRITE 1 0:1:2 0 EOF",
            "",
        ] {
            assert!(Lock::read(line).is_none(), "{line}");
        }
    }
}
