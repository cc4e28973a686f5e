//! The binary and plugins under test, copied to where nobody builds them anew.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

use crate::bug::Bug;

/// `dstreams` with its plugins.
#[derive(Debug)]
pub struct Subject {
    folder: TempDir,
    /// The bug it is told to have.
    pub(crate) bug: Option<Bug>,
}

impl Subject {
    /// Takes `binary`, and its plugins from the folder `plugins`.
    ///
    /// # Errors
    /// One of the files is not there.
    pub fn new(binary: &Path, plugins: &Path, bug: Option<Bug>) -> Result<Subject> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let copy = |from: &Path, to: &Path| {
            fs::copy(from, to).with_context(|| {
                format!("`{}` is not there: `cargo build --workspace` makes it", from.display())
            })
        };
        fs::create_dir(folder.path().join("plugins"))?;
        copy(binary, &folder.path().join("dstreams"))?;
        for name in ["files", "postgres", "sqlite"] {
            let name =
                format!("{}dstream_{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
            let copied = folder.path().join("plugins").join(&name);
            copy(&plugins.join(&name), &copied)?;
            close_to_others(&copied)?;
        }
        Ok(Subject { folder, bug })
    }

    /// The folder that cargo built this executable's neighbours into.
    ///
    /// # Errors
    /// The executable does not know where it is.
    pub fn built_folder() -> Result<PathBuf> {
        let executable = std::env::current_exe().context("this executable has no path")?;
        let mut folder = executable.parent();
        if folder.is_some_and(|folder| folder.ends_with("deps")) {
            folder = folder.and_then(Path::parent);
        }
        match folder {
            Some(folder) => Ok(folder.to_owned()),
            None => bail!("`{}` is in no folder", executable.display()),
        }
    }

    pub(crate) fn binary(&self) -> PathBuf {
        self.folder.path().join("dstreams")
    }

    pub(crate) fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }
}

/// A library that others may write to is refused.
#[cfg(unix)]
fn close_to_others(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> Result<()> {
    Ok(())
}
