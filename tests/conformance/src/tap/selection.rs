//! What the host may ask for, and what it may not.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use dstream_abi::{ErrorKind, Message, Next, SelectedStream, Selection};
use serde_json::json;
use std::sync::Arc;

use super::source::{Event, Job, PATIENCE, Source, WIDE};
use crate::records::check_same;
use crate::subject::{Subject, context};
use crate::verdict::{Step, While, ensure, fail, skip};

/// Every column alone, and all of them turned round, are the columns of the whole.
pub(crate) fn the_selected_columns_come(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let in_order = subject.tap_manifest().is_some_and(|tap| tap.deterministic);
    let mut selections = 0;
    for job in source.jobs()? {
        let [stream] = &job.streams[..] else { continue };
        let whole = source.read(&job, None, WIDE)?;
        let all: Vec<usize> = (0..stream.schema.fields().len()).collect();
        let alone = all.iter().map(|column| with_keys(&job, &[*column]));
        for columns in alone.chain([all.iter().rev().copied().collect()]) {
            selections += 1;
            let part = select(&job, &columns)?;
            let reading = source.read(&part, None, WIDE)?;
            let project = |batch: &RecordBatch| batch.project(&columns).map_err(dstream_abi::Error::from);
            let wanted: Vec<_> = whole.batches(0, 0).iter().map(project).collect::<Result<_, _>>()?;
            let names: Vec<_> = part.streams[0].schema.fields().iter().map(|field| field.name()).collect();
            let doing = || format!("{}, columns {names:?}", job.named());
            for event in &reading.0 {
                let Event::Schema { schema, .. } = event else { continue };
                let came: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
                ensure(came == names, || format!("{}: the columns {came:?} came", doing()))?;
            }
            if in_order {
                check_same(&wanted, &reading.batches(0, 0)).during(doing)?;
            } else {
                ensure(whole.rows() == reading.rows(), || {
                    format!("{}: {} records in place of {}", doing(), reading.rows(), whole.rows())
                })?;
            }
        }
    }
    Ok(format!("{selections} selections"))
}

/// The key is always selected.
fn with_keys(job: &Job, columns: &[usize]) -> Vec<usize> {
    let stream = &job.streams[0];
    let keys = stream.key_properties.iter().chain(&stream.replication_key);
    let mut all: Vec<usize> = columns.to_vec();
    for key in keys.filter_map(|key| stream.schema.index_of(key).ok()) {
        if !all.contains(&key) {
            all.push(key);
        }
    }
    all
}

fn select(job: &Job, columns: &[usize]) -> Step<Job> {
    let mut job = job.clone();
    let schema = job.streams[0].schema.project(columns).map_err(dstream_abi::Error::from)?;
    job.streams[0].schema = Arc::new(schema);
    Ok(job)
}

/// A column that the source does not have is refused or, where it may be null, null: never made up.
pub(crate) fn unknown_columns_are_not_made_up(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let mut refused = 0;
    for selection in source.selections() {
        for stream in &selection.streams {
            for nullable in [true, false] {
                let kind = if nullable { "may be null" } else { "may not be null" };
                let outcome = read_stranger(&source, stream, nullable).during(|| {
                    format!("stream `{}` with a column that is not there and {kind}", stream.name)
                })?;
                refused += usize::from(outcome);
            }
        }
    }
    Ok(format!("{refused} refused"))
}

/// Whether the stream is refused with a column more than it has.
fn read_stranger(source: &Source, stream: &SelectedStream, nullable: bool) -> Step<bool> {
    let mut stranger = stream.clone();
    let mut fields: Vec<_> = stranger.schema.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("dstreams_no_such_column", DataType::Int64, nullable)));
    stranger.schema = Arc::new(Schema::new(fields));
    let selection = Selection { streams: vec![stranger], ..Selection::default() };
    let read = || -> dstream_abi::Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        for partition in source.tap.plan(&selection)? {
            let job = Job { partition, streams: selection.streams.clone() };
            let mut reader = source.open_reader(&job, context(), None, WIDE)?;
            loop {
                match reader.next(PATIENCE)? {
                    Next::Message(Message::Batch { batch, .. }) => batches.push(batch.into_records()?),
                    Next::Message(_) | Next::Pending => {}
                    Next::End => break,
                }
            }
        }
        Ok(batches)
    };
    match read() {
        Err(error) if error.kind() == ErrorKind::Schema => Ok(true),
        // Found out with the first record that does not have it.
        Err(error) if error.kind() == ErrorKind::Data && !nullable => Ok(true),
        Err(error) => Err(error.into()),
        Ok(batches) => {
            let last =
                |batch: &RecordBatch| batch.columns().last().map_or(0, |column| column.logical_null_count());
            let is_made_up =
                batches.iter().any(|batch| batch.num_rows() > 0 && (last(batch) < batch.num_rows()));
            ensure(!is_made_up, || "it was read, and the column has values".to_owned())?;
            Ok(false)
        }
    }
}

/// A bookmark that the tap did not make is refused: reading from the start would double everything.
pub(crate) fn a_strange_bookmark_is_refused(subject: &Subject<'_>) -> Step<String> {
    let source = Source::open(subject)?;
    let mut tried = 0;
    for job in source.jobs()? {
        let (reading, _) = source.read_in_parts(&job)?;
        if !reading.0.iter().any(|event| matches!(event, Event::Checkpoint(_))) {
            continue;
        }
        for bookmark in [json!("dstreams: not yours"), json!([]), json!({ "dstreams": "not yours" })] {
            tried += 1;
            let outcome = source
                .open_reader(&job, context(), Some(&bookmark), WIDE)
                .and_then(|mut reader| reader.next(PATIENCE).map(drop));
            let doing = || format!("{} from the bookmark {bookmark}", job.named());
            match outcome.map_err(|error| (error.kind(), error)) {
                Err((ErrorKind::BookmarkLost | ErrorKind::Config, _)) => {}
                Err((kind, error)) => {
                    let name = kind.name();
                    return fail(format!("{}: `{name}` in place of `bookmark_lost`: {error}", doing()));
                }
                Ok(()) => return fail(format!("{}: it was taken", doing())),
            }
        }
    }
    match tried {
        0 => skip("there is no bookmark to read on from"),
        _ => Ok(format!("{tried} bookmarks")),
    }
}
