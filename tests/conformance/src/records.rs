//! Comparing the records of two readings, however they were cut into batches.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, FieldRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::collections::HashMap;
use std::sync::Arc;

use crate::verdict::{Step, ensure, fail};

/// Longer values are cut in a report.
const SHOWN_CHARS: usize = 60;

/// The records are the same, in the same order, value by value.
pub(crate) fn check_same(wanted: &[RecordBatch], found: &[RecordBatch]) -> Step {
    let (mut wanted, mut found) = (Cursor::new(wanted), Cursor::new(found));
    let mut record = 0;
    loop {
        match (wanted.peek(), found.peek()) {
            (None, None) => return Ok(()),
            (Some(_), None) => {
                return fail(format!("{} records are missing at the end, after {record}", wanted.left()));
            }
            (None, Some(_)) => return fail(format!("{} records too many, after {record}", found.left())),
            (Some(left), Some(right)) => {
                let rows = left.num_rows().min(right.num_rows());
                check_same_rows(&left.slice(0, rows), &right.slice(0, rows), record)?;
                record += rows;
                wanted.advance(rows);
                found.advance(rows);
            }
        }
    }
}

/// Every record of `wanted` is in `found`, as often as there; with `exactly`, nothing else is.
pub(crate) fn check_contains(wanted: &[RecordBatch], found: &[RecordBatch], exactly: bool) -> Step {
    let mut counts: HashMap<String, i64> = HashMap::new();
    for record in texts(wanted)? {
        *counts.entry(record).or_default() += 1;
    }
    for record in texts(found)? {
        *counts.entry(record).or_default() -= 1;
    }
    let missing: i64 = counts.values().filter(|count| **count > 0).sum();
    let extra: i64 = -counts.values().filter(|count| **count < 0).sum::<i64>();
    let example = |sign: i64| {
        let example =
            counts.iter().filter(|(_, count)| count.signum() == sign).map(|(record, _)| record).min();
        shown(example.map_or("", String::as_str))
    };
    ensure(missing == 0, || format!("{missing} records are missing, such as {}", example(1)))?;
    ensure(!exactly || extra == 0, || format!("{extra} records too many, such as {}", example(-1)))
}

/// Every record as text.
pub(crate) fn texts(batches: &[RecordBatch]) -> Step<Vec<String>> {
    let mut texts = Vec::new();
    for batch in batches {
        let options = FormatOptions::default().with_null("\u{0}").with_display_error(false);
        let plain: Vec<ArrayRef> = batch.columns().iter().map(without_zones).collect();
        let columns = plain.iter().map(|column| ArrayFormatter::try_new(column, &options));
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(dstream_abi::Error::from)?;
        for row in 0..batch.num_rows() {
            let cell = |column: &ArrayFormatter<'_>| column.value(row).try_to_string();
            let cells = columns.iter().map(cell).collect::<Result<Vec<_>, _>>();
            texts.push(cells.map_err(dstream_abi::Error::from)?.join("\u{1f}"));
        }
    }
    Ok(texts)
}

/// The same column with timestamps in UTC: names of zones would need a database of them to be shown.
fn without_zones(column: &ArrayRef) -> ArrayRef {
    let plain = plain_type(column.data_type());
    match plain == *column.data_type() {
        true => column.clone(),
        false => arrow::compute::cast(column, &plain).unwrap_or_else(|_| column.clone()),
    }
}

fn plain_type(data_type: &DataType) -> DataType {
    let plain =
        |field: &FieldRef| Arc::new(field.as_ref().clone().with_data_type(plain_type(field.data_type())));
    match data_type {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, None),
        DataType::List(item) => DataType::List(plain(item)),
        DataType::LargeList(item) => DataType::LargeList(plain(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(plain(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain).collect()),
        DataType::Map(entries, sorted) => DataType::Map(plain(entries), *sorted),
        other => other.clone(),
    }
}

/// A record in a sentence.
pub(crate) fn shown(record: &str) -> String {
    let text = record.replace('\u{0}', "null").replace('\u{1f}', ", ");
    let mut text = text.escape_debug().to_string();
    if let Some((end, _)) = text.char_indices().nth(SHOWN_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    format!("`{text}`")
}

fn check_same_rows(wanted: &RecordBatch, found: &RecordBatch, before: usize) -> Step {
    ensure(wanted.num_columns() == found.num_columns(), || {
        format!("{} columns in place of {}", found.num_columns(), wanted.num_columns())
    })?;
    for (at, field) in wanted.schema_ref().fields().iter().enumerate() {
        let (left, right) = (wanted.column(at), found.column(at));
        if left.as_ref() == right.as_ref() {
            continue;
        }
        let row =
            (0..wanted.num_rows()).find(|row| left.slice(*row, 1).as_ref() != right.slice(*row, 1).as_ref());
        let row = row.unwrap_or(0);
        let (name, record) = (field.name(), before + row + 1);
        let text = |column: &dyn Array| {
            let column = RecordBatch::try_from_iter([("c", column.slice(row, 1))]);
            let texts = column.map_err(dstream_abi::Error::from).map(|column| texts(&[column]));
            texts.ok().and_then(Result::ok).and_then(|texts| texts.into_iter().next()).unwrap_or_default()
        };
        let (wanted, found) = (shown(&text(left)), shown(&text(right)));
        return fail(format!("record {record} has {found} in column `{name}`, wanted is {wanted}"));
    }
    Ok(())
}

/// A place in a list of batches.
struct Cursor<'a> {
    batches: &'a [RecordBatch],
    row: usize,
}

impl Cursor<'_> {
    fn new(batches: &[RecordBatch]) -> Cursor<'_> {
        Cursor { batches, row: 0 }
    }

    /// What is left of the first batch that has something left.
    fn peek(&mut self) -> Option<RecordBatch> {
        while let Some((first, rest)) = self.batches.split_first() {
            if self.row < first.num_rows() {
                return Some(first.slice(self.row, first.num_rows() - self.row));
            }
            (self.batches, self.row) = (rest, 0);
        }
        None
    }

    fn advance(&mut self, rows: usize) {
        self.row += rows;
    }

    fn left(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum::<usize>() - self.row
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Stop;
    use arrow::array::{Int64Array, StringArray};

    fn batch(rows: &[(i64, Option<&str>)]) -> RecordBatch {
        let ids = Int64Array::from_iter_values(rows.iter().map(|row| row.0));
        let words = StringArray::from_iter(rows.iter().map(|row| row.1));
        let columns: [(&str, Arc<dyn Array>); 2] = [("id", Arc::new(ids)), ("word", Arc::new(words))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn why(step: Step) -> String {
        match step {
            Err(Stop::Failed(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    const ROWS: [(i64, Option<&str>); 4] = [(1, Some("a")), (2, None), (3, Some("")), (4, Some("d"))];

    #[test]
    fn where_batches_are_cut_makes_no_difference() {
        let (whole, parts) = ([batch(&ROWS)], [batch(&ROWS[..1]), batch(&[]), batch(&ROWS[1..])]);
        check_same(&whole, &parts).unwrap();
        check_same(&parts, &whole).unwrap();
        check_contains(&parts, &whole, true).unwrap();
    }

    #[test]
    fn the_first_difference_is_named() {
        let other = [batch(&ROWS[..2]), batch(&[(3, None), (4, Some("d"))])];
        assert_eq!(
            why(check_same(&[batch(&ROWS)], &other)),
            "record 3 has `null` in column `word`, wanted is ``"
        );
        assert_eq!(
            why(check_same(&[batch(&ROWS)], &[batch(&ROWS[..3])])),
            "1 records are missing at the end, after 3"
        );
        assert_eq!(why(check_same(&[batch(&ROWS[..1])], &[batch(&ROWS)])), "3 records too many, after 1");
    }

    #[test]
    fn a_time_in_a_named_zone_can_be_compared() {
        let times = arrow::array::TimestampMicrosecondArray::from(vec![0, 1]).with_timezone("Europe/Prague");
        let item = Arc::new(arrow::datatypes::Field::new("item", times.data_type().clone(), false));
        let lists = arrow::array::FixedSizeListArray::new(item, 1, Arc::new(times.clone()), None);
        let columns: [(&str, ArrayRef); 2] = [("at", Arc::new(times)), ("all", Arc::new(lists))];
        let texts = texts(&[RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
        assert_eq!(texts[0], "1970-01-01T00:00:00\u{1f}[1970-01-01T00:00:00]");
    }

    #[test]
    fn records_out_of_order_are_counted() {
        let turned = [batch(&ROWS[2..]), batch(&ROWS[..2])];
        check_contains(&[batch(&ROWS)], &turned, true).unwrap();
        assert_eq!(
            why(check_contains(&[batch(&ROWS)], &turned[1..], false)),
            "2 records are missing, such as `3, `"
        );
        check_contains(&turned[..1], &[batch(&ROWS)], false).unwrap();
        assert_eq!(
            why(check_contains(&turned[..1], &[batch(&ROWS)], true)),
            "2 records too many, such as `1, a`"
        );
    }
}
