//! What a commit does to the files of a folder. Every step can be done again, after any part of it.

use cap_std::fs::{Dir, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use dstream_sdk::{Error, Result};

use super::{BUFFER_BYTES, Local};
use crate::store::{Store, gone};

impl Local {
    pub(super) fn move_file(&self, from: &str, to: &str) -> Result<()> {
        self.make_folder_of(to)?;
        if self.exists(from)? {
            self.rename(from, to)?;
        } else if !self.exists(to)? {
            return Err(gone(&self.shown(from)));
        }
        self.sync_folder_of(to)
    }

    pub(super) fn append(&self, from: &str, bytes: u64, head: u64, to: &str, at: u64) -> Result<()> {
        if at == 0 && !self.exists(to)? {
            return self.move_file(from, to);
        }
        let skipped = if at == 0 { 0 } else { head };
        if !self.exists(from)? {
            // It goes once its bytes are durable in the other one.
            return match self.bytes(to)? {
                Some(length) if length >= at + bytes - skipped => Ok(()),
                _ => Err(gone(&self.shown(from))),
            };
        }
        let (failed, failed_from) = (self.failed("appending to", to), self.failed("reading", from));
        let mut file = match self.dir.open_with(to, OpenOptions::new().read(true).write(true)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(gone(&self.shown(to))),
            Err(error) => return Err(failed(error)),
        };
        let length = file.metadata().map_err(&failed)?.len();
        if length < at {
            return Err(gone(&self.shown(to)));
        }
        let mut staged = self.dir.open(from).map_err(&failed_from)?;
        staged.seek(SeekFrom::Start(skipped)).map_err(&failed_from)?;
        file.seek(SeekFrom::Start(at)).map_err(&failed)?;
        let mut staged = staged.take(bytes - skipped);
        if length > at + bytes - skipped {
            // All of it was appended before, and somebody else went on: what is theirs stays.
            if !is_same(&mut staged, &mut file).map_err(&failed)? {
                return Err(changed(&self.shown(to), at));
            }
        } else if io::copy(&mut staged, &mut file).map_err(&failed)? != bytes - skipped {
            return Err(gone(&self.shown(from)));
        }
        file.sync_all().map_err(&failed)?;
        self.remove(from)
    }

    /// Builds the folder aside and exchanges it: readers see all of the old files or all of the new ones.
    pub(super) fn replace(&self, folder: &str, files: &[(String, String)], old: &[String]) -> Result<()> {
        let aside = format!("_dstreams/replaced/{folder}");
        self.make_folder(&aside)?;
        for (from, to) in files {
            let built = format!("{aside}/{to}");
            if self.exists(from)? {
                self.make_folder_of(&built)?;
                self.rename(from, &built)?;
                self.sync_folder_of(&built)?;
            }
        }
        // The folder aside has the new files until it is exchanged, and the old ones after.
        let is_exchanged = match files.first() {
            Some((_, first)) => !self.exists(&format!("{aside}/{first}"))?,
            None => false,
        };
        if !is_exchanged {
            self.make_folder_of(folder)?;
            self.exchange(&aside, folder)?;
        }
        for (_, to) in files {
            if !self.exists(&format!("{folder}/{to}"))? {
                return Err(gone(&self.shown(&format!("{folder}/{to}"))));
            }
        }
        self.remove_old(&aside, folder, old)
    }

    fn exchange(&self, aside: &str, folder: &str) -> Result<()> {
        if self.exists(folder)? {
            exchange(&self.dir, aside, folder).map_err(self.failed("exchanging", folder))?;
        } else {
            self.rename(aside, folder)?;
        }
        self.sync_folder_of(folder)?;
        self.sync_folder_of(aside)
    }

    /// Removes the files of the copy before, and gives back what somebody else put into its folder.
    fn remove_old(&self, aside: &str, folder: &str, old: &[String]) -> Result<()> {
        for name in old {
            self.remove(&format!("{aside}/{name}"))?;
        }
        if !self.exists(aside)? {
            return Ok(());
        }
        for entry in self.dir.read_dir(aside).map_err(self.failed("listing", aside))? {
            let entry = entry.map_err(self.failed("listing", aside))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let (from, to) = (format!("{aside}/{name}"), format!("{folder}/{name}"));
            let is_folder = entry.file_type().map_err(self.failed("looking at", &from))?.is_dir();
            match is_folder && self.dir.remove_dir(&from).is_ok() {
                true => {}
                false if self.exists(&to)? => {}
                false => self.rename(&from, &to)?,
            }
        }
        match self.dir.remove_dir(aside) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.failed("removing the folder", aside)(error)),
        }
    }
}

/// Whether the rest of `one` comes next in `other`.
fn is_same(one: &mut impl Read, other: &mut impl Read) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; BUFFER_BYTES], vec![0; BUFFER_BYTES]);
    loop {
        let count = one.read(&mut left)?;
        if count == 0 {
            return Ok(true);
        }
        match other.read_exact(&mut right[..count]) {
            Ok(()) if left[..count] == right[..count] => {}
            Ok(()) => return Ok(false),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// Exchanges two folders in one step, where the system can; else one after the other.
fn exchange(dir: &Dir, one: &str, other: &str) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{RenameFlags, renameat_with};
        match renameat_with(dir, one, dir, other, RenameFlags::EXCHANGE) {
            Ok(()) => return Ok(()),
            // A file system that cannot.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let between = format!("{one}.old");
    dir.rename(other, dir, &between)?;
    dir.rename(one, dir, other)?;
    dir.rename(&between, dir, one)
}

fn changed(name: &str, at: u64) -> Error {
    let message = format!("rows are to be appended to `{name}` at byte {at}, and somebody else wrote there");
    Error::config(message)
        .hint(format!("cut it to {at} bytes and run again, or remove it and run with `--full-refresh`"))
}
