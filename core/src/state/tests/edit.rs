use std::path::PathBuf;

use serde_json::json;

use super::{entry, state};
use crate::state::{RunLock, State, StateError, StateFile, clear, set, view};
use dstream_abi::MAX_BOOKMARK_BYTES;

fn file_with(state: State) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let mut file = StateFile::open(&path).unwrap();
    *file.state_mut() = state;
    file.save().unwrap();
    (folder, path)
}

#[test]
fn setting_makes_the_file_and_keeps_one_edit_for_each_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    set(&path, "users", json!({ "updated_at": "2024-01-01" })).unwrap();
    set(&path, "users", json!({ "updated_at": "2024-01-02" })).unwrap();
    set(&path, "orders", json!(7)).unwrap();
    let shown = view(&path).unwrap();
    assert_eq!(shown["edits"].as_array().unwrap().len(), 2);
    assert_eq!(shown["edits"][0]["bookmark"]["updated_at"], "2024-01-02");
    assert_ne!(shown["edits"][0]["id"], shown["edits"][1]["id"]);
}

#[test]
fn nothing_is_changed_by_hand_while_a_run_goes_on() {
    let (folder, path) = file_with(state());
    let before = std::fs::read(&path).unwrap();
    let run = RunLock::acquire_in(folder.path(), "a/b", Some(&path)).unwrap();
    for result in [set(&path, "users", json!(1)), clear(&path, None), clear(&path, Some("users"))] {
        assert!(matches!(result, Err(StateError::Locked(_))), "{result:?}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    drop(run);
    set(&path, "users", json!(1)).unwrap();
}

#[test]
fn setting_keeps_what_is_there() {
    let (_folder, path) = file_with(state());
    set(&path, "users", json!(1)).unwrap();
    let file = StateFile::open(&path).unwrap();
    assert_eq!(file.state().bookmarks, state().bookmarks);
    assert_eq!(file.state().pipeline, "shop/warehouse");
}

#[test]
fn setting_a_stream_with_several_partitions_lists_them() {
    let mut state = state();
    for id in ["big/1", "big/2"] {
        let (id, mut entry) = entry(id, 1, 1);
        entry.state.streams = vec!["big".into()];
        state.bookmarks.insert(id, entry);
    }
    let (_folder, path) = file_with(state);
    let error = set(&path, "big", json!(1)).unwrap_err();
    assert!(error.to_string().contains("`big/1`, `big/2`"), "{error}");
    set(&path, "big/2", json!(1)).unwrap();
}

#[test]
fn setting_one_stream_of_a_shared_bookmark_names_the_partition() {
    let mut state = state();
    let (id, mut entry) = entry("log", 1, 1);
    entry.state.streams = vec!["a".into(), "b".into()];
    state.bookmarks.insert(id, entry);
    let (_folder, path) = file_with(state);
    let error = set(&path, "a", json!(1)).unwrap_err();
    assert!(error.to_string().contains("partition `log`"), "{error}");
}

#[test]
fn values_that_cannot_be_bookmarks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    assert!(set(&path, "users", json!(null)).is_err());
    assert!(set(&path, "users", json!("x".repeat(MAX_BOOKMARK_BYTES))).is_err());
    assert!(!path.exists());
}

#[test]
fn clearing_everything_leaves_one_edit_and_no_bookmark() {
    let (_folder, path) = file_with(state());
    set(&path, "users", json!(1)).unwrap();
    clear(&path, None).unwrap();
    let file = StateFile::open(&path).unwrap();
    assert!(file.state().bookmarks.is_empty());
    assert_eq!(file.state().edits.len(), 1);
    assert_eq!(file.state().edits[0].stream, None);
}

#[test]
fn clearing_one_stream_leaves_the_others() {
    let (_folder, path) = file_with(state());
    clear(&path, Some("users")).unwrap();
    let file = StateFile::open(&path).unwrap();
    assert_eq!(file.state().bookmarks.keys().collect::<Vec<_>>(), ["orders"]);
    assert_eq!(file.state().edits[0].stream.as_deref(), Some("users"));
    let error = clear(&path, Some("order")).unwrap_err();
    assert!(error.error().hint_text().unwrap().contains("did you mean `orders`"), "{error}");
}

#[test]
fn a_missing_file_cannot_be_viewed_or_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    assert!(view(&path).is_err());
    assert!(clear(&path, None).is_err());
    assert!(!path.exists());
}

#[test]
fn an_edit_that_was_applied_is_not_shown_any_more() {
    let (_folder, path) = file_with(state());
    clear(&path, Some("users")).unwrap();
    let mut file = StateFile::open(&path).unwrap();
    let id = file.state().edits[0].id.clone();
    let (partition, mut entry) = entry("users", 2, 3);
    entry.state.edit = Some(id);
    file.stage([(partition, entry)]);
    file.save().unwrap();
    assert!(view(&path).unwrap().get("edits").is_none());
}
