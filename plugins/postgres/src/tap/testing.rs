//! For tests: a tap on a database of the real server, and what it reads.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use dstream_postgres_server::Database;
use dstream_sdk::{
    Bookmark, Context, Message, Next, OpenTap, Partition, ReadRequest, Reader, ReplicationMethod, Result,
    SelectedStream, Selection, StreamInfo, Tap,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use super::PostgresTap;

pub(crate) fn tap(database: &Database, options: Value) -> PostgresTap {
    tap_at(&database.url(), options)
}

pub(crate) fn tap_at(url: &str, options: Value) -> PostgresTap {
    let config = json!({"name": "test", "type": "postgres", "connection": {"url": url}, "options": options});
    let context = Context::detached(Arc::default());
    PostgresTap::open(context, serde_json::from_value(config).unwrap()).unwrap()
}

/// Waits until no transaction is left that began before the rows of the table were written: other tests write too.
pub(crate) fn settle(database: &Database, table: &str) {
    let sql =
        format!("SELECT max(xmin::text::int8) < txid_snapshot_xmin(txid_current_snapshot()) FROM {table}");
    while database.psql(&sql).unwrap() != "t" {}
}

pub(crate) fn stream(tap: &PostgresTap, name: &str) -> StreamInfo {
    let catalog = tap.discover().unwrap();
    let names: Vec<_> = catalog.streams.iter().map(|stream| stream.name.clone()).collect();
    let found = catalog.streams.into_iter().find(|stream| stream.name == name);
    found.unwrap_or_else(|| panic!("`{name}` is not in {names:?}"))
}

/// The whole of a stream; with a key: what came after the bookmark.
pub(crate) fn select(tap: &PostgresTap, name: &str, key: Option<&str>) -> SelectedStream {
    let info = stream(tap, name);
    SelectedStream {
        upserted: !info.key_properties.is_empty(),
        name: info.name,
        schema: info.schema,
        key_properties: info.key_properties,
        replication_method: match key {
            None => ReplicationMethod::FullTable,
            Some(_) => ReplicationMethod::Incremental,
        },
        replication_key: key.map(str::to_owned),
    }
}

pub(crate) fn selection(stream: &SelectedStream, bookmarks: &BTreeMap<String, Bookmark>) -> Selection {
    Selection { streams: vec![stream.clone()], bookmarks: bookmarks.clone(), ..Selection::default() }
}

pub(crate) fn request(
    partition: &Partition,
    stream: &SelectedStream,
    bookmark: Option<&Bookmark>,
    rows: usize,
) -> ReadRequest {
    ReadRequest {
        partition: partition.clone(),
        streams: vec![stream.clone()],
        bookmark: bookmark.cloned(),
        max_batch_rows: NonZeroUsize::new(rows).unwrap(),
        max_batch_bytes: NonZeroU64::new(16 << 20).unwrap(),
    }
}

/// What came of a reader.
#[derive(Default, Debug)]
pub(crate) struct Came {
    pub(crate) rows: Vec<String>,
    /// With the number of rows that each covers.
    pub(crate) checkpoints: Vec<(usize, Bookmark)>,
}

impl Came {
    pub(crate) fn last(&self) -> Option<Bookmark> {
        self.checkpoints.last().map(|(_, bookmark)| bookmark.clone())
    }
}

pub(crate) fn open(tap: &PostgresTap, request: ReadRequest) -> Result<Box<dyn Reader>> {
    tap.open_reader(Context::detached(Arc::default()), request)
}

/// Reads to the end.
pub(crate) fn drain(reader: &mut dyn Reader) -> Result<Came> {
    let mut came = Came::default();
    while step(reader, &mut came)? {}
    Ok(came)
}

/// Takes one message; `false`: there is no more.
pub(crate) fn step(reader: &mut dyn Reader, came: &mut Came) -> Result<bool> {
    match reader.next(Duration::from_millis(50))? {
        Next::End => return Ok(false),
        Next::Message(Message::Batch { batch, .. }) => came.rows.extend(texts(&batch.into_records()?)),
        Next::Message(Message::Checkpoint { bookmark }) => came.checkpoints.push((came.rows.len(), bookmark)),
        Next::Message(_) | Next::Pending => {}
    }
    Ok(true)
}

/// Rows as text, columns with `|` between them as psql prints them.
pub(crate) fn texts(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default();
    // Arrow shows no time in a zone by its name.
    let shown = |column: &ArrayRef| match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let column = column.as_primitive::<TimestampMicrosecondType>().clone();
            Arc::new(column.with_timezone("+00:00")) as ArrayRef
        }
        _ => column.clone(),
    };
    let columns: Vec<ArrayRef> = batch.columns().iter().map(shown).collect();
    let columns = columns.iter();
    let columns: Vec<_> = columns.map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
    let row = |row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|");
    (0..batch.num_rows()).map(row).collect()
}

/// Plans one stream and reads all of it.
pub(crate) fn read(
    tap: &PostgresTap,
    stream: &SelectedStream,
    bookmarks: &mut BTreeMap<String, Bookmark>,
) -> Result<Vec<String>> {
    let mut rows = Vec::new();
    for partition in tap.plan(&selection(stream, bookmarks))? {
        let bookmark = bookmarks.get(&partition.id);
        let came = drain(&mut *open(tap, request(&partition, stream, bookmark, 65_536))?)?;
        bookmarks.extend(came.last().map(|bookmark| (partition.id.clone(), bookmark)));
        rows.extend(came.rows);
    }
    Ok(rows)
}

pub(crate) fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}

/// What the server prints, by line.
pub(crate) fn psql(database: &Database, sql: &str) -> Vec<String> {
    sorted(database.psql(sql).unwrap().lines().map(str::to_owned).collect())
}
