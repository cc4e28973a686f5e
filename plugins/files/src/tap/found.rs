//! From a path to streams: a file, what is in a folder, or what a glob matches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dstream_sdk::{Error, Result};

use super::glob::{is_glob, match_glob};
use super::tree::{Kind, Tree};
use crate::input::{Input, Origin, carried};
use crate::shown::shown;

/// Endings of compressed files; the content decides whether they are.
const COMPRESSED: [&str; 5] = [".gz", ".zst", ".zstd", ".bz2", ".xz"];

/// A stream and its files, by name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FoundStream {
    pub(crate) stream: String,
    pub(crate) files: Vec<Found>,
}

/// One file of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// What bookmarks know it by: its path beneath the folder of the stream, without the ending of its compression, so
    /// that it is the same file once it is packed.
    pub(crate) name: String,
    /// Where it is; of an object what messages call it.
    pub(crate) path: PathBuf,
    pub(crate) origin: Origin,
    pub(crate) bytes: u64,
    /// Another one once the file was written to.
    pub(crate) stamp: String,
    /// The stream can have other files: what this one has not, they may have.
    pub(crate) is_one_of_many: bool,
}

impl Found {
    pub(crate) fn open(&self) -> Result<Input> {
        Input::open(&self.path, &self.origin)
    }
}

/// What went wrong with a file, by who must act.
pub(crate) fn io_error(doing: &str, path: &Path, error: &std::io::Error) -> Error {
    if let Some(error) = carried(error) {
        return error;
    }
    let message = format!("{doing} `{}`: {error}", shown(path));
    if is_loop(error) {
        return Error::config(message).hint("mend the link: it leads back to itself");
    }
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::not_found(message).hint("look at the path of the connection"),
        std::io::ErrorKind::PermissionDenied => {
            Error::denied(message).hint("give this user the right to read it")
        }
        _ => Error::unavailable(message).hint("look at the disk it is on, then run again"),
    }
}

/// Links that lead to each other.
fn is_loop(error: &std::io::Error) -> bool {
    #[cfg(unix)]
    return rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP);
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// The streams of `path`, by name. `endings` are those of the format, such as `.csv`.
pub(crate) fn streams(tree: &Tree, path: &Path, endings: &[&str]) -> Result<Vec<FoundStream>> {
    let mut found = Streams { tree, endings, streams: BTreeMap::new() };
    let kind = tree.kind(path)?;
    match kind {
        Some(Kind::File) => found.add_file(path)?,
        Some(Kind::Folder) => found.add_folder(path)?,
        Some(Kind::Other) => return Err(no_file(path)),
        None if is_glob(path) => {
            match_glob(tree, path, endings, &mut |path| found.add_file(path))?;
        }
        None => return Err(tree.missing(path)),
    }
    if found.streams.is_empty() {
        let place = tree.shown(path);
        return Err(Error::not_found(match kind.is_none() {
            true => format!("no file matches `{place}`"),
            false => format!("the folder `{place}` has no file that ends in {}", endings.join(" or ")),
        })
        .hint(format!(
            "looked for files ending in {} also with {}; hidden files are skipped",
            endings.join(" or "),
            COMPRESSED.join(", ")
        )));
    }
    let stream = |(stream, (_, files))| FoundStream { stream, files };
    Ok(found.streams.into_iter().map(stream).collect())
}

/// The streams that were found, each with the file or folder that it has its name from.
struct Streams<'a> {
    tree: &'a Tree,
    endings: &'a [&'a str],
    streams: BTreeMap<String, (PathBuf, Vec<Found>)>,
}

impl Streams<'_> {
    fn add_file(&mut self, path: &Path) -> Result<()> {
        let name = name_of(path)?;
        let file = self.tree.found(path, unpacked(name).to_owned(), false)?;
        self.add(stream_of(name, self.endings), path, vec![file])
    }

    /// The files in a folder are a stream each, those beneath one of its folders are one; a folder that is cut into
    /// partitions is one as a whole.
    fn add_folder(&mut self, folder: &Path) -> Result<()> {
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        self.tree.list(folder, &mut |entry, is_dir| {
            match is_dir {
                true => folders.push(entry.to_owned()),
                false if has_ending(entry, self.endings) => files.push(entry.to_owned()),
                false => {}
            }
            Ok(())
        })?;
        folders.retain(|folder| !is_private(folder));
        if folders.iter().any(|folder| super::hive::is_partition(folder)) {
            return self.add_whole(&self.tree.named(folder));
        }
        files.iter().try_for_each(|file| self.add_file(file))?;
        folders.iter().try_for_each(|folder| self.add_whole(folder))
    }

    /// Everything beneath a folder, as one stream.
    fn add_whole(&mut self, root: &Path) -> Result<()> {
        let mut files = Vec::new();
        walk(self.tree, root, &mut |entry| {
            if has_ending(entry, self.endings) {
                files.push(self.tree.found(entry, name_beneath(root, entry)?, true)?);
            }
            Ok(())
        })?;
        if files.is_empty() {
            return Ok(());
        }
        self.add(name_of(root)?.replace('.', "_"), root, in_order(files)?)
    }

    fn add(&mut self, stream: String, path: &Path, files: Vec<Found>) -> Result<()> {
        if let Some((other, _)) = self.streams.insert(stream.clone(), (path.to_owned(), files)) {
            let mut both = [self.tree.shown(&other), self.tree.shown(path)];
            both.sort();
            let [first, second] = both;
            return Err(Error::config(format!(
                "the stream `{stream}` is in two files: `{first}` and `{second}`"
            ))
            .hint("rename one of them, or choose one with the path or a glob"));
        }
        Ok(())
    }
}

/// Calls `each` for every file beneath a folder, without what is hidden or private.
pub(super) fn walk(tree: &Tree, root: &Path, each: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        tree.list(&folder, &mut |entry, is_dir| {
            match is_dir {
                _ if is_private(entry) => {}
                true => folders.push(entry.to_owned()),
                false => each(entry)?,
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The files of one stream by name.
///
/// # Errors
/// `Config`: one is there packed and unpacked.
pub(super) fn in_order(mut files: Vec<Found>) -> Result<Vec<Found>> {
    files.sort_by(|one, other| one.name.cmp(&other.name));
    match files.array_windows().find(|[one, other]| one.name == other.name) {
        None => Ok(files),
        Some([one, other]) => {
            let (one, other) = (shown(&one.path), shown(&other.path));
            Err(Error::config(format!("`{one}` and `{other}` are one file, packed and unpacked"))
                .hint("remove one of them"))
        }
    }
}

/// What writers of many files keep beside them: their notes, and files that are not complete.
fn is_private(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"_"))
}

fn name_of(path: &Path) -> Result<&str> {
    path.file_name().unwrap_or_default().to_str().ok_or_else(|| not_utf8(path))
}

pub(super) fn no_file(path: &Path) -> Error {
    Error::unsupported(format!("`{}` is neither a file nor a folder", shown(path)))
        .hint("copy what it gives to a file first, or leave it out with the path or a glob")
}

fn not_utf8(path: &Path) -> Error {
    Error::unsupported(format!("the name of the file `{}` is not UTF-8", shown(path)))
        .hint("rename it, or choose the others with a glob")
}

/// The path beneath a folder, the same on every system.
pub(super) fn name_beneath(root: &Path, path: &Path) -> Result<String> {
    let beneath = path.strip_prefix(root).unwrap_or(path);
    let parts: Option<Vec<&str>> = beneath.components().map(|part| part.as_os_str().to_str()).collect();
    parts.map(|parts| unpacked(&parts.join("/")).to_owned()).ok_or_else(|| not_utf8(path))
}

/// The name of the stream: that of the file without its endings. A dot would part a schema from a table there, and a file
/// has no schema: of `orders.2024` a target would take `2024` for the table.
fn stream_of(name: &str, endings: &[&str]) -> String {
    stem(name, endings).replace('.', "_")
}

/// The name without the ending of compression.
fn unpacked(name: &str) -> &str {
    COMPRESSED.iter().find_map(|ending| strip(name, ending)).unwrap_or(name)
}

/// The name without the endings of compression and format.
fn stem<'a>(name: &'a str, endings: &[&str]) -> &'a str {
    let plain = unpacked(name);
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
    let plain = unpacked(&name);
    endings.iter().any(|ending| strip(plain, ending).is_some())
}

/// The whole path, for messages.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
