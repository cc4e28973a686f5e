//! A run ends at every call of its store that changes something, once before and once after it: the next one completes,
//! and at no moment does a reader find a number twice, or one of a copy that is not complete.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dstream_sdk::WriteMode;

use super::faults::{Faulty, When};
use super::world::{Kind, Mode, World, mode};

/// Runs into faults at call after call until a run meets none; answers how many there were.
fn sweep(
    kind: &Kind,
    first: impl Fn(&World),
    faulty: Mode,
    end: i64,
    allowed: impl Fn(&[i64]) -> bool,
) -> i64 {
    let mut calls = 0;
    for when in [When::Before, When::After] {
        for at in 0.. {
            let world = World::of(kind);
            first(&world);
            let left = Arc::new(AtomicI64::new(at));
            let counter = left.clone();
            let target = world.target_with(move |store| Arc::new(Faulty::new(store, counter.clone(), when)));
            let outcome = world.begin(&target).and_then(|run| world.finish(&target, run, faulty, end));
            drop(target);
            let seen = world.visible();
            assert!(allowed(&seen), "{kind:?}: after call {at} ({when:?}) a reader finds {seen:?}");
            let is_done = left.load(Ordering::Relaxed) >= 0;
            assert_eq!(outcome.is_ok(), is_done, "{kind:?}: call {at} ({when:?})");
            world.run(faulty, end).unwrap();
            assert_eq!(world.visible(), (0..end).collect::<Vec<_>>(), "{kind:?}: call {at} ({when:?})");
            assert!(world.staged().is_empty(), "call {at} ({when:?}): {:?}", world.staged());
            if is_done {
                break;
            }
            calls += 1;
        }
    }
    calls
}

/// Numbers from 0 on, in whole windows.
fn is_whole(seen: &[i64], end: i64) -> bool {
    let count = seen.len() as i64;
    seen.iter().copied().eq(0..count) && (count % 10 == 0 || count == end)
}

/// Kinds wait for the disk most of the time.
fn at_once(check: impl Fn(&Kind) + Sync) {
    std::thread::scope(|scope| {
        for kind in Kind::all().into_iter().chain(Kind::in_buckets()) {
            let check = &check;
            scope.spawn(move || check(&kind));
        }
    });
}

#[test]
fn a_run_that_appends_may_end_anywhere() {
    let append = mode(WriteMode::Append);
    at_once(|kind| {
        let calls = sweep(
            kind,
            |world| world.run(append, 15).unwrap(),
            append,
            42,
            |seen| seen.len() >= 15 && seen.iter().copied().eq(0..seen.len() as i64),
        );
        assert!(calls > 30, "{kind:?}: {calls} calls");
        let calls = sweep(
            kind,
            |_| {},
            append,
            25,
            |seen| {
                // Between renames of one commit some files are there, and others are not yet.
                is_whole(seen, 25) || format!("{kind:?}").contains("max_file")
            },
        );
        assert!(calls > 20, "{kind:?}: {calls} calls");
    });
}

#[test]
fn a_run_that_overwrites_may_end_anywhere() {
    let (old, new) = (mode(WriteMode::Overwrite), Mode { generation: 2, ..mode(WriteMode::Overwrite) });
    let all = |end: i64| (0..end).collect::<Vec<_>>();
    at_once(|kind| {
        let first = |world: &World| world.run(old, 15).unwrap();
        // Where nothing can be exchanged, the new files come before the old ones go: never are there no rows.
        let both: Vec<i64> =
            (0..32).flat_map(|n| std::iter::repeat_n(n, if n < 15 { 2 } else { 1 })).collect();
        let is_both = |seen: &[i64]| kind.is_in_bucket() && seen == both;
        let allowed = |seen: &[i64]| seen == all(15) || seen == all(32) || is_both(seen);
        let calls = sweep(kind, first, new, 32, allowed);
        assert!(calls > 30, "{kind:?}: {calls} calls");
        let calls = sweep(kind, |_| {}, old, 12, |seen| seen.is_empty() || seen == all(12));
        assert!(calls >= 20, "{kind:?}: {calls} calls");
    });
}
