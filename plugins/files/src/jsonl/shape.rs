//! What the values of one key have in common over all records.

use arrow::datatypes::{DataType, Field, Fields};
use std::collections::HashMap;
use std::sync::Arc;

use super::tape::{Kind, Value};
use crate::csv::Nulls;
use crate::inference::Candidates;
use crate::types;

/// Objects nested deeper, or with more keys, are kept as JSON: they are rather maps than records.
const MAX_DEPTH: usize = 16;
const MAX_NESTED_KEYS: usize = 500;

/// What every value seen so far is.
#[derive(Debug, Default)]
pub(super) enum Shape {
    /// None was seen, or only nulls.
    #[default]
    Unknown,
    Bool,
    Number(Candidates),
    Text,
    List(Box<Shape>),
    Object(Members),
    /// They have nothing in common.
    Json,
}

/// Where a key stands first: the number of its file, and the byte in it.
pub(super) type Place = (u32, u64);

/// The keys of objects.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) names: Vec<String>,
    shapes: Vec<Shape>,
    firsts: Vec<Place>,
    index: HashMap<Box<[u8]>, usize>,
}

impl Members {
    /// Looks at an object of a line that begins at the byte `line` of its file.
    pub(super) fn observe(&mut self, object: Value<'_>, nulls: &Nulls, depth: usize, line: u64) {
        // Records tend to have their keys in one order: the next one is likely that after the last one.
        let mut next = 0;
        for (key, value) in object.members() {
            let at = key.with_text(|name| match self.names.get(next) {
                Some(expected) if expected.as_bytes() == name => next,
                _ => self.find_or_add(name, (0, line + key.start())),
            });
            next = at + 1;
            self.shapes[at].observe(value, nulls, depth, line);
        }
    }

    /// Takes what was seen of other records.
    pub(super) fn join(&mut self, other: Members) {
        for ((name, shape), first) in other.names.into_iter().zip(other.shapes).zip(other.firsts) {
            let at = self.find_or_add(name.as_bytes(), first);
            // It may have been found in a later piece before.
            self.firsts[at] = self.firsts[at].min(first);
            self.shapes[at].join(shape);
        }
    }

    /// Names and shapes in the order in which the keys came, whoever looked at which piece.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (&str, &Shape)> {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_by_key(|at| self.firsts[*at]);
        order.into_iter().map(|at| (self.names[at].as_str(), &self.shapes[at]))
    }

    /// All of it was in the file of this number.
    pub(super) fn number(&mut self, file: u32) {
        self.firsts.iter_mut().for_each(|first| first.0 = file);
        self.shapes.iter_mut().for_each(|shape| shape.number(file));
    }

    fn find_or_add(&mut self, name: &[u8], first: Place) -> usize {
        if let Some(at) = self.index.get(name) {
            return *at;
        }
        self.index.insert(name.into(), self.names.len());
        self.names.push(String::from_utf8_lossy(name).into_owned());
        self.shapes.push(Shape::Unknown);
        self.firsts.push(first);
        self.names.len() - 1
    }
}

impl Shape {
    fn observe(&mut self, value: Value<'_>, nulls: &Nulls, depth: usize, line: u64) {
        let is_known = !matches!(self, Shape::Unknown);
        match (value.kind(), &mut *self) {
            (Kind::Null, _) | (_, Shape::Json) => {}
            (Kind::Text | Kind::EscapedText, _) if value.with_text(|text| nulls.has(text)) => {}
            (Kind::True | Kind::False, Shape::Bool) | (Kind::Text | Kind::EscapedText, Shape::Text) => {}
            (Kind::Number, Shape::Number(candidates)) => {
                *candidates = candidates.and(Candidates::of_number(value.written()));
            }
            (Kind::List, Shape::List(inner)) => {
                value.items().for_each(|item| inner.observe(item, nulls, depth + 1, line))
            }
            (Kind::Object, Shape::Object(members)) => members.observe(value, nulls, depth + 1, line),
            _ if is_known => *self = Shape::Json,
            (kind, _) => {
                *self = match kind {
                    Kind::True | Kind::False => Shape::Bool,
                    Kind::Number => Shape::Number(Candidates::ALL),
                    Kind::List if depth < MAX_DEPTH => Shape::List(Box::default()),
                    Kind::Object if depth < MAX_DEPTH => Shape::Object(Members::default()),
                    Kind::List | Kind::Object => Shape::Json,
                    Kind::Text | Kind::EscapedText | Kind::Null => Shape::Text,
                };
                return self.observe(value, nulls, depth, line);
            }
        }
        self.give_up();
    }

    /// Takes what was seen of other values.
    fn join(&mut self, other: Shape) {
        match (&mut *self, other) {
            (_, Shape::Unknown)
            | (Shape::Json, _)
            | (Shape::Bool, Shape::Bool)
            | (Shape::Text, Shape::Text) => {}
            (Shape::Unknown, other) => *self = other,
            (Shape::Number(one), Shape::Number(other)) => *one = one.and(other),
            (Shape::List(one), Shape::List(other)) => one.join(*other),
            (Shape::Object(one), Shape::Object(other)) => one.join(other),
            _ => *self = Shape::Json,
        }
        self.give_up();
    }

    fn number(&mut self, file: u32) {
        match self {
            Shape::List(inner) => inner.number(file),
            Shape::Object(members) => members.number(file),
            _ => {}
        }
    }

    /// What no type holds is kept as JSON.
    fn give_up(&mut self) {
        let is_map = matches!(self, Shape::Object(members) if members.names.len() > MAX_NESTED_KEYS);
        // A number that no type holds without altering it is kept as it is written.
        if is_map || matches!(self, Shape::Number(Candidates::TEXT)) {
            *self = Shape::Json;
        }
    }

    /// The column of these values.
    pub(super) fn field(&self, name: &str) -> Field {
        let data_type = match self {
            Shape::Unknown | Shape::Text => DataType::Utf8,
            Shape::Bool => DataType::Boolean,
            Shape::Number(candidates) => candidates.narrowest(),
            Shape::List(inner) => DataType::List(Arc::new(inner.field("item"))),
            Shape::Object(members) if is_struct(members) => {
                let fields = members.in_order().map(|(name, shape)| shape.field(name));
                DataType::Struct(fields.collect::<Fields>())
            }
            Shape::Object(_) | Shape::Json => return types::json_field(name),
        };
        Field::new(name, data_type, true)
    }
}

/// Arrow has no name with NUL across its C interface, and few systems have a record without fields.
fn is_struct(members: &Members) -> bool {
    !members.names.is_empty() && !members.names.iter().any(|name| name.contains('\0'))
}
