//! The order of messages, and whether batches are what was asked for.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::Schema;

use super::source::{Event, Job, Limits, Reading, Source, WIDE};
use crate::subject::Subject;
use crate::verdict::{Step, While, ensure, fail};

/// Schema, batches, end: for every stream of a partition, also for an empty one.
pub(crate) fn messages_come_in_order(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let mut messages = 0;
    for job in source.jobs()? {
        let (all, limits) = source.read_in_parts(&job)?;
        check_order(&job, &all).during(|| job.named())?;
        messages += all.0.len();
        // From a bookmark that covers everything, the stream is an empty one.
        let last = all.0.iter().rev().find_map(|event| match event {
            Event::Checkpoint(bookmark) => Some(bookmark),
            _ => None,
        });
        if let Some(bookmark) = last {
            let rest = source.read(&job, Some(bookmark), limits)?;
            check_order(&job, &rest).during(|| format!("{} from the last bookmark", job.named()))?;
        }
    }
    Ok(format!("{messages} messages"))
}

fn check_order(job: &Job, reading: &Reading) -> Step {
    #[derive(Clone, Copy, Default)]
    struct Seen {
        version: u32,
        has_ended: bool,
    }
    let mut streams = vec![Seen::default(); job.streams.len()];
    for event in &reading.0 {
        let stream = match event {
            Event::Schema { stream, .. } | Event::Batch { stream, .. } | Event::StreamEnd(stream) => *stream,
            Event::Checkpoint(_) => continue,
        };
        let Some(seen) = streams.get_mut(stream as usize) else {
            return fail(format!("a message names stream {stream} of {}", job.streams.len()));
        };
        let name = &job.streams[stream as usize].name;
        ensure(!seen.has_ended, || format!("a message of stream `{name}` comes after its end"))?;
        match event {
            Event::Schema { version, .. } => {
                ensure(*version == seen.version + 1, || {
                    format!("stream `{name}`: schema version {version} comes after {}", seen.version)
                })?;
                seen.version = *version;
            }
            Event::Batch { .. } => {
                ensure(seen.version > 0, || format!("a batch of stream `{name}` comes before its schema"))?
            }
            Event::StreamEnd(_) => seen.has_ended = true,
            Event::Checkpoint(_) => {}
        }
    }
    for (seen, stream) in streams.iter().zip(&job.streams) {
        let name = &stream.name;
        ensure(seen.version > 0, || format!("the schema of stream `{name}` never came"))?;
        ensure(seen.has_ended, || format!("the end of stream `{name}` was not said"))?;
    }
    Ok(())
}

/// Exactly the selected columns, with their types, and no null where none may be.
pub(crate) fn batches_fit_the_selection(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let mut batches = 0;
    for job in source.jobs()? {
        let (reading, _) = source.read_in_parts(&job)?;
        batches += check_columns(&job, &reading).during(|| job.named())?;
    }
    Ok(format!("{batches} batches, every value"))
}

fn check_columns(job: &Job, reading: &Reading) -> Step<usize> {
    let mut batches = 0;
    for event in &reading.0 {
        match event {
            Event::Schema { stream, schema, .. } => {
                let wanted = &job.streams[*stream as usize];
                check_schema(&wanted.schema, schema).during(|| format!("stream `{}`", wanted.name))?;
            }
            Event::Batch { stream, records, .. } => {
                batches += 1;
                let wanted = &job.streams[*stream as usize];
                for (field, column) in wanted.schema.fields().iter().zip(records.columns()) {
                    ensure(field.is_nullable() || column.logical_null_count() == 0, || {
                        let (name, nulls) = (field.name(), column.logical_null_count());
                        format!("stream `{}`: {nulls} nulls in column `{name}`, which has none", wanted.name)
                    })?;
                }
            }
            Event::Checkpoint(_) | Event::StreamEnd(_) => {}
        }
    }
    Ok(batches)
}

fn check_schema(wanted: &Schema, found: &Schema) -> Step {
    let names = |schema: &Schema| -> Vec<String> {
        schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    ensure(names(wanted) == names(found), || {
        format!("the columns are {:?}, selected are {:?}", names(found), names(wanted))
    })?;
    for (wanted, found) in wanted.fields().iter().zip(found.fields()) {
        ensure(wanted.data_type().equals_datatype(found.data_type()), || {
            let name = wanted.name();
            format!("column `{name}` is {}, the catalog says {}", found.data_type(), wanted.data_type())
        })?;
        ensure(wanted.is_nullable() || !found.is_nullable(), || {
            format!("column `{}` may be null, the catalog says that it is not", wanted.name())
        })?;
    }
    Ok(())
}

/// A batch has no more records and bytes than were asked for.
pub(crate) fn batches_are_not_too_large(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let mut batches = 0;
    for job in source.jobs()? {
        let whole = source.read(&job, None, WIDE)?;
        let (rows, bytes) = (whole.rows(), whole.bytes());
        let few_rows = Limits { rows: rows.div_ceil(7).max(1), ..WIDE };
        let few_bytes = Limits { bytes: (bytes / 7).max(128), ..WIDE };
        for limits in [few_rows, few_bytes] {
            let doing = || format!("{} with at most {limits:?}", job.named());
            let reading = source.read(&job, None, limits).during(doing)?;
            ensure(reading.rows() == rows, || {
                format!("{}: {} records in place of {rows}", doing(), reading.rows())
            })?;
            for event in &reading.0 {
                let Event::Batch { bytes, records, .. } = event else { continue };
                batches += 1;
                let rows = records.num_rows();
                ensure(rows <= limits.rows, || format!("{}: a batch has {rows} records", doing()))?;
                // Who builds a batch record by record knows the size of a record when it is in.
                let last = records.slice(rows.saturating_sub(1), rows.min(1));
                let before_last = bytes.saturating_sub(slice_bytes(&last));
                ensure(rows <= 1 || before_last <= limits.bytes, || {
                    format!("{}: a batch of {rows} records has {bytes} bytes", doing())
                })?;
            }
        }
    }
    Ok(format!("{batches} batches"))
}

/// Bytes of what a slice stands for.
fn slice_bytes(records: &RecordBatch) -> u64 {
    let bytes = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(0);
    records.columns().iter().map(bytes).sum::<usize>() as u64
}
