//! JSON -> lists, structs, maps and unions, as `json` writes them.

use arrow::datatypes::{DataType, UnionMode};
use dstream_sdk::{Error, Result};
use std::collections::HashSet;

use super::column::{Column, Refused, TextForm};
use crate::json_text::Scanner;

/// The values of a nested column.
pub(super) enum Nested {
    /// Where each list ends.
    List(Vec<usize>, Column),
    FixedList(Column, usize),
    Struct(Vec<Column>),
    Map {
        ends: Vec<usize>,
        keys: Box<Column>,
        values: Box<Column>,
        has_text_keys: bool,
    },
    Union {
        ids: Vec<i8>,
        /// None where every member has every row.
        offsets: Option<Vec<i32>>,
        members: Vec<(i8, Column)>,
    },
}

impl Nested {
    /// # Errors
    /// `Unsupported`: a type within cannot be read.
    pub(super) fn new(theirs: &DataType) -> Result<Option<Nested>> {
        use DataType as A;
        let column = |field| Column::new(field, TextForm::Strict);
        Ok(Some(match theirs {
            A::List(item) | A::LargeList(item) | A::ListView(item) | A::LargeListView(item) => {
                Nested::List(Vec::new(), column(item)?)
            }
            A::FixedSizeList(item, size) => Nested::FixedList(column(item)?, *size as usize),
            A::Struct(fields) => {
                Nested::Struct(fields.iter().map(|field| column(field)).collect::<Result<_>>()?)
            }
            A::Map(entries, _) => {
                let A::Struct(fields) = entries.data_type() else { return Ok(None) };
                let [keys, values] = &fields[..] else {
                    return Err(Error::unsupported("a map without keys and values"));
                };
                let has_text_keys = matches!(keys.data_type(), A::Utf8 | A::LargeUtf8 | A::Utf8View);
                Nested::Map {
                    ends: Vec::new(),
                    keys: Box::new(column(keys)?),
                    values: Box::new(column(values)?),
                    has_text_keys,
                }
            }
            A::Union(fields, mode) => Nested::Union {
                ids: Vec::new(),
                offsets: (*mode == UnionMode::Dense).then(Vec::new),
                members: fields.iter().map(|(id, field)| Ok((id, column(field)?))).collect::<Result<_>>()?,
            },
            _ => return Ok(None),
        }))
    }

    pub(super) fn has_nulls(&self) -> bool {
        !matches!(self, Nested::Union { .. })
    }

    pub(super) fn append_json(&mut self, scan: &mut Scanner<'_>) -> Result<(), Refused> {
        match self {
            Nested::List(ends, items) => {
                scan.items((b'[', b']'), |scan| items.append_json(scan))?;
                ends.push(items.len());
            }
            Nested::FixedList(items, size) => {
                let mut count = 0;
                scan.items((b'[', b']'), |scan| {
                    count += 1;
                    items.append_json(scan)
                })?;
                if count != *size {
                    return Err("a list of another length than the type has".into());
                }
            }
            Nested::Struct(members) => append_struct(members, scan)?,
            Nested::Map { ends, keys, values, has_text_keys: true } => {
                let mut seen = HashSet::new();
                scan.items((b'{', b'}'), |scan| {
                    let mut key = *scan;
                    if !seen.insert(key.string()?) {
                        return Err(Refused::Value("a map with two equal keys"));
                    }
                    keys.append_json(scan)?;
                    scan.take(b':')?;
                    values.append_json(scan)
                })?;
                ends.push(values.len());
            }
            Nested::Map { ends, keys, values, .. } => {
                scan.items((b'[', b']'), |scan| {
                    scan.take(b'[')?;
                    keys.append_json(scan)?;
                    scan.take(b',')?;
                    values.append_json(scan)?;
                    Ok::<_, Refused>(scan.take(b']')?)
                })?;
                ends.push(values.len());
            }
            Nested::Union { ids, offsets, members } => {
                scan.take(b'{')?;
                let name = scan.string()?;
                let at = members.iter().position(|(_, member)| *member.field.name() == *name);
                let at = at.ok_or("a union of a member it does not have")?;
                scan.take(b':')?;
                members[at].1.append_json(scan)?;
                scan.take(b'}')?;
                push_member(ids, offsets.as_mut(), members, at)?;
            }
        }
        Ok(())
    }

    pub(super) fn append_hidden(&mut self) -> Result<(), Refused> {
        match self {
            Nested::List(ends, items) => ends.push(items.len()),
            Nested::FixedList(items, size) => (0..*size).try_for_each(|_| items.append_hidden())?,
            Nested::Struct(members) => members.iter_mut().try_for_each(Column::append_hidden)?,
            Nested::Map { ends, values, .. } => ends.push(values.len()),
            Nested::Union { ids, offsets, members } => {
                let at = members.iter().position(|(_, member)| member.field.is_nullable()).unwrap_or(0);
                members[at].1.append_hidden()?;
                push_member(ids, offsets.as_mut(), members, at)?;
            }
        }
        Ok(())
    }
}

/// Every member must be there once; as a rule they come in their order.
fn append_struct(members: &mut [Column], scan: &mut Scanner<'_>) -> Result<(), Refused> {
    let row = members.iter().map(Column::len).min().unwrap_or(0);
    let mut next = 0;
    let mut count = 0;
    scan.items((b'{', b'}'), |scan| {
        let name = scan.string()?;
        let is_it = |member: &Column| *member.field.name() == *name;
        let at = match members.get(next).is_some_and(is_it) {
            true => next,
            false => {
                members.iter().position(is_it).ok_or("a struct with a member that its type does not have")?
            }
        };
        if members[at].len() != row {
            return Err(Refused::Value("a struct with two equal members"));
        }
        scan.take(b':')?;
        members[at].append_json(scan)?;
        (next, count) = (at + 1, count + 1);
        Ok(())
    })?;
    match count == members.len() {
        true => Ok(()),
        false => Err("a struct without a member that its type has".into()),
    }
}

/// Notes that the newest row is of this member.
fn push_member(
    ids: &mut Vec<i8>,
    offsets: Option<&mut Vec<i32>>,
    members: &mut [(i8, Column)],
    at: usize,
) -> Result<(), Refused> {
    match offsets {
        Some(offsets) => {
            offsets.push(i32::try_from(members[at].1.len() - 1).map_err(|_| Refused::Full)?);
        }
        None => {
            let others = members.iter_mut().enumerate().filter(|(other, _)| *other != at);
            others.map(|(_, (_, member))| member).try_for_each(Column::append_hidden)?;
        }
    }
    ids.push(members[at].0);
    Ok(())
}
