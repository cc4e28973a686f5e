//! Reading on, and reading again.

use dstream_abi::ReplicationMethod;

use super::source::{Event, Source};
use crate::records::{check_contains, check_same};
use crate::subject::Subject;
use crate::verdict::{Step, While, ensure, skip};

/// Nothing that came after a bookmark is missing when it is read on from there.
pub(crate) fn reading_on_gives_the_rest(subject: &Subject<'_>) -> Step<String> {
    read_on(subject, false)
}

/// And nothing else comes.
pub(crate) fn reading_on_gives_exactly_the_rest(subject: &Subject<'_>) -> Step<String> {
    read_on(subject, true)
}

fn read_on(subject: &Subject<'_>, exactly: bool) -> Step<String> {
    let source = Source::open(subject)?;
    let in_order = exactly && subject.tap_manifest().is_some_and(|tap| tap.deterministic);
    let mut bookmarks = 0;
    for job in source.jobs()? {
        let (all, limits) = source.read_in_parts(&job)?;
        for (at, event) in all.0.iter().enumerate() {
            let Event::Checkpoint(bookmark) = event else { continue };
            bookmarks += 1;
            let doing = || format!("{} from the bookmark {bookmark}", job.named());
            let rest = source.read(&job, Some(bookmark), limits).during(doing)?;
            for stream in 0..job.streams.len() as u32 {
                let (wanted, found) = (all.batches(stream, at), rest.batches(stream, 0));
                match in_order {
                    true => check_same(&wanted, &found).during(doing)?,
                    false => check_contains(&wanted, &found, exactly).during(doing)?,
                }
            }
        }
    }
    match bookmarks {
        0 => skip("there is no bookmark to read on from"),
        _ => Ok(format!("read on from {bookmarks} bookmarks")),
    }
}

/// Two readings of a source that did not change are the same.
pub(crate) fn reading_twice_gives_the_same(subject: &Subject<'_>) -> Step<String> {
    let (source, other) = (Source::open(subject)?, Source::open(subject)?);
    let mut rows = 0;
    for job in source.jobs()? {
        let (first, limits) = source.read_in_parts(&job)?;
        for (again, what) in [(&source, "a second time"), (&other, "through another tap")] {
            let second = again.read(&job, None, limits)?;
            for stream in 0..job.streams.len() as u32 {
                check_same(&first.batches(stream, 0), &second.batches(stream, 0))
                    .during(|| format!("{} {what}", job.named()))?;
            }
        }
        rows += first.rows();
    }
    Ok(format!("{rows} records"))
}

/// What an incremental stream delivers last is covered by a bookmark: else it could never be committed.
pub(crate) fn the_end_is_covered(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let mut incremental = 0;
    for job in source.jobs()? {
        if job.streams.iter().all(|stream| stream.replication_method == ReplicationMethod::FullTable) {
            continue;
        }
        incremental += 1;
        let (reading, _) = source.read_in_parts(&job)?;
        let last_checkpoint = reading.0.iter().rposition(|event| matches!(event, Event::Checkpoint(_)));
        let last_batch = reading.0.iter().rposition(|event| matches!(event, Event::Batch { .. }));
        ensure(last_batch.is_none() || last_checkpoint > last_batch, || {
            format!("{}: no checkpoint comes after the last batch", job.named())
        })?;
    }
    match incremental {
        0 => skip("no stream is offered but as a full table"),
        _ => Ok(format!("{incremental} partitions")),
    }
}
