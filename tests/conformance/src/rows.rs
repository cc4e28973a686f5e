//! The rows that the kit writes, and what became of them.

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::subject::Subject;
use crate::verdict::{Step, Stop, While, fail};

/// The columns `id` and `word` of a row.
pub type Row = (i64, Option<String>);

/// Rows that differ are named up to this many.
const NAMED: usize = 5;

/// The columns of every table that the kit writes.
pub(crate) fn schema() -> SchemaRef {
    let id = Field::new("id", DataType::Int64, false);
    Arc::new(Schema::new(vec![id, Field::new("word", DataType::Utf8, true)]))
}

/// Rows with these numbers: words that are hard to write, and nulls between them.
pub(crate) fn rows(ids: Range<i64>) -> Vec<Row> {
    let word = |id: i64| match id % 6 {
        0 => None,
        1 => Some(format!("word {id}")),
        2 => Some(String::new()),
        3 => Some(format!("it's \"{id}\", a,b;\t\r\n")),
        4 => Some(format!("žluťoučký кит 鯨 🐋 {id}")),
        _ => Some(format!("00{id}")),
    };
    ids.map(|id| (id, word(id))).collect()
}

/// The rows with another word each, in the same order.
pub(crate) fn reworded(rows: &[Row], word: &str) -> Vec<Row> {
    rows.iter().map(|(id, _)| (*id, Some(format!("{word} {id}")))).collect()
}

/// The rows as a batch.
pub(crate) fn batch(rows: &[Row]) -> RecordBatch {
    let ids = Int64Array::from_iter_values(rows.iter().map(|(id, _)| *id));
    let words = StringArray::from_iter(rows.iter().map(|(_, word)| word.as_deref()));
    let columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(words)];
    RecordBatch::try_new(schema(), columns).expect("the columns are those of the schema")
}

impl Subject<'_> {
    /// What anybody can see in a table, where there is a way to look.
    pub(crate) fn visible(&self, table: &str) -> Step<Option<Vec<Row>>> {
        let Some(read_back) = &self.read_back else {
            self.rows_unseen.store(true, Ordering::Relaxed);
            return Ok(None);
        };
        let rows = read_back.rows(table).during(|| format!("reading table `{table}` back"))?;
        Ok(Some(rows.unwrap_or_default()))
    }

    /// The table has these rows and no other, in any order. Where there is no way to look, nothing is known.
    pub(crate) fn check_rows(&self, table: &str, wanted: &[Row]) -> Step {
        match self.visible(table)? {
            None => Ok(()),
            Some(found) => check_same_rows(wanted, &found).during(|| format!("table `{table}`")),
        }
    }
}

fn check_same_rows(wanted: &[Row], found: &[Row]) -> Step {
    let mut counts: BTreeMap<&Row, i64> = BTreeMap::new();
    wanted.iter().for_each(|row| *counts.entry(row).or_default() += 1);
    found.iter().for_each(|row| *counts.entry(row).or_default() -= 1);
    let named = |sign: i64| {
        let rows: Vec<_> = counts.iter().filter(|(_, count)| count.signum() == sign).collect();
        let texts = rows.iter().take(NAMED).map(|((id, word), _)| format!("({id}, {word:?})"));
        (rows.iter().map(|(_, count)| count.abs()).sum::<i64>(), texts.collect::<Vec<_>>().join(" "))
    };
    match (named(1), named(-1)) {
        ((0, _), (0, _)) => Ok(()),
        ((missing, texts), (0, _)) => fail(format!("{missing} rows are missing: {texts}")),
        ((0, _), (extra, texts)) => fail(format!("{extra} rows too many: {texts}")),
        ((missing, lost), (extra, texts)) => {
            fail(format!("{missing} rows are missing: {lost}; {extra} rows too many: {texts}"))
        }
    }
}

impl From<arrow::error::ArrowError> for Stop {
    fn from(error: arrow::error::ArrowError) -> Stop {
        Stop::Failed(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_compared_in_any_order_and_counted() {
        let wanted = rows(0..4);
        let mut turned = wanted.clone();
        turned.reverse();
        check_same_rows(&wanted, &turned).unwrap();
        turned.push(turned[0].clone());
        let Err(Stop::Failed(why)) = check_same_rows(&wanted, &turned) else { panic!("same") };
        assert!(why.starts_with("1 rows too many: (3, "), "{why}");
        let Err(Stop::Failed(why)) = check_same_rows(&wanted, &wanted[..2]) else { panic!("same") };
        assert!(why.starts_with("2 rows are missing: (2, "), "{why}");
    }
}
