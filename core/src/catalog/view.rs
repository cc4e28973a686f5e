//! A catalog for the eye: `dstreams catalog view`.

use arrow::datatypes::{DataType, Field};
use dstream_abi::{Error, ReplicationMethod, Result};
use serde::Serialize;
use std::borrow::Cow;

use super::{CatalogFile, StreamEntry, json_schema};
use crate::config::hint_for;

/// One line of the list of streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamView {
    /// Its name.
    pub name: String,
    /// Whether it is read.
    pub is_selected: bool,
    /// How it is kept up to date.
    pub replication_method: ReplicationMethod,
    /// The column it follows.
    pub replication_key: Option<String>,
    /// The columns that identify a record.
    pub key_properties: Vec<String>,
    /// Columns that are read when the stream is.
    pub selected_columns: usize,
    /// All columns.
    pub columns: usize,
    /// Records, as far as is known.
    pub row_count: Option<u64>,
}

/// One column, with what is nested in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnView {
    /// Its name.
    pub name: String,
    /// The Arrow type; of a nested column only its outermost word.
    pub data_type: String,
    /// Whether a value may be null.
    pub is_nullable: bool,
    /// Whether it is read.
    pub is_selected: bool,
    /// What it is to the stream.
    pub role: ColumnRole,
    /// The fields of a struct, the items of a list.
    pub children: Vec<ColumnView>,
}

/// What a column is to its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnRole {
    /// One of the columns that identify a record.
    Key,
    /// The column that an incremental stream follows.
    ReplicationKey,
    /// The tap reads it in any case.
    Automatic,
    /// The tap cannot read it.
    Unsupported,
    /// The user's to choose.
    Available,
}

impl CatalogFile {
    /// Every stream, in the order of the catalog.
    ///
    /// # Errors
    /// `Config`: a replication method that there is not.
    pub fn view(&self) -> Result<Vec<StreamView>> {
        self.streams.iter().map(StreamEntry::view).collect()
    }

    /// The columns of one stream.
    ///
    /// # Errors
    /// `Config`: no such stream. `Schema`: its columns cannot be read from its JSON Schema.
    pub fn view_columns(&self, stream: &str) -> Result<Vec<ColumnView>> {
        let Some(entry) = self.find_stream(stream) else {
            return Err(Error::config(format!("there is no stream `{stream}` in the catalog"))
                .hint(hint_for("streams", stream, self.names())));
        };
        let entry = entry.as_if_selected();
        let columns = json_schema::stream_columns(&entry.schema, &entry.keys());
        let columns = columns.map_err(|error| error.stream(entry.name()))?;
        Ok(columns.fields().iter().map(|field| entry.view_column(field)).collect())
    }
}

impl StreamEntry {
    fn view(&self) -> Result<StreamView> {
        let whole = self.as_if_selected();
        Ok(StreamView {
            name: self.name().to_owned(),
            is_selected: self.is_selected(&[]),
            replication_method: self.method()?,
            replication_key: self.replication_key_in_use().map(str::to_owned),
            key_properties: self.keys(),
            selected_columns: whole.column_names().filter(|column| whole.is_column_selected(column)).count(),
            columns: whole.column_names().count(),
            row_count: self.row_count(),
        })
    }

    fn view_column(&self, field: &Field) -> ColumnView {
        let name = field.name().as_str();
        let role = if self.keys().iter().any(|key| key == name) {
            ColumnRole::Key
        } else if self.replication_key_in_use() == Some(name) {
            ColumnRole::ReplicationKey
        } else {
            match self.inclusion(&["properties", name]) {
                Some("automatic") => ColumnRole::Automatic,
                Some("unsupported") => ColumnRole::Unsupported,
                _ => ColumnRole::Available,
            }
        };
        nested(field, role, self.is_column_selected(name))
    }

    /// What `select STREAM` would bring is what the eye wants to see of a stream that is not selected.
    fn as_if_selected(&self) -> Cow<'_, StreamEntry> {
        if self.is_selected(&[]) {
            return Cow::Borrowed(self);
        }
        let mut selected = self.clone();
        selected.set_selected(&[], true);
        Cow::Owned(selected)
    }
}

fn nested(field: &Field, role: ColumnRole, is_selected: bool) -> ColumnView {
    let child = |field: &Field| nested(field, ColumnRole::Available, is_selected);
    let (data_type, children) = match field.data_type() {
        DataType::Struct(fields) => ("Struct".to_owned(), fields.iter().map(|field| child(field)).collect()),
        DataType::Map(entry, _) => match entry.data_type() {
            DataType::Struct(pair) => ("Map".to_owned(), pair.iter().map(|field| child(field)).collect()),
            _ => ("Map".to_owned(), Vec::new()),
        },
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
            if item.data_type().is_nested() =>
        {
            ("List".to_owned(), vec![child(item)])
        }
        other => (other.to_string(), Vec::new()),
    };
    ColumnView {
        name: field.name().clone(),
        data_type,
        is_nullable: field.is_nullable(),
        is_selected,
        role,
        children,
    }
}
