//! Tables of an SQLite file.

use anyhow::{Context, Result};
use rusqlite::Connection;
use serde_json::{Value as Json, json};
use std::fs;
use std::path::{Path, PathBuf};

use super::{Destination, EPOCHS, Epochs, Record};
use crate::value::Found;

/// A file in a folder of its own.
#[derive(Debug)]
pub(crate) struct SqliteDestination {
    folder: PathBuf,
}

impl SqliteDestination {
    /// `folder` is there, and empty.
    pub(crate) fn new(folder: &Path) -> SqliteDestination {
        SqliteDestination { folder: folder.to_owned() }
    }

    fn open(&self) -> Result<Connection> {
        Connection::open(self.folder.join("out.db")).context("the target cannot be opened")
    }
}

impl Destination for SqliteDestination {
    fn target(&self) -> Json {
        let path = self.folder.join("out.db");
        json!({"name": "out", "type": "sqlite", "connection": {"path": path}, "options": {}})
    }

    fn control(&self) -> &'static [&'static str] {
        &["_dstreams_columns", "_dstreams_fence", "_dstreams_state", "_dstreams_tables"]
    }

    fn leftovers(&self) -> Result<Vec<String>> {
        let mut left = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "out.db" {
                left.push(format!("the file `{name}` beside the database"));
            }
        }
        Ok(left)
    }

    fn damage(&self) -> Result<Option<String>> {
        let whole: String = self.open()?.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        Ok((whole != "ok").then_some(whole))
    }

    fn tables(&self) -> Result<Vec<String>> {
        let target = self.open()?;
        let mut select = target
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?;
        let names = select.query_map([], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    fn rows(&self, table: &str, columns: &[&str], visit: &mut dyn FnMut(&[Found])) -> Result<()> {
        let target = self.open()?;
        let quoted: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
        let mut select = target.prepare(&format!("SELECT {} FROM \"{table}\"", quoted.join(",")))?;
        let mut found = select.query([])?;
        let mut values = Vec::new();
        while let Some(row) = found.next()? {
            values.clear();
            for at in 0..columns.len() {
                values.push(Found::Sqlite(row.get(at)?));
            }
            visit(&values);
        }
        Ok(())
    }

    fn records(&self) -> Result<Vec<Record>> {
        let target = self.open()?;
        let mut select = target.prepare("SELECT key, sequence, value FROM _dstreams_state")?;
        let records = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))?;
        let mut all = Vec::new();
        for record in records {
            let (key, sequence, value) = record?;
            all.push(Record { key, sequence, value: serde_json::from_str(&value)? });
        }
        Ok(all)
    }

    fn epochs(&self) -> Result<Epochs> {
        if self.tables()?.iter().all(|table| table != "_dstreams_state") {
            return Ok(Epochs::default());
        }
        let read = |row: &rusqlite::Row<'_>| Ok(Epochs { begun: row.get(0)?, committed: row.get(1)? });
        Ok(self.open()?.query_row(EPOCHS, [], read)?)
    }
}
