//! From a path to files: a file, the files of a folder, or what a glob matches; one stream per file stem.

use globset::GlobBuilder;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use dstream_sdk::{Error, Result};

use crate::shown::shown;

/// Endings of compressed files; the content decides whether they are.
const COMPRESSED: [&str; 3] = [".gz", ".zst", ".zstd"];

/// One file, read as one stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StreamFile {
    pub(crate) stream: String,
    pub(crate) path: PathBuf,
}

/// What went wrong with a file, by who must act.
pub(crate) fn io_error(doing: &str, path: &Path, error: &std::io::Error) -> Error {
    let message = format!("{doing} `{}`: {error}", shown(path));
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::not_found(message).hint("look at the path of the connection"),
        std::io::ErrorKind::PermissionDenied => {
            Error::denied(message).hint("give this user the right to read it")
        }
        _ => Error::unavailable(message).hint("look at the disk it is on, then run again"),
    }
}

/// The files of `path`, sorted by stream. `endings` are those of the format, such as `.csv`.
pub(crate) fn files(path: &Path, endings: &[&str]) -> Result<Vec<StreamFile>> {
    let mut found = Vec::new();
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => found.push(path.to_owned()),
        Ok(metadata) if metadata.is_dir() => {
            list(path, &mut |entry, is_dir| {
                if !is_dir && has_ending(entry, endings) {
                    found.push(entry.to_owned());
                }
                Ok(())
            })?;
        }
        Ok(_) => {
            return Err(Error::unsupported(format!("`{}` is neither a file nor a folder", shown(path)))
                .hint("copy what it gives to a file first"));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && is_glob(path) => {
            match_glob(path, endings, &mut found)?;
        }
        Err(error) => return Err(io_error("looking at", &absolute(path), &error)),
    }
    if found.is_empty() {
        let place = shown(&absolute(path));
        return Err(Error::not_found(match is_glob(path) && !path.is_dir() {
            true => format!("no file matches `{place}`"),
            false => format!("the folder `{place}` has no file that ends in {}", endings.join(" or ")),
        })
        .hint(format!(
            "looked for files ending in {} also with {}; hidden files are skipped",
            endings.join(" or "),
            COMPRESSED.join(", ")
        )));
    }
    by_stream(found, endings)
}

fn by_stream(found: Vec<PathBuf>, endings: &[&str]) -> Result<Vec<StreamFile>> {
    let mut streams = BTreeMap::new();
    for path in found {
        let name = path.file_name().unwrap_or_default().to_str().ok_or_else(|| {
            Error::unsupported(format!("the name of the file `{}` is not UTF-8", shown(&path)))
                .hint("rename it, or choose the others with a glob")
        })?;
        let stream = stream_of(name, endings);
        if let Some(other) = streams.insert(stream.clone(), path.clone()) {
            let mut both = [shown(&other), shown(&path)];
            both.sort();
            let [first, second] = both;
            return Err(Error::config(format!(
                "the stream `{stream}` is in two files: `{first}` and `{second}`"
            ))
            .hint("rename one of them, or choose one with the path or a glob"));
        }
    }
    Ok(streams.into_iter().map(|(stream, path)| StreamFile { stream, path }).collect())
}

/// The name of the stream: that of the file without its endings. A dot would part a schema from a table there, and a file
/// has no schema: of `orders.2024` a target would take `2024` for the table.
fn stream_of(name: &str, endings: &[&str]) -> String {
    stem(name, endings).replace('.', "_")
}

/// The name without the endings of compression and format.
fn stem<'a>(name: &'a str, endings: &[&str]) -> &'a str {
    let plain = COMPRESSED.iter().find_map(|ending| strip(name, ending)).unwrap_or(name);
    endings.iter().find_map(|ending| strip(plain, ending)).unwrap_or(plain)
}

/// The name without `ending`, in upper or lower case, if something is left.
fn strip<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let at = name.len().checked_sub(ending.len()).filter(|at| *at > 0)?;
    (name.is_char_boundary(at) && name[at..].eq_ignore_ascii_case(ending)).then(|| &name[..at])
}

/// Whether the name, without the ending of its compression, ends as files of the format do.
pub(crate) fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = COMPRESSED.iter().find_map(|ending| strip(&name, ending)).unwrap_or(&name);
    endings.iter().any(|ending| strip(plain, ending).is_some())
}

fn is_glob(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

fn match_glob(written: &Path, endings: &[&str], found: &mut Vec<PathBuf>) -> Result<()> {
    let broken = |reason: &dyn std::fmt::Display| {
        Error::config(format!("the glob `{}` cannot be read: {reason}", shown(written)))
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
    if !start.is_dir() {
        let place = shown(&absolute(start));
        return Err(Error::not_found(format!(
            "the folder `{place}` of the glob `{}` does not exist",
            shown(written)
        ))
        .hint("look at the path of the connection"));
    }
    let mut folders = vec![start.to_owned()];
    while let Some(folder) = folders.pop() {
        list(&folder, &mut |entry, is_dir| {
            let entry = entry.strip_prefix(".").unwrap_or(entry);
            if is_dir {
                folders.push(entry.to_owned());
            } else if matcher.is_match(entry) && (!open_end || has_ending(entry, endings)) {
                found.push(entry.to_owned());
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Calls `each` for what is in a folder, without what is hidden. A link to a folder is not followed: it may lead back.
fn list(folder: &Path, each: &mut dyn FnMut(&Path, bool) -> Result<()>) -> Result<()> {
    let failed = |error: &std::io::Error| io_error("listing the folder", &absolute(folder), error);
    for entry in fs::read_dir(folder).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| failed(&error))?;
        if kind.is_dir() {
            each(&path, true)?;
        } else if kind.is_file() || fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            each(&path, false)?;
        }
    }
    Ok(())
}

/// The whole path, for messages.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
