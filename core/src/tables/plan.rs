//! The write mode and the table of every stream, settled before anything is written.

use dstream_abi::{Error, ReplicationMethod, Result, SelectedStream, StreamPlan, TargetManifest, WriteMode};
use std::collections::HashMap;

use super::Template;
use crate::config::{TargetOptions, list};

/// Where the reading of a stream starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At its beginning: there is no bookmark.
    Beginning,
    /// At a bookmark, with the records before it in the table.
    Bookmark,
    /// At a bookmark, with the records before it still aside: an earlier run did not come to the end of a copy.
    Aside,
}

/// How every stream is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// In the order of the streams. Generation is 0 and `resumed` false: who knows the state fills them in.
    pub plans: Vec<StreamPlan>,
    /// Streams that have a bookmark and must be read from the start all the same, for their table is replaced.
    pub start_over: Vec<String>,
    /// What the user should know, one sentence each.
    pub warnings: Vec<String>,
}

/// Settles how `streams` are written: what the user named; else upsert where a stream has a key, overwrite for a full
/// table without one, append for the rest. A stream of the rest that starts at its beginning is written as overwrite:
/// a second run without state must not double its rows.
///
/// # Errors
/// `Config`: a mode that the target does not offer, upsert without a key, two streams in one table.
pub fn plan_tables(
    streams: &[SelectedStream],
    options: &TargetOptions,
    target: &TargetManifest,
    start: impl Fn(&str) -> Start,
) -> Result<Tables> {
    let template = options.table.clone().unwrap_or_default();
    let mut tables = Tables::default();
    for stream in streams {
        let start = start(&stream.name);
        let write_mode = match options.write_mode {
            Some(mode) => check_mode(mode, stream, target)?,
            None => default_mode(stream, target, start)
                .ok_or_else(|| Error::config("the target offers no write mode").stream(&stream.name))?,
        };
        let is_explicit = options.write_mode.is_some();
        if is_explicit && write_mode == WriteMode::Overwrite && start == Start::Bookmark {
            tables.start_over.push(stream.name.clone());
        }
        if write_mode == WriteMode::Append && start == Start::Beginning {
            tables.warnings.push(doubling(stream, is_explicit));
        }
        check_columns(stream, target)?;
        tables.plans.push(StreamPlan {
            stream: stream.name.clone(),
            table: template.table_of(&stream.name)?,
            write_mode,
            write_mode_is_explicit: is_explicit,
            key_properties: stream.key_properties.clone(),
            replication_method: stream.replication_method,
            generation: 0,
            resumed: false,
        });
    }
    check_tables(&tables.plans, &template, target)?;
    Ok(tables)
}

fn check_mode(mode: WriteMode, stream: &SelectedStream, target: &TargetManifest) -> Result<WriteMode> {
    if !target.write_modes.contains(&mode) {
        let offered: Vec<String> = target.write_modes.iter().map(ToString::to_string).collect();
        return Err(Error::config(format!("the target does not offer the write mode `{mode}`"))
            .hint(format!("it offers {}", list(offered.iter().map(String::as_str)))));
    }
    if mode == WriteMode::Upsert && stream.key_properties.is_empty() {
        return Err(Error::config("upsert needs a key, and the stream has none").stream(&stream.name).hint(
            format!(
                "name the columns that identify a record: `dstreams catalog set FILE {} --key COLUMN`",
                stream.name
            ),
        ));
    }
    Ok(mode)
}

/// What fits the stream best among what the target offers.
fn default_mode(stream: &SelectedStream, target: &TargetManifest, start: Start) -> Option<WriteMode> {
    let has_key = !stream.key_properties.is_empty();
    let is_copy = stream.replication_method == ReplicationMethod::FullTable || start != Start::Bookmark;
    let wanted: &[WriteMode] = match (has_key, is_copy) {
        (true, true) => &[WriteMode::Upsert, WriteMode::Overwrite, WriteMode::Append],
        (true, false) => &[WriteMode::Upsert, WriteMode::Append],
        (false, true) => &[WriteMode::Overwrite, WriteMode::Append],
        (false, false) => &[WriteMode::Append],
    };
    wanted.iter().copied().find(|mode| target.write_modes.contains(mode))
}

fn doubling(stream: &SelectedStream, is_explicit: bool) -> String {
    let why = if is_explicit { "`append` was asked for" } else { "the target offers nothing else" };
    format!(
        "stream `{}` is appended from its beginning because {why}: rows that are in the table already are doubled",
        stream.name
    )
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

fn check_tables(plans: &[StreamPlan], template: &Template, target: &TargetManifest) -> Result<()> {
    let mut seen: HashMap<String, &StreamPlan> = HashMap::new();
    for plan in plans {
        let name = match target.case_insensitive_names {
            true => plan.table.to_lowercase(),
            false => plan.table.clone(),
        };
        let Some(other) = seen.insert(name, plan) else { continue };
        let table = match other.table == plan.table {
            true => format!("table `{}`", plan.table),
            false => format!("tables `{}` and `{}`, which are one in the target", other.table, plan.table),
        };
        let hint = match *template == Template::default() {
            true => "set `\"table\": \"{schema}_{table}\"` under `options` of the target, or deselect one",
            false => "use `{stream}` in `table` under `options` of the target, or deselect one",
        };
        return Err(Error::config(format!(
            "streams `{}` and `{}` would both be written to {table}",
            other.stream, plan.stream
        ))
        .hint(hint));
    }
    Ok(())
}
