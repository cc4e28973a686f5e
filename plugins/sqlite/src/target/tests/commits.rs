//! Rows and records: both or neither, and once.

use super::kit::*;
use dstream_sdk::*;
use serde_json::json;

#[test]
fn rows_and_record_become_visible_together() {
    let place = place();
    let run = place.run();
    let mut writer = run.writer(&[plan("t", WriteMode::Append)]);
    writer.declare(0, 1, people(&[]).schema()).unwrap();
    writer.write(0, 1, people(&[(1, "a"), (2, "b")]).into()).unwrap();
    let prepared = writer.prepare(1).unwrap();
    assert_eq!(prepared.rows, 2);
    assert!(place.tables().is_empty());
    run.target.commit(&run.commit_of(prepared, "t", 1)).unwrap();
    assert_eq!(place.rows("SELECT * FROM t"), ["1|a", "2|b"]);

    let begun = place.run().begun;
    assert_eq!(begun.epoch, 2);
    assert_eq!(begun.records, [CommitRecord { key: "t".into(), sequence: 1, value: json!({"at": 1}) }]);
}

#[test]
fn a_writer_commits_one_window_after_the_other() {
    let place = place();
    let run = place.run();
    let mut writer = run.writer(&[plan("t", WriteMode::Append)]);
    writer.declare(0, 1, numbers(0..0).schema()).unwrap();
    for window in 1..=5u64 {
        let first = window as i64 * 10;
        writer.write(0, 1, numbers(first..first + 10).into()).unwrap();
        let prepared = writer.prepare(window).unwrap();
        run.target.commit(&run.commit_of(prepared, "t", window)).unwrap();
        assert_eq!(place.count("t"), window * 10);
    }
}

#[test]
fn a_commit_that_was_done_is_ok_and_does_nothing() {
    let place = place();
    let run = place.run();
    let mut writer = run.writer(&[plan("t", WriteMode::Append)]);
    writer.declare(0, 1, numbers(0..0).schema()).unwrap();
    writer.write(0, 1, numbers(0..3).into()).unwrap();
    let commit = run.commit_of(writer.prepare(1).unwrap(), "t", 1);
    run.target.commit(&commit).unwrap();
    run.target.commit(&commit).unwrap();
    drop(writer);
    run.target.commit(&commit).unwrap();
    assert_eq!(place.count("t"), 3);
}

#[test]
fn a_record_that_does_not_follow_is_refused_with_its_rows() {
    let place = place();
    let run = place.run();
    run.sync(&plan("t", WriteMode::Append), &[numbers(0..3)]).unwrap();
    for sequence in [0, 3, 9] {
        let mut writer = run.writer(&[plan("t", WriteMode::Append)]);
        writer.declare(0, 1, numbers(0..0).schema()).unwrap();
        writer.write(0, 1, numbers(3..6).into()).unwrap();
        let commit = run.commit_of(writer.prepare(1).unwrap(), "t", sequence);
        assert_error(run.target.commit(&commit), ErrorKind::Bug, &["sequence"]);
    }
    assert_eq!(place.count("t"), 3);
}

#[test]
fn a_commit_of_an_older_run_is_fenced_and_changes_nothing() {
    let place = place();
    let old = place.run();
    let mut writer = old.writer(&[plan("t", WriteMode::Append)]);
    writer.declare(0, 1, numbers(0..0).schema()).unwrap();
    writer.write(0, 1, numbers(0..3).into()).unwrap();
    let commit = old.commit_of(writer.prepare(1).unwrap(), "t", 1);

    let new = place.run();
    assert_error(old.target.commit(&commit), ErrorKind::Fenced, &["took over"]);
    assert!(place.tables().is_empty());
    new.sync(&plan("t", WriteMode::Append), &[numbers(0..3)]).unwrap();
    // The same sequence is stored now, by another run: that is not this commit.
    assert_error(old.target.commit(&commit), ErrorKind::Fenced, &[]);
    assert_eq!(place.count("t"), 3);
}

#[test]
fn the_run_of_another_pipeline_fences_nobody() {
    let place = place();
    let (one, two) = (place.run_of("one"), place.run_of("two"));
    one.sync(&plan("a", WriteMode::Append), &[numbers(0..1)]).unwrap();
    two.sync(&plan("b", WriteMode::Append), &[numbers(0..2)]).unwrap();
    assert_eq!((place.count("a"), place.count("b")), (1, 2));
    assert_eq!(place.run_of("one").begun.records.len(), 1);
}

#[test]
fn what_was_written_and_not_committed_is_gone_with_its_writer() {
    let place = place();
    let run = place.run();
    for bytes in [u64::MAX, 0] {
        for is_prepared in [false, true] {
            let mut writer = run.writer_with(&[plan("t", WriteMode::Append)], bytes);
            writer.declare(0, 1, numbers(0..0).schema()).unwrap();
            writer.write(0, 1, numbers(0..1000).into()).unwrap();
            writer.write(0, 1, numbers(0..1000).into()).unwrap();
            if is_prepared {
                writer.prepare(1).unwrap();
            }
            drop(writer);
            assert!(place.tables().is_empty());
        }
    }
    // The file is free: nobody's transaction is left open.
    place.run_of("other").sync(&plan("u", WriteMode::Append), &[numbers(0..1)]).unwrap();
    run.sync(&plan("t", WriteMode::Append), &[numbers(0..7)]).unwrap();
    assert_eq!(place.count("t"), 7);
    let left: Vec<_> =
        std::fs::read_dir(place.folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_str().unwrap().starts_with("out.db")), "{left:?}");
}

#[test]
fn a_prepared_window_whose_writer_is_gone_cannot_be_committed() {
    let place = place();
    let run = place.run();
    let mut writer = run.writer(&[plan("t", WriteMode::Append)]);
    writer.declare(0, 1, numbers(0..0).schema()).unwrap();
    writer.write(0, 1, numbers(0..3).into()).unwrap();
    let commit = run.commit_of(writer.prepare(1).unwrap(), "t", 1);
    drop(writer);
    assert_error(run.target.commit(&commit), ErrorKind::Unavailable, &["window 1", "`t`"]);
    assert!(place.tables().is_empty());
}

#[test]
fn windows_of_one_commit_become_visible_together_or_not_at_all() {
    let place = place();
    let run = place.run();
    let prepare = |stream: &str, name: &str| {
        let mut writer = run.writer_with(&[plan(stream, WriteMode::Append)], 0);
        writer.declare(0, 1, people(&[]).schema()).unwrap();
        writer.write(0, 1, people(&[(1, name)]).into()).unwrap();
        let prepared = writer.prepare(1).unwrap();
        (writer, CommitWindow { window: 1, partition: stream.into(), prepared })
    };
    place.sql("CREATE TABLE picky (id INTEGER, name TEXT CHECK (name <> 'no'))");
    let (_a, first) = prepare("a", "yes");
    let mut picky = plan("picky", WriteMode::Append);
    picky.write_mode_is_explicit = true;
    let mut writer = run.writer(&[picky]);
    writer.declare(0, 1, people(&[]).schema()).unwrap();
    writer.write(0, 1, people(&[(1, "ok"), (2, "no")]).into()).unwrap();
    let second = CommitWindow { window: 1, partition: "picky".into(), prepared: writer.prepare(1).unwrap() };
    let commit = Commit {
        pipeline: "p".into(),
        epoch: run.begun.epoch,
        windows: vec![first, second],
        records: vec![CommitRecord { key: "a".into(), sequence: 1, value: json!(1) }],
        publish: vec![],
    };
    assert_error(run.target.commit(&commit), ErrorKind::Data, &["`picky`", "CHECK"]);
    assert_eq!(place.count("picky"), 0);
    assert_eq!(place.tables(), ["picky"]);
    assert!(place.run().begun.records.is_empty());
}

#[test]
fn a_failed_commit_can_be_tried_again_with_all_its_rows() {
    let place = place();
    let run = place.run();
    for (bytes, sequence) in [(u64::MAX, 1), (0, 2)] {
        let mut writer = run.writer_with(&[plan("t", WriteMode::Append)], bytes);
        writer.declare(0, 1, numbers(0..0).schema()).unwrap();
        let commit_now =
            |writer: &mut Box<dyn Writer>| run.commit_of(writer.prepare(1).unwrap(), "t", sequence);
        let other = rusqlite::Connection::open(&place.path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        writer.write(0, 1, numbers(0..10).into()).unwrap();
        let commit = commit_now(&mut writer);
        assert_error(run.target.commit(&commit), ErrorKind::Unavailable, &["is locked by", HOLDER]);
        other.execute_batch("ROLLBACK").unwrap();
        run.target.commit(&commit).unwrap();
        assert_eq!(place.count("t"), 10 * sequence);
    }
}

#[test]
fn a_record_without_rows_is_stored() {
    let place = place();
    let run = place.run();
    let commit = Commit {
        pipeline: "p".into(),
        epoch: run.begun.epoch,
        records: vec![CommitRecord { key: "plan".into(), sequence: 1, value: json!({"parts": [1, 2]}) }],
        ..Commit::default()
    };
    run.target.commit(&commit).unwrap();
    assert_eq!(place.run().begun.records[0].value, json!({"parts": [1, 2]}));
}

#[test]
fn a_record_keeps_its_value_to_the_last_digit() {
    let place = place();
    let run = place.run();
    let value = json!({"z": 9_007_199_254_740_993_i64, "a": "\u{0}\"é", "f": 0.1, "big": u64::MAX});
    let commit = Commit {
        pipeline: "p".into(),
        epoch: run.begun.epoch,
        records: vec![CommitRecord { key: "k".into(), sequence: 1, value: value.clone() }],
        ..Commit::default()
    };
    run.target.commit(&commit).unwrap();
    assert_eq!(place.run().begun.records[0].value.to_string(), value.to_string());
}
