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
    assert_eq!(place.count("t"), 0);
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
    for mode in [WriteMode::Append, WriteMode::Upsert] {
        let table = mode.to_string();
        let mut writer = run.writer(&[plan(&table, mode)]);
        writer.declare(0, 1, numbers(0..0).schema()).unwrap();
        for window in 1..=5u64 {
            let first = window as i64 * 10;
            writer.write(0, 1, numbers(first..first + 10).into()).unwrap();
            let prepared = writer.prepare(window).unwrap();
            run.target.commit(&run.commit_of(prepared, &table, window)).unwrap();
            assert_eq!(place.count(&table), window * 10);
        }
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
fn rows_sent_again_under_a_record_that_is_stored_are_dropped() {
    let place = place();
    let run = place.run();
    for _ in 0..2 {
        let mut writer = run.writer(&[plan("t", WriteMode::Append)]);
        writer.declare(0, 1, numbers(0..0).schema()).unwrap();
        writer.write(0, 1, numbers(0..3).into()).unwrap();
        run.target.commit(&run.commit_of(writer.prepare(1).unwrap(), "t", 1)).unwrap();
    }
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
    assert_eq!(place.count("t"), 0);
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
    for mode in [WriteMode::Append, WriteMode::Upsert] {
        let plan = plan(&mode.to_string(), mode);
        for is_prepared in [false, true] {
            let mut writer = run.writer(std::slice::from_ref(&plan));
            writer.declare(0, 1, numbers(0..0).schema()).unwrap();
            writer.write(0, 1, numbers(0..100_000).into()).unwrap();
            if is_prepared {
                writer.prepare(1).unwrap();
            }
        }
        run.sync(&plan, &[numbers(0..7)]).unwrap();
        assert_eq!(place.count(&plan.table), 7);
    }
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
    assert_eq!(place.count("t"), 0);
}

#[test]
fn a_commit_has_one_window() {
    let place = place();
    let run = place.run();
    let window = |key: &str| CommitWindow { window: 1, partition: key.into(), prepared: Prepared::default() };
    let commit = Commit {
        pipeline: "p".into(),
        epoch: run.begun.epoch,
        windows: vec![window("a"), window("b")],
        ..Commit::default()
    };
    assert_error(run.target.commit(&commit), ErrorKind::Unsupported, &["several windows"]);
}

#[test]
fn streams_of_one_partition_are_committed_together() {
    let place = place();
    let run = place.run();
    let plans = [plan("a", WriteMode::Append), plan("b", WriteMode::Upsert), plan("c", WriteMode::Upsert)];
    let mut writer = run.writer(&plans);
    for stream in 0..3 {
        writer.declare(stream, 1, people(&[]).schema()).unwrap();
    }
    // In turn: a COPY of one ends that of another.
    for round in 0..20 {
        for stream in 0..3 {
            writer.write(stream, 1, people(&[(round % 7, &format!("{round}"))]).into()).unwrap();
        }
    }
    let prepared = writer.prepare(1).unwrap();
    assert_eq!(prepared.rows, 60);
    assert_eq!(place.count("a") + place.count("b") + place.count("c"), 0);
    run.target.commit(&run.commit_of(prepared, "a", 1)).unwrap();
    assert_eq!(place.count("a"), 20);
    for table in ["b", "c"] {
        let newest = ["0|14", "1|15", "2|16", "3|17", "4|18", "5|19", "6|13"];
        assert_eq!(place.rows(&format!("SELECT * FROM {table} ORDER BY id")), newest);
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

#[test]
fn writing_before_begin_is_refused() {
    let place = place();
    assert_error(place.target().commit(&Commit::default()), ErrorKind::Bug, &["begin"]);
}

#[test]
fn runs_that_begin_at_once_make_the_tables_once_and_get_different_epochs() {
    let place = place();
    let mut epochs = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| place.run().begun.epoch)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    epochs.sort();
    assert_eq!(epochs, (1..=8).collect::<Vec<_>>());
}

#[test]
fn a_session_in_the_middle_of_its_rows_belongs_to_the_window_alone() {
    let place = place();
    let run = place.run();
    let mut writer = run.writer(&[plan("t", WriteMode::Append)]);
    writer.declare(0, 1, numbers(0..0).schema()).unwrap();
    for at in 0..10 {
        writer.write(0, 1, numbers(at * 100_000..(at + 1) * 100_000).into()).unwrap();
    }
    // Another writer of the same table, and a reader, are not kept waiting.
    run.sync(&plan("t", WriteMode::Append), &[numbers(0..3)]).unwrap();
    assert_eq!(place.count("t"), 3);
    let prepared = writer.prepare(2).unwrap();
    assert_eq!(prepared.rows, 1_000_000);
    run.target.commit(&run.commit_of(prepared, "u", 1)).unwrap();
    assert_eq!(
        place.rows("SELECT count(*), count(DISTINCT id), sum(id) FROM t"),
        ["1000003|1000000|499999500003"]
    );
}
