//! Changing what is selected: `dstreams catalog select | deselect`.

use dstream_abi::{Error, Result};

use super::document::key;
use super::pattern::Pattern;
use super::{CatalogFile, StreamEntry};
use crate::config::hint_for;

/// What a command changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Streams that are selected now and were not before, or the other way round.
    pub streams: Vec<String>,
    /// Columns, each with its stream before it.
    pub columns: Vec<(String, String)>,
}

impl CatalogFile {
    /// Selects what each pattern names: streams (`orders`, `ord*`) or columns (`orders.*_at`).
    ///
    /// A whole stream name comes first, then a stream and a column with a dot between them, cut as far right as
    /// possible. Columns of a stream that was not selected select it with these columns alone.
    ///
    /// # Errors
    /// `Config`: a pattern that names nothing, or what the tap cannot read.
    pub fn select(&mut self, patterns: &[String]) -> Result<Changes> {
        self.edit(patterns, true)
    }

    /// Deselects what each pattern names, as for `select`. Wildcards leave out what is always selected.
    ///
    /// # Errors
    /// `Config`: a pattern that names nothing, or only what is always selected.
    pub fn deselect(&mut self, patterns: &[String]) -> Result<Changes> {
        self.edit(patterns, false)
    }

    fn edit(&mut self, patterns: &[String], select: bool) -> Result<Changes> {
        let mut changes = Changes::default();
        for text in patterns {
            match self.resolve(text)? {
                Named::Streams { at, by_glob } => self.edit_streams(&at, by_glob, select, &mut changes)?,
                Named::Columns { at, by_glob } => {
                    let mut refused = None;
                    let before = changes.columns.len();
                    let mut is_touched = false;
                    for (stream, column) in at {
                        match self.streams[stream].check_editable(&column, select) {
                            Ok(()) => {
                                is_touched = true;
                                self.edit_column(stream, &column, select, &mut changes);
                            }
                            Err(error) => refused = Some(error),
                        }
                    }
                    match refused {
                        Some(error) if !by_glob || (!is_touched && changes.columns.len() == before) => {
                            return Err(error);
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(changes)
    }

    fn edit_streams(
        &mut self,
        at: &[usize],
        by_glob: bool,
        select: bool,
        changes: &mut Changes,
    ) -> Result<()> {
        let mut refused = None;
        let mut is_touched = false;
        for &at in at {
            let stream = &mut self.streams[at];
            let problem = match (stream.inclusion(&[]), select) {
                (Some("unsupported"), true) => "the tap cannot read it",
                (Some("automatic"), false) => "the tap reads it in any case",
                _ => {
                    is_touched = true;
                    if stream.is_selected(&[]) != select {
                        stream.set_selected(&[], select);
                        changes.streams.push(stream.name().to_owned());
                    }
                    continue;
                }
            };
            let verb = if select { "selected" } else { "deselected" };
            refused = Some(Error::config(format!("it cannot be {verb}: {problem}")).stream(stream.name()));
        }
        match refused {
            Some(error) if !by_glob || !is_touched => Err(error),
            _ => Ok(()),
        }
    }

    fn edit_column(&mut self, at: usize, column: &str, select: bool, changes: &mut Changes) {
        let stream = &mut self.streams[at];
        if select && !stream.is_selected(&[]) {
            // The user names columns: the others are not meant.
            let others: Vec<String> = stream.column_names().map(str::to_owned).collect();
            for other in others {
                if !stream.is_always_selected(&other) {
                    stream.set_selected(&["properties", &other], false);
                }
            }
            stream.set_selected(&[], true);
            changes.streams.push(stream.name().to_owned());
        }
        if stream.is_column_selected(column) != select {
            stream.set_selected(&["properties", column], select);
            changes.columns.push((stream.name().to_owned(), column.to_owned()));
        }
    }

    fn resolve(&self, text: &str) -> Result<Named> {
        let pattern = Pattern::new(text)?;
        let at = self.stream_hits(&pattern);
        if !at.is_empty() {
            return Ok(Named::Streams { at, by_glob: pattern.is_glob() });
        }
        let mut nearest_streams = Vec::new();
        for (dot, _) in text.rmatch_indices('.') {
            let (left, right) = (&text[..dot], &text[dot + 1..]);
            // A dot within `[…]` or `{…}` leaves halves that are no patterns.
            let (Ok(streams), Ok(columns)) = (Pattern::new(left), Pattern::new(right)) else { continue };
            let hits = self.stream_hits(&streams);
            let mut at = Vec::new();
            for &stream in &hits {
                let entry = &self.streams[stream];
                for column in columns.hits(entry.column_names()) {
                    at.extend(entry.column_names().nth(column).map(|name| (stream, name.to_owned())));
                }
            }
            if !at.is_empty() {
                return Ok(Named::Columns { at, by_glob: streams.is_glob() || columns.is_glob() });
            }
            nearest_streams.extend(hits.first().map(|&stream| (stream, right)));
        }
        Err(match nearest_streams.first() {
            Some(&(stream, right)) => {
                let stream = &self.streams[stream];
                Error::config(format!("`{text}` names nothing: there is no column `{right}`"))
                    .stream(stream.name())
                    .hint(hint_for("columns", right, stream.column_names()))
            }
            None => Error::config(format!("`{text}` names no stream and no column of the catalog"))
                .hint(hint_for("streams", text, self.names())),
        })
    }

    fn stream_hits(&self, pattern: &Pattern<'_>) -> Vec<usize> {
        let hits = pattern.hits(self.names());
        if !hits.is_empty() {
            return hits;
        }
        // Catalogs of other taps have ids such as `public-orders` for the stream `orders`.
        pattern.hits(self.streams.iter().map(|stream| stream.stream.as_deref().unwrap_or_default()))
    }
}

enum Named {
    Streams { at: Vec<usize>, by_glob: bool },
    Columns { at: Vec<(usize, String)>, by_glob: bool },
}

impl StreamEntry {
    fn check_editable(&self, column: &str, select: bool) -> Result<()> {
        let refuse = |why: &str, hint: &str| {
            let verb = if select { "selected" } else { "deselected" };
            Err(Error::config(format!("column `{column}` cannot be {verb}: {why}"))
                .stream(self.name())
                .hint(hint.to_owned()))
        };
        if select {
            return match self.inclusion(&["properties", column]) {
                Some("unsupported") => refuse("the tap cannot read it", "deselect it, or use another tap"),
                _ => Ok(()),
            };
        }
        if self.keys().iter().any(|key| key == column) {
            return refuse(
                "it is a key",
                "name other keys first: `dstreams catalog set FILE STREAM --key …`",
            );
        }
        if self.replication_key_in_use() == Some(column) {
            return refuse(
                "it is the replication key",
                "choose another one first: `dstreams catalog set FILE STREAM --replication-key …`",
            );
        }
        match self.inclusion(&["properties", column]) {
            Some("automatic") => refuse("the tap reads it in any case", "leave it selected"),
            _ => Ok(()),
        }
    }

    /// Writes `selected` down. A stream without any metadata is selected; the first entry must not change that.
    pub(super) fn set_selected(&mut self, breadcrumb: &[&str], select: bool) {
        if self.metadata.is_empty() {
            self.metadata_mut(&[]).insert(key::SELECTED.into(), true.into());
        }
        self.metadata_mut(breadcrumb).insert(key::SELECTED.into(), select.into());
    }
}
