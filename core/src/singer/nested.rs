//! Columns of lists and structs, and those that are built plain and converted at the end.

use arrow::array::*;
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options};
use arrow::datatypes::*;
use dstream_abi::{Error, Result};
use std::sync::Arc;

use super::builder::{Append, Slot};
use super::json::{Cursor, Fault, Parsed};
use super::object::Object;
use super::parse::Scratch;

/// Lists and list views of either width of offsets.
pub(crate) struct Lists<O> {
    data_type: DataType,
    item: Slot,
    offsets: Vec<O>,
    nulls: NullBufferBuilder,
    elements: usize,
}

impl<O: OffsetSizeTrait> Lists<O> {
    pub(crate) fn new(data_type: &DataType, item: &Field) -> Result<Lists<O>> {
        Ok(Lists {
            data_type: data_type.clone(),
            item: Slot::new(item)?,
            offsets: vec![O::zero()],
            nulls: NullBufferBuilder::new(0),
            elements: 0,
        })
    }

    fn close(&mut self, at: usize) -> Parsed<()> {
        let end = O::from_usize(self.elements)
            .ok_or_else(|| Fault::value(at, "the lists of a batch have too many elements"))?;
        self.offsets.push(end);
        Ok(())
    }
}

impl<O: OffsetSizeTrait> Append for Lists<O> {
    fn value(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        let at = cursor.position();
        cursor.begin_array()?;
        let mut first = true;
        while cursor.element(first)? {
            first = false;
            self.item.take(cursor, scratch)?;
            self.elements += 1;
        }
        self.nulls.append_non_null();
        self.close(at)
    }

    fn null(&mut self) {
        self.nulls.append_null();
        self.offsets.push(self.offsets[self.offsets.len() - 1]);
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let offsets = std::mem::replace(&mut self.offsets, vec![O::zero()]);
        self.elements = 0;
        let (items, nulls) = (self.item.column.finish()?, self.nulls.finish());
        Ok(match &self.data_type {
            DataType::ListView(field) | DataType::LargeListView(field) => {
                let sizes = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<O>>();
                let starts = ScalarBuffer::from(offsets[..sizes.len()].to_vec());
                Arc::new(GenericListViewArray::try_new(field.clone(), starts, sizes.into(), items, nulls)?)
            }
            DataType::List(field) | DataType::LargeList(field) => {
                let offsets = OffsetBuffer::new(offsets.into());
                Arc::new(GenericListArray::try_new(field.clone(), offsets, items, nulls)?)
            }
            other => return Err(Error::bug(format!("{other} is no list"))),
        })
    }
}

pub(crate) struct FixedLists {
    field: FieldRef,
    item: Slot,
    size: usize,
    nulls: NullBufferBuilder,
}

impl FixedLists {
    pub(crate) fn new(item: &FieldRef, size: i32) -> Result<FixedLists> {
        Ok(FixedLists {
            field: item.clone(),
            item: Slot::new(item)?,
            size: usize::try_from(size).unwrap_or(0),
            nulls: NullBufferBuilder::new(0),
        })
    }
}

impl Append for FixedLists {
    fn value(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        let at = cursor.position();
        cursor.begin_array()?;
        let mut count = 0;
        while cursor.element(count == 0)? {
            if count < self.size {
                self.item.take(cursor, scratch)?;
            } else {
                cursor.skip()?;
            }
            count += 1;
        }
        if count != self.size {
            return Err(Fault::value(at, format!("{count} elements stand where {} must be", self.size)));
        }
        self.nulls.append_non_null();
        Ok(())
    }

    fn null(&mut self) {
        for _ in 0..self.size {
            self.item.column.null();
        }
        self.nulls.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let len = self.nulls.len();
        let (items, nulls) = (self.item.column.finish()?, self.nulls.finish());
        let size = i32::try_from(self.size).unwrap_or(0);
        Ok(Arc::new(FixedSizeListArray::try_new_with_length(self.field.clone(), size, items, nulls, len)?))
    }
}

pub(crate) struct Structs {
    object: Object,
    nulls: NullBufferBuilder,
}

impl Structs {
    pub(crate) fn new(fields: &Fields) -> Result<Structs> {
        Ok(Structs { object: Object::new(fields)?, nulls: NullBufferBuilder::new(0) })
    }
}

impl Append for Structs {
    fn value(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        self.object.take(cursor, scratch)?;
        self.nulls.append_non_null();
        Ok(())
    }

    fn null(&mut self) {
        self.object.null();
        self.nulls.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let len = self.nulls.len();
        let (fields, columns) = self.object.finish()?;
        Ok(Arc::new(StructArray::try_new_with_length(fields, columns, self.nulls.finish(), len)?))
    }
}

/// A column that is built of plain values and becomes a dictionary or runs when it is finished.
pub(crate) struct Converted {
    plain: Box<dyn Append>,
    name: String,
    data_type: DataType,
}

impl Converted {
    pub(crate) fn new(plain: Box<dyn Append>, values: &DataType, field: &Field) -> Result<Converted> {
        let (name, data_type) = (field.name().clone(), field.data_type().clone());
        if !can_cast_types(values, &data_type) {
            return Err(Error::unsupported(format!(
                "column `{name}` cannot be built from JSON as {data_type}"
            ))
            .hint(
                "use `--format arrow` or a file ending in `.arrows` on both sides, which keep every type",
            ));
        }
        Ok(Converted { plain, name, data_type })
    }
}

impl Append for Converted {
    fn value(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        self.plain.value(cursor, scratch)
    }

    fn null(&mut self) {
        self.plain.null();
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(&self.plain.finish()?, &self.data_type, &strict)
            .map_err(|error| Error::data(format!("column `{}`: {error}", self.name)))
    }
}
