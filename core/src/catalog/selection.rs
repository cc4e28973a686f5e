//! What is selected: Singer's rules, in their order, and what a run makes of them.

use arrow::datatypes::Schema;
use dstream_abi::{Error, ReplicationMethod, Result, SelectedStream, Selection};
use serde_json::Value;

use super::document::key;
use super::pattern::Pattern;
use super::{CatalogFile, StreamEntry, json_schema};
use crate::config::{hint_for, list};

impl StreamEntry {
    /// Whether the stream (no breadcrumb) or what stands at `breadcrumb` is selected, by Singer's rules:
    /// without any metadata everything is; what is nested needs its parent; `unsupported` never; `automatic` always;
    /// then `selected`, then `selected-by-default`, then as the parent.
    pub fn is_selected(&self, breadcrumb: &[&str]) -> bool {
        if self.metadata.is_empty() {
            return true;
        }
        let parent = match breadcrumb.len() {
            0 => false,
            length => self.is_selected(&breadcrumb[..length.saturating_sub(2)]),
        };
        if !breadcrumb.is_empty() && !parent {
            return false;
        }
        let flag = |key| self.value(breadcrumb, key).and_then(Value::as_bool);
        match self.inclusion(breadcrumb) {
            Some("unsupported") => false,
            Some("automatic") => true,
            _ => flag(key::SELECTED).or_else(|| flag(key::SELECTED_BY_DEFAULT)).unwrap_or(parent),
        }
    }

    /// Whether a column of a selected stream is read: keys and the replication key always are.
    pub fn is_column_selected(&self, column: &str) -> bool {
        self.is_always_selected(column) || self.is_selected(&["properties", column])
    }

    /// Whether a column cannot be deselected: a key, the replication key, or what the tap reads in any case.
    pub fn is_always_selected(&self, column: &str) -> bool {
        self.keys().iter().any(|key| key == column)
            || self.replication_key_in_use().is_some_and(|key| key == column)
            || self.inclusion(&["properties", column]) == Some("automatic")
    }

    /// The replication key, where the method follows one.
    pub fn replication_key_in_use(&self) -> Option<&str> {
        match self.method() {
            Ok(ReplicationMethod::Incremental) => self.chosen_replication_key(),
            _ => None,
        }
    }

    pub(super) fn inclusion(&self, breadcrumb: &[&str]) -> Option<&str> {
        self.value(breadcrumb, key::INCLUSION).and_then(Value::as_str)
    }

    fn to_selected(&self) -> Result<SelectedStream> {
        let keys = self.keys();
        let all = json_schema::stream_columns(&self.schema, &keys)?;
        for key in &keys {
            self.check_column(key)?;
        }
        let method = self.method()?;
        let replication_key = self.replication_key_in_use().map(str::to_owned);
        match &replication_key {
            Some(column) => self.check_column(column)?,
            None => {
                let valid = self.valid_replication_keys();
                if method == ReplicationMethod::Incremental && !valid.is_empty() {
                    let names = list(valid.iter().map(String::as_str));
                    return Err(Error::config(
                        "the replication method is INCREMENTAL, but no replication key is chosen",
                    )
                    .hint(format!("choose one of {names} by `dstreams catalog set … --replication-key`")));
                }
            }
        }
        let mut fields = Vec::new();
        for field in all.fields() {
            if self.is_column_selected(field.name()) {
                self.check_whole(field.name())?;
                fields.push(field.clone());
            }
        }
        if fields.is_empty() {
            return Err(Error::config("none of its columns is selected")
                .hint("select columns, or deselect the stream: `dstreams catalog deselect`"));
        }
        Ok(SelectedStream {
            // So whoever receives a record with a key is expected to do, unless a plan for the target says otherwise.
            upserted: !keys.is_empty(),
            name: self.name().to_owned(),
            schema: Schema::new_with_metadata(fields, all.metadata().clone()).into(),
            key_properties: keys,
            replication_method: method,
            replication_key,
        })
    }

    /// The error for a column that is not there.
    pub(super) fn check_column(&self, column: &str) -> Result<()> {
        if self.column_names().any(|name| name == column) {
            return Ok(());
        }
        Err(Error::config(format!("there is no column `{column}`")).stream(self.name()).hint(hint_for(
            "columns",
            column,
            self.column_names(),
        )))
    }

    /// A column is read whole: to leave out a part of it in silence would show more than the user allowed.
    fn check_whole(&self, column: &str) -> Result<()> {
        let nested = self.metadata.iter().find(|entry| {
            let path = &entry.breadcrumb;
            path.len() > 2
                && path[0] == "properties"
                && path[1] == column
                && (entry.metadata.get(key::SELECTED) == Some(&Value::Bool(false))
                    || entry.metadata.get(key::INCLUSION).and_then(Value::as_str) == Some("unsupported"))
        });
        let Some(nested) = nested else { return Ok(()) };
        let path: Vec<&str> = nested.breadcrumb.iter().skip(1).step_by(2).map(String::as_str).collect();
        Err(Error::unsupported(format!(
            "`{}` is deselected, but column `{column}` is read as a whole",
            path.join(".")
        ))
        .hint(format!("deselect all of column `{column}`, or select `{}`", path.join("."))))
    }
}

/// The selected streams of a catalog, in its order. Columns stand in the order of the catalog too.
///
/// # Errors
/// `Config`: nothing is selected, or a key that is no column. `Unsupported`: a part of a column is deselected.
pub fn to_selection(file: &CatalogFile) -> Result<Vec<SelectedStream>> {
    let selected: Vec<SelectedStream> = file
        .streams
        .iter()
        .filter(|stream| stream.is_selected(&[]))
        .map(|stream| stream.to_selected().map_err(|error| error.stream(stream.name())))
        .collect::<Result<_>>()?;
    if selected.is_empty() {
        return Err(match file.streams.is_empty() {
            true => Error::config("the catalog has no streams").hint("check what the config points to"),
            false => Error::config("no stream is selected")
                .hint("select one: `dstreams catalog select FILE STREAM`"),
        });
    }
    Ok(selected)
}

/// Leaves the streams that one of `patterns` names: the `streams` of a config, with a discovered catalog.
///
/// # Errors
/// `Config`: a pattern that names no stream.
pub fn keep_streams(file: &mut CatalogFile, patterns: &[String]) -> Result<()> {
    let keep = matching(file.names(), patterns, "the catalog")?;
    let mut keep = keep.into_iter();
    file.streams.retain(|_| keep.next().unwrap_or(false));
    Ok(())
}

/// Leaves the selected streams that one of `patterns` names: `--streams`.
///
/// # Errors
/// `Config`: a pattern that names no selected stream.
pub fn filter_streams(selected: Vec<SelectedStream>, patterns: &[String]) -> Result<Vec<SelectedStream>> {
    let keep = matching(selected.iter().map(|stream| stream.name.as_str()), patterns, "what is selected")?;
    Ok(selected.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(stream, _)| stream).collect())
}

/// Starts every stream over: `--full-refresh`. Methods stay, so that the next run reads on from this one.
pub fn start_over(selection: &mut Selection) {
    selection.bookmarks.clear();
}

/// Which names a pattern matches. No pattern at all: every one.
fn matching<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    patterns: &[String],
    place: &str,
) -> Result<Vec<bool>> {
    if patterns.is_empty() {
        return Ok(names.map(|_| true).collect());
    }
    let mut keep: Vec<bool> = names.clone().map(|_| false).collect();
    for text in patterns {
        let pattern = Pattern::new(text)?;
        let hits = pattern.hits(names.clone());
        if hits.is_empty() {
            return Err(Error::config(format!("`{text}` names no stream in {place}"))
                .hint(hint_for("streams", text, names)));
        }
        hits.into_iter().for_each(|hit| keep[hit] = true);
    }
    Ok(keep)
}
