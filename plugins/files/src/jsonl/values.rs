//! JSON values to Arrow arrays.

use arrow::array::{ArrayRef, ListArray, NullBufferBuilder, StructArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use std::collections::HashMap;
use std::sync::Arc;

use dstream_sdk::Result;

use super::tape::{Kind, Value};
use crate::columns::{Column, column};
use crate::csv::Nulls;
use crate::shown::quoted;
use crate::types;

/// Why a value does not fit: the key, innermost first, and what was found.
#[derive(Debug)]
pub(super) enum Misfit {
    Value { key: String, want: String, found: String },
    Null { key: String },
    UnknownKey { key: String, unknown: String },
}

type Fits = std::result::Result<(), Misfit>;

/// One column, or a part of one, being built.
pub(super) enum Values {
    Leaf { field: Field, column: Box<dyn Column>, lenient: bool, nulls: Arc<Nulls> },
    List { item: FieldRef, ends: Vec<i32>, nulls: NullBufferBuilder, items: Box<Values>, length: usize },
    Object { members: Members, nulls: NullBufferBuilder },
}

impl Values {
    /// `lenient`: the user declared the type.
    pub(super) fn new(field: &Field, lenient: bool, nulls: &Arc<Nulls>) -> Result<Values> {
        let validity = NullBufferBuilder::new(0);
        Ok(match field.data_type() {
            DataType::List(item) => {
                let items = Box::new(Values::new(item, lenient, nulls)?);
                Values::List { item: item.clone(), ends: vec![0], nulls: validity, items, length: 0 }
            }
            DataType::Struct(fields) => {
                Values::Object { members: Members::new(fields, |_| lenient, nulls)?, nulls: validity }
            }
            _ => {
                let column = column(field, lenient)?;
                Values::Leaf { field: field.clone(), column, lenient, nulls: nulls.clone() }
            }
        })
    }

    fn push(&mut self, value: Value<'_>) -> Fits {
        let fits = match (value.kind(), &mut *self) {
            (Kind::Null, _) => {
                self.push_null();
                true
            }
            (Kind::Text | Kind::EscapedText, Values::Leaf { nulls, .. })
                if value.with_text(|text| nulls.has(text)) =>
            {
                self.push_null();
                true
            }
            (kind, Values::Leaf { field, column, lenient, .. }) => {
                push_leaf(kind, value, field, column.as_mut(), *lenient)
            }
            (Kind::List, Values::List { ends, nulls, items, length, .. }) => {
                for item in value.items() {
                    items.push(item)?;
                    *length += 1;
                }
                ends.push(*length as i32);
                nulls.append_non_null();
                true
            }
            (Kind::Object, Values::Object { members, nulls }) => {
                members.push(value, false)?;
                nulls.append_non_null();
                true
            }
            _ => false,
        };
        match fits {
            true => Ok(()),
            false => {
                Err(Misfit::Value { key: String::new(), want: self.type_name(), found: quoted(value.raw()) })
            }
        }
    }

    fn type_name(&self) -> String {
        match self {
            Values::Leaf { field, .. } => types::name(field.data_type()),
            Values::List { .. } => "list".to_owned(),
            Values::Object { .. } => "object".to_owned(),
        }
    }

    fn push_null(&mut self) {
        match self {
            Values::Leaf { column, .. } => column.push_null(),
            Values::List { ends, nulls, length, .. } => {
                ends.push(*length as i32);
                nulls.append_null();
            }
            Values::Object { members, nulls } => {
                members.values.iter_mut().for_each(Values::push_null);
                nulls.append_null();
            }
        }
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(match self {
            Values::Leaf { column, .. } => column.finish()?,
            Values::List { item, ends, nulls, items, length } => {
                *length = 0;
                let ends = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(ends, vec![0])));
                Arc::new(ListArray::try_new(item.clone(), ends, items.finish()?, nulls.finish())?)
            }
            Values::Object { members, nulls } => {
                let arrays = members.finish()?;
                Arc::new(StructArray::try_new(members.fields.clone(), arrays, nulls.finish())?)
            }
        })
    }
}

/// One `match` for what each type takes of JSON.
fn push_leaf(kind: Kind, value: Value<'_>, field: &Field, column: &mut dyn Column, lenient: bool) -> bool {
    let is_text = matches!(kind, Kind::Text | Kind::EscapedText);
    match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 if types::is_json(field) => column.push(value.raw()),
        DataType::Utf8 | DataType::LargeUtf8 if is_text => value.with_text(|text| column.push(text)),
        DataType::Utf8 | DataType::LargeUtf8 => lenient && column.push(value.raw()),
        DataType::Boolean if matches!(kind, Kind::True | Kind::False) => column.push(value.written()),
        DataType::Date32 | DataType::Timestamp(..) => is_text && value.with_text(|text| column.push(text)),
        DataType::Boolean => lenient && is_text && value.with_text(|text| column.push(text)),
        _ if kind == Kind::Number => column.push(value.written()),
        _ => lenient && is_text && value.with_text(|text| column.push(text)),
    }
}

/// The columns of a record, or the members of an object.
pub(super) struct Members {
    fields: Fields,
    values: Vec<Values>,
    index: HashMap<Box<[u8]>, usize>,
    /// The record in which each member was last filled.
    filled: Vec<u64>,
    record: u64,
    /// The member of each key of the records of this shape; `None`: of a key that is no member.
    places: Vec<Option<usize>>,
    shape: Option<u64>,
}

impl Members {
    pub(super) fn new(
        fields: &Fields,
        lenient: impl Fn(&str) -> bool,
        nulls: &Arc<Nulls>,
    ) -> Result<Members> {
        let values = fields.iter().map(|field| Values::new(field, lenient(field.name()), nulls));
        let index = fields.iter().enumerate().map(|(at, field)| (field.name().as_bytes().into(), at));
        Ok(Members {
            fields: fields.clone(),
            values: values.collect::<Result<_>>()?,
            index: index.collect(),
            filled: vec![0; fields.len()],
            record: 0,
            places: Vec::new(),
            shape: None,
        })
    }

    /// Takes an object. Keys that are no field are passed over where they may be deselected columns.
    pub(super) fn push(&mut self, object: Value<'_>, passes_unknown: bool) -> Fits {
        self.record += 1;
        let shape = object.shape();
        if shape.is_none() || self.shape != shape {
            self.places.clear();
            for (key, _) in object.members() {
                let next = self.places.last().copied().flatten().map_or(0, |last| last + 1);
                self.places.push(key.with_text(|name| match self.fields.get(next) {
                    Some(expected) if expected.name().as_bytes() == name => Some(next),
                    _ => self.index.get(name).copied(),
                }));
            }
            self.shape = shape;
        }
        for (number, (key, value)) in object.members().enumerate() {
            let Some(at) = self.places[number] else {
                if passes_unknown {
                    continue;
                }
                let unknown = quoted(key.written());
                return Err(Misfit::UnknownKey { key: String::new(), unknown });
            };
            let name = self.fields[at].name();
            if value.kind() == Kind::Null && !self.fields[at].is_nullable() {
                return Err(Misfit::Null { key: name.clone() });
            }
            self.values[at].push(value).map_err(|misfit| misfit.within(name))?;
            self.filled[at] = self.record;
        }
        for (at, values) in self.values.iter_mut().enumerate() {
            if self.filled[at] != self.record {
                if !self.fields[at].is_nullable() {
                    return Err(Misfit::Null { key: self.fields[at].name().clone() });
                }
                values.push_null();
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<Vec<ArrayRef>> {
        self.values.iter_mut().map(Values::finish).collect()
    }
}

impl Misfit {
    /// The same one key further out.
    fn within(mut self, outer: &str) -> Misfit {
        let (Misfit::Value { key, .. } | Misfit::Null { key } | Misfit::UnknownKey { key, .. }) = &mut self;
        *key = if key.is_empty() { outer.to_owned() } else { format!("{outer}.{key}") };
        self
    }
}
