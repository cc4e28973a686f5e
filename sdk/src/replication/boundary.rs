//! Where a run stopped, and which rows of that value it had.

use arrow::array::{Array, BooleanArray, RecordBatch, Scalar};
use arrow::compute::filter_record_batch;
use arrow::compute::kernels::cmp;
use arrow::datatypes::DataType;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::HashMap;

use super::KeyValue;
use super::crowd::Crowd;
use crate::{Bookmark, Error, Result, SelectedStream, has_seeded_bug, hash_rows};

/// More rows of one value than this are not remembered: their hashes are in every bookmark, which stays below 64 KiB.
const LIMIT_TIES: usize = 4096;
const HASHES: &str = "boundary";

/// Follows a replication key through the records of one stream, which come in its order.
///
/// Rows with the bookmark's own value may be new or may have been read before. So the source is asked for values from
/// [`lower_bound`](Boundary::lower_bound) on, itself included, and rows that the bookmark knows by their hash are taken
/// out. Bookmarks look like `{"updated_at": "2024-01-01T00:00:00Z", "boundary": "…"}`; a user can set one without
/// `boundary`: then every row of that value is read.
///
/// ```
/// use dstream_sdk::{Boundary, arrow::{array::{Int64Array, RecordBatch, StringArray}, datatypes::DataType}};
/// use std::sync::Arc;
///
/// let rows = |keys: Vec<i64>, names: Vec<&str>| RecordBatch::try_from_iter([
///     ("at", Arc::new(Int64Array::from(keys)) as _),
///     ("name", Arc::new(StringArray::from(names)) as _),
/// ]).unwrap();
///
/// let mut first = Boundary::new("at", &DataType::Int64, None).unwrap();
/// first.take(rows(vec![1, 2, 2], vec!["a", "b", "c"])).unwrap();
/// let bookmark = first.bookmark();
///
/// // The next run asks for `at >= 2` and finds one more row with the same value.
/// let mut second = Boundary::new("at", &DataType::Int64, bookmark.as_ref()).unwrap();
/// let new = second.take(rows(vec![2, 2, 2, 3], vec!["b", "c", "d", "e"])).unwrap();
/// assert_eq!(new, rows(vec![2, 3], vec!["d", "e"]));
/// ```
#[derive(Clone, Debug)]
pub struct Boundary {
    key: String,
    lower: Option<KeyValue>,
    /// Rows of the lower bound that were read before and did not come yet in this run.
    known: HashMap<u64, u32>,
    last: Option<KeyValue>,
    /// Rows of the last value, by hash.
    ties: HashMap<u64, u32>,
    n_ties: usize,
    /// All rows of the last value.
    crowd: Crowd,
    counts_crowds: bool,
    /// Rows of the lower bound that were read before, where they are known by their number alone, and what came of them.
    expected: Option<(Crowd, Crowd)>,
    /// No bookmark is before this one.
    floor: Option<KeyValue>,
}

impl Boundary {
    /// Follows the column `key` of this type from `bookmark` on.
    ///
    /// # Errors
    /// `BookmarkLost`: the bookmark belongs to another replication key. `Config`: it cannot be read.
    pub fn new(key: &str, data_type: &DataType, bookmark: Option<&Bookmark>) -> Result<Boundary> {
        let mut boundary = Boundary::empty(key);
        let Some(bookmark) = bookmark else { return Ok(boundary) };
        let value = bookmark.get(key).ok_or_else(|| {
            Error::bookmark_lost(format!("the bookmark is not one of the replication key `{key}`"))
                .hint("run once with `--full-refresh`")
        })?;
        let value = KeyValue::from_json(data_type, value)?;
        let hashes = hashes_of(bookmark)?;
        boundary.crowd.add(&hashes);
        for hash in hashes {
            *boundary.ties.entry(hash).or_default() += 1;
            boundary.n_ties += 1;
        }
        boundary.expected = Crowd::of(bookmark)?.map(|crowd| (crowd, Crowd::default()));
        boundary.known = boundary.ties.clone();
        boundary.lower = Some(value.clone());
        boundary.last = Some(value);
        Ok(boundary)
    }

    /// Follows the replication key of a selected stream.
    ///
    /// # Errors
    /// As [`new`](Boundary::new); `Config`: the stream has no replication key, or the column is not selected.
    pub fn of_stream(stream: &SelectedStream, bookmark: Option<&Bookmark>) -> Result<Boundary> {
        let key = stream.replication_key.as_deref().ok_or_else(|| {
            Error::config("an incremental stream has no replication key")
                .stream(&stream.name)
                .hint("name one with `dstreams catalog set`")
        })?;
        let field = stream.schema.field_with_name(key).map_err(|_| {
            Error::config(format!("the replication key `{key}` is not selected")).stream(&stream.name)
        })?;
        let boundary =
            Boundary::new(key, field.data_type(), bookmark).map_err(|error| error.stream(&stream.name))?;
        Ok(boundary.counting_crowds(!stream.upserted))
    }

    /// Whether more than 4,096 rows of one value are told by their number and the sum of their hashes. For streams that are
    /// not upserted, where a row that comes again stands twice: such rows are all known, or the stream stops. Otherwise they
    /// come again, and replace themselves. [`of_stream`](Boundary::of_stream) chooses by itself.
    #[must_use]
    pub fn counting_crowds(mut self, counts_crowds: bool) -> Boundary {
        self.counts_crowds = counts_crowds;
        match self.expected {
            Some((known, _)) if counts_crowds => {
                (self.crowd, self.n_ties) = (known, LIMIT_TIES + 1);
            }
            _ => self.expected = None,
        }
        self
    }

    /// Lets values come from before the bookmark, all of them as new ones: the source is asked for values that are some time
    /// or number earlier. Bookmarks do not go back for that. For streams that are [upserted](SelectedStream::upserted).
    #[must_use]
    pub fn looking_back(self) -> Boundary {
        let counts_crowds = self.counts_crowds;
        Boundary { floor: self.lower, counts_crowds, ..Boundary::empty(&self.key) }
    }

    /// Ask the source for values from here on, this one included; `None`: for all.
    pub fn lower_bound(&self) -> Option<&KeyValue> {
        self.lower.as_ref()
    }

    /// Takes the next records, in the order of the key, and gives those that no earlier run had.
    ///
    /// # Errors
    /// `Bug`: the column is missing, or the records do not come in its order. `BookmarkLost`: rows of the last value that
    /// are known by their number are others now.
    pub fn take(&mut self, records: RecordBatch) -> Result<RecordBatch> {
        let column = records
            .column_by_name(&self.key)
            .ok_or_else(|| Error::bug(format!("the records have no column `{}`", self.key)))?
            .clone();
        self.check_order(&column)?;
        let records = self.take_out_known(&column, records)?;
        let column = records.column_by_name(&self.key).cloned().unwrap_or(column);
        let Some(last) = (0..column.len()).rev().find(|row| column.is_valid(*row)) else {
            return Ok(records);
        };
        let Some(value) = KeyValue::at(&column, last)? else { return Ok(records) };
        if let Some(before) = &self.last {
            let went_back = value.compare(before)? == Ordering::Less;
            if went_back && !matches!(value, KeyValue::Text(_)) {
                return Err(self.disorder());
            }
        }
        if self.last.as_ref() != Some(&value) && !self.is_less_as_text(&value) {
            self.last = Some(value);
            self.ties.clear();
            self.n_ties = 0;
            self.crowd = Crowd::default();
        }
        let ties = cmp::eq(&column, &Scalar::new(column.slice(last, 1)))?;
        self.n_ties += ties.true_count();
        if self.n_ties <= LIMIT_TIES || self.counts_crowds {
            let hashes = hash_rows(&filter_record_batch(&records, &ties)?)?;
            self.crowd.add(&hashes);
            for hash in hashes.into_iter().filter(|_| self.n_ties <= LIMIT_TIES) {
                *self.ties.entry(hash).or_default() += 1;
            }
        }
        Ok(records)
    }

    /// The bookmark that covers every record taken so far. `None`: there is no record yet, or so many share the last
    /// value that they cannot be told apart later; there is a bookmark again at the next value.
    pub fn bookmark(&self) -> Option<Bookmark> {
        let last = self.last.as_ref().filter(|_| self.n_ties <= LIMIT_TIES && !self.is_before_floor())?;
        let mut hashes: Vec<u64> =
            self.ties.iter().flat_map(|(hash, count)| std::iter::repeat_n(*hash, *count as usize)).collect();
        hashes.sort_unstable();
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        let mut bookmark = json!({ self.key.as_str(): last.to_json() });
        if !bytes.is_empty() {
            bookmark[HASHES] = STANDARD_NO_PAD.encode(bytes).into();
        }
        Some(bookmark)
    }

    /// The bookmark at the end of the stream: where [`bookmark`](Boundary::bookmark) has none for the many rows of the
    /// last value, all of those come again in the next run, unless they are
    /// [counted](Boundary::counting_crowds).
    pub fn last_bookmark(&self) -> Option<Bookmark> {
        if let Some(floor) = self.floor.as_ref().filter(|_| self.is_before_floor()) {
            return Some(json!({ self.key.as_str(): floor.to_json() }));
        }
        let last = self.last.as_ref()?;
        Some(self.bookmark().unwrap_or_else(|| {
            let mut bookmark = json!({ self.key.as_str(): last.to_json() });
            if self.counts_crowds {
                self.crowd.note(&mut bookmark);
            }
            bookmark
        }))
    }

    /// Every record has come: call it before [`last_bookmark`](Boundary::last_bookmark).
    ///
    /// # Errors
    /// `BookmarkLost`: as [`take`](Boundary::take).
    pub fn check_end(&mut self) -> Result<()> {
        match self.expected.take() {
            Some((known, found)) => known.check(found, &self.key),
            None => Ok(()),
        }
    }

    /// Takes out the rows of the lower bound that the bookmark knows.
    fn take_out_known(&mut self, column: &dyn Array, records: RecordBatch) -> Result<RecordBatch> {
        let is_known = !self.known.is_empty() || self.expected.is_some();
        let Some(lower) = self.lower.as_ref().filter(|_| is_known) else { return Ok(records) };
        // The rows of the lower bound come first, so the first other value ends the search.
        let mut at_bound = 0;
        while at_bound < column.len() && KeyValue::at(column, at_bound)?.as_ref() == Some(lower) {
            at_bound += 1;
        }
        if let Some((_, found)) = &mut self.expected {
            found.add(&hash_rows(&records.slice(0, at_bound))?);
            if at_bound < records.num_rows() {
                self.check_end()?;
            }
            return Ok(records.slice(at_bound, records.num_rows() - at_bound));
        }
        if has_seeded_bug("checkpoint-inside-ties") {
            return Ok(records.slice(at_bound, records.num_rows() - at_bound));
        }
        let mut keep = vec![true; records.num_rows()];
        for (row, hash) in hash_rows(&records.slice(0, at_bound))?.into_iter().enumerate() {
            if let Some(count) = self.known.get_mut(&hash).filter(|count| **count > 0) {
                // It stays among the ties, which the bookmark brought along.
                *count -= 1;
                keep[row] = false;
            }
        }
        if at_bound < records.num_rows() {
            self.known.clear();
        }
        Ok(filter_record_batch(&records, &BooleanArray::from(keep))?)
    }

    fn empty(key: &str) -> Boundary {
        Boundary {
            key: key.to_owned(),
            lower: None,
            known: HashMap::new(),
            last: None,
            ties: HashMap::new(),
            n_ties: 0,
            crowd: Crowd::default(),
            counts_crowds: false,
            expected: None,
            floor: None,
        }
    }

    fn is_before_floor(&self) -> bool {
        let Some(floor) = &self.floor else { return false };
        let is_before = |last: &KeyValue| last.compare(floor).is_ok_and(|order| order == Ordering::Less);
        self.last.as_ref().is_none_or(is_before)
    }

    /// The seeded bug of a cursor that is compared as text: 10 comes before 9.
    fn is_less_as_text(&self, value: &KeyValue) -> bool {
        let text = |value: &KeyValue| value.to_json().to_string();
        has_seeded_bug("string-cursor") && self.last.as_ref().is_some_and(|last| text(value) < text(last))
    }

    /// Text is left out: a source may sort it by a collation.
    fn check_order(&self, column: &dyn Array) -> Result<()> {
        let is_text = matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        if is_text || column.len() < 2 {
            return Ok(());
        }
        let (ahead, behind) = (column.slice(1, column.len() - 1), column.slice(0, column.len() - 1));
        match cmp::lt(&ahead, &behind)?.true_count() {
            0 => Ok(()),
            _ => Err(self.disorder()),
        }
    }

    fn disorder(&self) -> Error {
        Error::bug(format!("the records do not come in the order of the replication key `{}`", self.key))
            .hint("use `FULL_TABLE` for this stream")
    }
}

fn hashes_of(bookmark: &Value) -> Result<Vec<u64>> {
    let Some(packed) = bookmark.get(HASHES) else { return Ok(Vec::new()) };
    let bytes = packed.as_str().and_then(|text| STANDARD_NO_PAD.decode(text).ok());
    match bytes.as_deref().map(<[u8]>::as_chunks::<8>) {
        Some((hashes, [])) => Ok(hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect()),
        _ => Err(Error::config(format!("`{HASHES}` in the bookmark is damaged"))
            .hint("take it out: rows of the bookmark's value are then read again")),
    }
}

#[cfg(test)]
mod tests;
