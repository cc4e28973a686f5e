//! What the tap promises.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use serde_json::{Value, json};
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use dstream_sdk::{ErrorKind, Message, Next, ReplicationMethod, SelectedStream};

fn open(options: Value) -> Result<Synthetic> {
    let config =
        serde_json::from_value(json!({"name": "n", "type": "synthetic", "options": options})).unwrap();
    Synthetic::open(Context::detached(Arc::default()), config)
}

fn select(tap: &Synthetic) -> Selection {
    let streams = tap.discover().unwrap().streams.into_iter().map(|stream| SelectedStream {
        upserted: false,
        name: stream.name,
        schema: stream.schema,
        key_properties: stream.key_properties,
        replication_method: ReplicationMethod::Incremental,
        replication_key: None,
    });
    Selection { streams: streams.collect(), ..Selection::default() }
}

/// The batches of a partition, each with the bookmark behind it.
fn read(
    tap: &Synthetic,
    partition: &Partition,
    bookmark: Option<Value>,
    rows: usize,
) -> Result<Vec<(RecordBatch, Value)>> {
    let selected =
        select(tap).streams.into_iter().find(|stream| stream.name == partition.streams[0]).unwrap();
    let request = ReadRequest {
        partition: partition.clone(),
        streams: vec![selected],
        bookmark,
        max_batch_rows: NonZeroUsize::new(rows).unwrap(),
        max_batch_bytes: NonZeroU64::new(1 << 30).unwrap(),
    };
    let mut reader = tap.open_reader(Context::detached(Arc::default()), request)?;
    let mut batches: Vec<(RecordBatch, Value)> = Vec::new();
    let Next::Message(Message::Schema { version: 1, .. }) = reader.next(Duration::ZERO)? else {
        panic!("the schema comes first")
    };
    loop {
        match reader.next(Duration::ZERO)? {
            Next::Message(Message::Batch { batch, .. }) => batches.push((batch.into_records()?, Value::Null)),
            Next::Message(Message::Checkpoint { bookmark }) => batches.last_mut().unwrap().1 = bookmark,
            Next::Message(Message::StreamEnd { .. }) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(reader.next(Duration::ZERO)?, Next::End));
    Ok(batches)
}

#[test]
fn reading_on_from_any_bookmark_gives_exactly_the_rest() {
    let tap = open(json!({"rows": 1000, "columns": 14, "nulls": 0.1, "seed": 5})).unwrap();
    let partition = tap.plan(&select(&tap)).unwrap().remove(0);
    let all = read(&tap, &partition, None, 90).unwrap();
    let whole = concat_batches(&all[0].0.schema(), all.iter().map(|(records, _)| records)).unwrap();
    assert_eq!(whole, tap.streams[0].records(0..1000).unwrap());
    for done in 0..all.len() {
        assert_eq!(read(&tap, &partition, Some(all[done].1.clone()), 90).unwrap(), all[done + 1..]);
    }
}

#[test]
fn partitions_have_every_row_once_and_keep_their_positions_when_rows_are_added() {
    let open = |rows: u64| open(json!({"rows": rows, "columns": 0, "partitions": 3})).unwrap();
    let (before, after) = (open(200_000), open(500_000));
    let mut ids = Vec::new();
    for partition in before.plan(&select(&before)).unwrap() {
        let first = read(&before, &partition, None, 50_000).unwrap();
        let bookmark = first.last().map(|(_, bookmark)| bookmark.clone());
        let rest = read(&after, &partition, bookmark, 50_000).unwrap();
        for (records, _) in first.iter().chain(&rest) {
            ids.extend_from_slice(
                arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(records.column(0))
                    .values(),
            );
        }
    }
    ids.sort_unstable();
    assert!(ids.iter().copied().eq(0..500_000));
}

#[test]
fn a_batch_keeps_to_rows_and_bytes() {
    let tap = open(json!({"rows": 500, "columns": 1, "types": ["text"], "batch_rows": 100})).unwrap();
    let partition = Partition::whole("synthetic");
    assert!(read(&tap, &partition, None, 1000).unwrap().iter().all(|(records, _)| records.num_rows() == 100));
    assert!(
        read(&tap, &partition, None, 7).unwrap()[..71].iter().all(|(records, _)| records.num_rows() == 7)
    );
}

#[test]
fn an_empty_stream_has_a_schema_and_no_batch() {
    let tap = open(json!({"rows": 0})).unwrap();
    assert!(read(&tap, &Partition::whole("synthetic"), None, 10).unwrap().is_empty());
}

#[test]
fn a_bookmark_behind_the_end_is_lost_and_another_shape_is_refused() {
    let tap = open(json!({"rows": 10})).unwrap();
    let of = |bookmark| read(&tap, &Partition::whole("synthetic"), Some(bookmark), 10).unwrap_err().kind();
    assert_eq!(of(json!({"row": 11})), ErrorKind::BookmarkLost);
    assert_eq!(of(json!({"line": 1})), ErrorKind::Config);
    assert!(read(&tap, &Partition::whole("synthetic"), Some(json!({"row": 10})), 10).unwrap().is_empty());
}

#[test]
fn a_selection_chooses_columns_and_their_order() {
    let tap =
        open(json!({"columns": [{"name": "a", "type": "int64"}, {"name": "b", "type": "utf8"}]})).unwrap();
    let mut selected = select(&tap).streams.remove(0);
    selected.schema = Arc::new(selected.schema.project(&[2, 0]).unwrap());
    let request = ReadRequest {
        partition: Partition::whole("synthetic"),
        streams: vec![selected],
        bookmark: None,
        max_batch_rows: NonZeroUsize::MAX,
        max_batch_bytes: NonZeroU64::MAX,
    };
    let mut reader = tap.open_reader(Context::detached(Arc::default()), request).unwrap();
    reader.next(Duration::ZERO).unwrap();
    let Next::Message(Message::Batch { batch, .. }) = reader.next(Duration::ZERO).unwrap() else { panic!() };
    let whole = tap.streams[0].records(0..1000).unwrap();
    assert_eq!(batch.into_records().unwrap(), whole.project(&[2, 0]).unwrap());
}

#[test]
fn options_that_cannot_be_meant_are_refused() {
    for (options, message) in [
        (json!({"row": 1}), "`options.row` is not known here, the nearest known key is `rows`"),
        (json!({"types": []}), "stream `synthetic`: `options.types` is empty"),
        (json!({"nulls": 1.5}), "stream `synthetic`: column `c0`: `nulls` is 1.5"),
        (json!({"streams": [{"name": "a"}, {"name": "a"}]}), "two streams are called `a`"),
        (
            json!({"columns": [{"name": "id", "type": "utf8"}]}),
            "stream `synthetic`: two columns are called `id`",
        ),
        (
            json!({"streams": [{"name": "a", "key": false, "columns": 0}]}),
            "stream `a`: a stream without columns",
        ),
        (
            json!({"columns": [{"name": "x", "typ": "utf8"}]}),
            "`options.columns[0].typ` is not known here, the nearest known key is `type`",
        ),
        (
            json!({"columns": [{"name": "x", "type": "utf9"}]}),
            "`options.columns[0].type` does not take `utf9`, the nearest is `utf8`",
        ),
    ] {
        assert_eq!(open(options.clone()).unwrap_err().to_string(), message, "{options}");
    }
}

#[test]
fn a_run_that_is_told_to_stop_stops() {
    let tap = open(json!({})).unwrap();
    let request = ReadRequest {
        partition: Partition::whole("synthetic"),
        streams: select(&tap).streams,
        bookmark: None,
        max_batch_rows: NonZeroUsize::MIN,
        max_batch_bytes: NonZeroU64::MIN,
    };
    let cancelled = Context::detached(Arc::new(true.into()));
    let mut reader = tap.open_reader(cancelled, request).unwrap();
    assert_eq!(reader.next(Duration::ZERO).unwrap_err().kind(), ErrorKind::Cancelled);
}
