//! One run of a pipeline per host.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use dstream_abi::Error;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::document::hex;
use super::file::{beside, from_io};
use super::{Result, StateError};

/// Held while a run goes on; the system lets go of it when the process ends, however it ends.
///
/// The lock files stay: a file that is removed could be locked twice, once under its name and once without.
#[derive(Debug)]
pub struct RunLock {
    _files: Vec<File>,
}

/// Who holds a lock: for the eyes of whoever finds it locked.
#[derive(Serialize, Deserialize)]
struct Holder {
    pipeline: String,
    pid: u32,
    host: String,
    since: String,
}

impl RunLock {
    /// Locks the pipeline on this host, and the state file where there is one.
    ///
    /// # Errors
    /// `Locked`: another run is going on; the message says which. `Other`: no lock file can be made.
    pub fn acquire(pipeline: &str, state_file: Option<&Path>) -> Result<RunLock> {
        let folder = user_folder();
        // A home that cannot be written to must not keep anybody from running.
        let folder = if fs::create_dir_all(&folder).is_ok() { folder } else { shared_folder() };
        RunLock::acquire_in(&folder, pipeline, state_file)
    }

    /// As [`RunLock::acquire`], with the folder of the lock files given.
    ///
    /// # Errors
    /// As [`RunLock::acquire`].
    pub fn acquire_in(folder: &Path, pipeline: &str, state_file: Option<&Path>) -> Result<RunLock> {
        fs::create_dir_all(folder).map_err(|error| cannot_lock(folder, &error))?;
        let name = hex(&Sha256::digest(pipeline.as_bytes()));
        let of_pipeline = folder.join(format!("{name}.lock"));
        let mut files =
            vec![lock(&of_pipeline, pipeline, || format!("pipeline `{pipeline}` is already running"))?];
        if let Some(path) = state_file {
            files.push(lock_state_file(path, pipeline)?);
        }
        Ok(RunLock { _files: files })
    }

    /// For a change by hand: locks the state file alone, which a run keeps in memory and would write over the change.
    ///
    /// # Errors
    /// As [`RunLock::acquire`].
    pub(super) fn acquire_for_edit(state_file: &Path) -> Result<RunLock> {
        Ok(RunLock { _files: vec![lock_state_file(state_file, "a change by hand")?] })
    }
}

fn lock_state_file(path: &Path, pipeline: &str) -> Result<File> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let what = || format!("the state file `{}` is used by another run", path.display());
    lock(&beside(&path, ".lock"), pipeline, what)
}

fn lock(path: &Path, pipeline: &str, what: impl Fn() -> String) -> Result<File> {
    let cannot = |error: std::io::Error| cannot_lock(path, &error);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let holder = file.read_to_string(&mut text).ok().and_then(|_| serde_json::from_str(&text).ok());
            let holder = holder
                .map_or("by a process that has not said who it is".to_string(), |holder: Holder| {
                    format!("pid {} on {} since {}", holder.pid, holder.host, holder.since)
                });
            return Err(StateError::Locked(
                Error::fenced(format!("{}: {holder}", what())).hint("wait until it has ended, or stop it"),
            ));
        }
        Err(TryLockError::Error(error)) => return Err(cannot(error)),
    }
    let holder = Holder {
        pipeline: pipeline.to_string(),
        pid: std::process::id(),
        host: host_name(),
        since: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    };
    let text = serde_json::to_string(&holder).expect("strings and numbers always have a JSON form");
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(text.as_bytes()))
        .map_err(cannot)?;
    Ok(file)
}

fn cannot_lock(path: &Path, error: &std::io::Error) -> StateError {
    from_io(error, "no lock can be taken").context(format!("locking `{}`", path.display())).into()
}

/// Where the user's programs keep what they must remember.
fn user_folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = variable("XDG_STATE_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/state")));
    base.map_or_else(shared_folder, |base| base.join("dstreams/locks"))
}

fn shared_folder() -> PathBuf {
    let user = std::env::var("USER").or_else(|_| std::env::var("USERNAME")).unwrap_or_default();
    let user: String = user.chars().filter(|letter| letter.is_alphanumeric()).collect();
    std::env::temp_dir().join(format!("dstreams-locks-{user}"))
}

fn host_name() -> String {
    let from_system =
        fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_string());
    let from_environment = || std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok();
    from_system
        .filter(|name| !name.is_empty())
        .or_else(from_environment)
        .unwrap_or_else(|| "this host".into())
}
