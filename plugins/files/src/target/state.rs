//! What a pipeline has committed, and how a commit changes it. No file is touched here.

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

use dstream_sdk::{Commit, CommitRecord, Error, Result, TableOwner, schema_json};

/// What is durable of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) epoch: u64,
    /// The run that has begun last.
    pub(crate) run: String,
    /// What the host notes, by key.
    pub(crate) records: BTreeMap<String, CommitRecord>,
    pub(crate) tables: BTreeMap<String, Table>,
}

/// The files of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Table {
    /// What readers see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) live: Option<Copy>,
    /// A copy that is not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) aside: Option<Copy>,
}

/// The files of one copy of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Copy {
    pub(crate) generation: u64,
    /// The run that began it, or went on with it.
    pub(crate) epoch: u64,
    #[serde(with = "schema_json")]
    pub(crate) schema: SchemaRef,
    /// What a reader must know of the format.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) dialect: String,
    pub(crate) files: Vec<DataFile>,
}

/// A file with rows. Names are those beneath the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DataFile {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
}

/// What one commit adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) epoch: u64,
    pub(crate) records: Vec<CommitRecord>,
    /// Rows of tables, in the order in which they come.
    pub(crate) written: Vec<Written>,
    /// Tables whose copy is complete, with the files that it has then.
    pub(crate) published: Vec<Published>,
}

/// Rows that a table has more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) table: String,
    pub(crate) is_aside: bool,
    pub(crate) generation: u64,
    /// A copy begins: what there was of another one that was never complete is given up.
    pub(crate) begins: bool,
    #[serde(with = "schema_json")]
    pub(crate) schema: SchemaRef,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) dialect: String,
    /// Files that are new, or that are longer than before.
    pub(crate) files: Vec<DataFile>,
}

/// A copy that takes its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Published {
    pub(crate) table: String,
    pub(crate) files: Vec<DataFile>,
}

/// What became of a commit that asks to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It comes next.
    Next,
    /// It was stored before.
    Done,
}

impl State {
    /// The state after a change.
    pub(crate) fn apply(&mut self, change: &Change) {
        self.epoch = change.epoch;
        for record in &change.records {
            self.records.insert(record.key.clone(), record.clone());
        }
        for written in &change.written {
            self.add(written);
        }
        for published in &change.published {
            let table = self.tables.entry(published.table.clone()).or_default();
            if let Some(copy) = table.aside.take() {
                table.live = Some(Copy { files: published.files.clone(), ..copy });
            }
        }
    }

    /// Adds rows that are written by the run of this epoch.
    pub(crate) fn add(&mut self, written: &Written) {
        let epoch = self.epoch;
        let table = self.tables.entry(written.table.clone()).or_default();
        let copy = if written.is_aside { &mut table.aside } else { &mut table.live };
        if written.begins {
            *copy = None;
        }
        let copy = copy.get_or_insert_with(|| Copy {
            generation: written.generation,
            epoch,
            schema: written.schema.clone(),
            dialect: written.dialect.clone(),
            files: Vec::new(),
        });
        copy.generation = written.generation;
        copy.epoch = epoch;
        copy.schema = joined(&copy.schema, &written.schema);
        for file in &written.files {
            match copy.files.last_mut().filter(|last| last.name == file.name) {
                Some(last) => *last = file.clone(),
                None => copy.files.push(file.clone()),
            }
        }
    }

    /// Where a commit stands to what is stored.
    ///
    /// # Errors
    /// `Fenced`: a newer run has begun. `Bug`: a record is neither stored nor the next one.
    pub(crate) fn compare(&self, commit: &Commit) -> Result<Standing> {
        if self.epoch != commit.epoch {
            return Err(fenced(&commit.pipeline, &self.run));
        }
        let mut standing = Standing::Next;
        for record in &commit.records {
            let stored = self.records.get(&record.key).map_or(0, |stored| stored.sequence);
            if stored == record.sequence {
                standing = Standing::Done;
            } else if stored + 1 != record.sequence {
                return Err(Error::bug(format!(
                    "record `{}` has the sequence {}, stored is {stored}",
                    record.key, record.sequence
                )));
            }
        }
        Ok(standing)
    }

    /// Who owns a copy.
    pub(crate) fn owner(copy: &Copy, pipeline: &str) -> TableOwner {
        TableOwner { pipeline: pipeline.to_owned(), generation: copy.generation, epoch: copy.epoch }
    }

    /// Names of staged files that a copy aside is made of.
    pub(crate) fn files_aside(&self) -> impl Iterator<Item = &str> {
        let copies = self.tables.values().filter_map(|table| table.aside.as_ref());
        copies.flat_map(|copy| copy.files.iter().map(|file| file.name.as_str()))
    }
}

/// The columns of both; where both have one, it is of one type.
fn joined(known: &SchemaRef, schema: &SchemaRef) -> SchemaRef {
    let new = schema.fields().iter().filter(|field| known.field_with_name(field.name()).is_err());
    let fields: Vec<FieldRef> = known.fields().iter().chain(new).cloned().collect();
    Arc::new(Schema::new(fields))
}

/// The error of a run that a newer one has taken over from.
pub(crate) fn fenced(pipeline: &str, run: &str) -> Error {
    Error::fenced(format!("the run `{run}` took over the pipeline `{pipeline}`"))
        .hint("let the newer run finish")
}
