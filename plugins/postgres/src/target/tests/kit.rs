//! A target, batches, and questions to the server.

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use dstream_postgres_server::{Database, Server};
use dstream_sdk::*;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::target::PostgresTarget;

/// A database of its own.
pub(crate) struct Place {
    pub(crate) database: Database,
}

pub(crate) fn place() -> Place {
    Place { database: Server::shared().database("target") }
}

impl Place {
    pub(crate) fn target(&self) -> PostgresTarget {
        self.target_with(json!({}))
    }

    pub(crate) fn target_with(&self, options: Value) -> PostgresTarget {
        target(&self.database.url(), options)
    }

    /// A run of the pipeline `p`.
    pub(crate) fn run(&self) -> Session {
        self.run_of("p")
    }

    pub(crate) fn run_of(&self, pipeline: &str) -> Session {
        Session::begin(self.target(), pipeline)
    }

    pub(crate) fn run_with(&self, options: Value) -> Session {
        Session::begin(self.target_with(options), "p")
    }

    pub(crate) fn sql(&self, sql: &str) {
        self.database.psql(sql).unwrap();
    }

    /// The rows of a query, each as one text.
    pub(crate) fn rows(&self, query: &str) -> Vec<String> {
        self.database
            .psql(&format!("\\pset null NULL\n{query}"))
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn count(&self, table: &str) -> u64 {
        self.rows(&format!("SELECT count(*) FROM \"{table}\""))[0].parse().unwrap()
    }

    /// The tables in `public` that are not the connector's own.
    pub(crate) fn tables(&self) -> Vec<String> {
        self.rows(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
             AND relname NOT LIKE '\\_dstreams\\_%' ORDER BY 1",
        )
    }
}

pub(crate) fn target(url: &str, options: Value) -> PostgresTarget {
    let config = json!({"name": "out", "type": "postgres", "connection": {"url": url}, "options": options});
    PostgresTarget::open(context(), serde_json::from_value(config).unwrap()).unwrap()
}

pub(crate) fn context() -> Context {
    Context::detached(Arc::default())
}

/// A run that has begun.
pub(crate) struct Session {
    pub(crate) target: PostgresTarget,
    pub(crate) pipeline: String,
    pub(crate) begun: Begun,
    sequences: std::cell::RefCell<std::collections::HashMap<String, u64>>,
}

impl Session {
    pub(crate) fn begin(target: PostgresTarget, pipeline: &str) -> Session {
        let begun = target.begin(&Pipeline { pipeline: pipeline.into(), run: "r".into() }).unwrap();
        let sequences = begun.records.iter().map(|record| (record.key.clone(), record.sequence)).collect();
        Session { target, pipeline: pipeline.into(), begun, sequences: std::cell::RefCell::new(sequences) }
    }

    pub(crate) fn writer(&self, plans: &[StreamPlan]) -> Box<dyn Writer> {
        self.target.open_writer(context(), self.request(plans)).unwrap()
    }

    pub(crate) fn request(&self, plans: &[StreamPlan]) -> WriteRequest {
        WriteRequest {
            pipeline: self.pipeline.clone(),
            epoch: self.begun.epoch,
            partition: plans[0].stream.clone(),
            streams: plans.to_vec(),
            buffer_bytes: 1 << 20,
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
        let mut writer = self.target.open_writer(context(), self.request(std::slice::from_ref(plan)))?;
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
        let sequence = 1 + self.sequences.borrow().get(&plan.stream).copied().unwrap_or(0);
        let commit = self.commit_of(prepared, &plan.stream, sequence);
        self.target.commit(&Commit { publish: publish.to_vec(), ..commit })?;
        self.sequences.borrow_mut().insert(plan.stream.clone(), sequence);
        Ok(())
    }

    /// As [`Session::sync_and_publish`], with the plan itself published.
    pub(crate) fn replace(&self, plan: &StreamPlan, batches: &[RecordBatch]) -> Result<()> {
        self.sync_and_publish(plan, batches, std::slice::from_ref(plan))
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
