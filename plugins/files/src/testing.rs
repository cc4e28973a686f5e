//! Files and readers for tests.

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

use dstream_sdk::{
    Bookmark, Catalog, ConnectorConfig, Context, Message, Next, OpenTap, ReadRequest, Result, SelectedStream,
    Selection, Tap,
};

use crate::csv::Csv;
use crate::jsonl::Jsonl;
use crate::options::Place;
use crate::remote::Bucket;
use crate::store::{Local, Store};
use crate::tap::{FilesTap, Format};
use crate::target::{Encoding, FromConfig};
use crate::types;

/// A record: a text for every value, `None` for null.
pub(crate) type Row = Vec<Option<String>>;

/// A folder that is gone with the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    /// A folder with one file.
    pub(crate) fn with(name: &str, content: impl AsRef<[u8]>) -> Folder {
        let folder = Folder::new();
        folder.write(name, content);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn append(&self, name: &str, content: impl AsRef<[u8]>) {
        let mut file = std::fs::OpenOptions::new().append(true).open(self.path(name)).unwrap();
        file.write_all(content.as_ref()).unwrap();
    }

    pub(crate) fn csv(&self, path: &str, options: Value) -> FilesTap<Csv> {
        tap(self.path(path), options)
    }

    pub(crate) fn jsonl(&self, path: &str, options: Value) -> FilesTap<Jsonl> {
        tap(self.path(path), options)
    }
}

pub(crate) fn tap<F: Format>(path: PathBuf, options: Value) -> FilesTap<F> {
    try_tap(json!({ "path": path.to_str().unwrap() }), options).unwrap()
}

pub(crate) fn try_tap<F: Format>(connection: Value, options: Value) -> Result<FilesTap<F>> {
    let config = json!({"name": "n", "type": "csv", "connection": connection, "options": options});
    try_tap_with(serde_json::from_value(config).unwrap())
}

pub(crate) fn try_tap_with<F: Format>(config: ConnectorConfig) -> Result<FilesTap<F>> {
    FilesTap::open(context(), config)
}

/// A tap of a place in a bucket.
pub(crate) fn tap_of_bucket<F: Format>(bucket: Arc<Bucket>, options: Value) -> FilesTap<F> {
    let config = json!({"name": "n", "type": "csv", "options": options});
    let format = F::from_config(&serde_json::from_value(config).unwrap()).unwrap();
    FilesTap::of_place(context(), Place::Bucket(bucket), format)
}

pub(crate) fn context() -> Context {
    Context::detached(Arc::default())
}

/// `name: type` of every column of the only stream.
pub(crate) fn columns(tap: &impl Tap) -> Vec<String> {
    let catalog = tap.discover().unwrap();
    let [stream] = &catalog.streams[..] else { panic!("one stream was expected: {catalog:?}") };
    let fields = stream.schema.fields().iter();
    let name = |field: &arrow::datatypes::FieldRef| match types::is_json(field) {
        true => "json".to_owned(),
        false => types::name(field.data_type()),
    };
    fields.map(|field| format!("{}: {}", field.name(), name(field))).collect()
}

/// What one reader gave.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) batches: Vec<RecordBatch>,
    /// One after each batch, and one at the end.
    pub(crate) bookmarks: Vec<Bookmark>,
}

impl Read {
    pub(crate) fn rows(&self) -> Vec<Row> {
        self.batches.iter().flat_map(rows).collect()
    }
}

/// Limits of a batch for `read`.
#[derive(Clone, Copy)]
pub(crate) struct BatchLimits {
    pub(crate) rows: usize,
    pub(crate) bytes: u64,
}

pub(crate) const WIDE: BatchLimits = BatchLimits { rows: 1 << 16, bytes: 64 << 20 };

/// Everything selected of one stream.
pub(crate) fn selected(catalog: &Catalog, stream: &str) -> SelectedStream {
    let info = catalog.streams.iter().find(|info| info.name == stream).expect("the stream is in the catalog");
    SelectedStream {
        upserted: false,
        name: info.name.clone(),
        schema: info.schema.clone(),
        key_properties: info.key_properties.clone(),
        replication_method: info.replication_methods[0],
        replication_key: None,
    }
}

/// Reads the only stream as it is discovered, from a bookmark on.
pub(crate) fn read(tap: &impl Tap, bookmark: Option<Bookmark>) -> Result<Read> {
    let catalog = tap.discover()?;
    let name = catalog.streams[0].name.clone();
    read_as(tap, selected(&catalog, &name), bookmark, WIDE)
}

/// Reads a stream and holds the reader to its promises on the way.
pub(crate) fn read_as(
    tap: &impl Tap,
    stream: SelectedStream,
    bookmark: Option<Bookmark>,
    limits: BatchLimits,
) -> Result<Read> {
    let selection = Selection { streams: vec![stream.clone()], ..Selection::default() };
    let partition = tap.plan(&selection)?.remove(0);
    let schema = stream.schema.clone();
    let mut reader = tap.open_reader(
        context(),
        ReadRequest {
            partition,
            streams: vec![stream],
            bookmark,
            max_batch_rows: limits.rows.try_into().unwrap(),
            max_batch_bytes: limits.bytes.try_into().unwrap(),
        },
    )?;
    let mut read = Read::default();
    let (mut described, mut ended) = (false, false);
    loop {
        match reader.next(Duration::from_secs(60))? {
            Next::Message(Message::Schema { schema: found, .. }) => {
                assert!(!described);
                assert_eq!(found, schema);
                described = true;
            }
            Next::Message(Message::Batch { batch, .. }) => {
                assert!(described && !ended && batch.rows() > 0 && batch.rows() <= limits.rows);
                assert!(batch.rows() == 1 || batch.bytes() <= limits.bytes, "{} bytes", batch.bytes());
                read.batches.push(batch.into_records().unwrap());
            }
            Next::Message(Message::Checkpoint { bookmark }) => read.bookmarks.push(bookmark),
            Next::Message(Message::StreamEnd { .. }) => ended = true,
            Next::Pending => {}
            Next::End => break,
        }
    }
    assert!(ended && read.bookmarks.len() == read.batches.len() + 1);
    Ok(read)
}

/// The records of a batch.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<Row> {
    let options = FormatOptions::new();
    // Without its table of time zones Arrow does not know `UTC` by name.
    let by_offset = |column: &ArrayRef| -> ArrayRef {
        match column.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(instants) if instants.timezone().is_some() => {
                Arc::new(instants.clone().with_timezone("+00:00"))
            }
            _ => column.clone(),
        }
    };
    let shown: Vec<ArrayRef> = batch.columns().iter().map(by_offset).collect();
    let columns: Vec<_> =
        shown.iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
    let value = |row: usize, column: usize| {
        (!batch.column(column).is_null(row)).then(|| columns[column].value(row).to_string())
    };
    (0..batch.num_rows()).map(|row| (0..columns.len()).map(|column| value(row, column)).collect()).collect()
}

/// A row from its texts; `~` is null.
pub(crate) fn row(values: &[&str]) -> Row {
    values.iter().map(|value| (*value != "~").then(|| (*value).to_owned())).collect()
}

/// The encoding that these options make.
pub(crate) fn encoding<E: FromConfig>(options: Value) -> Result<E> {
    let config = json!({"name": "n", "type": "csv", "connection": {"path": "unused"}, "options": options});
    E::from_config(&serde_json::from_value(config).unwrap()).map(|(encoding, _)| encoding)
}

/// A batch as a file has it.
pub(crate) fn encoded(encoding: &dyn Encoding, batch: &RecordBatch) -> Result<Vec<u8>> {
    let folder = Folder::new();
    let store = Local::open(context(), &folder.path(""))?;
    encoding.check("n", &batch.schema())?;
    let mut file = encoding.open("n", &batch.schema(), store.stage("file")?, false)?;
    file.write(batch)?;
    file.finish()?;
    Ok(store.read("file")?.unwrap())
}

/// Numbers that only depend on the seed, which a failing test prints.
pub(crate) struct Random(u64);

impl Random {
    /// The seed of the environment, or one of the moment; printed.
    pub(crate) fn new() -> Random {
        let seed = match std::env::var("SEED") {
            Ok(seed) => seed.parse().unwrap(),
            Err(_) => {
                use std::hash::{BuildHasher, Hasher};
                std::collections::hash_map::RandomState::new().build_hasher().finish()
            }
        };
        println!("SEED={seed}");
        Random(seed | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    pub(crate) fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }
}
