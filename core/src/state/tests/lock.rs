use crate::state::{RunLock, StateError};

fn locked(result: Result<RunLock, StateError>) -> String {
    match result {
        Err(StateError::Locked(error)) => error.to_string(),
        other => panic!("not locked: {other:?}"),
    }
}

#[test]
fn a_second_run_of_a_pipeline_is_told_who_runs() {
    let folder = tempfile::tempdir().unwrap();
    let first = RunLock::acquire_in(folder.path(), "a/b", None).unwrap();
    let message = locked(RunLock::acquire_in(folder.path(), "a/b", None));
    assert!(message.contains("pipeline `a/b` is already running"), "{message}");
    assert!(message.contains(&format!("pid {} on ", std::process::id())), "{message}");
    assert!(message.contains(" since 20"), "{message}");
    RunLock::acquire_in(folder.path(), "a/c", None).unwrap();
    drop(first);
    RunLock::acquire_in(folder.path(), "a/b", None).unwrap();
}

#[test]
fn two_pipelines_do_not_share_a_state_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let _first = RunLock::acquire_in(folder.path(), "a/b", Some(&state)).unwrap();
    let message = locked(RunLock::acquire_in(folder.path(), "a/c", Some(&state)));
    assert!(message.contains("state.json` is used by another run"), "{message}");
}

#[test]
fn the_lock_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    drop(RunLock::acquire_in(folder.path(), "a/b", None).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
