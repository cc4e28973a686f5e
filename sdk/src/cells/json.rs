//! Nested values as JSON that says them exactly.

use crate::{Error, Result};
use arrow::array::*;
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::*;
use base64::prelude::{BASE64_STANDARD, Engine};
use std::collections::HashSet;

use super::text::{Out, Why};
use super::{Appended, Cell, Cells, Values};

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
    pub(super) fn write(&self, row: usize, out: &mut impl Out) -> Result<(), Why> {
        match self {
            Nested::List(bounds, items) => {
                out.ascii(b"[");
                for (at, item) in (bounds[row].0..bounds[row].1).enumerate() {
                    comma(out, at);
                    value(items, item, out)?;
                }
                out.ascii(b"]");
            }
            Nested::Struct(members) => {
                out.ascii(b"{");
                for (at, (name, cells)) in members.iter().enumerate() {
                    comma(out, at);
                    string(out, name);
                    out.ascii(b":");
                    value(cells, row, out)?;
                }
                out.ascii(b"}");
            }
            Nested::Map(bounds, keys, values) => map(bounds[row], keys, values, out)?,
            Nested::Union(ids, offsets, members) => {
                let (_, name, cells) = members
                    .iter()
                    .find(|(id, _, _)| *id == ids[row])
                    .ok_or("a union of a member it does not have")?;
                out.ascii(b"{");
                string(out, name);
                out.ascii(b":");
                value(cells, offsets.as_ref().map_or(row, |offsets| offsets[row] as usize), out)?;
                out.ascii(b"}");
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
    out: &mut impl Out,
) -> Result<(), Why> {
    let is_text = matches!(keys.values, Values::Utf8(_) | Values::LargeUtf8(_) | Values::Utf8View(_));
    let mut seen = HashSet::new();
    let mut scratch = String::new();
    out.ascii(if is_text { b"{" } else { b"[" });
    for (at, entry) in (first..last).enumerate() {
        comma(out, at);
        match keys.get(entry, &mut scratch)? {
            Cell::Text(key) if is_text => {
                if !seen.insert(key.to_owned()) {
                    return Err("a map with two equal keys, which one JSON object cannot hold");
                }
                string(out, key);
                out.ascii(b":");
                value(values, entry, out)?;
            }
            _ => {
                out.ascii(b"[");
                value(keys, entry, out)?;
                out.ascii(b",");
                value(values, entry, out)?;
                out.ascii(b"]");
            }
        }
    }
    out.ascii(if is_text { b"}" } else { b"]" });
    Ok(())
}

/// One value inside of a nested one: numbers and truth values as in JSON, bytes in base64, the rest as the text it is at
/// the top.
pub(super) fn value(cells: &Cells<'_>, row: usize, out: &mut impl Out) -> Result<(), Why> {
    match cells.append(row, true, out)? {
        Appended::Null => out.ascii(b"null"),
        Appended::Whole => {}
        Appended::Text(text) => string(out, text),
        Appended::Bytes(bytes) => {
            out.ascii(b"\"");
            base64(out, bytes);
            out.ascii(b"\"");
        }
        Appended::NotFinite(_) => return Err("NaN or an infinity, for which JSON has no number"),
    }
    Ok(())
}

/// Bytes in base64.
pub(super) fn base64(out: &mut impl Out, bytes: &[u8]) {
    let mut text = [0; 1024];
    // Whole groups of three: only the last piece may have to be padded.
    for piece in bytes.chunks(text.len() / 4 * 3) {
        let length = BASE64_STANDARD.encode_slice(piece, &mut text).expect("four letters for three bytes");
        out.ascii(&text[..length]);
    }
}

fn comma(out: &mut impl Out, at: usize) {
    if at > 0 {
        out.ascii(b",");
    }
}

/// A text in quotes, with what JSON wants escaped.
pub(super) fn string(out: &mut impl Out, text: &str) {
    out.ascii(b"\"");
    let bytes = text.as_bytes();
    let mut plain = 0;
    while let Some(at) = find_escaped(&bytes[plain..]).map(|length| plain + length) {
        out.text(&text[plain..at]);
        plain = at + 1;
        match bytes[at] {
            b'"' => out.ascii(b"\\\""),
            b'\\' => out.ascii(b"\\\\"),
            b'\n' => out.ascii(b"\\n"),
            b'\r' => out.ascii(b"\\r"),
            b'\t' => out.ascii(b"\\t"),
            byte => {
                let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
                out.ascii(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    out.text(&text[plain..]);
    out.ascii(b"\"");
}

/// Where the first byte is that cannot stand in a text of JSON.
fn find_escaped(bytes: &[u8]) -> Option<usize> {
    let is_escaped = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    // Sixteen at once, without a branch in between: most texts have none.
    let mut pieces = bytes.chunks_exact(16);
    for (at, piece) in pieces.by_ref().enumerate() {
        if piece.iter().fold(false, |any, byte| any | is_escaped(byte)) {
            return piece.iter().position(is_escaped).map(|found| at * 16 + found);
        }
    }
    let rest = pieces.remainder();
    rest.iter().position(is_escaped).map(|found| bytes.len() - rest.len() + found)
}
