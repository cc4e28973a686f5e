//! A folder of this machine.
//!
//! Every name is looked up beneath the opened root by `cap-std`: a link that leads out of it is an error, whoever put it
//! there and when. Files are durable before they get their names, folders after.

mod steps; // what a commit does

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dstream_sdk::{Context, Error, Result};

use super::{Listed, Lock, Staged, Step, Store};
use crate::input::carried;
use crate::shown::shown;

/// How long another run on this machine may hold the lock: it does so while it commits.
const LOCK_LIMIT: Duration = Duration::from_secs(30);
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// The folder.
pub(crate) struct Local {
    context: Context,
    root: PathBuf,
    dir: Dir,
}

impl Local {
    /// Opens the folder, which is made where it is missing.
    pub(crate) fn open(context: Context, root: &Path) -> Result<Local> {
        let failed = |error: io::Error| match error.kind() {
            // A file in its place, or a place where nothing can be made.
            ErrorKind::AlreadyExists | ErrorKind::NotFound => {
                Error::config(format!("making the folder `{}`: {error}", shown(root)))
                    .hint("choose another folder")
            }
            _ => io_error("making the folder", &shown(root), &error),
        };
        std::fs::create_dir_all(root).map_err(failed)?;
        let dir = Dir::open_ambient_dir(root, ambient_authority()).map_err(failed)?;
        Ok(Local { context, root: root.to_owned(), dir })
    }

    fn failed(&self, doing: &str, name: &str) -> impl Fn(io::Error) -> Error {
        let (doing, name) = (doing.to_owned(), self.shown(name));
        move |error| io_error(&doing, &name, &error)
    }

    /// Makes the folder of a file.
    fn make_folder_of(&self, name: &str) -> Result<()> {
        let Some((folder, _)) = name.rsplit_once('/') else { return Ok(()) };
        self.make_folder(folder)
    }

    fn make_folder(&self, folder: &str) -> Result<()> {
        if self.dir.is_dir(folder) {
            return Ok(());
        }
        self.dir.create_dir_all(folder).map_err(self.failed("making the folder", folder))?;
        // Every folder on the way has a new entry.
        for (at, _) in folder.match_indices('/') {
            self.sync_folder(&folder[..at])?;
        }
        self.sync_folder("")
    }

    fn exists(&self, name: &str) -> Result<bool> {
        match self.dir.symlink_metadata(name) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.failed("looking at", name)(error)),
        }
    }

    fn sync_folder_of(&self, name: &str) -> Result<()> {
        self.sync_folder(name.rsplit_once('/').map_or("", |(folder, _)| folder))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.dir.rename(from, &self.dir, to).map_err(self.failed("renaming to", to))
    }
}

impl Store for Local {
    fn shown(&self, name: &str) -> String {
        shown(&self.root.join(name))
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let failed = self.failed("listing", folder);
        let entries = match self.dir.read_dir(if folder.is_empty() { "." } else { folder }) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.map_err(&failed)?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // Gone between the two looks.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            if metadata.is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                files.push(Listed { name, bytes: metadata.len() });
            }
        }
        Ok(files)
    }

    fn bytes(&self, name: &str) -> Result<Option<u64>> {
        match self.dir.metadata(name) {
            Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
            Ok(_) => Err(Error::config(format!("`{}` is no file", self.shown(name)))
                .hint("remove it, or choose another folder")),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("looking at", name)(error)),
        }
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match self.dir.read(name) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("reading", name)(error)),
        }
    }

    fn create_new(&self, name: &str, bytes: &[u8], drafts: &str) -> Result<bool> {
        self.make_folder_of(name)?;
        // Processes of two machines or containers may have the same number.
        let draft = format!("{drafts}/{:016x}.draft", RandomState::new().hash_one(std::process::id()));
        self.make_folder_of(&draft)?;
        let failed = self.failed("writing", name);
        let write = || -> io::Result<()> {
            let mut file = self.dir.open_with(&draft, OpenOptions::new().write(true).create_new(true))?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        let written = write().map_err(&failed);
        let outcome = written.map(|()| self.dir.hard_link(&draft, &self.dir, name));
        // Its name is of no use any more, whatever came of it.
        let _ = self.dir.remove_file(&draft);
        match outcome? {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => {
                return Ok(false);
            }
            Err(error) => return Err(failed(error)),
        }
        // It has its name, and nobody knows for how long.
        self.sync_folder_of(name)
            .map_err(|error| Error::unavailable(error.message()).hint("look at the disk, then run again"))?;
        Ok(true)
    }

    fn stage(&self, name: &str) -> Result<Box<dyn Staged>> {
        self.make_folder_of(name)?;
        let options = OpenOptions::new().write(true).create_new(true).clone();
        let file = self.dir.open_with(name, &options).map_err(self.failed("making", name))?;
        let shown = self.shown(name);
        Ok(Box::new(StagedFile { file: BufWriter::with_capacity(BUFFER_BYTES, file), shown, bytes: 0 }))
    }

    fn sync_folder(&self, folder: &str) -> Result<()> {
        // Elsewhere a folder cannot be opened to be synced, and need not.
        if cfg!(unix) {
            let folder = if folder.is_empty() { "." } else { folder };
            let sync = || self.dir.open(folder)?.sync_all();
            return sync().map_err(self.failed("syncing", folder));
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        match self.dir.remove_file(name) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.failed("removing", name)(error)),
        }
    }

    fn carry_out(&self, step: &Step) -> Result<()> {
        match step {
            Step::Move { from, to } => self.move_file(from, to),
            Step::Append { from, bytes, head, to, at } => self.append(from, *bytes, *head, to, *at),
            Step::Replace { folder, files, old } => self.replace(folder, files, old),
            Step::Remove { files } => files.iter().try_for_each(|file| self.remove(file)),
        }
    }

    fn lock(&self, name: &str) -> Result<Box<dyn Lock>> {
        self.make_folder_of(name)?;
        let failed = self.failed("locking", name);
        let options = OpenOptions::new().read(true).write(true).create(true).clone();
        let file = self.dir.open_with(name, &options).map_err(&failed)?.into_std();
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Box::new(FileLock { _file: file })),
                Err(std::fs::TryLockError::WouldBlock) if start.elapsed() < LOCK_LIMIT => {
                    dstream_sdk::wait(&self.context, LOCK_PAUSE)?;
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    return Err(Error::unavailable(format!(
                        "another run has held the lock `{}` for {} s",
                        self.shown(name),
                        LOCK_LIMIT.as_secs()
                    ))
                    .hint("end a run that was stopped while it committed, then run again"));
                }
                Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }
}

/// Unlocked when it is closed.
struct FileLock {
    _file: std::fs::File,
}

impl Lock for FileLock {}

struct StagedFile {
    file: BufWriter<File>,
    shown: String,
    bytes: u64,
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Staged for StagedFile {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        let mut sync = || {
            self.file.flush()?;
            self.file.get_ref().sync_all()
        };
        sync().map_err(|error| io_error("writing", &self.shown, &error))?;
        Ok(self.bytes)
    }
}

/// What went wrong with a file, by who must act.
pub(crate) fn io_error(doing: &str, name: &str, error: &io::Error) -> Error {
    if let Some(error) = carried(error) {
        return error;
    }
    let message = format!("{doing} `{name}`: {error}");
    match error.kind() {
        ErrorKind::PermissionDenied => Error::denied(message).hint("give this user the right to write there"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::resource(message).hint("make room, then run again: what is committed stays")
        }
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::ReadOnlyFilesystem => {
            Error::config(message).hint("choose another folder")
        }
        ErrorKind::Unsupported => Error::unsupported(message).hint("choose a folder on another file system"),
        _ => Error::unavailable(message).hint("look at the disk it is on, then run again"),
    }
}
