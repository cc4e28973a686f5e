//! A plugin's file, opened once: what is checked and what is loaded is the same file, whatever happens to its name.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};

use dstream_abi::{Error, Result};

/// Which file it is, by whatever name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FileId {
    #[cfg(unix)]
    Inode { device: u64, inode: u64 },
    #[cfg(not(unix))]
    Path(PathBuf),
}

impl FileId {
    #[cfg(unix)]
    pub(crate) fn of(_path: &Path, metadata: &Metadata) -> FileId {
        use std::os::unix::fs::MetadataExt;
        FileId::Inode { device: metadata.dev(), inode: metadata.ino() }
    }

    #[cfg(not(unix))]
    pub(crate) fn of(path: &Path, _metadata: &Metadata) -> FileId {
        FileId::Path(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }
}

/// An open regular file.
#[derive(Debug)]
pub(crate) struct PluginFile {
    /// The name it was found under.
    pub(crate) path: PathBuf,
    /// Which file it is.
    pub(crate) id: FileId,
    /// Bytes in it.
    pub(crate) bytes: u64,
    /// The file.
    pub(crate) file: File,
}

impl PluginFile {
    /// Opens `path` for reading.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; `Config`: a folder, a pipe, or an empty file.
    pub(crate) fn open(path: &Path) -> Result<PluginFile> {
        let metadata = path.metadata().map_err(|error| unreadable(&error))?;
        // Before it is opened: opening a device can do something.
        check_regular(&metadata)?;
        let file = open_without_waiting(path).map_err(|error| unreadable(&error))?;
        let metadata = file.metadata().map_err(|error| unreadable(&error))?;
        check_regular(&metadata)?;
        if metadata.len() == 0 {
            return Err(Error::config("the file is empty").hint("install the plugin again"));
        }
        Ok(PluginFile { path: path.to_owned(), id: FileId::of(path, &metadata), bytes: metadata.len(), file })
    }
}

#[cfg(unix)]
fn open_without_waiting(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // A pipe that took the file's place since the look at it would wait for a writer for ever.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> std::io::Result<File> {
    File::open(path)
}

fn check_regular(metadata: &Metadata) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let kind = if metadata.is_dir() { "a folder" } else { "a pipe, socket or device" };
    Err(Error::config(format!("{kind} is no plugin")).hint("a plugin is one shared library: a regular file"))
}

fn unreadable(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::not_found("there is no such file").hint("list the plugins with `dstreams plugin list`")
        }
        std::io::ErrorKind::PermissionDenied => Error::denied("the file may not be read by this user")
            .hint("let the file be read by the user who runs `dstreams`"),
        _ => Error::config(format!("the file cannot be read: {error}")).hint("install the plugin again"),
    }
}
