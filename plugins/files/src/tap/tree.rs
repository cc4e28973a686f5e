//! Where files are looked for: the folders of this machine, or what a bucket lists.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::found::{Found, absolute, io_error, no_file};
use super::glob::is_glob;
use crate::input::Origin;
use crate::remote::{Bucket, Seen, Service};
use crate::shown::shown;
use dstream_sdk::{Error, Result};

/// The folders.
pub(crate) enum Tree {
    Local,
    /// The objects beneath a place of a bucket. Paths are keys.
    Bucket {
        bucket: Arc<Bucket>,
        objects: BTreeMap<String, Seen>,
    },
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Other,
}

impl Tree {
    /// The objects that a path can be about.
    ///
    /// # Errors
    /// `Config`: there is no such bucket, or it is a web server, which has no folders.
    pub(crate) fn of_bucket(bucket: &Arc<Bucket>, path: &Path) -> Result<Tree> {
        let of = |objects| Tree::Bucket { bucket: bucket.clone(), objects };
        let named = |seen: Seen| (seen.key().to_owned(), seen);
        let written = path.to_string_lossy();
        let name = written.trim_end_matches('/');
        if bucket.address().service == Service::Http {
            let found = bucket.look(&bucket.key(name)?)?;
            // Its key has no escapes any more.
            let named = |seen: Seen| (name.to_owned(), seen);
            return Ok(of(found.map(named).into_iter().collect()));
        }
        if !name.is_empty()
            && name.len() == written.len()
            && (!is_glob(path) || bucket.key(name).is_ok())
            && let Some(found) = bucket.look(&bucket.key(name)?)?
        {
            return Ok(of([named(found)].into()));
        }
        let parts = name.split('/').take_while(|part| !is_glob(Path::new(part)));
        let folder = parts.collect::<Vec<_>>().join("/");
        Ok(of(bucket.list(&folder)?.into_iter().map(named).collect()))
    }

    /// What is there; `None`: nothing.
    pub(super) fn kind(&self, path: &Path) -> Result<Option<Kind>> {
        match self {
            Tree::Local => match fs::metadata(path) {
                Ok(metadata) if metadata.is_file() => Ok(Some(Kind::File)),
                Ok(metadata) if metadata.is_dir() => Ok(Some(Kind::Folder)),
                Ok(_) => Ok(Some(Kind::Other)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(io_error("looking at", &absolute(path), &error)),
            },
            Tree::Bucket { objects, .. } => {
                let key = key_of(path);
                if objects.contains_key(&key) {
                    return Ok(Some(Kind::File));
                }
                let beneath = beneath(&key);
                let first = objects.range(beneath.clone()..).next();
                let is_folder = key.is_empty() || first.is_some_and(|(found, _)| found.starts_with(&beneath));
                Ok(is_folder.then_some(Kind::Folder))
            }
        }
    }

    /// Calls `each` for what is in a folder, without what is hidden. A link to a folder is not followed: it may lead back.
    pub(super) fn list(&self, folder: &Path, each: &mut dyn FnMut(&Path, bool) -> Result<()>) -> Result<()> {
        match self {
            Tree::Local => list_local(folder, each),
            Tree::Bucket { objects, .. } => {
                let beneath = beneath(&key_of(folder));
                let mut from = beneath.clone();
                while let Some((key, _)) = objects.range(from.clone()..).next() {
                    let Some(rest) = key.strip_prefix(&beneath) else { break };
                    let (name, is_folder) = match rest.split_once('/') {
                        Some((name, _)) => (name, true),
                        None => (rest, false),
                    };
                    let whole = format!("{beneath}{name}");
                    // Behind all that is in the folder: `0` comes after `/`.
                    from = if is_folder { format!("{whole}0") } else { format!("{whole}\0") };
                    if !name.starts_with('.') {
                        each(Path::new(&whole), is_folder)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// A file that is there.
    pub(super) fn found(&self, path: &Path, name: String, is_one_of_many: bool) -> Result<Found> {
        match self {
            Tree::Local => {
                let metadata = fs::metadata(path).map_err(|error| io_error("looking at", path, &error))?;
                if !metadata.is_file() {
                    return Err(no_file(path));
                }
                let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                let stamp = modified
                    .map_or(String::new(), |time| format!("{}.{:09}", time.as_secs(), time.subsec_nanos()));
                let (path, origin) = (path.to_owned(), Origin::Local);
                Ok(Found { name, path, origin, bytes: metadata.len(), stamp, is_one_of_many })
            }
            Tree::Bucket { bucket, objects } => {
                let key = key_of(path);
                let seen = objects.get(&key).ok_or_else(|| self.missing(path))?;
                let (bytes, stamp) = (seen.bytes(), seen.stamp());
                let origin = Origin::Object(bucket.clone(), seen.clone());
                Ok(Found { name, path: bucket.shown(&key).into(), origin, bytes, stamp, is_one_of_many })
            }
        }
    }

    /// The error of a path where nothing is.
    pub(super) fn missing(&self, path: &Path) -> Error {
        let place = self.shown(path);
        match self {
            Tree::Local => io_error("looking at", &absolute(path), &ErrorKind::NotFound.into()),
            Tree::Bucket { .. } => {
                Error::not_found(format!("there is nothing at `{place}`")).hint("look at `connection.url`")
            }
        }
    }

    /// The path with the name that it has where it is written as `.`.
    pub(super) fn named(&self, path: &Path) -> PathBuf {
        match self {
            Tree::Local => absolute(path),
            Tree::Bucket { .. } => path.to_owned(),
        }
    }

    /// The whole path, for messages.
    pub(super) fn shown(&self, path: &Path) -> String {
        match self {
            Tree::Local => shown(&absolute(path)),
            Tree::Bucket { bucket, .. } => bucket.shown(&key_of(path)),
        }
    }
}

fn key_of(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = text.strip_prefix("./").unwrap_or(&text);
    if text == "." { String::new() } else { text.trim_end_matches('/').to_owned() }
}

/// What keys in a folder begin with.
fn beneath(folder: &str) -> String {
    if folder.is_empty() { String::new() } else { format!("{folder}/") }
}

fn list_local(folder: &Path, each: &mut dyn FnMut(&Path, bool) -> Result<()>) -> Result<()> {
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
        } else if !fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
            // Also what is no file, and links that lead nowhere: one with the name of a file is an error.
            each(&path, false)?;
        }
    }
    Ok(())
}
