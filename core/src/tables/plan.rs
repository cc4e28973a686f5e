//! The write mode and the table of every stream, settled before anything is written.

use dstream_abi::{Error, ReplicationMethod, Result, SelectedStream, TargetManifest, WriteMode};
use std::collections::HashMap;

use super::Template;
use crate::config::{TargetOptions, list};

/// How one stream is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePlan {
    /// The table.
    pub table: String,
    /// The user named the write mode.
    pub is_explicit: bool,
    /// Every run reads the stream from its start, whatever its method: its table is replaced because the user said so,
    /// and the records after a bookmark are not the whole of it.
    pub starts_over: bool,
    first: WriteMode,
    later: WriteMode,
}

impl TablePlan {
    /// How rows enter the table. `is_first_copy`: the stream is read from its start, or an earlier run did not come to
    /// the end of that.
    pub fn write_mode(&self, is_first_copy: bool) -> WriteMode {
        if is_first_copy { self.first } else { self.later }
    }

    /// What the user should know when the stream is read from its start: its rows are added to those of earlier copies.
    pub fn warning(&self) -> Option<String> {
        let why = match (self.first, self.is_explicit) {
            (WriteMode::Append, true) => "`append` was asked for",
            (WriteMode::Append, false) => "the target offers nothing else",
            _ => return None,
        };
        Some(format!(
            "rows are appended to table `{}` because {why}: those of an earlier copy stay and stand twice",
            self.table
        ))
    }
}

/// Settles how `streams` are written: what the user named; else upsert where a stream has a key, overwrite for a full
/// table without one, append for the rest. The first copy of the rest is written as overwrite: a second run without
/// state must not double its rows.
///
/// # Errors
/// `Config`: a mode that the target does not offer, upsert without a key, two streams in one table.
pub fn plan(
    streams: &[SelectedStream],
    options: &TargetOptions,
    target: &TargetManifest,
) -> Result<Vec<TablePlan>> {
    let template = options.table.clone().unwrap_or_default();
    let mut plans = Vec::with_capacity(streams.len());
    for stream in streams {
        let (first, later) = match options.write_mode {
            Some(mode) => check_mode(mode, stream, target).map(|()| (mode, mode))?,
            None => default_modes(stream, target)?,
        };
        check_columns(stream, target)?;
        let is_explicit = options.write_mode.is_some();
        let is_copy = stream.replication_method == ReplicationMethod::FullTable;
        plans.push(TablePlan {
            table: template.table_of(&stream.name)?,
            is_explicit,
            starts_over: is_explicit && later == WriteMode::Overwrite && !is_copy,
            first,
            later,
        });
    }
    check_tables(streams, &plans, &template, target)?;
    Ok(plans)
}

fn check_mode(mode: WriteMode, stream: &SelectedStream, target: &TargetManifest) -> Result<()> {
    if !target.write_modes.contains(&mode) {
        return Err(Error::config(format!("the target does not offer the write mode `{mode}`"))
            .hint(format!("it offers {}", offered(target))));
    }
    if mode == WriteMode::Upsert && stream.key_properties.is_empty() {
        return Err(Error::config("upsert needs a key, and the stream has none").stream(&stream.name).hint(
            format!(
                "name the columns that identify a record: `dstreams catalog set FILE {} --key COLUMN`",
                stream.name
            ),
        ));
    }
    Ok(())
}

/// What fits the stream best among what the target offers: for its first copy, and for what comes after it.
fn default_modes(stream: &SelectedStream, target: &TargetManifest) -> Result<(WriteMode, WriteMode)> {
    use WriteMode::{Append, Overwrite, Upsert};
    let best = |wanted: &[WriteMode]| wanted.iter().copied().find(|mode| target.write_modes.contains(mode));
    let first = match stream.key_properties.is_empty() {
        true => best(&[Overwrite, Append]),
        false => best(&[Upsert, Overwrite, Append]),
    };
    let later = match (first, stream.replication_method) {
        (Some(Overwrite), ReplicationMethod::Incremental | ReplicationMethod::LogBased) => best(&[Append]),
        (first, _) => first,
    };
    first.zip(later).ok_or_else(|| {
        Error::config("the target offers no write mode that fits the stream")
            .stream(&stream.name)
            .hint(format!("it offers {}", offered(target)))
    })
}

fn offered(target: &TargetManifest) -> String {
    let names: Vec<String> = target.write_modes.iter().map(ToString::to_string).collect();
    if names.is_empty() { "none".to_owned() } else { list(names.iter().map(String::as_str)) }
}

/// Two columns that a target cannot tell apart would end in one.
fn check_columns(stream: &SelectedStream, target: &TargetManifest) -> Result<()> {
    if !target.case_insensitive_names {
        return Ok(());
    }
    let mut seen: HashMap<String, &str> = HashMap::new();
    for field in stream.schema.fields() {
        if let Some(other) = seen.insert(field.name().to_lowercase(), field.name()) {
            return Err(Error::config(format!(
                "columns `{other}` and `{}` are one column in the target, which does not tell case",
                field.name()
            ))
            .stream(&stream.name)
            .hint(format!(
                "deselect one: `dstreams catalog deselect FILE {}.{}`",
                stream.name,
                field.name()
            )));
        }
    }
    Ok(())
}

fn check_tables(
    streams: &[SelectedStream],
    plans: &[TablePlan],
    template: &Template,
    target: &TargetManifest,
) -> Result<()> {
    let mut seen: HashMap<String, (&SelectedStream, &TablePlan)> = HashMap::new();
    for (stream, plan) in streams.iter().zip(plans) {
        let name = match target.case_insensitive_names {
            true => plan.table.to_lowercase(),
            false => plan.table.clone(),
        };
        let Some((other, other_plan)) = seen.insert(name, (stream, plan)) else { continue };
        let table = match other_plan.table == plan.table {
            true => format!("table `{}`", plan.table),
            false => {
                format!("tables `{}` and `{}`, which are one in the target", other_plan.table, plan.table)
            }
        };
        // A stream without a schema in its name has none to tell it from another.
        let have_schemas = [other, stream].iter().all(|stream| stream.name.contains('.'));
        let hint = match *template == Template::default() {
            true if !have_schemas => {
                "set `\"table\": \"{stream}\"` under `options` of the target, or deselect one"
            }
            true => "set `\"table\": \"{schema}_{table}\"` under `options` of the target, or deselect one",
            false => "use `{stream}` in `table` under `options` of the target, or deselect one",
        };
        return Err(Error::config(format!(
            "streams `{}` and `{}` would both be written to {table}",
            other.name, stream.name
        ))
        .hint(hint));
    }
    Ok(())
}
