//! Folders of files, one a table, read as somebody reads them who knows nothing but their ending.

use anyhow::{Context, Result, bail, ensure};
use arrow::array::{Array, ArrayRef, RecordBatch, make_array};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Destination, Epochs, Record, lines};
use crate::value::Found;

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

/// A folder with a folder for each table.
#[derive(Clone, Debug)]
pub(crate) struct FilesDestination {
    folder: PathBuf,
    form: Form,
}

impl FilesDestination {
    /// The target makes the folder.
    pub(crate) fn new(folder: &Path, form: Form) -> FilesDestination {
        FilesDestination { folder: folder.to_owned(), form }
    }

    /// The files of a table that have the ending; none where there is no folder.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub(crate) fn list(&self, table: &str) -> Result<Vec<PathBuf>> {
        let ending = format!(".{}", self.form.name());
        let mut files = entries(&self.folder.join(table))?;
        files.retain(|file| file.to_string_lossy().ends_with(&ending));
        Ok(files)
    }

    /// Shows these columns of all rows of a file to `visit`. The file is read to its end, whatever the columns.
    ///
    /// # Errors
    /// It is not whole.
    pub(crate) fn read(&self, file: File, columns: &[&str], visit: &mut dyn FnMut(&[Found])) -> Result<()> {
        match self.form {
            Form::Parquet => read_parquet(file, columns, visit),
            Form::Jsonl => read_lines(file, columns, visit),
        }
    }

    /// The entries of the log, in their order.
    fn log(&self) -> Result<Vec<Json>> {
        let mut all = Vec::new();
        for notes in entries(&self.folder.join("_dstreams"))? {
            for file in entries(&notes.join("log"))? {
                if is_entry(&file) {
                    let text = fs::read_to_string(&file)?;
                    let line = text.lines().next().unwrap_or_default();
                    all.push(serde_json::from_str(line).with_context(|| format!("{}", file.display()))?);
                }
            }
        }
        Ok(all)
    }
}

impl Destination for FilesDestination {
    fn target(&self) -> Json {
        let form = self.form.name();
        json!({"name": "out", "type": form, "connection": {"path": self.folder}, "options": {}})
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
        let mut left = Vec::new();
        let mut tell = |path: &PathBuf| left.push(format!("`{}`", path.display()));
        for path in entries(&self.folder)? {
            if !path.is_dir() {
                tell(&path);
            } else if !path.ends_with("_dstreams") {
                entries(&path)?.iter().filter(|file| !has_ending(file, self.form.name())).for_each(&mut tell);
            }
        }
        let kept = |file: &Path| match parent(file) {
            "log" => is_entry(file),
            "tables" => has_ending(file, "json"),
            _ => file.ends_with("lock"),
        };
        for notes in entries(&self.folder.join("_dstreams"))? {
            for path in entries(&notes)? {
                match path.is_dir() && !notes.ends_with("replaced") {
                    true => entries(&path)?.iter().filter(|file| !kept(file)).for_each(&mut tell),
                    false if kept(&path) => {}
                    false => tell(&path),
                }
            }
        }
        Ok(left)
    }

    fn damage(&self) -> Result<Option<String>> {
        Ok(None)
    }

    fn tables(&self) -> Result<Vec<String>> {
        let folders = entries(&self.folder)?.into_iter().filter(|path| path.is_dir());
        let names = folders.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        Ok(names.filter(|name| name != "_dstreams").collect())
    }

    fn rows(&self, table: &str, columns: &[&str], visit: &mut dyn FnMut(&[Found])) -> Result<()> {
        for path in self.list(table)? {
            let file = File::open(&path)?;
            self.read(file, columns, visit).with_context(|| format!("`{}`", path.display()))?;
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

/// What is in a folder, sorted; nothing where it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let found = match fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if is_gone(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("`{}`", folder.display())),
    };
    let mut all = found.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    all.sort();
    Ok(all)
}

fn is_gone(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

fn parent(file: &Path) -> &str {
    file.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default()
}

fn has_ending(file: &Path, ending: &str) -> bool {
    file.extension().is_some_and(|found| found == ending)
}

fn is_entry(file: &Path) -> bool {
    has_ending(file, "log")
}

fn read_lines(mut file: File, columns: &[&str], visit: &mut dyn FnMut(&[Found])) -> Result<()> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
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

fn read_parquet(file: File, columns: &[&str], visit: &mut dyn FnMut(&[Found])) -> Result<()> {
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
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
