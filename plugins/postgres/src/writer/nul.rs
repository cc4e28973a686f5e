//! NUL in text, which the server cannot hold: replaced or left out where the user wants that, and counted.

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, GenericStringArray, OffsetSizeTrait, RecordBatch, StringViewArray,
    make_array,
};
use arrow::datatypes::DataType;
use dstream_sdk::{Error, Result};
use std::collections::BTreeMap;

use crate::target::NulInText;

/// How many values were changed, by column.
pub(crate) type Changes = BTreeMap<String, u64>;

/// The batch with no NUL in any text of it.
///
/// # Errors
/// `Data`: what is left does not fit its type.
pub(crate) fn without_nul(
    records: RecordBatch,
    policy: NulInText,
    changes: &mut Changes,
) -> Result<RecordBatch> {
    let with = match policy {
        NulInText::Error => return Ok(records),
        NulInText::Replace => "\u{fffd}",
        NulInText::Strip => "",
    };
    let mut columns = Vec::with_capacity(records.num_columns());
    for (field, column) in records.schema_ref().fields().iter().zip(records.columns()) {
        columns.push(match change(column.as_ref(), with)? {
            None => column.clone(),
            Some((column, changed)) => {
                *changes.entry(field.name().clone()).or_default() += changed;
                column
            }
        });
    }
    Ok(RecordBatch::try_new(records.schema(), columns)?)
}

/// The array without NUL, and how many of its texts were changed; `None`: there is none.
fn change(array: &dyn Array, with: &str) -> Result<Option<(ArrayRef, u64)>> {
    match array.data_type() {
        DataType::Utf8 => Ok(change_text(array.as_string::<i32>(), with)),
        DataType::LargeUtf8 => Ok(change_text(array.as_string::<i64>(), with)),
        DataType::Utf8View => Ok(change_views(array.as_string_view(), with)),
        other if !may_hold_text(other) => Ok(None),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = dictionary.values();
            let Some((changed, _)) = change(values.as_ref(), with)? else { return Ok(None) };
            let keys = dictionary.normalized_keys();
            let is_changed: Vec<bool> = match values.data_type() {
                DataType::Utf8 => values.as_string::<i32>().iter().map(has_nul).collect(),
                DataType::LargeUtf8 => values.as_string::<i64>().iter().map(has_nul).collect(),
                _ => vec![true; values.len()],
            };
            let rows = (0..array.len()).filter(|row| array.is_valid(*row) && is_changed[keys[*row]]).count();
            Ok(Some((dictionary.with_values(changed), rows as u64)))
        }
        _ => change_children(array, with),
    }
}

fn may_hold_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => may_hold_text(values),
        DataType::RunEndEncoded(_, values) => may_hold_text(values.data_type()),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => may_hold_text(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| may_hold_text(field.data_type())),
        DataType::Union(fields, _) => fields.iter().any(|(_, field)| may_hold_text(field.data_type())),
        _ => false,
    }
}

fn change_children(array: &dyn Array, with: &str) -> Result<Option<(ArrayRef, u64)>> {
    let data: ArrayData = array.to_data();
    let mut children = data.child_data().to_vec();
    let mut changed = 0;
    for child in &mut children {
        if let Some((other, count)) = change(make_array(child.clone()).as_ref(), with)? {
            *child = other.to_data();
            changed += count;
        }
    }
    if changed == 0 {
        return Ok(None);
    }
    let data = data.into_builder().child_data(children).build();
    Ok(Some((make_array(data.map_err(|error| Error::data(error.to_string()))?), changed)))
}

fn change_text<O: OffsetSizeTrait>(array: &GenericStringArray<O>, with: &str) -> Option<(ArrayRef, u64)> {
    let (first, last) = (array.value_offsets().first()?, array.value_offsets().last()?);
    // One look at all bytes: there is hardly ever one.
    if !array.value_data()[first.as_usize()..last.as_usize()].contains(&0) {
        return None;
    }
    let mut count = 0;
    let changed: GenericStringArray<O> =
        array.iter().map(|text| text.map(|text| replaced(text, with, &mut count))).collect();
    (count > 0).then(|| (std::sync::Arc::new(changed) as ArrayRef, count))
}

fn change_views(array: &StringViewArray, with: &str) -> Option<(ArrayRef, u64)> {
    if !array.iter().any(has_nul) {
        return None;
    }
    let mut count = 0;
    let changed: StringViewArray =
        array.iter().map(|text| text.map(|text| replaced(text, with, &mut count))).collect();
    Some((std::sync::Arc::new(changed), count))
}

fn has_nul(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.contains('\0'))
}

fn replaced<'t>(text: &'t str, with: &str, count: &mut u64) -> std::borrow::Cow<'t, str> {
    match text.contains('\0') {
        true => {
            *count += 1;
            text.replace('\0', with).into()
        }
        false => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{DictionaryArray, Int64Array, ListArray, StringArray};
    use arrow::datatypes::Int32Type;
    use std::sync::Arc;

    #[test]
    fn every_text_with_nul_is_changed_and_counted_once() {
        let texts = StringArray::from(vec![Some("a\0b\0"), None, Some("c")]);
        let large: arrow::array::LargeStringArray = texts.iter().collect();
        let views: StringViewArray = texts.iter().collect();
        let words: DictionaryArray<Int32Type> = vec!["\0", "x", "\0"].into_iter().collect();
        let lists = ListArray::new(
            Arc::new(arrow::datatypes::Field::new("item", DataType::Utf8, true)),
            arrow::buffer::OffsetBuffer::from_lengths([1, 0, 2]),
            Arc::new(StringArray::from(vec!["\0", "y", "\0z"])),
            None,
        );
        let numbers = Int64Array::from(vec![0, 0, 0]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("texts", Arc::new(texts)),
            ("large", Arc::new(large)),
            ("views", Arc::new(views)),
            ("words", Arc::new(words)),
            ("lists", Arc::new(lists)),
            ("numbers", Arc::new(numbers)),
        ];
        let records = RecordBatch::try_from_iter(columns).unwrap();
        for (policy, text) in [(NulInText::Replace, "a\u{fffd}b\u{fffd}"), (NulInText::Strip, "ab")] {
            let mut changes = Changes::new();
            let changed = without_nul(records.clone(), policy, &mut changes).unwrap();
            assert_eq!(changed.schema(), records.schema());
            assert_eq!(changed.column(0).as_string::<i32>().value(0), text);
            assert!(changed.column(0).is_null(1) && changed.column(0).as_string::<i32>().value(2) == "c");
            assert_eq!(changed.column(2).as_string_view().value(0), text);
            let counts: Vec<_> = changes.iter().map(|(name, count)| (name.as_str(), *count)).collect();
            assert_eq!(counts, [("large", 1), ("lists", 2), ("texts", 1), ("views", 1), ("words", 2)]);
            assert!(without_nul(changed, policy, &mut Changes::new()).is_ok());
        }
        // What is cut off by a slice is not counted.
        let mut changes = Changes::new();
        without_nul(records.slice(1, 1), NulInText::Strip, &mut changes).unwrap();
        assert!(!changes.contains_key("texts"), "{changes:?}");
    }
}
