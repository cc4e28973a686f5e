//! The files that a glob matches.

use globset::GlobBuilder;
use std::path::{Component, Path, PathBuf};

use dstream_sdk::{Error, Result};

use super::found::has_ending;
use super::tree::{Kind, Tree};

pub(super) fn is_glob(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

pub(super) fn match_glob(
    tree: &Tree,
    written: &Path,
    endings: &[&str],
    found: &mut dyn FnMut(&Path) -> Result<()>,
) -> Result<()> {
    let broken = |reason: &dyn std::fmt::Display| {
        Error::config(format!("the glob `{}` cannot be read: {reason}", tree.shown(written)))
    };
    // Without `./` and doubled slashes, as the entries of folders come.
    let path: PathBuf = written.components().filter(|part| *part != Component::CurDir).collect();
    let text = path.to_str().ok_or_else(|| broken(&"it is not UTF-8"))?;
    let glob =
        GlobBuilder::new(text).literal_separator(true).build().map_err(|error| broken(error.kind()))?;
    let matcher = glob.compile_matcher();
    let base: PathBuf = path.components().take_while(|part| !is_glob(Path::new(part))).collect();
    // `data/*` and `data/**` name no kind of file: those of the format are meant.
    let open_end = path.components().next_back().is_some_and(|part| {
        matches!(part, Component::Normal(part) if part.to_string_lossy().chars().all(|letter| letter == '*'))
    });
    let start = if base.as_os_str().is_empty() { Path::new(".") } else { &base };
    if tree.kind(start)? != Some(Kind::Folder) {
        let place = tree.shown(start);
        return Err(Error::not_found(format!(
            "the folder `{place}` of the glob `{}` does not exist",
            tree.shown(written)
        ))
        .hint("look at the path of the connection"));
    }
    let mut folders = vec![start.to_owned()];
    while let Some(folder) = folders.pop() {
        tree.list(&folder, &mut |entry, is_dir| {
            let entry = entry.strip_prefix(".").unwrap_or(entry);
            if is_dir {
                folders.push(entry.to_owned());
            } else if matcher.is_match(entry) && (!open_end || has_ending(entry, endings)) {
                found(entry)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
