//! Files in folders, one a table, read as somebody reads them who knows nothing but their ending.

use anyhow::{Context, Result, bail, ensure};
use arrow::array::{Array, ArrayRef, RecordBatch, make_array};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

use super::place::{Listed, Place};
use super::{Destination, Epochs, Record, lines};
use crate::value::Found;

/// The folder of what was committed.
const NOTES: &str = "_dstreams";

/// What the files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Parquet,
    Jsonl,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Form::Parquet => "parquet",
            Form::Jsonl => "jsonl",
        }
    }
}

/// A place with a folder for each table.
#[derive(Clone, Debug)]
pub(crate) struct FilesDestination {
    place: Place,
    form: Form,
}

impl FilesDestination {
    /// The target makes the folder, where it is one.
    pub(crate) fn new(place: Place, form: Form) -> FilesDestination {
        FilesDestination { place, form }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The files of a table that have the ending; none where there is no folder.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub(crate) fn list(&self, table: &str) -> Result<Vec<Listed>> {
        let mut files = self.place.list(table)?;
        files.retain(|file| has_ending(&file.name, self.form.name()));
        Ok(files)
    }

    /// Shows these columns of all rows of a file to `visit`. The file is read to its end, whatever the columns.
    ///
    /// # Errors
    /// It is not whole.
    pub(crate) fn read(
        &self,
        bytes: Vec<u8>,
        columns: &[&str],
        visit: &mut dyn FnMut(&[Found]),
    ) -> Result<()> {
        match self.form {
            Form::Parquet => read_parquet(bytes, columns, visit),
            Form::Jsonl => read_lines(bytes, columns, visit),
        }
    }

    /// The entries of the log, in their order.
    fn log(&self) -> Result<Vec<Json>> {
        let mut all = Vec::new();
        for Listed { name, .. } in self.place.list(NOTES)? {
            if is_entry(&name) {
                let bytes = self.place.read(&name)?.with_context(|| format!("`{name}` is gone"))?;
                let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
                all.push(serde_json::from_slice(line).with_context(|| format!("`{name}`"))?);
            }
        }
        Ok(all)
    }

    /// Whether a completed sync has a use for the file, or for the folder that is empty.
    fn is_kept(&self, name: &str) -> bool {
        let parts: Vec<&str> = name.split('/').collect();
        match parts[..] {
            [NOTES, "replaced", ""] => true,
            [NOTES, "replaced", ..] => false,
            [NOTES, "tables", file] => file.is_empty() || has_ending(file, "json"),
            [NOTES, .., "lock" | ""] => true,
            [NOTES, ..] => is_entry(name),
            [_, file] => file.is_empty() || has_ending(file, self.form.name()),
            _ => false,
        }
    }
}

impl Destination for FilesDestination {
    fn target(&self) -> Json {
        let mut target = self.place.config();
        target["name"] = "out".into();
        target["type"] = self.form.name().into();
        target["options"] = json!({});
        target
    }

    fn control(&self) -> &'static [&'static str] {
        &[]
    }

    fn upserts(&self) -> bool {
        false
    }

    fn files(&self) -> Option<&FilesDestination> {
        Some(self)
    }

    fn leftovers(&self) -> Result<Vec<String>> {
        let all = self.place.list("")?.into_iter().map(|file| file.name);
        Ok(all.filter(|name| !self.is_kept(name)).map(|name| format!("`{name}`")).collect())
    }

    fn damage(&self) -> Result<Option<String>> {
        Ok(None)
    }

    fn tables(&self) -> Result<Vec<String>> {
        let all = self.place.list("")?;
        let folders = all.iter().filter_map(|file| file.name.split_once('/')).map(|(folder, _)| folder);
        let tables: BTreeSet<&str> = folders.filter(|folder| *folder != NOTES).collect();
        Ok(tables.into_iter().map(str::to_owned).collect())
    }

    fn rows(&self, table: &str, columns: &[&str], visit: &mut dyn FnMut(&[Found])) -> Result<()> {
        for Listed { name, .. } in self.list(table)? {
            let bytes = self.place.read(&name)?.with_context(|| format!("`{name}` is gone"))?;
            self.read(bytes, columns, visit).with_context(|| format!("`{name}`"))?;
        }
        Ok(())
    }

    fn records(&self) -> Result<Vec<Record>> {
        let mut all = BTreeMap::new();
        for entry in self.log()? {
            let content = &entry["content"];
            let noted: Vec<&Json> = match content.get("state") {
                Some(state) => {
                    all.clear();
                    state["records"].as_object().into_iter().flat_map(|records| records.values()).collect()
                }
                None => content["change"]["records"].as_array().into_iter().flatten().collect(),
            };
            for record in noted {
                let key = record["key"].as_str().context("a record without a key")?.to_owned();
                let sequence = record["sequence"].as_i64().context("a record without a number")?;
                all.insert(key.clone(), Record { key, sequence, value: record["value"].clone() });
            }
        }
        Ok(all.into_values().collect())
    }

    fn epochs(&self) -> Result<Epochs> {
        let mut epochs = Epochs::default();
        for entry in self.log()? {
            let epoch = |of: &str| entry["content"][of]["epoch"].as_i64();
            epochs.begun = epoch("state").unwrap_or(epochs.begun);
            epochs.committed = epoch("change").unwrap_or(epochs.committed);
        }
        Ok(epochs)
    }
}

fn has_ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| found == ending)
}

fn is_entry(name: &str) -> bool {
    name.contains("/log/") && has_ending(name, "log")
}

fn read_lines(bytes: Vec<u8>, columns: &[&str], visit: &mut dyn FnMut(&[Found])) -> Result<()> {
    let text = String::from_utf8(bytes)?;
    ensure!(text.is_empty() || text.ends_with('\n'), "the last line has no end");
    for line in text.split_terminator('\n') {
        let mut members: BTreeMap<String, Found> = lines::members(line)?.into_iter().collect();
        let values = columns.iter().map(|name| {
            members.remove(*name).with_context(|| format!("a record without `{name}`: {line:.200}"))
        });
        visit(&values.collect::<Result<Vec<_>>>()?);
    }
    Ok(())
}

fn read_parquet(bytes: Vec<u8>, columns: &[&str], visit: &mut dyn FnMut(&[Found])) -> Result<()> {
    for batch in ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes))?.build()? {
        let batch = batch?;
        let columns = columns.iter().map(|name| Values::of(&batch, name)).collect::<Result<Vec<_>>>()?;
        let formatters = columns.iter().map(Values::formatter).collect::<Result<Vec<_>>>()?;
        let mut values = Vec::with_capacity(columns.len());
        for row in 0..batch.num_rows() {
            values.clear();
            for (column, formatter) in columns.iter().zip(&formatters) {
                values.push(match column.array.is_valid(row) {
                    false => Found::Text(None),
                    true if column.is_bare => Found::Bare(formatter.value(row).try_to_string()?),
                    true => Found::Text(Some(formatter.value(row).try_to_string()? + column.zone)),
                });
            }
            visit(&values);
        }
    }
    Ok(())
}

/// A column of a batch.
struct Values {
    array: ArrayRef,
    is_bare: bool,
    /// What stands behind each of them.
    zone: &'static str,
}

impl Values {
    fn of(batch: &RecordBatch, name: &str) -> Result<Values> {
        let array = batch.column_by_name(name).with_context(|| format!("there is no column `{name}`"))?;
        let (mut array, mut zone) = (array.clone(), "");
        if let DataType::Timestamp(unit, Some(found)) = array.data_type() {
            ensure!(["UTC", "+00:00", "Z"].contains(&&**found), "`{name}` is of the time zone {found}");
            let local = DataType::Timestamp(*unit, None);
            array = make_array(array.to_data().into_builder().data_type(local).build()?);
            zone = "Z";
        }
        let is_bare = match array.data_type() {
            DataType::Boolean => true,
            DataType::Utf8 | DataType::Date32 | DataType::Timestamp(..) => false,
            other if other.is_numeric() => true,
            other => bail!("`{name}` is of the type {other}"),
        };
        Ok(Values { array, is_bare, zone })
    }

    fn formatter(&self) -> Result<ArrayFormatter<'_>> {
        const OPTIONS: FormatOptions<'static> = FormatOptions::new();
        Ok(ArrayFormatter::try_new(&self.array, &OPTIONS)?)
    }
}
