//! Nested values as JSON that says them exactly.

use crate::{Error, Result};
use arrow::array::*;
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::*;
use base64::prelude::{BASE64_STANDARD, Engine};
use std::collections::HashSet;

use super::text::{self, Why};
use super::{Cell, Cells, Values};

/// A nested array.
pub(super) enum Nested<'a> {
    /// First and last item of each row.
    List(Vec<(usize, usize)>, Box<Cells<'a>>),
    Struct(Vec<(&'a str, Cells<'a>)>),
    /// First and last entry of each row.
    Map(Vec<(usize, usize)>, Box<Cells<'a>>, Box<Cells<'a>>),
    /// The member of each row and where its value stands.
    Union(ScalarBuffer<i8>, Option<ScalarBuffer<i32>>, Vec<(i8, &'a str, Cells<'a>)>),
}

impl<'a> Nested<'a> {
    /// # Errors
    /// `Unsupported`: not a nested type.
    pub(super) fn new(array: &'a dyn Array) -> Result<Nested<'a>> {
        let bounds = |offsets: &[i32]| {
            offsets.windows(2).map(|pair| (pair[0] as usize, pair[1] as usize)).collect::<Vec<_>>()
        };
        let boxed = |array: &'a ArrayRef| Cells::new(array.as_ref()).map(Box::new);
        Ok(match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                Nested::List(bounds(list.value_offsets()), boxed(list.values())?)
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                let bounds = list.value_offsets().windows(2).map(|pair| (pair[0] as usize, pair[1] as usize));
                Nested::List(bounds.collect(), boxed(list.values())?)
            }
            DataType::FixedSizeList(_, size) => {
                let (list, size) = (array.as_fixed_size_list(), *size as usize);
                Nested::List(
                    (0..list.len()).map(|row| (row * size, (row + 1) * size)).collect(),
                    boxed(list.values())?,
                )
            }
            DataType::ListView(_) => {
                let list = array.as_list_view::<i32>();
                let bounds = list.value_offsets().iter().zip(list.value_sizes());
                let bounds = bounds.map(|(first, size)| (*first as usize, (*first + *size) as usize));
                Nested::List(bounds.collect(), boxed(list.values())?)
            }
            DataType::LargeListView(_) => {
                let list = array.as_list_view::<i64>();
                let bounds = list.value_offsets().iter().zip(list.value_sizes());
                let bounds = bounds.map(|(first, size)| (*first as usize, (*first + *size) as usize));
                Nested::List(bounds.collect(), boxed(list.values())?)
            }
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns();
                let members = fields.iter().zip(columns);
                Nested::Struct(
                    members
                        .map(|(field, column)| Ok((field.name().as_str(), Cells::new(column.as_ref())?)))
                        .collect::<Result<_>>()?,
                )
            }
            DataType::Map(..) => {
                let map = array.as_map();
                Nested::Map(bounds(map.value_offsets()), boxed(map.keys())?, boxed(map.values())?)
            }
            DataType::Union(fields, _) => {
                let union = array.as_union();
                let members = fields.iter().map(|(id, field)| {
                    Ok((id, field.name().as_str(), Cells::new(union.child(id).as_ref())?))
                });
                Nested::Union(
                    union.type_ids().clone(),
                    union.offsets().cloned(),
                    members.collect::<Result<_>>()?,
                )
            }
            other => {
                return Err(Error::unsupported(format!("no exact text for the type `{other}`")));
            }
        })
    }

    /// Whether `write` can fail.
    pub(super) fn may_be_inexact(&self) -> bool {
        match self {
            Nested::List(_, items) => may_fail(items),
            Nested::Struct(members) => members.iter().any(|(_, cells)| may_fail(cells)),
            // Two equal keys.
            Nested::Map(..) => true,
            Nested::Union(_, _, members) => members.iter().any(|(_, _, cells)| may_fail(cells)),
        }
    }

    /// Appends the JSON of a row that is not null.
    pub(super) fn write(&self, row: usize, out: &mut String) -> Result<(), Why> {
        match self {
            Nested::List(bounds, items) => {
                out.push('[');
                for (at, item) in (bounds[row].0..bounds[row].1).enumerate() {
                    comma(out, at);
                    value(items, item, out)?;
                }
                out.push(']');
            }
            Nested::Struct(members) => {
                out.push('{');
                for (at, (name, cells)) in members.iter().enumerate() {
                    comma(out, at);
                    string(out, name);
                    out.push(':');
                    value(cells, row, out)?;
                }
                out.push('}');
            }
            Nested::Map(bounds, keys, values) => map(bounds[row], keys, values, out)?,
            Nested::Union(ids, offsets, members) => {
                let (_, name, cells) = members
                    .iter()
                    .find(|(id, _, _)| *id == ids[row])
                    .ok_or("a union of a member it does not have")?;
                out.push('{');
                string(out, name);
                out.push(':');
                value(cells, offsets.as_ref().map_or(row, |offsets| offsets[row] as usize), out)?;
                out.push('}');
            }
        }
        Ok(())
    }
}

/// Whether a value inside of a nested one can have no form in JSON: NaN has none there.
fn may_fail(cells: &Cells<'_>) -> bool {
    match &cells.values {
        Values::F16(_) | Values::F32(_) | Values::F64(_) => true,
        Values::Dictionary(_, values) => may_fail(values),
        _ => cells.may_be_inexact(),
    }
}

/// An object where the keys are text, otherwise a list of pairs.
fn map(
    (first, last): (usize, usize),
    keys: &Cells<'_>,
    values: &Cells<'_>,
    out: &mut String,
) -> Result<(), Why> {
    let is_text = matches!(keys.values, Values::Utf8(_) | Values::LargeUtf8(_) | Values::Utf8View(_));
    let mut seen = HashSet::new();
    let mut scratch = String::new();
    out.push(if is_text { '{' } else { '[' });
    for (at, entry) in (first..last).enumerate() {
        comma(out, at);
        match keys.get(entry, &mut scratch)? {
            Cell::Text(key) if is_text => {
                if !seen.insert(key.to_owned()) {
                    return Err("a map with two equal keys, which one JSON object cannot hold");
                }
                string(out, key);
                out.push(':');
                value(values, entry, out)?;
            }
            _ => {
                out.push('[');
                value(keys, entry, out)?;
                out.push(',');
                value(values, entry, out)?;
                out.push(']');
            }
        }
    }
    out.push(if is_text { '}' } else { ']' });
    Ok(())
}

/// One value inside of a nested one: numbers and truth values as in JSON, bytes in base64, the rest as the text it is at
/// the top.
pub(super) fn value(cells: &Cells<'_>, row: usize, out: &mut String) -> Result<(), Why> {
    if cells.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    match &cells.values {
        Values::Nested(nested) => nested.write(row, out)?,
        Values::Dictionary(places, values) => value(values, places[row], out)?,
        _ => match cells.get(row, &mut String::new())? {
            Cell::Null => out.push_str("null"),
            Cell::Bool(value) => out.push_str(if value { "true" } else { "false" }),
            Cell::Integer(number) => text::number(out, number),
            Cell::Unsigned(number) => text::number(out, number),
            // The shortest text of a single is not that of the double with its value.
            Cell::Single(number) => text::real(out, number)?,
            Cell::Double(number) => text::real(out, number)?,
            Cell::Text(text) => string(out, text),
            Cell::Bytes(bytes) => {
                out.push('"');
                BASE64_STANDARD.encode_string(bytes, out);
                out.push('"');
            }
        },
    }
    Ok(())
}

fn comma(out: &mut String, at: usize) {
    if at > 0 {
        out.push(',');
    }
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                out.push_str("\\u00");
                let digits = b"0123456789abcdef";
                out.push(digits[usize::from(byte >> 4)] as char);
                out.push(digits[usize::from(byte & 15)] as char);
            }
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}
