//! Several writers at once.

use super::kit::*;
use dstream_sdk::*;
use std::sync::Arc;

#[test]
fn writers_in_threads_all_make_progress() {
    let place = place();
    let run = place.run();
    let (target, begun) = (&run.target, &run.begun);
    std::thread::scope(|scope| {
        for lane in 0..4 {
            scope.spawn(move || {
                let stream = format!("t{}", lane % 3);
                let mode = if lane % 3 == 0 { WriteMode::Upsert } else { WriteMode::Append };
                let key = format!("{stream}/{lane}");
                let plan = plan(&stream, mode);
                let mut writer =
                    target.open_writer(context(), request("p", begun.epoch, &plan, &key)).unwrap();
                writer.declare(0, 1, numbers(0..0).schema()).unwrap();
                for window in 1..=5u64 {
                    for part in 0..5 {
                        // Lanes 0 and 3 share a table, and have keys of their own.
                        let first = lane * 1_000_000 + window as i64 * 10_000 + part * 100;
                        writer.write(0, 1, numbers(first..first + 100).into()).unwrap();
                    }
                    let prepared = writer.prepare(window).unwrap();
                    target.commit(&commit_of("p", begun.epoch, prepared, &key, window)).unwrap();
                }
            });
        }
    });
    assert_eq!((place.count("t0"), place.count("t1"), place.count("t2")), (5_000, 2_500, 2_500));
}

#[test]
fn partitions_that_are_declared_at_once_make_their_table_once() {
    for mode in [WriteMode::Append, WriteMode::Upsert, WriteMode::Overwrite] {
        let place = place();
        let run = place.run();
        let (target, begun) = (&run.target, &run.begun);
        let plan = plan("t", mode);
        let prepared: Vec<_> = std::thread::scope(|scope| {
            let lane = |lane: i64| {
                let plan = &plan;
                scope.spawn(move || {
                    let key = format!("t/{lane}");
                    let mut writer =
                        target.open_writer(context(), request("p", begun.epoch, plan, &key)).unwrap();
                    writer.declare(0, 1, people(&[]).schema()).unwrap();
                    writer.write(0, 1, people(&[(lane, "x")]).into()).unwrap();
                    let prepared = writer.prepare(1).unwrap();
                    (key, writer, prepared)
                })
            };
            let threads: Vec<_> = (0..6).map(lane).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let last = prepared.len() - 1;
        for (at, (key, writer, window)) in prepared.into_iter().enumerate() {
            let mut commit = commit_of("p", begun.epoch, window, &key, 1);
            if at == last {
                commit.publish = vec![plan.clone()];
            }
            run.target.commit(&commit).unwrap();
            drop(writer);
        }
        assert_eq!(place.rows("SELECT count(*), count(DISTINCT id) FROM t"), ["6|6"], "{mode}");
    }
}

#[test]
fn a_column_that_comes_up_in_one_partition_waits_for_the_windows_of_the_others() {
    let place = place();
    let run = place.run();
    let (target, epoch) = (&run.target, run.begun.epoch);
    let plan = plan("t", WriteMode::Append);
    let mut narrow = target.open_writer(context(), request("p", epoch, &plan, "t/0")).unwrap();
    narrow.declare(0, 1, numbers(0..0).schema()).unwrap();
    narrow.write(0, 1, numbers(0..5).into()).unwrap();
    let window = narrow.prepare(1).unwrap();
    let started = Arc::new(std::sync::Barrier::new(2));
    std::thread::scope(|scope| {
        let (barrier, plan) = (started.clone(), &plan);
        let wide = scope.spawn(move || {
            let mut wide = target.open_writer(context(), request("p", epoch, plan, "t/1")).unwrap();
            barrier.wait();
            wide.declare(0, 1, people(&[]).schema()).unwrap();
            wide.write(0, 1, people(&[(9, "x")]).into()).unwrap();
            let prepared = wide.prepare(2).unwrap();
            target.commit(&commit_of("p", epoch, prepared, "t/1", 1)).unwrap();
        });
        started.wait();
        target.commit(&commit_of("p", epoch, window, "t/0", 1)).unwrap();
        wide.join().unwrap();
    });
    // The first partition goes on with its columns.
    narrow.write(0, 1, numbers(5..7).into()).unwrap();
    let window = narrow.prepare(3).unwrap();
    target.commit(&commit_of("p", epoch, window, "t/0", 2)).unwrap();
    assert_eq!(place.rows("SELECT count(*), count(name) FROM t"), ["8|1"]);
}
