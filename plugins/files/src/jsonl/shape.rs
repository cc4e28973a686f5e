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

/// The keys of objects, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) names: Vec<String>,
    pub(super) shapes: Vec<Shape>,
    index: HashMap<Box<[u8]>, usize>,
}

impl Members {
    pub(super) fn observe(&mut self, object: Value<'_>, nulls: &Nulls, depth: usize) {
        // Records tend to have their keys in one order: the next one is likely that after the last one.
        let mut next = 0;
        for (key, value) in object.members() {
            let at = key.with_text(|name| match self.names.get(next) {
                Some(expected) if expected.as_bytes() == name => next,
                _ => self.find_or_add(name),
            });
            next = at + 1;
            self.shapes[at].observe(value, nulls, depth);
        }
    }

    /// Takes what was seen of other records.
    pub(super) fn join(&mut self, other: Members) {
        for (name, shape) in other.names.into_iter().zip(other.shapes) {
            let at = self.find_or_add(name.as_bytes());
            self.shapes[at].join(shape);
        }
    }

    fn find_or_add(&mut self, name: &[u8]) -> usize {
        if let Some(at) = self.index.get(name) {
            return *at;
        }
        self.index.insert(name.into(), self.names.len());
        self.names.push(String::from_utf8_lossy(name).into_owned());
        self.shapes.push(Shape::Unknown);
        self.names.len() - 1
    }
}

impl Shape {
    fn observe(&mut self, value: Value<'_>, nulls: &Nulls, depth: usize) {
        let is_known = !matches!(self, Shape::Unknown);
        match (value.kind(), &mut *self) {
            (Kind::Null, _) | (_, Shape::Json) => {}
            (Kind::Text | Kind::EscapedText, _) if value.with_text(|text| nulls.has(text)) => {}
            (Kind::True | Kind::False, Shape::Bool) | (Kind::Text | Kind::EscapedText, Shape::Text) => {}
            (Kind::Number, Shape::Number(candidates)) => {
                *candidates = candidates.and(Candidates::of_number(value.written()));
            }
            (Kind::List, Shape::List(inner)) => {
                value.items().for_each(|item| inner.observe(item, nulls, depth + 1))
            }
            (Kind::Object, Shape::Object(members)) => members.observe(value, nulls, depth + 1),
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
                return self.observe(value, nulls, depth);
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
                let fields = members.names.iter().zip(&members.shapes);
                DataType::Struct(fields.map(|(name, shape)| shape.field(name)).collect::<Fields>())
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
