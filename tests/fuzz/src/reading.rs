//! One file, read in every way.

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Value, json};
use std::cell::OnceCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

use dstream_files::fuzzing;
use dstream_sdk::{
    Bookmark, Context, ErrorKind, Message, Next, Partition, ReadRequest, Result, SelectedStream, Tap,
};

/// A record as text; nulls are told from the text of null.
pub(crate) type Row = Vec<Option<String>>;

/// Records, and each bookmark with the number of records before it.
pub(crate) type Read = (Vec<Row>, Vec<(usize, Bookmark)>);

/// The file that is written again and again, in memory where the system has a folder for that.
fn path() -> PathBuf {
    thread_local! {
        static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
    }
    FOLDER.with(|folder| {
        let make = || tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        folder.get_or_init(make).path().join("a.csv")
    })
}

/// A file and the tap of it.
pub(crate) struct File {
    path: PathBuf,
    tap: Box<dyn Tap>,
    piece_bytes: u64,
}

impl File {
    /// `None`: the options cannot be meant.
    pub(crate) fn new(type_name: &str, options: &Value, piece_bytes: u64) -> Option<File> {
        let path = path().with_extension(type_name);
        let config = json!({
            "name": "fuzz", "type": type_name, "connection": { "path": path.to_str() }, "options": options,
        });
        let context = Context::detached(Arc::default());
        let tap = fuzzing::tap(context, serde_json::from_value(config).unwrap(), piece_bytes).ok()?;
        Some(File { path, tap, piece_bytes })
    }

    pub(crate) fn write(&self, content: &[u8]) {
        std::fs::write(&self.path, content).unwrap();
    }

    /// The stream; `None`: the file is refused.
    pub(crate) fn stream(&self) -> Option<SelectedStream> {
        let found = self.tap.discover().map_err(|error| assert_ne!(error.kind(), ErrorKind::Bug, "{error}"));
        let info = found.ok()?.streams.pop().unwrap();
        Some(SelectedStream {
            upserted: false,
            name: info.name,
            schema: info.schema,
            key_properties: Vec::new(),
            replication_method: info.replication_methods[0],
            replication_key: None,
        })
    }

    /// All records from a bookmark on.
    pub(crate) fn read(
        &self,
        stream: &SelectedStream,
        (part, parts): (u64, u64),
        batch_rows: usize,
        bookmark: Option<Bookmark>,
    ) -> Result<Read> {
        let data = json!({ "part": part, "parts": parts, "piece_bytes": self.piece_bytes });
        let request = ReadRequest {
            partition: Partition { data, ..Partition::whole(&stream.name) },
            streams: vec![stream.clone()],
            bookmark,
            max_batch_rows: batch_rows.try_into().unwrap(),
            max_batch_bytes: (1 << 20).try_into().unwrap(),
        };
        let (mut rows, mut bookmarks) = (Vec::new(), Vec::new());
        let outcome = (|| {
            // What is there now, as at the beginning of a run.
            self.tap.plan(&dstream_sdk::Selection { streams: vec![stream.clone()], ..Default::default() })?;
            let mut reader = self.tap.open_reader(Context::detached(Arc::default()), request)?;
            loop {
                match reader.next(Duration::from_secs(60))? {
                    Next::Message(Message::Batch { batch, .. }) => {
                        rows.extend(as_text(&batch.into_records()?))
                    }
                    Next::Message(Message::Checkpoint { bookmark }) => bookmarks.push((rows.len(), bookmark)),
                    Next::End => return Ok(()),
                    _ => {}
                }
            }
        })();
        outcome
            .inspect_err(|error: &dstream_sdk::Error| assert_ne!(error.kind(), ErrorKind::Bug, "{error}"))?;
        Ok((rows, bookmarks))
    }
}

fn as_text(batch: &RecordBatch) -> Vec<Row> {
    let options = FormatOptions::default();
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| (column, ArrayFormatter::try_new(column, &options).unwrap()))
        .collect();
    let value = |row: usize| {
        let text = |(column, format): &(&arrow::array::ArrayRef, ArrayFormatter<'_>)| {
            (!column.is_null(row)).then(|| format.value(row).to_string())
        };
        columns.iter().map(text).collect()
    };
    (0..batch.num_rows()).map(value).collect()
}
