//! The file's content and its checksum.

use std::borrow::Cow;
use std::collections::BTreeMap;

use dstream_abi::{Bookmark, Error};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Entry, PartitionState, Result, Starts, StateError};

/// Who decides when file and target differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The target keeps records; the file is a copy and may lag behind.
    #[default]
    Target,
    /// The target keeps none: the file is all there is.
    File,
}

/// A change made by hand: the next run applies it, once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edit {
    /// Random.
    pub id: String,
    /// A stream or a partition id; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Where to read on; `None`: from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bookmark: Option<Bookmark>,
    /// When it was made; for the reader's eye only.
    pub made_at: String,
}

impl Edit {
    /// The edit is about this partition. A bookmark is set for a partition by its id or its only stream.
    pub(super) fn covers(&self, partition: &str, streams: &[String]) -> bool {
        match &self.stream {
            None => true,
            Some(scope) => scope == partition || streams.iter().any(|name| name == scope),
        }
    }
}

/// All bookmarks of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// The pipeline's identity; empty: no run has used it yet.
    pub pipeline: String,
    /// The run that wrote it.
    pub run: String,
    /// When; for the reader's eye only.
    pub written_at: String,
    /// Who decides.
    pub authority: Authority,
    /// By partition id.
    #[serde(default)]
    pub bookmarks: BTreeMap<String, Entry>,
    /// Changes made by hand, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

impl State {
    /// Makes it the state of a run: entries of its partitions become what is stored where it counts.
    ///
    /// A copy that was ahead of an emptied target would otherwise win over every new commit.
    pub fn begin_run(&mut self, pipeline: &str, run: &str, authority: Authority, starts: &Starts) {
        self.pipeline = pipeline.to_string();
        self.run = run.to_string();
        self.authority = authority;
        for start in &starts.lanes {
            match &start.stored {
                Some(entry) => self.bookmarks.insert(start.partition.clone(), entry.clone()),
                None => self.bookmarks.remove(&start.partition),
            };
        }
    }

    /// Takes over what was committed; of two entries the one with the higher sequence stays. A bookmark that was set
    /// by hand is forgotten once an entry has it.
    pub fn absorb(&mut self, entries: impl IntoIterator<Item = (String, Entry)>) {
        for (partition, entry) in entries {
            if self.bookmarks.get(&partition).is_some_and(|known| known.sequence > entry.sequence) {
                continue;
            }
            if let Some(applied) = &entry.state.edit {
                self.edits.retain(|edit| edit.id != *applied || edit.bookmark.is_none());
            }
            self.bookmarks.insert(partition, entry);
        }
    }

    /// The JSON without its checksum: the value of a Singer STATE message.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(Document::of(self))
            .expect("strings, numbers and JSON values always have a JSON form")
    }

    /// The state in a Singer STATE message.
    ///
    /// # Errors
    /// `Unusable`: it is something else, or of a newer format.
    pub fn from_value(mut value: Value) -> Result<State> {
        let format = value.get("format").cloned();
        match format.as_ref().and_then(Value::as_u64) {
            Some(FORMAT) => {}
            Some(newer) if newer > FORMAT => {
                return Err(unusable(
                    format!("has format {newer}, this dstreams reads format {FORMAT}"),
                    "use the version of dstreams that wrote it, or a newer one",
                ));
            }
            _ => return Err(unusable("is not state of dstreams: it has no `format`", FOREIGN)),
        }
        if let Some(object) = value.as_object_mut() {
            object.shift_remove(CHECKSUM);
        }
        let document: Document<'_> = serde_json::from_value(value)
            .map_err(|error| unusable(format!("cannot be understood: {error}"), FOREIGN))?;
        Ok(document.state.into_owned())
    }

    /// The state in a STATE message of `dstreams tap`: `{"bookmarks": {…}}`, one entry per partition, without sequences.
    ///
    /// # Errors
    /// `Unusable`: it is something else.
    pub fn from_bookmarks(value: &Value) -> Result<State> {
        let foreign = || unusable("is not state of dstreams: it has no `bookmarks` of its form", FOREIGN);
        let bookmarks = value.get("bookmarks").and_then(Value::as_object).ok_or_else(foreign)?;
        let mut state = State { authority: Authority::File, ..State::default() };
        for (partition, value) in bookmarks {
            let of_partition = PartitionState::deserialize(value).map_err(|error| {
                unusable(format!("cannot be understood at `{partition}`: {error}"), FOREIGN)
            })?;
            state.bookmarks.insert(partition.clone(), Entry { sequence: 0, state: of_partition });
        }
        Ok(state)
    }

    /// The text of the file: JSON whose last member is the SHA-256 of everything before it.
    pub(super) fn to_text(&self) -> String {
        // Straight to text: a tree of values of many partitions is several times as large.
        let mut text = serde_json::to_string_pretty(&Document::of(self))
            .expect("strings, numbers and JSON values always have a JSON form");
        // The last brace alone: the member before it may end in braces of its own.
        text.truncate(text.strip_suffix("\n}").map_or(text.len(), str::len));
        text.push_str(",\n");
        let checksum = checksum(&text);
        text.push_str(&format!("  \"{CHECKSUM}\": \"{checksum}\"\n}}\n"));
        text
    }

    /// Reads the text of a file. Every byte of it is either covered by the checksum or fixed.
    pub(super) fn from_text(bytes: &[u8]) -> Result<State> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(unusable("is empty", CUT));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| unusable("is not text", CUT))?;
        let value: Value = serde_json::from_str(text)
            .map_err(|error| unusable(format!("is cut or damaged: {error}"), CUT))?;
        let is_foreign = value.get("format").is_none() || value.get(CHECKSUM).is_none();
        if is_foreign {
            return Err(unusable(
                format!("is not one of dstreams: it has no `format` or no `{CHECKSUM}`"),
                FOREIGN,
            ));
        }
        let state = State::from_value(value);
        if matches!(&state, Err(error) if error.error().message().contains("has format")) {
            return state;
        }
        let covered = text.rfind(&format!("  \"{CHECKSUM}\"")).unwrap_or(0);
        let tail = format!("  \"{CHECKSUM}\": \"{}\"\n}}\n", checksum(&text[..covered]));
        if text[covered..] != tail {
            return Err(unusable("was changed after it was written: its checksum does not fit", CHANGED));
        }
        state
    }
}

const FORMAT: u64 = 1;
const CHECKSUM: &str = "sha256";
const CUT: &str = "put its `.prev` in its place; where the target keeps records, the file can also be removed: the next \
                   run goes on from those";
const CHANGED: &str = "change it with `dstreams state set` alone; put its `.prev` in its place";
const FOREIGN: &str = "give the path of a state file that `dstreams sync` wrote, or one where no file is yet";

#[derive(Serialize, Deserialize)]
struct Document<'a> {
    format: u64,
    #[serde(flatten)]
    state: Cow<'a, State>,
}

impl Document<'_> {
    fn of(state: &State) -> Document<'_> {
        Document { format: FORMAT, state: Cow::Borrowed(state) }
    }
}

fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unusable(what: impl std::fmt::Display, hint: &str) -> StateError {
    StateError::Unusable(Error::config(format!("the state {what}")).hint(hint))
}
