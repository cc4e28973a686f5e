//! What a commit makes durable, and when.

use dstream_abi::{CommitRecord, ErrorKind, WriteMode};

use super::run::{Run, name, plan, record};
use crate::rows::rows;
use crate::subject::Subject;
use crate::verdict::{Step, While, ensure, fail, skip};

/// A write mode that the manifest claims. Not overwrite: its rows are seen only once they are published.
pub(crate) fn any_mode(subject: &Subject<'_>) -> Step<WriteMode> {
    let claimed = subject.target_manifest().into_iter().flat_map(|target| &target.write_modes);
    match claimed.copied().find(|mode| *mode != WriteMode::Overwrite) {
        Some(mode) => Ok(mode),
        None => skip("no write mode but `overwrite` is claimed"),
    }
}

/// Records as `begin` answers them, in an order of our own.
fn sorted(records: &[CommitRecord]) -> Vec<CommitRecord> {
    let mut records = records.to_vec();
    records.sort_by(|left, right| left.key.cmp(&right.key));
    records
}

/// A target that is opened anew knows exactly these records of the pipeline.
pub(crate) fn check_records(subject: &Subject<'_>, pipeline: &str, wanted: &[CommitRecord]) -> Step {
    let found = Run::begin(subject, pipeline)?.begun.records;
    let is_transactional = subject.target_manifest().is_some_and(|target| target.transactional);
    // Who keeps no records says so by answering with none.
    if !is_transactional && found.is_empty() {
        return Ok(());
    }
    let brief = |records: &[CommitRecord]| -> Vec<String> {
        sorted(records).iter().map(|record| format!("{}: {}", record.key, record.sequence)).collect()
    };
    ensure(brief(&found) == brief(wanted), || {
        format!("`begin` answers the records {:?}, committed are {:?}", brief(&found), brief(wanted))
    })
}

/// As [`check_records`], with their values.
fn check_whole_records(subject: &Subject<'_>, pipeline: &str, wanted: &[CommitRecord]) -> Step {
    check_records(subject, pipeline, wanted)?;
    let found = Run::begin(subject, pipeline)?.begun.records;
    let differs = sorted(&found).into_iter().zip(sorted(wanted)).find(|(found, wanted)| found != wanted);
    match differs {
        None => Ok(()),
        Some((found, wanted)) => fail(format!(
            "the record `{}` came back as `{}`, committed was `{}`",
            found.key, found.value, wanted.value
        )),
    }
}

/// What was written is counted, committed and there.
pub(crate) fn committed_rows_are_there(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "rows");
    let run = Run::begin(subject, &table)?;
    let mut lane = run.lane(plan(&table, any_mode(subject)?))?;
    for (ids, sequence) in [(0..1000, 1), (1000..1010, 2)] {
        let count = ids.clone().count() as u64;
        lane.write(&rows(ids.clone()))?;
        let window = lane.prepare()?;
        ensure(window.prepared.rows == count, || {
            format!("`prepare` counts {} rows, {count} were written", window.prepared.rows)
        })?;
        run.commit(vec![window], vec![record(&table, sequence)])?;
        subject.check_rows(&table, &rows(0..ids.end))?;
    }
    drop((lane, run));
    check_records(subject, &table, &[record(&table, 2)])?;
    subject.check_rows(&table, &rows(0..1010)).during(|| "after another run began".to_owned())?;
    Ok("1010 rows in 2 windows".to_owned())
}

/// A window without rows is a window, and its records are kept.
pub(crate) fn empty_windows_are_committed(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "empty");
    let run = Run::begin(subject, &table)?;
    let mut lane = run.lane(plan(&table, any_mode(subject)?))?;
    let window = lane.prepare()?;
    run.commit(vec![window], vec![record(&table, 1)]).during(|| "a window without a batch".to_owned())?;
    run.commit_rows(&mut lane, &rows(0..0), 2).during(|| "a window of empty batches".to_owned())?;
    run.commit(vec![], vec![record("another", 1)]).during(|| "no window, one record".to_owned())?;
    run.commit_rows(&mut lane, &rows(0..7), 3)?;
    drop((lane, run));
    subject.check_rows(&table, &rows(0..7))?;
    check_records(subject, &table, &[record(&table, 3), record("another", 1)])?;
    Ok(String::new())
}

/// Prepared is not committed: nothing of it is seen, and nothing of it is left once its writer is gone.
pub(crate) fn what_is_not_committed_is_not_there(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "prepared");
    let run = Run::begin(subject, &table)?;
    let mode = any_mode(subject)?;
    let mut lane = run.lane(plan(&table, mode))?;
    run.commit_rows(&mut lane, &rows(0..5), 1)?;
    lane.write(&rows(100..120))?;
    subject.check_rows(&table, &rows(0..5)).during(|| "written, not prepared".to_owned())?;
    lane.prepare()?;
    subject.check_rows(&table, &rows(0..5)).during(|| "prepared, not committed".to_owned())?;
    drop(lane);
    let mut written = run.lane(plan(&table, mode))?;
    written.write(&rows(200..220))?;
    drop(written);
    let mut next = run.lane(plan(&table, mode))?;
    run.commit_rows(&mut next, &rows(5..8), 2)?;
    drop((next, run));
    subject.check_rows(&table, &rows(0..8)).during(|| "after writers that were closed".to_owned())?;
    check_records(subject, &table, &[record(&table, 2)])?;
    subject.check_rows(&table, &rows(0..8)).during(|| "after another run began".to_owned())?;
    Ok(String::new())
}

/// The same commit once more is answered with OK and changes nothing.
pub(crate) fn a_commit_again_changes_nothing(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "again");
    let run = Run::begin(subject, &table)?;
    let mut lane = run.lane(plan(&table, any_mode(subject)?))?;
    lane.write(&rows(0..30))?;
    let window = lane.prepare()?;
    let commit = run.commit_of(vec![window], vec![record(&table, 1)]);
    run.target.commit(&commit).during(|| "committing".to_owned())?;
    run.target.commit(&commit).during(|| "the same commit again".to_owned())?;
    subject.check_rows(&table, &rows(0..30))?;
    // The host knows of the first one only that nobody answered.
    run.commit_rows(&mut lane, &rows(30..40), 2)?;
    drop((lane, run));
    subject.check_rows(&table, &rows(0..40))?;
    check_records(subject, &table, &[record(&table, 2)])?;
    Ok(String::new())
}

/// A sequence that is not the next one is an error, and nothing of the commit is kept.
pub(crate) fn a_gap_in_sequences_is_refused(subject: &Subject<'_>) -> Step<String> {
    let table = name(subject, "gap");
    let mut kept = 0;
    for wrong in [3, 9] {
        let run = Run::begin(subject, &table)?;
        let mut lane = run.lane(plan(&table, any_mode(subject)?))?;
        if kept == 0 {
            run.commit_rows(&mut lane, &rows(0..10), 1)?;
            kept = 1;
        }
        lane.write(&rows(50..60))?;
        let window = lane.prepare()?;
        let commit = run.commit_of(vec![window], vec![record(&table, wrong)]);
        match run.target.commit(&commit) {
            Ok(()) => return fail(format!("sequence {wrong} was taken after 1")),
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Fenced) => {
                return fail(format!(
                    "sequence {wrong} after 1: `{}` is another thing: {error}",
                    error.kind().name()
                ));
            }
            Err(_) => {}
        }
        drop((lane, run));
        subject
            .check_rows(&table, &rows(0..10))
            .during(|| format!("sequence {wrong} after 1 was refused"))?;
        check_records(subject, &table, &[record(&table, 1)])?;
    }
    Ok(String::new())
}

/// Records belong to their pipeline, and come back from a target that is opened anew.
pub(crate) fn records_come_back(subject: &Subject<'_>) -> Step<String> {
    let (table, one, other) = (name(subject, "records"), name(subject, "one"), name(subject, "other"));
    check_whole_records(subject, &one, &[])?;
    let run = Run::begin(subject, &one)?;
    let mut lane = run.lane(plan(&table, any_mode(subject)?))?;
    run.commit_rows(&mut lane, &rows(0..3), 1)?;
    for sequence in 2..5 {
        lane.write(&rows(sequence as i64 * 10..sequence as i64 * 10 + 2))?;
        let window = lane.prepare()?;
        let odd = format!("odd key '{sequence}' \" ž");
        run.commit(vec![window], vec![record(&table, sequence), record(&odd, 1)])?;
    }
    drop((lane, run));
    let mut wanted = vec![record(&table, 4)];
    wanted.extend((2..5).map(|sequence| record(&format!("odd key '{sequence}' \" ž"), 1)));
    check_whole_records(subject, &one, &wanted)?;
    check_whole_records(subject, &other, &[]).during(|| "another pipeline".to_owned())?;
    let run = Run::begin(subject, &other)?;
    run.commit(vec![], vec![record(&table, 1)])?;
    drop(run);
    check_whole_records(subject, &other, &[record(&table, 1)])?;
    check_whole_records(subject, &one, &wanted).during(|| "beside another pipeline".to_owned())?;
    Ok(format!("{} records", wanted.len()))
}
