//! A discovery over a catalog that the user has edited: what they decided stays.

use serde_json::{Map, Value};

use super::document::{key, parse_method};
use super::{CatalogFile, StreamEntry};

/// What became of the decisions of an earlier catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Streams that are in both: how many.
    pub streams: usize,
    /// Streams that the earlier catalog did not have.
    pub new: Vec<String>,
    /// Streams that are not there any more.
    pub gone: Vec<String>,
    /// What could not be kept, one sentence each.
    pub lost: Vec<String>,
}

/// What a discovery says of a stream or column, so that the earlier word does not count.
const DISCOVERED: [&str; 8] = [
    key::INCLUSION,
    key::TABLE_KEYS,
    key::METHOD,
    key::FORCED_METHOD,
    key::REPLICATION_KEY,
    key::VALID_REPLICATION_KEYS,
    key::ROW_COUNT,
    key::OFFERED_METHODS,
];

impl CatalogFile {
    /// Takes over what was decided in an earlier catalog of the same tap: which streams and columns are selected, how
    /// a stream is kept up to date, its key where the tap names none, and what other programs wrote there. What the
    /// discovery says of schemas and of what the tap offers stands.
    pub fn keep_decisions(&mut self, earlier: &CatalogFile) -> Kept {
        let mut kept = Kept::default();
        for stream in &mut self.streams {
            match earlier.streams.iter().find(|before| before.name() == stream.name()) {
                Some(before) => {
                    kept.streams += 1;
                    stream.keep_decisions(before, &mut kept.lost);
                }
                None => kept.new.push(stream.name().to_owned()),
            }
        }
        let gone = earlier.names().filter(|name| self.names().all(|now| now != *name));
        kept.gone = gone.map(str::to_owned).collect();
        keep_missing(&mut self.other, &earlier.other, &[]);
        kept
    }
}

impl StreamEntry {
    fn keep_decisions(&mut self, before: &StreamEntry, lost: &mut Vec<String>) {
        let columns: Vec<String> = self.column_names().map(str::to_owned).collect();
        let is_column = |name: &String| columns.contains(name);
        for entry in &before.metadata {
            // A part of a column goes with its column.
            if entry.breadcrumb.get(1).is_some_and(|column| !is_column(column)) {
                let was_deselected = entry.metadata.get(key::SELECTED) == Some(&Value::Bool(false));
                if entry.breadcrumb.len() == 2 && was_deselected {
                    lost.push(format!(
                        "`{}.{}` is gone, and was deselected",
                        self.name(),
                        entry.breadcrumb[1]
                    ));
                }
                continue;
            }
            let breadcrumb: Vec<&str> = entry.breadcrumb.iter().map(String::as_str).collect();
            let decided: Map<String, Value> = entry
                .metadata
                .iter()
                .filter(|(name, _)| !DISCOVERED.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            if !decided.is_empty() {
                self.metadata_mut(&breadcrumb).extend(decided);
            }
        }
        if before.metadata.is_empty() {
            // Singer's rule for a stream without metadata: all of it is selected.
            self.set_selected(&[], true);
        }
        self.keep_method(before, lost);
        self.keep_keys(before, &columns, lost);
        keep_missing(&mut self.other, &before.other, &["row_count"]);
    }

    fn keep_method(&mut self, before: &StreamEntry, lost: &mut Vec<String>) {
        let chosen =
            before.value(&[], key::METHOD).and_then(Value::as_str).or(before.replication_method.as_deref());
        let Some(method) = chosen.and_then(|name| parse_method(name).ok()) else { return };
        let is_offered = self
            .offered_methods()
            .is_ok_and(|offered| offered.is_none_or(|offered| offered.contains(&method)));
        let column = before.chosen_replication_key();
        let valid = self.valid_replication_keys();
        let is_valid =
            column.is_none_or(|column| valid.is_empty() || valid.iter().any(|name| name == column));
        let is_there = column.is_none_or(|column| self.column_names().any(|name| name == column));
        if !(is_offered && is_valid && is_there) {
            let column = column.map(|column| format!(" by `{column}`")).unwrap_or_default();
            lost.push(format!("`{}`: {method}{column} is not offered any more", self.name()));
            return;
        }
        self.metadata_mut(&[]).insert(key::METHOD.into(), method.to_string().into());
        self.replication_method = Some(method.to_string());
        if let Some(column) = column {
            self.metadata_mut(&[]).insert(key::REPLICATION_KEY.into(), column.into());
            self.replication_key = Some(column.to_owned());
        }
    }

    /// Who named the key, the user or the tap, is not written down: where the tap names one now, it is that.
    fn keep_keys(&mut self, before: &StreamEntry, columns: &[String], lost: &mut Vec<String>) {
        let (was, is) = (before.keys(), self.keys());
        if was.is_empty() || was == is {
            return;
        }
        let shown = was.join("`, `");
        if !is.is_empty() {
            lost.push(format!(
                "`{}`: the tap names the key `{}`, it was `{shown}`",
                self.name(),
                is.join("`, `")
            ));
        } else if was.iter().all(|name| columns.contains(name)) {
            self.set_keys(&was);
        } else {
            lost.push(format!("`{}`: of its key `{shown}` a column is gone", self.name()));
        }
    }
}

/// What other programs wrote, where nothing stands in its place.
fn keep_missing(now: &mut Map<String, Value>, before: &Map<String, Value>, without: &[&str]) {
    for (name, value) in before.iter().filter(|(name, _)| !without.contains(&name.as_str())) {
        now.entry(name.clone()).or_insert_with(|| value.clone());
    }
}
