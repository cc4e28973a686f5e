//! A tap under test: opened, discovered, planned and read.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use dstream_abi::{
    Bookmark, Catalog, Context, Message, Next, Partition, ReadRequest, Reader, ReplicationMethod,
    SelectedStream, Selection, StreamInfo, Tap,
};

use crate::subject::{Subject, context};
use crate::verdict::{Step, While, ensure, fail, skip};

/// A source with more records is not for a test: every one of them is read many times and kept in memory.
const MAX_RECORDS: usize = 200_000;
/// A reader that says nothing for so long is stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Readings begin anew at so many bookmarks, about.
const BOOKMARKS: usize = 12;

/// A tap with its catalog.
pub(crate) struct Source {
    pub(crate) tap: Box<dyn Tap>,
    pub(crate) catalog: Catalog,
}

/// One partition to read.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) partition: Partition,
    pub(crate) streams: Vec<SelectedStream>,
}

/// The limits of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) rows: usize,
    pub(crate) bytes: u64,
}

/// As large as a run allows.
pub(crate) const WIDE: Limits = Limits { rows: 65_536, bytes: 16 << 20 };

/// What a reader handed out.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Schema { stream: u32, version: u32, schema: arrow::datatypes::SchemaRef },
    Batch { stream: u32, bytes: u64, records: RecordBatch },
    Checkpoint(Bookmark),
    StreamEnd(u32),
}

/// Everything that a reader handed out, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading(pub(crate) Vec<Event>);

impl Reading {
    /// The batches of one stream from the event `from` on.
    pub(crate) fn batches(&self, stream: u32, from: usize) -> Vec<RecordBatch> {
        let of_stream = |event: &Event| match event {
            Event::Batch { stream: of, records, .. } if *of == stream => Some(records.clone()),
            _ => None,
        };
        self.0[from..].iter().filter_map(of_stream).collect()
    }

    pub(crate) fn bytes(&self) -> u64 {
        let bytes = |event: &Event| match event {
            Event::Batch { bytes, .. } => *bytes,
            _ => 0,
        };
        self.0.iter().map(bytes).sum()
    }

    pub(crate) fn rows(&self) -> usize {
        let rows = |event: &Event| match event {
            Event::Batch { records, .. } => records.num_rows(),
            _ => 0,
        };
        self.0.iter().map(rows).sum()
    }
}

impl Source {
    pub(crate) fn open(subject: &Subject<'_>) -> Step<Source> {
        let tap = subject.open_tap().during(|| "opening the tap".to_owned())?;
        let catalog = tap.discover().during(|| "discovering".to_owned())?;
        Ok(Source { tap, catalog })
    }

    /// All streams, once by every replication method that is offered.
    pub(crate) fn selections(&self) -> Vec<Selection> {
        let methods =
            [ReplicationMethod::Incremental, ReplicationMethod::FullTable, ReplicationMethod::LogBased];
        let by_method = |method| {
            let offering = self.catalog.streams.iter();
            let offering = offering.filter(|stream| stream.replication_methods.contains(&method));
            let streams: Vec<_> = offering.map(|stream| select(stream, method)).collect();
            (!streams.is_empty()).then(|| Selection { streams, ..Selection::default() })
        };
        methods.into_iter().filter_map(by_method).collect()
    }

    /// The partitions of a selection.
    pub(crate) fn plan(&self, selection: &Selection) -> Step<Vec<Job>> {
        let partitions = self.tap.plan(selection).during(|| "planning".to_owned())?;
        let job = |partition: Partition| {
            let mut streams = Vec::with_capacity(partition.streams.len());
            for name in &partition.streams {
                match selection.streams.iter().find(|stream| stream.name == *name) {
                    Some(stream) => streams.push(stream.clone()),
                    None => {
                        let id = &partition.id;
                        return fail(format!("partition `{id}` names `{name}`, which was not selected"));
                    }
                }
            }
            Ok(Job { partition, streams })
        };
        partitions.into_iter().map(job).collect()
    }

    /// The partitions of every selection.
    pub(crate) fn jobs(&self) -> Step<Vec<Job>> {
        let mut jobs = Vec::new();
        for selection in self.selections() {
            jobs.extend(self.plan(&selection)?);
        }
        ensure(!jobs.is_empty(), || "there is nothing to read: the catalog has no streams".to_owned())?;
        Ok(jobs)
    }

    pub(crate) fn open_reader(
        &self,
        job: &Job,
        context: Context,
        bookmark: Option<&Bookmark>,
        limits: Limits,
    ) -> dstream_abi::Result<Box<dyn Reader>> {
        open_reader(&*self.tap, job, context, bookmark, limits)
    }

    /// Reads a partition to its end.
    pub(crate) fn read(&self, job: &Job, bookmark: Option<&Bookmark>, limits: Limits) -> Step<Reading> {
        read(&*self.tap, job, bookmark, limits)
    }

    /// Reads a partition to its end in batches so small that there are some bookmarks to read on from.
    pub(crate) fn read_in_parts(&self, job: &Job) -> Step<(Reading, Limits)> {
        let whole = self.read(job, None, WIDE)?;
        let limits = Limits { rows: whole.rows().div_ceil(BOOKMARKS).max(1), ..WIDE };
        Ok((self.read(job, None, limits)?, limits))
    }
}

fn open_reader(
    tap: &dyn Tap,
    job: &Job,
    context: Context,
    bookmark: Option<&Bookmark>,
    limits: Limits,
) -> dstream_abi::Result<Box<dyn Reader>> {
    let request = ReadRequest {
        partition: job.partition.clone(),
        streams: job.streams.clone(),
        bookmark: bookmark.cloned(),
        max_batch_rows: NonZeroUsize::new(limits.rows).unwrap_or(NonZeroUsize::MIN),
        max_batch_bytes: NonZeroU64::new(limits.bytes).unwrap_or(NonZeroU64::MIN),
    };
    tap.open_reader(context, request)
}

/// Reads a partition to its end.
pub(crate) fn read(tap: &dyn Tap, job: &Job, bookmark: Option<&Bookmark>, limits: Limits) -> Step<Reading> {
    let read = || {
        let mut reader = open_reader(tap, job, context(), bookmark, limits)?;
        read_all(&mut *reader, Duration::from_millis(500))
    };
    read().during(|| job.named())
}

impl Job {
    /// For a sentence.
    pub(crate) fn named(&self) -> String {
        let method = self.streams.first().map(|stream| stream.replication_method.to_string());
        format!("reading partition `{}` ({})", self.partition.id, method.unwrap_or_default())
    }
}

/// A stream with all of its columns.
pub(crate) fn select(stream: &StreamInfo, method: ReplicationMethod) -> SelectedStream {
    let follows_key = method == ReplicationMethod::Incremental;
    SelectedStream {
        upserted: false,
        name: stream.name.clone(),
        schema: stream.schema.clone(),
        key_properties: stream.key_properties.clone(),
        replication_method: method,
        replication_key: stream.replication_keys.first().filter(|_| follows_key).cloned(),
    }
}

/// Every message up to the end.
pub(crate) fn read_all(reader: &mut dyn Reader, timeout: Duration) -> Step<Reading> {
    let mut reading = Reading::default();
    let (mut rows, mut last) = (0, Instant::now());
    loop {
        match reader.next(timeout)? {
            Next::End => return Ok(reading),
            Next::Pending => {
                ensure(last.elapsed() < PATIENCE, || {
                    format!("the reader gave nothing for {} s and did not end", PATIENCE.as_secs())
                })?;
            }
            Next::Message(message) => {
                last = Instant::now();
                let event = open(message)?;
                if let Event::Batch { records, .. } = &event {
                    rows += records.num_rows();
                }
                if rows > MAX_RECORDS {
                    return skip(format!("there are more than {MAX_RECORDS} records: name a smaller source"));
                }
                reading.0.push(event);
            }
        }
    }
}

/// A message with its batch opened.
pub(crate) fn open(message: Message) -> Step<Event> {
    Ok(match message {
        Message::Schema { stream, version, schema } => Event::Schema { stream, version, schema },
        Message::Batch { stream, batch, .. } => {
            Event::Batch { stream, bytes: batch.bytes(), records: batch.into_records()? }
        }
        Message::Checkpoint { bookmark } => Event::Checkpoint(bookmark),
        Message::StreamEnd { stream } => Event::StreamEnd(stream),
    })
}
