//! A message to arrays.
//!
//! Everything that a message says of itself is checked before the library sees it, which asserts on much of it; values,
//! offsets and text are checked by the library.

use arrow::array::{
    Array, ArrayData, ArrayRef, BufferSpec, UnionArray, layout as layout_of, make_array, new_empty_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, UnionMode};
use arrow::ipc;
use std::collections::HashMap;
use std::sync::Arc;

use super::fault::{Fault, Told};
use super::packed::{Budget, Codec, unpack};
use super::schema::Layout;

/// Longer arrays are lies: not even bits of them would fit into memory.
const MAX_LENGTH: i64 = 1 << 40;

/// Dictionaries that were read.
pub(super) type Dictionaries = HashMap<i64, ArrayRef>;

/// Reads bytes of a message's body: from where, and how many.
pub(super) type ReadBody<'a> = dyn FnMut(u64, usize) -> Told<Buffer> + 'a;

/// The arrays of one message.
pub(super) struct Arrays<'a> {
    nodes: Vec<Node>,
    buffers: Vec<Place>,
    variadic: Vec<usize>,
    /// How many of them were taken.
    next_node: usize,
    next_buffer: usize,
    next_variadic: usize,
    codec: Option<Codec>,
    /// Unions have a validity of their own up to version 4.
    is_v4: bool,
    dictionaries: &'a Dictionaries,
    budget: Budget,
    read: &'a mut ReadBody<'a>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    length: usize,
    nulls: usize,
}

/// A buffer in the body.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: u64,
    bytes: usize,
}

impl<'a> Arrays<'a> {
    pub(super) fn new(
        batch: ipc::RecordBatch<'_>,
        version: ipc::MetadataVersion,
        body_bytes: u64,
        dictionaries: &'a Dictionaries,
        limit: u64,
        read: &'a mut ReadBody<'a>,
    ) -> Told<Arrays<'a>> {
        let is_v4 = match version {
            ipc::MetadataVersion::V4 => true,
            ipc::MetadataVersion::V5 => false,
            _ => return Err(Fault::unsupported("its version of Arrow is neither 4 nor 5")),
        };
        let nodes = batch.nodes().into_iter().flatten().map(|node| {
            let wrong = || Fault::damaged("an array has a length, or a number of nulls, that cannot be");
            let length =
                Some(node.length()).filter(|length| (0..=MAX_LENGTH).contains(length)).ok_or_else(wrong)?;
            let nulls =
                Some(node.null_count()).filter(|nulls| (0..=length).contains(nulls)).ok_or_else(wrong)?;
            Ok(Node { length: length as usize, nulls: nulls as usize })
        });
        let buffers = batch.buffers().into_iter().flatten().map(|buffer| {
            let wrong = || Fault::damaged("a buffer is not inside of its message");
            let at = u64::try_from(buffer.offset()).map_err(|_| wrong())?;
            let bytes = u64::try_from(buffer.length()).map_err(|_| wrong())?;
            match at.checked_add(bytes) {
                // Where nothing is, nothing is read: some writers leave the place of an empty buffer open.
                _ if bytes == 0 => Ok(Place { at: 0, bytes: 0 }),
                Some(end) if end <= body_bytes => {
                    Ok(Place { at, bytes: usize::try_from(bytes).map_err(|_| wrong())? })
                }
                _ => Err(wrong()),
            }
        });
        let variadic = batch.variadicBufferCounts().into_iter().flatten().map(|count| {
            usize::try_from(count).map_err(|_| Fault::damaged("a column has a negative number of buffers"))
        });
        Ok(Arrays {
            nodes: nodes.collect::<Told<_>>()?,
            buffers: buffers.collect::<Told<_>>()?,
            variadic: variadic.collect::<Told<_>>()?,
            next_node: 0,
            next_buffer: 0,
            next_variadic: 0,
            codec: Codec::of(batch)?,
            is_v4,
            dictionaries,
            budget: Budget::new(limit),
            read,
        })
    }

    /// Nothing is left over.
    pub(super) fn check_taken(&self) -> Told<()> {
        let is_taken = self.next_node == self.nodes.len()
            && self.next_buffer == self.buffers.len()
            && self.next_variadic == self.variadic.len();
        match is_taken {
            true => Ok(()),
            false => Err(Fault::damaged("a message has more arrays or buffers than its columns")),
        }
    }

    /// Passes an array that nobody wants, unread.
    pub(super) fn skip(&mut self, layout: &Layout) -> Told<()> {
        self.node()?;
        self.places(layout)?;
        if layout.dictionary.is_none() {
            layout.children.iter().try_for_each(|child| self.skip(child))?;
        }
        Ok(())
    }

    /// The next array.
    pub(super) fn array(&mut self, layout: &Layout) -> Told<ArrayRef> {
        let node = self.node()?;
        let places = self.places(layout)?;
        let data_type = layout.field.data_type();
        let mut children = Vec::with_capacity(layout.children.len());
        match layout.dictionary {
            Some(id) => children.push(self.dictionary(id, data_type)),
            None => {
                for child in &layout.children {
                    children.push(self.array(child)?);
                }
            }
        }
        let Node { length, nulls } = node;
        match data_type {
            DataType::Union(fields, mode) => {
                let places = &places[usize::from(self.is_v4)..];
                let ids = self.buffer_of(places.first(), length)?;
                let offsets = match mode {
                    UnionMode::Dense => Some(ScalarBuffer::from(self.buffer_of(places.get(1), length * 4)?)),
                    UnionMode::Sparse => None,
                };
                let union = UnionArray::try_new(fields.clone(), ScalarBuffer::from(ids), offsets, children)?;
                return Ok(Arc::new(union));
            }
            DataType::FixedSizeList(_, size) if length.checked_mul(*size as usize).is_none() => {
                return Err(Fault::damaged("a list of fixed size is longer than memory"));
            }
            DataType::FixedSizeBinary(size) if length.checked_mul(*size as usize).is_none() => {
                return Err(Fault::damaged("values of fixed size are longer than memory"));
            }
            DataType::Struct(_) if children.iter().any(|child| child.len() != length) => {
                return Err(Fault::damaged(
                    "a member of a struct has another number of values than the struct",
                ));
            }
            _ => {}
        }
        let (validity, values) = match data_type {
            DataType::Null | DataType::RunEndEncoded(..) => (None, &places[..]),
            _ => (places.first(), places.get(1..).unwrap_or_default()),
        };
        let nulls = match (validity, nulls) {
            (None, _) | (_, 0) => None,
            (Some(place), nulls) => Some(self.nulls(*place, length, nulls)?),
        };
        let mut buffers = Vec::with_capacity(values.len());
        let specs = layout_of(data_type).buffers;
        for (at, place) in values.iter().enumerate() {
            let buffer = self.buffer(*place)?;
            buffers.push(match specs.get(at) {
                // The library asserts that there is no half of a value at the end.
                Some(BufferSpec::FixedWidth { byte_width, .. }) if *byte_width > 0 => {
                    let whole = buffer.len() / byte_width * byte_width;
                    buffer.slice_with_length(0, whole)
                }
                _ => buffer,
            });
        }
        let data = ArrayData::builder(data_type.clone())
            .len(length)
            .nulls(nulls)
            .buffers(buffers)
            .child_data(children.iter().map(|child| child.to_data()).collect())
            .align_buffers(true)
            .build()?;
        Ok(make_array(data))
    }

    fn dictionary(&self, id: i64, data_type: &DataType) -> ArrayRef {
        match (self.dictionaries.get(&id), data_type) {
            (Some(values), _) => values.clone(),
            // It may be left out where every value is null.
            (None, DataType::Dictionary(_, values)) => new_empty_array(values),
            (None, other) => new_empty_array(other),
        }
    }

    fn nulls(&mut self, place: Place, length: usize, nulls: usize) -> Told<NullBuffer> {
        let bits = self.buffer(place)?;
        if bits.len() < length.div_ceil(8) {
            return Err(Fault::damaged("an array says which values are null for some of them only"));
        }
        let found = NullBuffer::new(BooleanBuffer::new(bits, 0, length));
        match found.null_count() == nulls {
            true => Ok(found),
            false => {
                let found = found.null_count();
                Err(Fault::damaged(format!("an array should have {nulls} nulls and has {found}")))
            }
        }
    }

    /// The first `bytes` of a buffer.
    fn buffer_of(&mut self, place: Option<&Place>, bytes: usize) -> Told<Buffer> {
        let buffer = match place {
            Some(place) => self.buffer(*place)?,
            None => Buffer::from_vec(Vec::<u8>::new()),
        };
        match buffer.len() >= bytes {
            // An own copy where it is not aligned: it is small beside the values.
            true if buffer.as_ptr().align_offset(8) == 0 => Ok(buffer.slice_with_length(0, bytes)),
            true => Ok(Buffer::from_slice_ref(&buffer[..bytes])),
            false => Err(Fault::damaged("a union is shorter than it says")),
        }
    }

    fn buffer(&mut self, place: Place) -> Told<Buffer> {
        match self.codec {
            Some(codec) if place.bytes > 0 => {
                let packed = (self.read)(place.at, place.bytes)?;
                unpack(codec, packed, &mut self.budget)
            }
            _ => {
                self.budget.take(place.bytes as u64)?;
                (self.read)(place.at, place.bytes)
            }
        }
    }

    fn node(&mut self) -> Told<Node> {
        let node = self.nodes.get(self.next_node).copied();
        self.next_node += 1;
        node.ok_or_else(|| Fault::damaged("a message has fewer arrays than its columns"))
    }

    /// The buffers of the next array.
    fn places(&mut self, layout: &Layout) -> Told<Vec<Place>> {
        let count = match layout.field.data_type() {
            DataType::Null | DataType::RunEndEncoded(..) => 0,
            DataType::Struct(_) | DataType::FixedSizeList(..) => 1,
            DataType::Union(_, mode) => 1 + usize::from(*mode == UnionMode::Dense) + usize::from(self.is_v4),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => 3,
            DataType::ListView(_) | DataType::LargeListView(_) => 3,
            DataType::Utf8View | DataType::BinaryView => {
                let count = self.variadic.get(self.next_variadic).copied();
                self.next_variadic += 1;
                count
                    .and_then(|count| count.checked_add(2))
                    .ok_or_else(|| Fault::damaged("a column of views does not say how many buffers it has"))?
            }
            _ => 2,
        };
        let places =
            self.next_buffer.checked_add(count).and_then(|end| self.buffers.get(self.next_buffer..end));
        let places =
            places.ok_or_else(|| Fault::damaged("a message has fewer buffers than its columns"))?.to_vec();
        self.next_buffer += count;
        Ok(places)
    }
}
