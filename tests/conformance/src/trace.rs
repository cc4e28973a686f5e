//! Whether a call left anything behind in the files that a config names.

use dstream_abi::ConnectorConfig;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::subject::{Role, Subject};
use crate::tap::source::Source;
use crate::verdict::{Step, While, ensure, skip};

/// Folders with more entries are not watched.
const MAX_ENTRIES: usize = 10_000;
/// Of larger files, only the length is watched.
const MAX_BYTES: u64 = 64 << 20;

/// What is there: path, and what is in it.
type Files = BTreeMap<PathBuf, u64>;

/// Opening, checking, discovering and planning leave everything as it was.
pub(crate) fn looking_leaves_no_trace(subject: &Subject<'_>) -> Step<String> {
    let folders = folders(subject.config()?);
    let before = files(&folders)?;
    match subject.role {
        Role::Tap => {
            Source::open(subject)?.tap.check().during(|| "checking".to_owned())?;
            let source = Source::open(subject)?;
            for selection in source.selections() {
                source.plan(&selection)?;
            }
        }
        Role::Target => {
            let target = subject.open_target().during(|| "opening the target".to_owned())?;
            target.check().during(|| "checking".to_owned())?;
        }
    }
    if folders.is_empty() {
        return skip("the config names no file that could be watched");
    }
    let after = files(&folders)?;
    let changed = before.keys().chain(after.keys()).find(|path| before.get(*path) != after.get(*path));
    ensure(changed.is_none(), || {
        let path = changed.map(|path| path.display().to_string()).unwrap_or_default();
        let what = match changed {
            Some(path) if !before.contains_key(path) => "made",
            Some(path) if !after.contains_key(path) => "removed",
            _ => "changed",
        };
        format!("`{path}` was {what}")
    })?;
    Ok(format!("{} files", after.len()))
}

/// The folders of everything that looks like a path.
fn folders(config: &ConnectorConfig) -> BTreeSet<PathBuf> {
    let mut texts = Vec::new();
    collect(&config.connection, &mut texts);
    collect(&config.options, &mut texts);
    let is_path = |text: &&str| Path::new(text).is_absolute() || Path::new(text).exists();
    texts.into_iter().filter(is_path).filter_map(|text| folder(Path::new(text))).collect()
}

fn collect<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(list) => list.iter().for_each(|value| collect(value, texts)),
        Value::Object(object) => object.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

/// The nearest folder that is there: the path may be a file, a pattern, or nothing yet.
fn folder(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().find(|path| path.is_dir()).map(Path::to_owned)
}

fn files(folders: &BTreeSet<PathBuf>) -> Step<Files> {
    let mut files = Files::new();
    let mut open: Vec<PathBuf> = folders.iter().cloned().collect();
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if files.len() > MAX_ENTRIES {
                return skip(format!("more than {MAX_ENTRIES} files would have to be watched"));
            }
            if metadata.is_dir() {
                open.push(entry.path());
            }
            let mut hasher = DefaultHasher::new();
            metadata.len().hash(&mut hasher);
            if metadata.is_file() && metadata.len() <= MAX_BYTES {
                fs::read(entry.path()).unwrap_or_default().hash(&mut hasher);
            }
            files.insert(entry.path(), if metadata.is_dir() { 0 } else { hasher.finish() });
        }
    }
    Ok(files)
}

/// The config that was given works.
pub(crate) fn check_passes(subject: &Subject<'_>) -> Step<String> {
    match subject.role {
        Role::Tap => subject.open_tap().during(|| "opening the tap".to_owned())?.check()?,
        Role::Target => subject.open_target().during(|| "opening the target".to_owned())?.check()?,
    }
    Ok(String::new())
}
