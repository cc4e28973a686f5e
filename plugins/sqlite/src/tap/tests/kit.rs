//! A file, and what is read of it.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use dstream_sdk::*;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

use crate::SqliteTap;

/// A file with tables.
pub(crate) struct Source {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

pub(crate) fn source(sql: &str) -> Source {
    let folder = tempfile::tempdir().unwrap();
    let source = Source { path: folder.path().join("in.db"), folder };
    source.sql(sql);
    source
}

impl Source {
    pub(crate) fn sql(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    pub(crate) fn tap(&self, options: Value) -> SqliteTap {
        let mut options = options;
        if options.get("busy_timeout_ms").is_none() {
            options["busy_timeout_ms"] = json!(0);
        }
        let config = json!({
            "name": "in", "type": "sqlite", "connection": {"path": self.path.to_str().unwrap()}, "options": options,
        });
        SqliteTap::open(context(), serde_json::from_value(config).unwrap()).unwrap()
    }

    /// The stream as `discover` describes it.
    pub(crate) fn stream(&self, options: Value, name: &str) -> StreamInfo {
        let catalog = self.tap(options).discover().unwrap();
        catalog.streams.into_iter().find(|stream| stream.name == name).unwrap()
    }

    /// Everything of a table.
    pub(crate) fn read(&self, options: Value, name: &str) -> Result<RecordBatch> {
        let wanted = wanted(&self.stream(options.clone(), name), None);
        read(&self.tap(options), &wanted, None, usize::MAX).map(|reading| reading.all(&wanted))
    }

    /// What follows a bookmark in the order of `key`.
    pub(crate) fn follow(
        &self,
        options: Value,
        name: &str,
        key: &str,
        bookmark: Option<Value>,
        rows: usize,
    ) -> Result<Reading> {
        let wanted = wanted(&self.stream(options.clone(), name), Some(key));
        read(&self.tap(options), &wanted, bookmark, rows)
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub(crate) fn context() -> Context {
    Context::detached(Arc::default())
}

pub(crate) fn wanted(stream: &StreamInfo, key: Option<&str>) -> SelectedStream {
    SelectedStream {
        upserted: !stream.key_properties.is_empty(),
        name: stream.name.clone(),
        schema: stream.schema.clone(),
        key_properties: stream.key_properties.clone(),
        replication_method: match key {
            Some(_) => ReplicationMethod::Incremental,
            None => ReplicationMethod::FullTable,
        },
        replication_key: key.map(str::to_owned),
    }
}

pub(crate) fn request(wanted: &SelectedStream, bookmark: Option<Value>, rows: usize) -> ReadRequest {
    ReadRequest {
        partition: Partition::whole(&wanted.name),
        streams: vec![wanted.clone()],
        bookmark,
        max_batch_rows: rows.try_into().unwrap(),
        max_batch_bytes: u64::MAX.try_into().unwrap(),
    }
}

/// What came of a stream.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) batches: Vec<RecordBatch>,
    /// With the number of batches before it.
    pub(crate) bookmarks: Vec<(usize, Value)>,
}

impl Reading {
    pub(crate) fn all(&self, wanted: &SelectedStream) -> RecordBatch {
        concat_batches(&wanted.schema, &self.batches).unwrap()
    }

    pub(crate) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    pub(crate) fn last_bookmark(&self) -> Option<Value> {
        self.bookmarks.last().map(|(_, bookmark)| bookmark.clone())
    }
}

pub(crate) fn read(
    tap: &SqliteTap,
    wanted: &SelectedStream,
    bookmark: Option<Value>,
    rows: usize,
) -> Result<Reading> {
    let mut reader = tap.open_reader(context(), request(wanted, bookmark, rows))?;
    let mut reading = Reading::default();
    loop {
        match reader.next(Duration::from_secs(60))? {
            Next::Message(Message::Batch { batch, .. }) => reading.batches.push(batch.into_records()?),
            Next::Message(Message::Checkpoint { bookmark }) => {
                reading.bookmarks.push((reading.batches.len(), bookmark));
            }
            Next::Message(_) | Next::Pending => {}
            Next::End => return Ok(reading),
        }
    }
}

/// The error, whose sentence names all of `words` and which says what to do.
#[track_caller]
pub(crate) fn assert_error<T>(outcome: Result<T>, kind: ErrorKind, words: &[&str]) {
    let Err(error) = outcome else { panic!("an error was expected") };
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "`{word}` is not in: {error}");
    }
    assert!(error.hint_text().is_some(), "nothing to do next: {error}");
}
