//! Reading and writing the file so that a crash leaves the old or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use dstream_abi::{Error, has_seeded_bug};

use super::{Authority, Entry, Result, Starts, State, StateError};

/// The state file of a run.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    state: State,
    is_new: bool,
    is_behind: bool,
}

impl StateFile {
    /// Reads the file. A missing file is an empty state: [`StateFile::is_new`].
    ///
    /// # Errors
    /// `Unusable`: the file is cut, changed, foreign or newer. `Other`: it cannot be opened.
    pub fn open(path: &Path) -> Result<StateFile> {
        // A link stays a link: what it points to is replaced.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        match fs::read(&path) {
            Ok(bytes) => {
                let state = State::from_text(&bytes).map_err(|error| error.context(reading(&path)))?;
                Ok(StateFile { path, state, is_new: false, is_behind: false })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(StateFile { path, state: State::default(), is_new: true, is_behind: false })
            }
            Err(error) => {
                Err(StateError::Other(from_io(&error, "it cannot be read").context(reading(&path))))
            }
        }
    }

    /// There was no file.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its content.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Its content, to be changed before the next `save`.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// As [`State::begin_run`], without writing.
    pub fn begin_run(&mut self, pipeline: &str, run: &str, authority: Authority, starts: &Starts) {
        let before = self.state.bookmarks.clone();
        self.state.begin_run(pipeline, run, authority, starts);
        self.is_behind |= self.state.bookmarks != before;
    }

    /// The run began with other bookmarks than the file has: it has to be written even where nothing is committed.
    pub fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Takes over entries without writing them: a caller that saves often writes once for many.
    pub fn stage(&mut self, entries: impl IntoIterator<Item = (String, Entry)>) {
        self.state.absorb(entries);
    }

    /// Writes the content. The content before is kept beside it as `.prev`; on an error the file is as it was.
    ///
    /// # Errors
    /// `Resource`: no space, or the disk failed. `Denied`: no permission.
    pub fn save(&mut self) -> Result<()> {
        self.state.written_at = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let text = self.state.to_text();
        replace(&self.path, text.as_bytes())
            .map_err(|error| from_io(&error, "it cannot be written").context(writing(&self.path)))?;
        self.is_new = false;
        self.is_behind = false;
        Ok(())
    }

    /// Finds out, before any data is read, whether a state file can be written at `path`.
    ///
    /// # Errors
    /// `Config`: a directory stands there, or the folder is missing. `Denied`: no permission.
    pub fn check_writable(path: &Path) -> Result<()> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let refuse = |error: Error| Err(StateError::Other(error.context(writing(&path))));
        let folder = folder_of(&path);
        if path.file_name().is_none() || path.is_dir() {
            return refuse(
                Error::config("it is a folder, a state is kept in a file")
                    .hint("add a file name to the path"),
            );
        }
        if path.exists() && !path.is_file() {
            return refuse(Error::config("it is not a regular file").hint("give the path of a file"));
        }
        if !folder.is_dir() {
            return refuse(
                Error::config(format!("there is no folder `{}`", folder.display()))
                    .hint("make the folder first"),
            );
        }
        let made = temporary(&path).and_then(|(file, path)| {
            drop(file);
            fs::remove_file(path)
        });
        // A run that has the lock may have removed it first.
        let made = made.or_else(|error| match error.kind() {
            io::ErrorKind::NotFound if folder.is_dir() => Ok(()),
            _ => Err(error),
        });
        made.or_else(|error| {
            refuse(
                from_io(&error, "no file can be made in its folder")
                    .hint("give a path in a folder that you may write to"),
            )
        })
    }
}

/// Removes the temporary files of runs that were killed while they wrote. The caller holds the lock of the run.
///
/// A file that cannot be removed is in nobody's way.
pub(crate) fn remove_leftovers(path: &Path) {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let Ok(entries) = fs::read_dir(folder_of(&path)) else { return };
    let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for entry in entries.flatten() {
        if is_temporary(&entry.file_name().to_string_lossy(), &own) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// `own` with the ending that [`temporary`] gives it.
fn is_temporary(name: &str, own: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = name.strip_prefix(own).and_then(|rest| rest.strip_prefix('.'));
    let numbers = numbers.and_then(|rest| rest.strip_suffix(".tmp")).and_then(|rest| rest.split_once('-'));
    numbers.is_some_and(|(process, number)| is_number(process) && is_number(number))
}

/// Writes a file of somebody else's form in the same way: whole or not at all.
///
/// # Errors
/// `Resource`: no space. `Denied`: no permission.
pub fn replace_file(path: &Path, content: &[u8]) -> Result<()> {
    replace(path, content).map_err(|error| StateError::Other(from_io(&error, &writing(path))))
}

/// Whoever opens the file sees the old content or the new one, also after a power failure.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let (mut file, new) = temporary(path)?;
    let replaced = (|| {
        file.write_all(content)?;
        if !has_seeded_bug("dropped-fsync") {
            file.sync_all()?;
        }
        drop(file);
        keep_previous(path)?;
        fs::rename(&new, path)?;
        File::open(folder_of(path))?.sync_all()
    })();
    if replaced.is_err() {
        // After the rename there is nothing to remove.
        let _ = fs::remove_file(&new);
    }
    replaced
}

/// A new file beside `path`, for the owner alone: bookmarks hold values of records.
fn temporary(path: &Path) -> io::Result<(File, PathBuf)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut number = 0_u32;
    loop {
        let name = beside(path, &format!(".{}-{number}.tmp", std::process::id()));
        match options.open(&name) {
            // Left by a process that had this id before.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
            opened => return opened.map(|file| (file, name)),
        }
    }
}

fn keep_previous(path: &Path) -> io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let (file, name) = temporary(path)?;
    drop(file);
    fs::remove_file(&name)?;
    // Not every file system has links.
    let kept = fs::hard_link(path, &name).or_else(|_| fs::copy(path, &name).map(|_| ()));
    let kept = kept.and_then(|()| fs::rename(&name, beside(path, ".prev")));
    // A rename of one link to another of the same file does nothing and leaves both.
    let _ = fs::remove_file(&name);
    kept
}

/// The path with something added to the file's name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(suffix);
    path.with_file_name(name)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

pub(super) fn from_io(error: &io::Error, what: &str) -> Error {
    use io::ErrorKind as Io;
    let message = format!("{what}: {error}");
    match error.kind() {
        Io::PermissionDenied | Io::ReadOnlyFilesystem => Error::denied(message)
            .hint("give the user that runs dstreams the permission, or choose another path"),
        Io::NotFound | Io::NotADirectory | Io::IsADirectory | Io::InvalidFilename => {
            Error::config(message).hint("check the path")
        }
        _ => Error::resource(message).hint("look at the disk's free space and health"),
    }
}

fn reading(path: &Path) -> String {
    format!("reading the state file `{}`", path.display())
}

fn writing(path: &Path) -> String {
    format!("writing the state file `{}`", path.display())
}
