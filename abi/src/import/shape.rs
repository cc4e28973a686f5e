//! What a schema demands of an array, worked out once per schema.

use arrow::datatypes::{DataType, Field, Schema, UnionMode};

/// One node of an array: its buffers, its children.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) layout: Layout,
    pub(crate) nullable: bool,
    pub(crate) children: Vec<Shape>,
    pub(crate) dictionary: Option<Box<Shape>>,
}

/// The buffers of a node, after the one that marks nulls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// None at all, not even one that marks nulls.
    Null,
    /// One value of this many bytes a slot.
    Fixed(usize),
    /// One bit a slot.
    Bits,
    /// Offsets of this many bytes, then the bytes they point into.
    Bytes(usize),
    /// Views, then the buffers they point into, then the lengths of those.
    Views,
    /// Offsets of this many bytes into the child.
    List(usize),
    /// Offsets and sizes of this many bytes into the child.
    ListView(usize),
    /// This many slots of the child a slot.
    FixedList(usize),
    /// The children side by side.
    Struct,
    /// Type ids; the children side by side; nothing marks nulls.
    SparseUnion,
    /// Type ids and offsets into the children; nothing marks nulls.
    DenseUnion,
    /// The ends of runs and the value of each; nothing marks nulls.
    RunEnds,
}

impl Layout {
    /// Whether the first buffer marks nulls.
    pub(crate) fn has_validity(self) -> bool {
        !matches!(self, Layout::Null | Layout::SparseUnion | Layout::DenseUnion | Layout::RunEnds)
    }

    /// Number of buffers; for views the number without those that they point into.
    pub(crate) fn buffers(self) -> usize {
        match self {
            Layout::Null | Layout::RunEnds => 0,
            Layout::Struct | Layout::FixedList(_) | Layout::SparseUnion => 1,
            Layout::Fixed(_) | Layout::Bits | Layout::List(_) | Layout::DenseUnion => 2,
            Layout::Bytes(_) | Layout::ListView(_) | Layout::Views => 3,
        }
    }
}

impl Shape {
    /// The shape of a batch: a struct without nulls.
    pub(crate) fn of_schema(schema: &Schema) -> Shape {
        Shape {
            name: String::new(),
            layout: Layout::Struct,
            nullable: false,
            children: schema.fields().iter().map(|field| Shape::of_field(field)).collect(),
            dictionary: None,
        }
    }

    fn of_field(field: &Field) -> Shape {
        Shape::new(field.name(), field.data_type(), field.is_nullable())
    }

    fn new(name: &str, data_type: &DataType, nullable: bool) -> Shape {
        use DataType as T;
        let (layout, children) = match data_type {
            T::Null => (Layout::Null, vec![]),
            T::Boolean => (Layout::Bits, vec![]),
            T::Utf8 | T::Binary => (Layout::Bytes(4), vec![]),
            T::LargeUtf8 | T::LargeBinary => (Layout::Bytes(8), vec![]),
            T::Utf8View | T::BinaryView => (Layout::Views, vec![]),
            T::FixedSizeBinary(width) => (Layout::Fixed(*width as usize), vec![]),
            T::List(item) | T::Map(item, _) => (Layout::List(4), vec![Shape::of_field(item)]),
            T::LargeList(item) => (Layout::List(8), vec![Shape::of_field(item)]),
            T::ListView(item) => (Layout::ListView(4), vec![Shape::of_field(item)]),
            T::LargeListView(item) => (Layout::ListView(8), vec![Shape::of_field(item)]),
            T::FixedSizeList(item, width) => {
                (Layout::FixedList(*width as usize), vec![Shape::of_field(item)])
            }
            T::Struct(fields) => {
                (Layout::Struct, fields.iter().map(|field| Shape::of_field(field)).collect())
            }
            T::Union(fields, mode) => (
                match mode {
                    UnionMode::Sparse => Layout::SparseUnion,
                    UnionMode::Dense => Layout::DenseUnion,
                },
                fields.iter().map(|(_, field)| Shape::of_field(field)).collect(),
            ),
            T::RunEndEncoded(ends, values) => {
                (Layout::RunEnds, vec![Shape::of_field(ends), Shape::of_field(values)])
            }
            T::Dictionary(keys, values) => {
                return Shape {
                    name: name.to_owned(),
                    layout: Layout::Fixed(keys.primitive_width().unwrap_or(8)),
                    nullable,
                    children: vec![],
                    dictionary: Some(Box::new(Shape::new(name, values, true))),
                };
            }
            // Every type that is left has values of one width; an unknown one of a later Arrow demands the widest.
            other => (Layout::Fixed(other.primitive_width().unwrap_or(32)), vec![]),
        };
        Shape { name: name.to_owned(), layout, nullable, children, dictionary: None }
    }
}
