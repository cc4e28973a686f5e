//! The write modes.

use dstream_abi::{ErrorKind, WriteMode};

use super::commits::check_records;
use super::run::{Run, name, plan, record};
use crate::rows::{batch, reworded, rows, schema};
use crate::subject::Subject;
use crate::verdict::{Step, While, fail, skip};

/// Every record becomes a row, also one that was there before.
pub(crate) fn append_adds_every_record(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "append");
    let run = Run::begin(subject, &table)?;
    let mut lane = run.lane(plan(&table, WriteMode::Append))?;
    run.commit_rows(&mut lane, &rows(0..10), 1)?;
    run.commit_rows(&mut lane, &rows(5..15), 2)?;
    drop((lane, run));
    let wanted = [rows(0..10), rows(5..15)].concat();
    subject.check_rows(&table, &wanted)?;
    Ok(format!("{} rows", wanted.len()))
}

/// A record replaces the row with its key, wherever that row is: in this batch, in this window, in an older one.
pub(crate) fn upsert_keeps_the_newest(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "upsert");
    let run = Run::begin(subject, &table)?;
    let mut lane = run.lane(plan(&table, WriteMode::Upsert))?;
    let (old, newer, newest) = (rows(0..10), reworded(&rows(3..6), "newer"), reworded(&rows(4..5), "newest"));
    // Twice in one batch, and once more in the next batch of the window.
    let once = [&old[..], &newer[..]].concat();
    lane.write_batch(batch(&once)).during(|| "a key twice in a batch".to_owned())?;
    lane.write_batch(batch(&newest)).during(|| "a key in the next batch".to_owned())?;
    let window = lane.prepare()?;
    run.commit(vec![window], vec![record(&table, 1)])?;
    let mut wanted = old;
    wanted.splice(3..6, newer);
    wanted.splice(4..5, newest);
    subject.check_rows(&table, &wanted)?;
    let last = reworded(&rows(8..12), "last");
    run.commit_rows(&mut lane, &last, 2)?;
    drop((lane, run));
    wanted.truncate(8);
    wanted.extend(last);
    subject.check_rows(&table, &wanted)?;
    Ok(format!("{} rows", wanted.len()))
}

/// A record without a key cannot be found again: it is refused, and nothing of its window is kept.
pub(crate) fn a_null_in_a_key_is_refused(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "null_key");
    let run = Run::begin(subject, &table)?;
    let mut keyed = plan(&table, WriteMode::Upsert);
    keyed.key_properties = vec!["id".to_owned(), "word".to_owned()];
    let mut lane = run.open_lane(keyed.clone())?;
    // A key column that could hold nulls may be refused as such.
    let refused = lane.declare(schema()).and_then(|()| {
        lane.write_batch(batch(&reworded(&rows(0..5), "whole")))?;
        lane.write_batch(batch(&rows(5..8)))?;
        let window = lane.writer.prepare(1)?;
        let window = dstream_abi::CommitWindow { window: 1, partition: table.clone(), prepared: window };
        run.target.commit(&run.commit_of(vec![window], vec![record(&table, 1)]))
    });
    match refused.map_err(|error| (error.kind(), error)) {
        Err((ErrorKind::Data | ErrorKind::Schema, _)) => {}
        Err((kind, error)) => {
            return fail(format!("`{}` in place of `data`: {error}", kind.name()));
        }
        Ok(()) => return fail("a record with a null in its key was committed"),
    }
    drop((lane, run));
    subject.check_rows(&table, &[])?;
    check_records(subject, &table, &[])?;
    Ok(String::new())
}

/// A generation is built aside and takes the table's place when it is published, not before.
pub(crate) fn overwrite_swaps_when_published(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "swap");
    let first = plan(&table, WriteMode::Overwrite);
    let run = Run::begin(subject, &table)?;
    let mut lane = run.lane(first.clone())?;
    run.commit_rows(&mut lane, &rows(0..10), 1)?;
    subject.check_rows(&table, &[]).during(|| "the first generation is not published".to_owned())?;
    run.publish_rows(&mut lane, &rows(10..20), 2)?;
    subject.check_rows(&table, &rows(0..20)).during(|| "the first generation is published".to_owned())?;
    drop((lane, run));

    // The second one is cut off, and the next run goes on with it.
    let mut second = first;
    second.generation = 2;
    let run = Run::begin(subject, &table)?;
    let mut lane = run.lane(second.clone())?;
    run.commit_rows(&mut lane, &rows(100..110), 3)?;
    subject
        .check_rows(&table, &rows(0..20))
        .during(|| "the second generation is not published".to_owned())?;
    drop((lane, run));
    second.resumed = true;
    let run = Run::begin(subject, &table)?;
    let mut lane = run.lane(second.clone())?;
    subject.check_rows(&table, &rows(0..20)).during(|| "the second generation goes on".to_owned())?;
    run.publish_rows(&mut lane, &rows(110..115), 4)?;
    subject.check_rows(&table, &rows(100..115)).during(|| "the second generation is published".to_owned())?;
    drop((lane, run));

    // The third one is cut off too, and begun anew: what was built aside is not of it.
    let mut third = second;
    (third.generation, third.resumed) = (3, false);
    let run = Run::begin(subject, &table)?;
    let mut lane = run.lane(third.clone())?;
    run.commit_rows(&mut lane, &rows(200..210), 5)?;
    drop((lane, run));
    third.generation = 4;
    let run = Run::begin(subject, &table)?;
    let mut lane = run.lane(third)?;
    run.publish_rows(&mut lane, &rows(300..303), 6)?;
    drop((lane, run));
    subject.check_rows(&table, &rows(300..303)).during(|| "the fourth generation is published".to_owned())?;
    check_records(subject, &table, &[record(&table, 6)])?;
    Ok("4 generations".to_owned())
}

/// A write mode that the manifest does not claim is refused, not taken for another.
pub(crate) fn other_modes_are_refused(subject: &Subject<'_>) -> Step<String> {
    let claimed = subject.target_manifest().map(|target| target.write_modes.clone()).unwrap_or_default();
    let mut refused = 0;
    for mode in [WriteMode::Append, WriteMode::Upsert, WriteMode::Overwrite] {
        if claimed.contains(&mode) {
            continue;
        }
        refused += 1;
        let table = name(subject, &format!("no_{mode}"));
        let run = Run::begin(subject, &table)?;
        let declared = run.open_lane(plan(&table, mode)).and_then(|mut lane| lane.declare(schema()));
        match declared.map_err(|error| (error.kind(), error)) {
            Err((ErrorKind::Unsupported, _)) => {}
            Err((kind, error)) => {
                return fail(format!("`{mode}`: `{}` in place of `unsupported`: {error}", kind.name()));
            }
            Ok(()) => return fail(format!("`{mode}` was taken, and the manifest does not claim it")),
        }
    }
    match refused {
        0 => skip("every write mode is claimed"),
        _ => Ok(format!("{refused} modes")),
    }
}
