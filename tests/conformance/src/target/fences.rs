//! One run at a time, several writers in it.

use dstream_abi::ErrorKind;

use super::commits::{any_mode, check_records};
use super::run::{Run, begin_as, name, plan, record, run_name};
use crate::rows::rows;
use crate::subject::Subject;
use crate::verdict::{Step, Stop, While, ensure, fail};

/// The number of a run rises, whoever asks.
pub(crate) fn epochs_rise(subject: &Subject<'_>) -> Step<String> {
    let pipeline = name(subject, "epochs");
    let mut run = Run::begin(subject, &pipeline)?;
    let mut epochs = vec![run.begun.epoch];
    run.begin_again()?;
    epochs.push(run.begun.epoch);
    drop(run);
    epochs.push(Run::begin(subject, &pipeline)?.begun.epoch);
    ensure(epochs[0] > 0 && epochs.is_sorted_by(|a, b| a < b), || format!("the epochs are {epochs:?}"))?;
    Ok(format!("{epochs:?}"))
}

/// Once a newer run has begun, nothing of an older one is committed any more.
pub(crate) fn an_older_run_is_fenced(subject: &Subject<'_>) -> Step<String> {
    for (label, is_same_target) in [("fence_a", false), ("fence_b", true)] {
        fence(subject, label, is_same_target).during(|| match is_same_target {
            true => "the newer run has the same target".to_owned(),
            false => "the newer run has a target of its own".to_owned(),
        })?;
    }
    Ok(String::new())
}

fn fence(subject: &Subject<'_>, label: &str, is_same_target: bool) -> Step {
    let table = name(subject, label);
    let mode = any_mode(subject)?;
    let mut old = Run::begin(subject, &table)?;
    let mut lane = old.lane(plan(&table, mode))?;
    old.commit_rows(&mut lane, &rows(0..10), 1)?;
    // Prepared before the other run begins, committed after.
    lane.write(&rows(50..60))?;
    let window = lane.prepare()?;
    let late = old.commit_of(vec![window], vec![record(&table, 2)]);
    let new = match is_same_target {
        true => {
            old.begin_again()?;
            None
        }
        false => Some(Run::begin(subject, &table)?),
    };
    match old.target.commit(&late).map_err(|error| (error.kind(), error)) {
        Err((ErrorKind::Fenced, _)) => {}
        Err((kind, error)) => {
            return fail(format!("a late commit: `{}` in place of `fenced`: {error}", kind.name()));
        }
        Ok(()) => return fail("the commit of an older run was taken"),
    }
    subject.check_rows(&table, &rows(0..10)).during(|| "after a commit that was fenced".to_owned())?;
    drop(lane);
    // The newer run is not disturbed.
    let current = new.as_ref().unwrap_or(&old);
    let known: Vec<_> =
        current.begun.records.iter().map(|record| (record.key.as_str(), record.sequence)).collect();
    ensure(known == [(table.as_str(), 1)], || format!("the newer run got the records {known:?}"))?;
    let mut lane = current.lane(plan(&table, mode))?;
    current.commit_rows(&mut lane, &rows(10..20), 2).during(|| "the newer run".to_owned())?;
    drop((lane, new, old));
    subject.check_rows(&table, &rows(0..20))?;
    check_records(subject, &table, &[record(&table, 2)])
}

/// A run may begin again, unless another one took over; that one is not disturbed.
pub(crate) fn a_run_that_was_taken_over_stays_so(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "taken");
    let mode = any_mode(subject)?;
    let old = subject.open_target().during(|| "opening the target".to_owned())?;
    let run = run_name();
    let mut epochs = Vec::new();
    for time in ["first", "second"] {
        let begun = begin_as(&*old, &table, &run).during(|| format!("the {time} `begin` of one run"))?;
        epochs.push(begun.epoch);
    }
    let new = Run::begin(subject, &table)?;
    let mut lane = new.lane(plan(&table, mode))?;
    lane.write(&rows(0..10))?;
    match begin_as(&*old, &table, &run).map_err(|error| (error.kind(), error)) {
        Err((ErrorKind::Fenced, _)) => {}
        Err((kind, error)) => {
            return fail(format!("a `begin` again: `{}` in place of `fenced`: {error}", kind.name()));
        }
        Ok(_) => return fail("a run that was taken over has taken over itself, by beginning again"),
    }
    let window = lane.prepare()?;
    new.commit(vec![window], vec![record(&table, 1)]).during(|| "the newer run".to_owned())?;
    drop((lane, new, old));
    subject.check_rows(&table, &rows(0..10))?;
    ensure(epochs.is_sorted_by(|a, b| a < b), || format!("the epochs are {epochs:?}"))?;
    Ok(String::new())
}

/// Writers of one run work at the same time, on one table or on several, and are committed one by one, in any order.
pub(crate) fn writers_do_not_disturb_each_other(subject: &Subject<'_>) -> Step<String> {
    let (left, right) = (name(subject, "left"), name(subject, "right"));
    let mode = any_mode(subject)?;
    let run = Run::begin(subject, &left)?;
    let open = |table: &str, partition: &str| -> Step<_> {
        let mut lane = run.open_lane_of(plan(table, mode), partition, 32 << 20)?;
        lane.declare(crate::rows::schema())?;
        Ok(lane)
    };
    // Two partitions of one stream, and another stream.
    let mut lanes = vec![open(&left, "left/0")?, open(&left, "left/1")?, open(&right, &right)?];
    let windows = std::thread::scope(|scope| {
        let write = |(lane, from): (&'_ mut super::run::Lane, i64)| -> Step<_> {
            for part in 0..5 {
                lane.write(&rows(from + part * 20..from + part * 20 + 20))?;
            }
            lane.prepare()
        };
        let threads: Vec<_> =
            lanes.iter_mut().zip([0, 100, 200]).map(|lane| scope.spawn(move || write(lane))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Step<_>>| {
            thread.join().unwrap_or_else(|_| Err(Stop::Failed("a thread that wrote panicked".to_owned())))
        };
        threads.into_iter().map(join).collect::<Step<Vec<_>>>()
    })?;
    let [first, second, third] = <[_; 3]>::try_from(windows).unwrap_or_else(|_| unreachable!("three lanes"));
    run.commit(vec![second], vec![record("left/1", 1)])?;
    subject.check_rows(&left, &rows(100..200)).during(|| "one of two writers is committed".to_owned())?;
    run.commit(vec![third], vec![record(&right, 1)])?;
    run.commit(vec![first], vec![record("left/0", 1)]).during(|| "the last of three writers".to_owned())?;
    // In turn, on one thread.
    for part in 0..3 {
        for (lane, from) in lanes.iter_mut().zip([1000, 2000, 3000]) {
            lane.write(&rows(from + part * 10..from + part * 10 + 10))?;
        }
    }
    let mut windows = Vec::new();
    for lane in &mut lanes {
        windows.push((lane.prepare()?, record(&lane.partition, 2)));
    }
    // All are prepared before the first is committed.
    for (window, record) in windows.into_iter().rev() {
        run.commit(vec![window], vec![record])?;
    }
    drop(lanes);
    drop(run);
    let of = |ranges: &[std::ops::Range<i64>]| ranges.iter().cloned().flat_map(rows).collect::<Vec<_>>();
    subject.check_rows(&left, &of(&[0..200, 1000..1030, 2000..2030]))?;
    subject.check_rows(&right, &of(&[200..300, 3000..3030]))?;
    check_records(subject, &left, &[record("left/0", 2), record("left/1", 2), record(&right, 2)])?;
    Ok("3 writers".to_owned())
}
