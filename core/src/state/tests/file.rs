use std::fs;

use dstream_abi::ErrorKind;
use proptest::prelude::*;
use serde_json::json;

use super::{entry, state};
use crate::state::{State, StateError, StateFile};

fn refused(bytes: &[u8]) -> String {
    match State::from_text(bytes) {
        Err(StateError::Unusable(error)) => {
            assert!(error.hint_text().is_some(), "{error} says what to do next");
            error.message()
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_saved_state_is_read_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let mut file = StateFile::open(&path).unwrap();
    assert!(file.is_new());
    *file.state_mut() = state();
    file.save().unwrap();
    let read = StateFile::open(&path).unwrap();
    assert!(!read.is_new());
    assert_eq!(read.state(), file.state());
}

#[test]
fn the_file_is_readable_json_with_its_checksum_last() {
    let text = state().to_text();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["format"], 1);
    assert_eq!(value["bookmarks"]["orders"]["sequence"], 3);
    assert_eq!(value["bookmarks"]["orders"]["bookmark"]["id"], 7);
    let keys: Vec<_> = value.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["format", "pipeline", "run", "written_at", "authority", "bookmarks", "sha256"]);
    assert!(text.lines().count() > 20, "{text}");
}

#[test]
fn every_single_bit_flip_is_detected() {
    let text = state().to_text().into_bytes();
    let mut tried = 0;
    for at in 0..text.len() * 8 {
        let mut flipped = text.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        refused(&flipped);
        tried += 1;
    }
    println!("{tried} flips");
    assert!(tried > 5_000, "{tried} flips: the state of this test has become small");
}

#[test]
fn every_truncation_is_detected() {
    let text = state().to_text().into_bytes();
    for length in 0..text.len() {
        refused(&text[..length]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_replaces_some_bytes_is_detected(at in 0_usize..1_000, other in prop::collection::vec(any::<u8>(), 1..8)) {
        let text = state().to_text().into_bytes();
        let mut changed = text.clone();
        let at = at % (text.len() - other.len());
        changed[at..at + other.len()].copy_from_slice(&other);
        prop_assume!(changed != text);
        refused(&changed);
    }
}

#[test]
fn an_empty_a_foreign_and_a_newer_file_say_what_they_are() {
    assert!(refused(b"").contains("is empty"));
    assert!(refused(b"\n \n").contains("is empty"));
    assert!(refused(b"\xff\xfe").contains("is not text"));
    assert!(refused(b"{\"bookmarks\": {}}").contains("is not one of dstreams"));
    assert!(refused(b"[1, 2]").contains("is not one of dstreams"));
    let newer = state().to_text().replace("\"format\": 1", "\"format\": 2");
    assert!(refused(newer.as_bytes()).contains("has format 2"));
}

#[test]
fn the_content_before_is_kept_beside_it_for_the_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let mut file = StateFile::open(&path).unwrap();
    *file.state_mut() = state();
    file.save().unwrap();
    for position in 8..11 {
        file.stage([entry("orders", position, position)]);
        file.save().unwrap();
    }
    let previous = StateFile::open(&folder.path().join("state.json.prev")).unwrap();
    assert_eq!(previous.state().bookmarks["orders"].sequence, 9);
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["state.json", "state.json.prev"], "no temporary file is left");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_save_that_fails_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let mut file = StateFile::open(&path).unwrap();
    *file.state_mut() = state();
    file.save().unwrap();
    // A folder that is not empty cannot be replaced by a file: keeping the previous content fails.
    fs::create_dir(folder.path().join("state.json.prev")).unwrap();
    fs::write(folder.path().join("state.json.prev/x"), "").unwrap();
    file.stage([entry("orders", 9, 9)]);
    assert!(file.save().is_err());
    assert_eq!(StateFile::open(&path).unwrap().state().bookmarks["orders"].sequence, 3);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file is left");
}

#[test]
fn a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real.json");
    let link = folder.path().join("link.json");
    let mut file = StateFile::open(&real).unwrap();
    file.save().unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut file = StateFile::open(&link).unwrap();
        *file.state_mut() = state();
        file.save().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(StateFile::open(&real).unwrap().state().bookmarks.len(), 2);
    }
}

#[test]
fn a_path_that_cannot_be_written_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |path: &std::path::Path| StateFile::check_writable(path).unwrap_err().error().kind();
    assert_eq!(kind(folder.path()), ErrorKind::Config);
    assert_eq!(kind(&folder.path().join("missing/state.json")), ErrorKind::Config);
    fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(kind(&folder.path().join("file/state.json")), ErrorKind::Config);
    StateFile::check_writable(&folder.path().join("state.json")).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn a_singer_state_message_carries_the_whole_state() {
    assert_eq!(State::from_value(state().to_value()).unwrap(), state());
    assert!(State::from_value(json!({ "bookmarks": {} })).is_err());
    assert!(State::from_value(json!({ "format": 2 })).is_err());
}

#[test]
fn an_older_commit_never_replaces_a_newer_one() {
    let mut state = state();
    state.absorb([entry("orders", 2, 1), entry("users", 2, 9), entry("new", 1, 1)]);
    let sequences: Vec<_> = state.bookmarks.values().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, [1, 3, 2], "new, orders, users");
}

#[test]
fn what_a_killed_run_left_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let others =
        ["state.json", "state.json.prev", "state.json.lock", "state.json.tmp", "other.json.12-0.tmp"];
    for name in others.iter().chain(&["state.json.12-0.tmp", "state.json.4711-13.tmp"]) {
        fs::write(folder.path().join(name), "{}").unwrap();
    }
    crate::state::remove_leftovers(&path);
    let mut left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    let mut others = others.map(std::ffi::OsString::from);
    others.sort();
    assert_eq!(left, others);
}
