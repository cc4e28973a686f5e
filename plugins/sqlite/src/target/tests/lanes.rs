//! Several writers at once.

use super::kit::*;
use dstream_sdk::*;
use std::sync::Mutex;

#[test]
fn writers_in_threads_all_make_progress() {
    let place = place();
    let run = place.run();
    std::thread::scope(|scope| {
        for lane in 0..4 {
            let run = &run;
            scope.spawn(move || {
                let stream = format!("t{lane}");
                let mut writer = run.writer_with(
                    &[plan(&stream, WriteMode::Append)],
                    if lane % 2 == 0 { 0 } else { 1 << 30 },
                );
                writer.declare(0, 1, numbers(0..0).schema()).unwrap();
                for window in 1..=10u64 {
                    for _ in 0..5 {
                        writer.write(0, 1, numbers(0..100).into()).unwrap();
                    }
                    let prepared = writer.prepare(window).unwrap();
                    run.target.commit(&run.commit_of(prepared, &stream, window)).unwrap();
                }
            });
        }
    });
    for lane in 0..4 {
        assert_eq!(place.count(&format!("t{lane}")), 5_000);
    }
}

#[test]
fn commits_may_come_from_one_thread_in_any_order() {
    let place = place();
    let run = place.run();
    let (plans, bytes) = ([plan("a", WriteMode::Append), plan("b", WriteMode::Append)], [0, u64::MAX]);
    for order in [[0, 1], [1, 0]] {
        for bytes in [bytes, [0, 0]] {
            let sequence = 1 + place.run_of("look").begun.epoch;
            let mut prepared = Vec::new();
            let mut writers = Vec::new();
            for (plan, bytes) in plans.iter().zip(bytes) {
                // The first is alone for a while and writes ahead.
                let mut writer = run.writer_with(std::slice::from_ref(plan), bytes);
                writer.declare(0, 1, numbers(0..0).schema()).unwrap();
                for _ in 0..3 {
                    writer.write(0, 1, numbers(0..100).into()).unwrap();
                }
                writers.push(writer);
            }
            for writer in &mut writers {
                writer.write(0, 1, numbers(0..100).into()).unwrap();
                prepared.push(Some(writer.prepare(1).unwrap()));
            }
            for at in order {
                let commit = run.commit_of(prepared[at].take().unwrap(), &format!("{at}-{sequence}"), 1);
                run.target.commit(&commit).unwrap();
            }
        }
    }
    assert_eq!((place.count("a"), place.count("b")), (1_600, 1_600));
}

#[test]
fn a_large_window_of_the_only_writer_is_written_before_its_commit() {
    let place = place();
    let run = place.run();
    let mut writer = run.writer_with(&[plan("t", WriteMode::Append)], 0);
    writer.declare(0, 1, numbers(0..0).schema()).unwrap();
    for window in 1..=3u64 {
        for at in 0..4 {
            writer.write(0, 1, numbers(at * 100..at * 100 + 100).into()).unwrap();
        }
        let other = rusqlite::Connection::open(&place.path).unwrap();
        other.busy_timeout(std::time::Duration::ZERO).unwrap();
        assert!(other.execute_batch("BEGIN IMMEDIATE").is_err(), "the transaction is open");
        let prepared = writer.prepare(window).unwrap();
        run.target.commit(&run.commit_of(prepared, "t", window)).unwrap();
        assert_eq!(place.count("t"), window * 400);
        assert_eq!(place.rows("SELECT count(DISTINCT id) FROM t"), ["400"]);
    }
}

#[test]
fn what_was_written_ahead_makes_way_and_is_not_lost() {
    let place = place();
    let run = place.run();
    let mut large = run.writer_with(&[plan("large", WriteMode::Append)], 0);
    large.declare(0, 1, numbers(0..0).schema()).unwrap();
    large.write(0, 1, numbers(0..10).into()).unwrap();
    let mut small = run.writer(&[plan("small", WriteMode::Append)]);
    small.declare(0, 1, numbers(0..0).schema()).unwrap();
    small.write(0, 1, numbers(0..1).into()).unwrap();
    let commit = run.commit_of(small.prepare(1).unwrap(), "small", 1);
    run.target.commit(&commit).unwrap();
    drop(small);
    large.write(0, 1, numbers(10..20).into()).unwrap();
    large.write(0, 1, numbers(20..30).into()).unwrap();
    let commit = run.commit_of(large.prepare(1).unwrap(), "large", 1);
    run.target.commit(&commit).unwrap();
    assert_eq!(place.rows("SELECT count(*), count(DISTINCT id) FROM large"), ["30|30"]);
}

#[test]
fn what_a_batch_declared_late_needs_is_made_too() {
    let place = place();
    let run = place.run();
    let plans = [plan("a", WriteMode::Append), plan("b", WriteMode::Append)];
    let mut writer = run.writer_with(&plans, 0);
    writer.declare(0, 1, numbers(0..0).schema()).unwrap();
    writer.write(0, 1, numbers(0..10).into()).unwrap();
    writer.declare(1, 1, people(&[]).schema()).unwrap();
    let commit = run.commit_of(writer.prepare(1).unwrap(), "a", 1);
    run.target.commit(&commit).unwrap();
    assert_eq!((place.count("a"), place.count("b")), (10, 0));
}

#[test]
fn a_cancelled_run_stops_waiting_for_the_file() {
    let place = place();
    let cancelled = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let config = serde_json::json!({
        "name": "out", "type": "sqlite", "connection": {"path": place.path}, "options": {"busy_timeout_ms": 3_600_000},
    });
    let config = serde_json::from_value(config).unwrap();
    let target = crate::SqliteTarget::open(Context::detached(cancelled.clone()), config).unwrap();
    let run = Session::begin(target, "p");
    let other = Mutex::new(rusqlite::Connection::open(&place.path).unwrap());
    other.lock().unwrap().execute_batch("BEGIN IMMEDIATE").unwrap();
    cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    let outcome = run.sync(&plan("t", WriteMode::Append), &[numbers(0..1)]);
    assert_error(outcome, ErrorKind::Cancelled, &["out.db"]);
}
