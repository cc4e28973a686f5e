//! The binary and the libraries that cargo built beside this test.

use std::path::{Path, PathBuf};

/// The folder that holds both.
fn folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let folder = test.parent().expect("the file of a test is in a folder");
    let folder = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    folder.expect("`deps` is in a folder").to_owned()
}

fn existing(path: PathBuf) -> PathBuf {
    assert!(
        path.is_file(),
        "`{}` is not there: `cargo build --workspace --all-features` makes it",
        path.display()
    );
    path
}

/// `dstreams`.
pub fn binary() -> PathBuf {
    existing(folder().join(format!("dstreams{}", std::env::consts::EXE_SUFFIX)))
}

/// The library of the plugin `name`, such as `files`.
pub fn library(name: &str) -> PathBuf {
    existing(folder().join(file_name(name)))
}

pub(crate) fn file_name(plugin: &str) -> String {
    format!("{}dstream_{plugin}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// Copies a file and closes it to others: a library that they could change is refused.
pub(crate) fn copy_closed(from: &Path, to: &Path) {
    std::fs::copy(from, to)
        .unwrap_or_else(|error| panic!("`{}` to `{}`: {error}", from.display(), to.display()));
    set_mode(to, 0o755);
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .expect("its owner may change the mode");
}

#[cfg(not(unix))]
pub(crate) fn set_mode(_: &Path, _: u32) {}
