//! `dist`: `target/dist/dstreams`, a folder that runs wherever it is copied to.

use anyhow::{Context, Result};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use crate::shell::program;
use crate::{say, shell};

/// The plugins that are part of a release, by crate.
const PLUGINS: [&str; 4] = ["dstream-files", "dstream-postgres", "dstream-sqlite", "dstream-synthetic"];

/// Builds and lays out, and says where.
pub(crate) fn run() -> Result<ExitCode> {
    let folder = build(&[])?;
    say::line(&format!("\n{} holds:", folder.display()));
    for file in files(&folder)? {
        let size = fs::metadata(folder.join(&file))?.len();
        say::line(&format!("{size:>12}  {}", file.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the release with whatever else is asked of cargo, and lays it out.
pub(crate) fn build(more: &[&str]) -> Result<PathBuf> {
    let mut cargo = program("cargo build --release --package dstream-cli");
    for plugin in PLUGINS {
        cargo = cargo.arg("--package").arg(plugin);
    }
    for arg in more {
        cargo = cargo.arg(arg);
    }
    cargo.run()?;

    let folder = target().join("dist").join("dstreams");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    for part in ["bin", "plugins", "include"] {
        fs::create_dir_all(folder.join(part))?;
    }
    let release = target().join("release");
    let binary = format!("dstreams{EXE_SUFFIX}");
    copy(&release.join(&binary), &folder.join("bin").join(&binary))?;
    for plugin in PLUGINS {
        let library = format!("{DLL_PREFIX}{}{DLL_SUFFIX}", plugin.replace('-', "_"));
        copy(&release.join(&library), &folder.join("plugins").join(&library))?;
    }
    copy(Path::new("abi/include/dstream.h"), &folder.join("include").join("dstream.h"))?;
    for file in ["README.md", "LICENSE"] {
        copy(Path::new(file), &folder.join(file))?;
    }
    Ok(folder)
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    shell::root().join(set.unwrap_or_else(|| "target".into()))
}

/// A copy that others cannot write to: the loader refuses a library that anybody may replace.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(to)?.permissions().mode();
        fs::set_permissions(to, fs::Permissions::from_mode(mode & !0o022))?;
    }
    Ok(())
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(file) = path.strip_prefix(folder) {
                found.push(file.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}
