//! Columns of maps: an object where the keys are text, else an array of `{key, value}`.

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::*;
use dstream_abi::{Error, Result};
use std::sync::Arc;

use super::builder::{Append, Slot};
use super::json::{Cursor, Fault, Parsed};
use super::parse::Scratch;

pub(crate) struct Maps {
    entry: FieldRef,
    sorted: bool,
    /// A map with text keys is an object, any other an array of `{key, value}`.
    is_object: bool,
    key: Slot,
    value: Slot,
    pair: Fields,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    entries: usize,
}

impl Maps {
    pub(crate) fn new(entry: &FieldRef, sorted: bool) -> Result<Maps> {
        let DataType::Struct(pair) = entry.data_type() else {
            return Err(Error::schema("the entries of a map are no pairs"));
        };
        let [key, value] = pair.as_ref() else {
            return Err(Error::schema("the entries of a map are no pairs"));
        };
        Ok(Maps {
            entry: entry.clone(),
            sorted,
            is_object: is_text(key.data_type()),
            key: Slot::new(key)?,
            value: Slot::new(value)?,
            pair: pair.clone(),
            offsets: vec![0],
            nulls: NullBufferBuilder::new(0),
            entries: 0,
        })
    }

    fn object(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        cursor.begin_object()?;
        let mut first = true;
        while cursor.has_key(first)? {
            first = false;
            self.key.take(cursor, scratch)?;
            cursor.colon()?;
            self.value.take(cursor, scratch)?;
            self.entries += 1;
        }
        Ok(())
    }

    fn pairs(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        cursor.begin_array()?;
        let mut first = true;
        while cursor.element(first)? {
            first = false;
            self.pair(cursor, scratch)?;
            self.entries += 1;
        }
        Ok(())
    }

    fn pair(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        let at = cursor.position();
        cursor.begin_object()?;
        let mut found = [false; 2];
        let mut first = true;
        while let Some(name) = cursor.key(first, &mut scratch.text)? {
            first = false;
            let which = match name {
                "key" => 0,
                "value" => 1,
                _ => return Err(Fault::value(at, "an entry of a map has more than `key` and `value`")),
            };
            if std::mem::replace(&mut found[which], true) {
                return Err(Fault::value(at, "an entry of a map has two keys or two values"));
            }
            let slot = if which == 0 { &mut self.key } else { &mut self.value };
            slot.take(cursor, scratch)?;
        }
        match found {
            [true, true] => Ok(()),
            _ => Err(Fault::value(at, "an entry of a map needs `key` and `value`")),
        }
    }
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

impl Append for Maps {
    fn value(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        let at = cursor.position();
        if self.is_object {
            self.object(cursor, scratch)?;
        } else {
            self.pairs(cursor, scratch)?;
        }
        self.nulls.append_non_null();
        let end = i32::try_from(self.entries)
            .map_err(|_| Fault::value(at, "the maps of a batch have too many entries"))?;
        self.offsets.push(end);
        Ok(())
    }

    fn null(&mut self) {
        self.nulls.append_null();
        self.offsets.push(self.offsets[self.offsets.len() - 1]);
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let offsets = OffsetBuffer::new(std::mem::replace(&mut self.offsets, vec![0]).into());
        self.entries = 0;
        let columns = vec![self.key.column.finish()?, self.value.column.finish()?];
        let entries = StructArray::try_new(self.pair.clone(), columns, None)?;
        Ok(Arc::new(MapArray::try_new(
            self.entry.clone(),
            offsets,
            entries,
            self.nulls.finish(),
            self.sorted,
        )?))
    }
}
