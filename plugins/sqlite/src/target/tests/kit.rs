//! A target, batches, and questions to the file.

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use dstream_sdk::*;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

use crate::SqliteTarget;

/// Whom an error names where another connection of the test holds the file.
pub(crate) const HOLDER: &str = if cfg!(target_os = "linux") { "this run itself" } else { "another program" };

/// A folder with the path of a file that is not there yet.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

pub(crate) fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place { path: folder.path().join("out.db"), folder }
}

impl Place {
    pub(crate) fn target(&self) -> SqliteTarget {
        target(&self.path, json!({"busy_timeout_ms": 0}))
    }

    /// A run of the pipeline `p`.
    pub(crate) fn run(&self) -> Session {
        self.run_of("p")
    }

    pub(crate) fn run_of(&self, pipeline: &str) -> Session {
        Session::begin(self.target(), pipeline)
    }

    pub(crate) fn sql(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    /// The rows of a query, each as one text.
    pub(crate) fn rows(&self, query: &str) -> Vec<String> {
        let db = Connection::open(&self.path).unwrap();
        let mut statement = db.prepare(query).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>| {
            let cell = |at| match row.get_ref(at).unwrap() {
                rusqlite::types::ValueRef::Null => "NULL".to_owned(),
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                rusqlite::types::ValueRef::Real(number) => format!("{number:?}"),
                rusqlite::types::ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
                rusqlite::types::ValueRef::Blob(bytes) => format!("{bytes:?}"),
            };
            Ok((0..columns).map(cell).collect::<Vec<_>>().join("|"))
        };
        statement.query_map([], text).unwrap().map(Result::unwrap).collect()
    }

    pub(crate) fn count(&self, table: &str) -> u64 {
        self.rows(&format!("SELECT count(*) FROM \"{table}\""))[0].parse().unwrap()
    }

    pub(crate) fn tables(&self) -> Vec<String> {
        self.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_dstreams\\_%' ESCAPE '\\'")
    }
}

pub(crate) fn target(path: &Path, options: Value) -> SqliteTarget {
    let config = json!({
        "name": "out", "type": "sqlite", "connection": {"path": path.to_str().unwrap()}, "options": options,
    });
    SqliteTarget::open(context(), serde_json::from_value(config).unwrap()).unwrap()
}

pub(crate) fn context() -> Context {
    Context::detached(Arc::default())
}

/// A run that has begun.
pub(crate) struct Session {
    pub(crate) target: SqliteTarget,
    pub(crate) pipeline: String,
    pub(crate) begun: Begun,
}

impl Session {
    pub(crate) fn begin(target: SqliteTarget, pipeline: &str) -> Session {
        let begun = target.begin(&Pipeline { pipeline: pipeline.into(), run: "r".into() }).unwrap();
        Session { target, pipeline: pipeline.into(), begun }
    }

    pub(crate) fn writer(&self, plans: &[StreamPlan]) -> Box<dyn Writer> {
        self.writer_with(plans, u64::MAX)
    }

    pub(crate) fn writer_with(&self, plans: &[StreamPlan], buffer_bytes: u64) -> Box<dyn Writer> {
        self.target.open_writer(context(), self.request(plans, buffer_bytes)).unwrap()
    }

    pub(crate) fn request(&self, plans: &[StreamPlan], buffer_bytes: u64) -> WriteRequest {
        WriteRequest {
            pipeline: self.pipeline.clone(),
            epoch: self.begun.epoch,
            partition: plans[0].stream.clone(),
            streams: plans.to_vec(),
            buffer_bytes,
        }
    }

    pub(crate) fn commit_of(&self, prepared: Prepared, key: &str, sequence: u64) -> Commit {
        Commit {
            pipeline: self.pipeline.clone(),
            epoch: self.begun.epoch,
            windows: vec![CommitWindow { window: sequence, partition: key.into(), prepared }],
            records: vec![CommitRecord { key: key.into(), sequence, value: json!({"at": sequence}) }],
            publish: vec![],
        }
    }

    /// Writes batches as one window and commits it with the next record of the stream.
    pub(crate) fn sync(&self, plan: &StreamPlan, batches: &[RecordBatch]) -> Result<()> {
        self.sync_and_publish(plan, batches, &[])
    }

    pub(crate) fn sync_and_publish(
        &self,
        plan: &StreamPlan,
        batches: &[RecordBatch],
        publish: &[StreamPlan],
    ) -> Result<()> {
        let mut writer =
            self.target.open_writer(context(), self.request(std::slice::from_ref(plan), u64::MAX))?;
        let mut version = 0;
        let mut schema: Option<SchemaRef> = None;
        for batch in batches {
            if schema.as_ref() != Some(batch.schema_ref()) {
                version += 1;
                schema = Some(batch.schema());
                writer.declare(0, version, batch.schema())?;
            }
            writer.write(0, version, batch.clone().into())?;
        }
        let prepared = writer.prepare(1)?;
        let sequence = 1 + self.target.stored_sequence(&self.pipeline, &plan.stream);
        self.target
            .commit(&Commit { publish: publish.to_vec(), ..self.commit_of(prepared, &plan.stream, sequence) })
    }
}

impl SqliteTarget {
    fn stored_sequence(&self, pipeline: &str, key: &str) -> u64 {
        let db = Connection::open(&self.shared.settings.path).unwrap();
        let sql = "SELECT coalesce(max(sequence), 0) FROM _dstreams_state WHERE pipeline = ?1 AND key = ?2";
        db.query_row(sql, [pipeline, key], |row| row.get::<_, i64>(0)).unwrap() as u64
    }
}

pub(crate) fn plan(stream: &str, write_mode: WriteMode) -> StreamPlan {
    StreamPlan {
        stream: stream.into(),
        table: stream.into(),
        write_mode,
        write_mode_is_explicit: false,
        key_properties: vec!["id".into()],
        replication_method: ReplicationMethod::Incremental,
        generation: 1,
        resumed: false,
    }
}

/// `id` and `name`.
pub(crate) fn people(rows: &[(i64, &str)]) -> RecordBatch {
    let (ids, names): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
    batch(vec![("id", Arc::new(Int64Array::from(ids))), ("name", Arc::new(StringArray::from(names)))])
}

/// `id` alone.
pub(crate) fn numbers(ids: std::ops::Range<i64>) -> RecordBatch {
    batch(vec![("id", Arc::new(Int64Array::from_iter_values(ids)))])
}

pub(crate) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

/// The error of a kind, whose sentence names all of `words`.
#[track_caller]
pub(crate) fn assert_error(outcome: Result<()>, kind: ErrorKind, words: &[&str]) {
    let error = outcome.expect_err("an error was expected");
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "`{word}` is not in: {error}");
    }
}
