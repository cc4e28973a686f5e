//! `state view`, `set` and `clear`.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use dstream_abi::{Bookmark, Error, MAX_BOOKMARK_BYTES};
use serde_json::Value;

use super::starts::several_partitions;
use super::{Edit, Result, RunLock, State, StateError, StateFile};

/// What the user wants to see of a state file: its JSON, with those edits alone that no run has applied yet.
///
/// # Errors
/// `Unusable`: the file is cut, changed, foreign or newer. `Other`: there is none.
pub fn view(path: &Path) -> Result<Value> {
    let mut state = existing(path)?.state().clone();
    let bookmarks = &state.bookmarks;
    state.edits.retain(|edit| {
        let mut covered =
            bookmarks.iter().filter(|(id, entry)| edit.covers(id, &entry.state.streams)).peekable();
        covered.peek().is_none() || covered.any(|(_, entry)| entry.state.edit.as_ref() != Some(&edit.id))
    });
    Ok(state.to_value())
}

/// Sets the bookmark of a stream or partition; makes the file where there is none.
///
/// The next run reads on from it, whatever file and target have, once.
///
/// # Errors
/// `Locked`: a run goes on with this file. `Other`: the stream has several partitions, which are listed; or the value
/// cannot be a bookmark.
pub fn set(path: &Path, stream: &str, bookmark: Bookmark) -> Result<()> {
    if bookmark.is_null() {
        let error = Error::config("a bookmark cannot be `null`").stream(stream);
        return Err(error.hint("clear the stream with `dstreams state clear FILE STREAM`").into());
    }
    let bytes = bookmark.to_string().len();
    if bytes > MAX_BOOKMARK_BYTES {
        let error =
            Error::config(format!("the bookmark has {bytes} bytes, at most {MAX_BOOKMARK_BYTES} are kept"));
        return Err(error.stream(stream).hint("give a smaller value").into());
    }
    StateFile::check_writable(path)?;
    let _lock = RunLock::acquire_for_edit(path)?;
    let mut file = StateFile::open(path)?;
    let scope = partition_to_set(file.state(), stream)?;
    let edits = &mut file.state_mut().edits;
    edits.retain(|edit| edit.stream.as_ref() != Some(&scope));
    edits.push(new_edit(Some(scope), Some(bookmark)));
    file.save()
}

/// Clears all bookmarks, or those of one stream or partition: the next run starts over.
///
/// # Errors
/// `Locked`: a run goes on with this file. `Other`: there is no file, or no such stream in it.
pub fn clear(path: &Path, stream: Option<&str>) -> Result<()> {
    existing(path)?;
    let _lock = RunLock::acquire_for_edit(path)?;
    // Once more: a run may have ended in between.
    let mut file = existing(path)?;
    let edit = new_edit(stream.map(str::to_string), None);
    let state = file.state_mut();
    if let Some(stream) = stream {
        let before = (state.bookmarks.len(), state.edits.len());
        state.bookmarks.retain(|id, entry| !edit.covers(id, &entry.state.streams));
        state.edits.retain(|made| made.stream.as_deref() != Some(stream));
        if before == (state.bookmarks.len(), state.edits.len()) {
            return Err(unknown_stream(state, stream).into());
        }
    } else {
        state.bookmarks.clear();
        state.edits.clear();
    }
    state.edits.push(edit);
    file.save()
}

fn existing(path: &Path) -> Result<StateFile> {
    let file = StateFile::open(path)?;
    if file.is_new() {
        return Err(StateError::Other(
            Error::not_found(format!("there is no state file `{}`", path.display()))
                .hint("`dstreams sync --state FILE` makes one"),
        ));
    }
    Ok(file)
}

/// The partition of which the user means the bookmark.
fn partition_to_set(state: &State, stream: &str) -> Result<String> {
    if state.bookmarks.contains_key(stream) {
        return Ok(stream.to_string());
    }
    let delivers = |streams: &[String]| streams.iter().any(|name| name == stream);
    let found: Vec<_> = state.bookmarks.iter().filter(|(_, entry)| delivers(&entry.state.streams)).collect();
    match found.as_slice() {
        [] => Ok(stream.to_string()),
        [(id, entry)] if entry.state.streams.len() == 1 => Ok(id.to_string()),
        [(id, entry)] => Err(StateError::Other(
            Error::config(format!(
                "stream `{stream}` shares the bookmark of partition `{id}` with {} others",
                entry.state.streams.len() - 1
            ))
            .hint(format!("set the bookmark of `{id}`")),
        )),
        several => {
            let ids: Vec<&str> = several.iter().map(|(id, _)| id.as_str()).collect();
            Err(StateError::Other(several_partitions(stream, &ids)))
        }
    }
}

fn unknown_stream(state: &State, stream: &str) -> Error {
    let mut names: Vec<&str> = state.bookmarks.keys().map(String::as_str).collect();
    names.extend(state.bookmarks.values().flat_map(|entry| &entry.state.streams).map(String::as_str));
    names.sort_unstable();
    names.dedup();
    let nearest = names.iter().max_by(|a, b| {
        let likeness = |name: &str| strsim::jaro_winkler(stream, name);
        likeness(a).total_cmp(&likeness(b))
    });
    let error = Error::not_found(format!("the state file has no stream `{stream}`"));
    match nearest {
        Some(nearest) => error.hint(format!("did you mean `{nearest}`? `dstreams state view` lists all")),
        None => error.hint("it has no bookmarks at all"),
    }
}

fn new_edit(stream: Option<String>, bookmark: Option<Bookmark>) -> Edit {
    // Every `RandomState` has keys of its own, from the system's source of randomness.
    let random = || RandomState::new().hash_one(0);
    let id = format!("{:016x}{:016x}", random(), random());
    let made_at = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    Edit { id, stream, bookmark, made_at }
}
