//! A number for every row that depends on its values alone, not on how Arrow lays them out.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::*;

use crate::{Error, Result};

const SEED: u64 = 0x2D35_8DCC_AA6C_78A5;
const NULL: u64 = 0x8BB8_4B93_962E_ACC9;

/// One number per row. Rows with equal values in equal columns have equal numbers, in every build, version and batch;
/// `utf8` or `large_utf8` or a dictionary of it makes no difference, nor do names. Bookmarks and reports keep them: the
/// definition stays.
///
/// ```
/// use dstream_sdk::{hash_rows, arrow::array::{Int64Array, RecordBatch}};
/// use std::sync::Arc;
///
/// let rows = |ids| RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(ids)) as _)]).unwrap();
/// let hashes = hash_rows(&rows(vec![1, 2, 1])).unwrap();
/// assert!(hashes[0] == hashes[2] && hashes[0] != hashes[1]);
/// assert_eq!(hash_rows(&rows(vec![2])).unwrap(), hashes[1..2]);
/// ```
///
/// # Errors
/// `Unsupported`: a column is a union, run-end encoded or a list view.
pub fn hash_rows(records: &RecordBatch) -> Result<Vec<u64>> {
    let mut hashes = vec![SEED; records.num_rows()];
    for (field, column) in records.schema_ref().fields().iter().zip(records.columns()) {
        add(&mut hashes, column).map_err(|error| error.context(format!("column `{}`", field.name())))?;
    }
    Ok(hashes)
}

/// Folds the values of one column into the numbers of the rows.
fn add(hashes: &mut [u64], column: &ArrayRef) -> Result<()> {
    /// Folds a type whose value is one word.
    macro_rules! word {
        ($type:ty, $value:ident => $word:expr) => {
            words(hashes, column.as_primitive::<$type>(), |$value| $word)
        };
    }
    match column.data_type() {
        DataType::Null => hashes.iter_mut().for_each(|hash| *hash = step(*hash, NULL)),
        DataType::Boolean => {
            let values = column.as_boolean().values();
            each(hashes, column.nulls(), |hash, row| step(hash, values.value(row).into()));
        }
        DataType::Int8 => word!(Int8Type, v => v as u64),
        DataType::Int16 => word!(Int16Type, v => v as u64),
        DataType::Int32 => word!(Int32Type, v => v as u64),
        DataType::Int64 => word!(Int64Type, v => v as u64),
        DataType::UInt8 => word!(UInt8Type, v => v.into()),
        DataType::UInt16 => word!(UInt16Type, v => v.into()),
        DataType::UInt32 => word!(UInt32Type, v => v.into()),
        DataType::UInt64 => word!(UInt64Type, v => v),
        DataType::Float16 => word!(Float16Type, v => v.to_f64().to_bits()),
        DataType::Float32 => word!(Float32Type, v => f64::from(v).to_bits()),
        DataType::Float64 => word!(Float64Type, v => v.to_bits()),
        DataType::Date32 => word!(Date32Type, v => v as u64),
        DataType::Date64 => word!(Date64Type, v => v as u64),
        DataType::Time32(TimeUnit::Second) => word!(Time32SecondType, v => v as u64),
        DataType::Time32(_) => word!(Time32MillisecondType, v => v as u64),
        DataType::Time64(TimeUnit::Microsecond) => word!(Time64MicrosecondType, v => v as u64),
        DataType::Time64(_) => word!(Time64NanosecondType, v => v as u64),
        DataType::Timestamp(TimeUnit::Second, _) => word!(TimestampSecondType, v => v as u64),
        DataType::Timestamp(TimeUnit::Millisecond, _) => word!(TimestampMillisecondType, v => v as u64),
        DataType::Timestamp(TimeUnit::Microsecond, _) => word!(TimestampMicrosecondType, v => v as u64),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => word!(TimestampNanosecondType, v => v as u64),
        DataType::Duration(TimeUnit::Second) => word!(DurationSecondType, v => v as u64),
        DataType::Duration(TimeUnit::Millisecond) => word!(DurationMillisecondType, v => v as u64),
        DataType::Duration(TimeUnit::Microsecond) => word!(DurationMicrosecondType, v => v as u64),
        DataType::Duration(TimeUnit::Nanosecond) => word!(DurationNanosecondType, v => v as u64),
        DataType::Decimal32(..) => word!(Decimal32Type, v => v as u64),
        DataType::Decimal64(..) => word!(Decimal64Type, v => v as u64),
        DataType::Decimal128(..) => {
            let values = column.as_primitive::<Decimal128Type>().values();
            each(hashes, column.nulls(), |hash, row| bytes(hash, &values[row].to_le_bytes()));
        }
        DataType::Decimal256(..) => {
            let values = column.as_primitive::<Decimal256Type>().values();
            each(hashes, column.nulls(), |hash, row| bytes(hash, &values[row].to_le_bytes()));
        }
        DataType::Interval(unit) => {
            let values = column.to_data();
            let width = match unit {
                IntervalUnit::YearMonth => 4,
                IntervalUnit::DayTime => 8,
                IntervalUnit::MonthDayNano => 16,
            };
            let all = &values.buffers()[0].as_slice()[values.offset() * width..];
            each(hashes, column.nulls(), |hash, row| bytes(hash, &all[row * width..][..width]));
        }
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            each(hashes, column.nulls(), |hash, row| bytes(hash, values.value(row).as_bytes()));
        }
        DataType::LargeUtf8 => {
            let values = column.as_string::<i64>();
            each(hashes, column.nulls(), |hash, row| bytes(hash, values.value(row).as_bytes()));
        }
        DataType::Utf8View => {
            let values = column.as_string_view();
            each(hashes, column.nulls(), |hash, row| bytes(hash, values.value(row).as_bytes()));
        }
        DataType::Binary => {
            let values = column.as_binary::<i32>();
            each(hashes, column.nulls(), |hash, row| bytes(hash, values.value(row)));
        }
        DataType::LargeBinary => {
            let values = column.as_binary::<i64>();
            each(hashes, column.nulls(), |hash, row| bytes(hash, values.value(row)));
        }
        DataType::BinaryView => {
            let values = column.as_binary_view();
            each(hashes, column.nulls(), |hash, row| bytes(hash, values.value(row)));
        }
        DataType::FixedSizeBinary(_) => {
            let values = column.as_fixed_size_binary();
            each(hashes, column.nulls(), |hash, row| bytes(hash, values.value(row)));
        }
        DataType::Dictionary(..) => {
            let dictionary = column.as_any_dictionary();
            add(hashes, &arrow::compute::take(dictionary.values(), dictionary.keys(), None)?)?;
        }
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            let offsets = list.value_offsets();
            items(hashes, column.nulls(), list.values(), |row| {
                offsets[row] as usize..offsets[row + 1] as usize
            })?;
        }
        DataType::LargeList(_) => {
            let list = column.as_list::<i64>();
            let offsets = list.value_offsets();
            items(hashes, column.nulls(), list.values(), |row| {
                offsets[row] as usize..offsets[row + 1] as usize
            })?;
        }
        DataType::FixedSizeList(..) => {
            let list = column.as_fixed_size_list();
            let size = list.value_length() as usize;
            let first = list.value_offset(0) as usize;
            items(hashes, column.nulls(), list.values(), |row| first + row * size..first + (row + 1) * size)?;
        }
        DataType::Map(..) => {
            let map = column.as_map();
            let offsets = map.value_offsets();
            let entries: ArrayRef = std::sync::Arc::new(map.entries().clone());
            items(hashes, column.nulls(), &entries, |row| offsets[row] as usize..offsets[row + 1] as usize)?;
        }
        DataType::Struct(_) => {
            let own = fields(column.as_struct())?;
            each(hashes, column.nulls(), |hash, row| step(hash, own[row]));
        }
        other => return Err(Error::unsupported(format!("rows with a {other} have no hash"))),
    }
    Ok(())
}

fn fields(values: &StructArray) -> Result<Vec<u64>> {
    let mut own = vec![SEED; values.len()];
    values.columns().iter().try_for_each(|column| add(&mut own, column))?;
    Ok(own)
}

fn items(
    hashes: &mut [u64],
    nulls: Option<&NullBuffer>,
    values: &ArrayRef,
    range: impl Fn(usize) -> std::ops::Range<usize>,
) -> Result<()> {
    let mut own = vec![SEED; values.len()];
    add(&mut own, values)?;
    each(hashes, nulls, |hash, row| {
        let range = range(row);
        let hash = step(hash, range.len() as u64);
        own[range].iter().fold(hash, |hash, item| step(hash, *item))
    });
    Ok(())
}

fn words<T: ArrowPrimitiveType>(
    hashes: &mut [u64],
    column: &PrimitiveArray<T>,
    word: impl Fn(T::Native) -> u64,
) {
    match column.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => {
            for (hash, value) in hashes.iter_mut().zip(column.values()) {
                *hash = step(*hash, word(*value));
            }
        }
        nulls => {
            let values = column.values();
            each(hashes, nulls, |hash, row| step(hash, word(values[row])));
        }
    }
}

fn each(hashes: &mut [u64], nulls: Option<&NullBuffer>, next: impl Fn(u64, usize) -> u64) {
    for (row, hash) in hashes.iter_mut().enumerate() {
        *hash = match nulls.is_some_and(|nulls| nulls.is_null(row)) {
            true => step(*hash, NULL).rotate_left(1),
            false => next(*hash, row),
        };
    }
}

/// Folds a 128-bit product, as wyhash does.
#[inline]
fn step(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ 0x9E37_79B9_7F4A_7C15) * u128::from(word ^ 0xD1B5_4A32_D192_ED03);
    (product as u64) ^ ((product >> 64) as u64)
}

fn bytes(hash: u64, bytes: &[u8]) -> u64 {
    let mut hash = step(hash, bytes.len() as u64);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = step(hash, u64::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = step(hash, u64::from_le_bytes(last));
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::*;
    use std::sync::Arc;

    fn hashes(column: impl Array + 'static) -> Vec<u64> {
        hash_rows(&RecordBatch::try_from_iter([("c", Arc::new(column) as ArrayRef)]).unwrap()).unwrap()
    }

    #[test]
    fn the_layout_makes_no_difference() {
        let values = vec![Some("a"), None, Some(""), Some("a longer text than a view inlines")];
        let plain = hashes(StringArray::from(values.clone()));
        assert_eq!(plain, hashes(LargeStringArray::from(values.clone())));
        assert_eq!(plain, hashes(StringViewArray::from(values.clone())));
        assert_eq!(plain, hashes(values.into_iter().collect::<DictionaryArray<Int8Type>>()));
        assert_eq!(hashes(Int32Array::from(vec![-1])), hashes(Int64Array::from(vec![-1])));
    }

    #[test]
    fn a_slice_has_the_hashes_of_its_rows() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
            Some(vec![Some(1), None]),
            None,
            Some(vec![]),
            Some(vec![Some(2)]),
        ]);
        let fixed = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(
            vec![Some(vec![Some(1), Some(2)]), Some(vec![Some(3), None]), None],
            2,
        );
        let texts = StringArray::from(vec!["x", "y", "z"]);
        for column in [Arc::new(list) as ArrayRef, Arc::new(fixed), Arc::new(texts)] {
            let all = hashes(column.clone());
            for from in 0..column.len() {
                assert_eq!(
                    hashes(column.slice(from, column.len() - from)),
                    all[from..],
                    "{}",
                    column.data_type()
                );
            }
        }
    }

    #[test]
    fn different_rows_have_different_hashes() {
        let texts: Vec<String> = (0..20_000).map(|n| format!("{n}")).collect();
        let mut all = hashes(StringArray::from(texts));
        all.extend(hashes(Int64Array::from_iter_values(0..20_000)));
        all.extend(hashes(Int64Array::from_iter_values((1..2_000).map(|n| n * 0x1_0000_0000))));
        let len = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), len);
    }

    #[test]
    fn the_definition_stays() {
        assert_eq!(
            hashes(Int64Array::from(vec![Some(1), None])),
            [14_799_476_740_969_155_124, 8_369_175_151_784_849_723]
        );
        assert_eq!(hashes(StringArray::from(vec!["bookmark"])), [12_355_180_505_672_249_593]);
    }
}
