//! Arrays and composites.

use arrow::array::*;
use arrow::datatypes::DataType;
use bytes::{BufMut, BytesMut};
use dstream_sdk::{Error, Result};

use super::put::{Put, put};
use crate::numeric::Why;
use crate::types::Form;

/// First and last item of the list in a row, the items of all lists, and which lists are null.
struct Level<'a> {
    bounds: Box<dyn Fn(usize) -> (usize, usize) + 'a>,
    nulls: Option<&'a arrow::buffer::NullBuffer>,
}

fn level(array: &dyn Array) -> Result<(Level<'_>, &dyn Array)> {
    Ok(match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let ends = list.value_offsets();
            let bounds = Box::new(|row: usize| (ends[row] as usize, ends[row + 1] as usize));
            (Level { bounds, nulls: list.nulls() }, list.values().as_ref())
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let ends = list.value_offsets();
            let bounds = Box::new(|row: usize| (ends[row] as usize, ends[row + 1] as usize));
            (Level { bounds, nulls: list.nulls() }, list.values().as_ref())
        }
        other => return Err(Error::bug(format!("values of the type {other} are no array"))),
    })
}

/// An array of `dimensions` dimensions.
pub(super) fn array<'a>(array: &'a dyn Array, element: u32, form: &Form, dimensions: u8) -> Result<Put<'a>> {
    let mut levels = Vec::new();
    let mut items = array;
    for _ in 0..dimensions {
        let (level, inner) = level(items)?;
        levels.push(level);
        items = inner;
    }
    let nulls = items.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    let put_item = put(items, form)?;
    Ok(Box::new(move |row, out| {
        let (range, lengths) = measure(&levels, row)?;
        let start = out.len();
        out.put_i32(0);
        let is_empty = range.0 == range.1;
        out.put_i32(if is_empty { 0 } else { lengths.len() as i32 });
        let has_nulls =
            nulls.as_ref().is_some_and(|nulls| (range.0..range.1).any(|item| nulls.is_null(item)));
        out.put_i32(i32::from(has_nulls));
        out.put_u32(element);
        if !is_empty {
            for length in lengths {
                out.put_i32(i32::try_from(length).map_err(|_| "a list of more than 2^31 items")?);
                out.put_i32(1);
            }
        }
        for item in range.0..range.1 {
            put_item(item, out)?;
        }
        set_length(start, out)
    }))
}

/// All items of the lists in a row, which lie behind one another, and the length of each level.
fn measure(levels: &[Level<'_>], row: usize) -> Result<((usize, usize), Vec<usize>), Why> {
    let mut lists = (row, row + 1);
    let mut lengths = Vec::with_capacity(levels.len());
    for (depth, level) in levels.iter().enumerate() {
        if depth > 0 && level.nulls.is_some_and(|nulls| (lists.0..lists.1).any(|list| nulls.is_null(list))) {
            return Err("a list in a list is null, which an array cannot say");
        }
        let (first, _) = (level.bounds)(lists.0);
        let mut length = None;
        let mut end = first;
        for list in lists.0..lists.1 {
            let (from, to) = (level.bounds)(list);
            if *length.get_or_insert(to - from) != to - from || from != end {
                return Err("lists of several lengths in a list, which an array cannot say");
            }
            end = to;
        }
        let length = length.unwrap_or(0);
        lengths.push(length);
        if length == 0 {
            // `{}` is the only empty array that there is.
            return match depth {
                0 => Ok(((0, 0), lengths)),
                _ => Err("a list of empty lists, which an array cannot say"),
            };
        }
        lists = (first, end);
    }
    Ok((lists, lengths))
}

/// A composite with parts of these types.
pub(super) fn composite<'a>(array: &'a StructArray, forms: &[(u32, Form)]) -> Result<Put<'a>> {
    let parts = forms.iter().zip(array.columns());
    let parts = parts.map(|((oid, form), column)| Ok((*oid, put(column.as_ref(), form)?)));
    let parts: Vec<(u32, Put<'a>)> = parts.collect::<Result<_>>()?;
    Ok(Box::new(move |row, out| {
        let start = out.len();
        out.put_i32(0);
        out.put_i32(parts.len() as i32);
        for (oid, put_part) in &parts {
            out.put_u32(*oid);
            put_part(row, out)?;
        }
        set_length(start, out)
    }))
}

fn set_length(start: usize, out: &mut BytesMut) -> Result<(), Why> {
    let length = i32::try_from(out.len() - start - 4).map_err(|_| "a value of more than 2 GiB")?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}
