//! What lives how long, and what disturbs what.

use arrow::array::RecordBatch;
use dstream_abi::{Message, Next, Reader};
use std::time::Duration;

use super::source::{Event, Job, Limits, Reading, Source, open};
use crate::random::Random;
use crate::records::{check_contains, check_same, shown, texts};
use crate::subject::{Subject, context};
use crate::verdict::{Step, Stop, While, ensure, fail};

/// So many threads release what a reader handed out.
const THREADS: usize = 8;

/// Batches stay what they are after their reader and their tap are closed, and go on any thread in any order.
pub(crate) fn batches_outlive_their_reader(subject: &Subject<'_>) -> Step<String> {
    let mut random = Random::new(subject.seed);
    let jobs = Source::open(subject)?.jobs()?;
    let mut kept = Vec::new();
    for job in &jobs {
        let source = Source::open(subject)?;
        let (_, limits) = source.read_in_parts(job)?;
        let (mut opened, mut unopened) = (Vec::new(), Vec::new());
        let mut reader = source.open_reader(job, context(), None, limits).during(|| job.named())?;
        while let Some(message) = next(&mut *reader)? {
            opened.extend(records_of(message)?);
        }
        let mut other = source.open_reader(job, context(), None, limits).during(|| job.named())?;
        while let Some(message) = next(&mut *other)? {
            unopened.push(message);
        }
        // A copy of every value, made while everything that it came from is there.
        let before = texts(&opened)?;
        drop((reader, other));
        drop(source);
        let doing = || format!("{}: a batch after its reader was closed", job.named());
        check_unchanged(&before, &texts(&opened)?).during(doing)?;
        // And of a batch that nobody had looked into.
        let late = unopened.into_iter().map(records_of).collect::<Step<Vec<_>>>()?;
        let late: Vec<RecordBatch> = late.into_iter().flatten().collect();
        let late_texts = texts(&late)?;
        if subject.tap_manifest().is_some_and(|tap| tap.deterministic) {
            check_unchanged(&before, &late_texts).during(doing)?;
        }
        kept.extend(opened);
        kept.extend(late);
    }
    let count = kept.len();
    release_anywhere(kept, &mut random)?;
    Ok(format!("{count} batches, released by {THREADS} threads"))
}

fn records_of(message: Message) -> Step<Option<RecordBatch>> {
    Ok(match message {
        Message::Batch { batch, .. } => Some(batch.into_records()?),
        _ => None,
    })
}

fn check_unchanged(before: &[String], after: &[String]) -> Step {
    ensure(before.len() == after.len(), || format!("{} records in place of {}", after.len(), before.len()))?;
    match before.iter().zip(after).find(|(before, after)| before != after) {
        Some((before, after)) => fail(format!("{} became {}", shown(before), shown(after))),
        None => Ok(()),
    }
}

fn next(reader: &mut dyn Reader) -> Step<Option<Message>> {
    loop {
        match reader.next(Duration::from_millis(500))? {
            Next::Message(message) => return Ok(Some(message)),
            Next::Pending => {}
            Next::End => return Ok(None),
        }
    }
}

/// Drops batches, single columns and slices of them on several threads in an order that follows from the seed.
fn release_anywhere(batches: Vec<RecordBatch>, random: &mut Random) -> Step {
    enum Part {
        Batch(RecordBatch),
        Column(arrow::array::ArrayRef),
    }
    let mut parts = Vec::new();
    for batch in batches {
        // A consumer may keep a part and let the whole go.
        if batch.num_columns() > 0 {
            parts.push(Part::Column(batch.column(random.below(batch.num_columns())).clone()));
        }
        if batch.num_rows() > 1 {
            let from = random.below(batch.num_rows());
            parts.push(Part::Batch(batch.slice(from, batch.num_rows() - from)));
        }
        parts.push(Part::Batch(batch));
    }
    random.shuffle(&mut parts);
    let mut hands: Vec<Vec<Part>> = (0..THREADS).map(|_| Vec::new()).collect();
    for part in parts {
        hands[random.below(THREADS)].push(part);
    }
    let threads = hands.into_iter().map(|hand| {
        std::thread::spawn(move || {
            for part in hand {
                match part {
                    Part::Batch(batch) => drop(batch),
                    Part::Column(column) => drop(column),
                }
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().map_err(|_| Stop::Failed("a thread that released batches panicked".to_owned()))?;
    }
    Ok(())
}

/// A reader can be closed at any moment, and the next one begins where it is told to.
pub(crate) fn a_reader_can_be_closed_at_any_moment(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let mut closed = 0;
    for job in source.jobs()? {
        let (wanted, limits) = source.read_in_parts(&job)?;
        for messages in 0..=wanted.0.len().min(8) {
            let mut reader = source.open_reader(&job, context(), None, limits).during(|| job.named())?;
            for _ in 0..messages {
                next(&mut *reader)?;
            }
            drop(reader);
            closed += 1;
        }
        compare(subject, &job, &wanted, &source.read(&job, None, limits)?)
            .during(|| format!("{} after readers that were closed early", job.named()))?;
    }
    Ok(format!("closed {closed} readers"))
}

/// Readers do not disturb each other: several of one partition and all partitions at once give what each gives alone.
pub(crate) fn readers_do_not_disturb_each_other(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let mut expected: Vec<(Job, Limits, Reading)> = Vec::new();
    for job in source.jobs()? {
        let (reading, limits) = source.read_in_parts(&job)?;
        expected.push((job, limits, reading));
    }
    let together = std::thread::scope(|scope| {
        let source = &source;
        let read = |(job, limits, _): &(Job, Limits, Reading)| {
            let (job, limits) = (job.clone(), *limits);
            scope.spawn(move || source.read(&job, None, limits))
        };
        let threads: Vec<_> = expected.iter().chain(&expected).map(read).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Step<Reading>>| {
            thread.join().unwrap_or_else(|_| Err(Stop::Failed("a thread that read panicked".to_owned())))
        };
        threads.into_iter().map(join).collect::<Step<Vec<Reading>>>()
    })?;
    for ((job, _, alone), together) in expected.iter().chain(&expected).zip(&together) {
        compare(subject, job, alone, together).during(|| format!("{} beside other readers", job.named()))?;
    }
    // In turn on one thread, so that every message of one falls between two of the other.
    for (job, limits, alone) in &expected {
        let open_one = || source.open_reader(job, context(), None, *limits).during(|| job.named());
        let (mut left, mut right) = (open_one()?, open_one()?);
        let (mut events, mut has_ended): (Vec<Event>, bool) = (Vec::new(), false);
        while let Some(message) = next(&mut *left)? {
            events.push(open(message)?);
            has_ended = has_ended || next(&mut *right)?.is_none();
        }
        drop(left);
        compare(subject, job, alone, &Reading(events))
            .during(|| format!("{} in turn with another reader", job.named()))?;
    }
    Ok(format!("{} readers at once", together.len()))
}

/// The same records: in the same order, where that is claimed.
fn compare(subject: &Subject<'_>, job: &Job, wanted: &Reading, found: &Reading) -> Step {
    for stream in 0..job.streams.len() as u32 {
        let (wanted, found) = (wanted.batches(stream, 0), found.batches(stream, 0));
        match subject.tap_manifest().is_some_and(|tap| tap.deterministic) {
            true => check_same(&wanted, &found)?,
            // What such a source gives may differ from time to time.
            false => check_contains(&[], &found, false)?,
        }
    }
    Ok(())
}
