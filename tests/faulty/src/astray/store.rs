//! Tables and records in one JSON file, so that a test can look at them.

use dstream_abi::{CommitRecord, Error, Result};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A row: number and word.
pub(crate) type Row = (i64, Option<String>);

/// The file, held by one call at a time.
pub(crate) struct Store {
    path: PathBuf,
    content: Value,
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

impl Store {
    pub(crate) fn open(folder: &Path) -> Result<Store> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let path = folder.join("store.json");
        let content = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| Error::data(error.to_string()))?,
            Err(_) => json!({ "pipelines": {}, "tables": {}, "aside": {} }),
        };
        Ok(Store { path, content, _turn: turn })
    }

    pub(crate) fn save(self) -> Result<()> {
        let text = self.content.to_string();
        std::fs::write(&self.path, text).map_err(|error| Error::unavailable(error.to_string()))
    }

    fn pipeline(&mut self, name: &str) -> &mut Value {
        &mut self.content["pipelines"][name]
    }

    pub(crate) fn epoch(&mut self, pipeline: &str) -> u64 {
        self.pipeline(pipeline)["epoch"].as_u64().unwrap_or(0)
    }

    /// The newest run.
    pub(crate) fn run(&mut self, pipeline: &str) -> String {
        self.pipeline(pipeline)["run"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn set_epoch(&mut self, pipeline: &str, epoch: u64, run: &str) {
        self.pipeline(pipeline)["epoch"] = json!(epoch);
        self.pipeline(pipeline)["run"] = json!(run);
    }

    pub(crate) fn records(&mut self, pipeline: &str) -> Vec<CommitRecord> {
        let records = self.pipeline(pipeline)["records"].as_object().cloned().unwrap_or_default();
        records.into_iter().filter_map(|(_, record)| serde_json::from_value(record).ok()).collect()
    }

    pub(crate) fn put_record(&mut self, pipeline: &str, record: &CommitRecord) {
        let records = &mut self.pipeline(pipeline)["records"];
        if records.is_null() {
            *records = Value::Object(Map::new());
        }
        records[&record.key] = serde_json::to_value(record).unwrap_or_default();
    }

    pub(crate) fn rows(&self, place: &str, table: &str) -> Vec<Row> {
        serde_json::from_value(self.content[place][table]["rows"].clone()).unwrap_or_default()
    }

    pub(crate) fn generation(&self, place: &str, table: &str) -> u64 {
        self.content[place][table]["generation"].as_u64().unwrap_or(0)
    }

    pub(crate) fn put_rows(&mut self, place: &str, table: &str, generation: u64, rows: &[Row]) {
        self.content[place][table] = json!({ "generation": generation, "rows": rows });
    }
}
