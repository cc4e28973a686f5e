//! What was built -> an array. Everything is checked here, once a batch.

use arrow::array::{
    Array, ArrayData, ArrayRef, BinaryArray, BinaryViewArray, BooleanBufferBuilder, StringArray,
    StringViewArray, make_array,
};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};
use dstream_sdk::{Error, Result};

use super::column::Column;
use super::distinct::{Distinct, Known};
use super::nested::Nested;
use super::values::{Bytes, Values};

impl Column {
    /// The values so far, as an array; the column is empty then.
    ///
    /// # Errors
    /// `Data`: text that is not UTF-8.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef> {
        Ok(make_array(self.finish_data()?))
    }

    fn finish_data(&mut self) -> Result<ArrayData> {
        let (len, nulls) = (self.nulls.len(), self.nulls.finish());
        let theirs = self.field.data_type();
        match &mut self.values {
            Values::Nested(nested) => nested.finish(theirs, len, nulls),
            Values::Distinct(distinct) => distinct.finish(theirs, len),
            Values::Text(bytes, _) if *theirs == DataType::Utf8View => {
                let plain = bytes.finish(&DataType::Utf8, len, nulls)?;
                Ok(StringViewArray::from(&StringArray::from(plain)).to_data())
            }
            Values::Binary(bytes) if *theirs == DataType::BinaryView => {
                let plain = bytes.finish(&DataType::Binary, len, nulls)?;
                Ok(BinaryViewArray::from(&BinaryArray::from(plain)).to_data())
            }
            Values::Text(bytes, _) | Values::Binary(bytes) => bytes.finish(theirs, len, nulls),
            values => data(theirs, len, values.take_buffer().into_iter().collect(), Vec::new(), nulls),
        }
    }
}

fn data(
    theirs: &DataType,
    len: usize,
    buffers: Vec<Buffer>,
    children: Vec<ArrayData>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayData> {
    let builder = ArrayData::builder(theirs.clone()).len(len).buffers(buffers).child_data(children);
    Ok(builder.nulls(nulls).build()?)
}

/// Takes what is in a vector, which keeps as much room as that needed.
fn take<T: ArrowNativeType>(values: &mut Vec<T>) -> Buffer {
    let empty = Vec::with_capacity(values.len());
    let mut full = std::mem::replace(values, empty);
    // Who counts bytes counts room.
    full.shrink_to_fit();
    Buffer::from_vec(full)
}

impl Values {
    /// The one buffer of a type of fixed width.
    fn take_buffer(&mut self) -> Option<Buffer> {
        use Values as V;
        Some(match self {
            V::Bool(values) => {
                let empty = BooleanBufferBuilder::new(values.len());
                std::mem::replace(values, empty).finish().into_inner()
            }
            V::I8(values) => take(values),
            V::I16(values) => take(values),
            V::U8(values) | V::Fixed(values, _) => take(values),
            V::U16(values) => take(values),
            V::U32(values) => take(values),
            V::U64(values) => take(values),
            V::F16(values) => take(values),
            V::F32(values) => take(values),
            V::F64(values) => take(values),
            V::I32(values) | V::Decimal32(values, ..) | V::Date32(values) => take(values),
            V::Time32(values, _) | V::Months(values) => take(values),
            V::I64(values) | V::Decimal64(values, ..) | V::Date64(values) => take(values),
            V::Time64(values, _) | V::Timestamp(values, ..) | V::Duration(values, _) => take(values),
            V::Decimal128(values, ..) => take(values),
            V::Decimal256(values, ..) => take(values),
            V::DayTime(values) => take(values),
            V::MonthDayNano(values) => take(values),
            V::Null | V::Text(..) | V::Binary(_) | V::Nested(_) | V::Distinct(_) => return None,
        })
    }
}

impl Bytes {
    fn finish(&mut self, theirs: &DataType, len: usize, nulls: Option<NullBuffer>) -> Result<ArrayData> {
        let mut empty = Vec::with_capacity(self.offsets.len());
        empty.push(0);
        let offsets = std::mem::replace(&mut self.offsets, empty);
        let offsets = match theirs {
            DataType::LargeUtf8 | DataType::LargeBinary => {
                Buffer::from_vec(offsets.into_iter().map(i64::from).collect::<Vec<_>>())
            }
            _ => Buffer::from_vec(offsets),
        };
        data(theirs, len, vec![offsets, take(&mut self.data)], Vec::new(), nulls)
    }
}

impl Nested {
    fn finish(&mut self, theirs: &DataType, len: usize, nulls: Option<NullBuffer>) -> Result<ArrayData> {
        match self {
            Nested::List(ends, items) => {
                let buffers = offsets(theirs, std::mem::take(ends), len)?;
                data(theirs, len, buffers, vec![items.finish_data()?], nulls)
            }
            Nested::FixedList(items, size) => {
                let items = items.finish_data()?.slice(0, len * *size);
                data(theirs, len, Vec::new(), vec![items], nulls)
            }
            Nested::Struct(members) => {
                let members = members.iter_mut().map(|member| Ok(member.finish_data()?.slice(0, len)));
                let members = members.collect::<Result<Vec<_>>>()?;
                data(theirs, len, Vec::new(), members, nulls)
            }
            Nested::Map { ends, keys, values, .. } => {
                let DataType::Map(entries, _) = theirs else { return Err(Error::bug("a map is no map")) };
                let count = ends.get(len.wrapping_sub(1)).copied().unwrap_or(0);
                let children =
                    vec![keys.finish_data()?.slice(0, count), values.finish_data()?.slice(0, count)];
                let entries = data(entries.data_type(), count, Vec::new(), children, None)?;
                data(theirs, len, offsets(theirs, std::mem::take(ends), len)?, vec![entries], nulls)
            }
            Nested::Union { ids, offsets, members } => {
                let is_dense = offsets.is_some();
                let buffers = std::iter::once(take(ids)).chain(offsets.as_mut().map(take)).collect();
                let members = members.iter_mut().map(|(_, member)| {
                    let member = member.finish_data()?;
                    Ok(if is_dense { member } else { member.slice(0, len) })
                });
                let members = members.collect::<Result<Vec<_>>>()?;
                data(theirs, len, buffers, members, None)
            }
        }
    }
}

/// Where lists begin and end, as their type says it.
fn offsets(theirs: &DataType, mut ends: Vec<usize>, len: usize) -> Result<Vec<Buffer>> {
    ends.truncate(len);
    let starts = || std::iter::once(0).chain(ends.iter().copied());
    let sizes = || starts().zip(&ends).map(|(start, end)| end - start);
    let small = |values: &mut dyn Iterator<Item = usize>| -> Result<Buffer> {
        let values = values.map(i32::try_from).collect::<Result<Vec<_>, _>>();
        let too_many = |_| Error::resource("a batch holds more items of lists than its type can count");
        Ok(Buffer::from_vec(values.map_err(too_many)?))
    };
    let large = |values: &mut dyn Iterator<Item = usize>| {
        Buffer::from_vec(values.map(|value| value as i64).collect::<Vec<_>>())
    };
    Ok(match theirs {
        DataType::LargeList(_) => vec![large(&mut starts())],
        DataType::LargeListView(_) => vec![large(&mut starts().take(len)), large(&mut sizes())],
        DataType::ListView(_) => vec![small(&mut starts().take(len))?, small(&mut sizes())?],
        _ => vec![small(&mut starts())?],
    })
}

impl Distinct {
    fn finish(&mut self, theirs: &DataType, len: usize) -> Result<ArrayData> {
        let values = self.values.finish_data()?;
        match (&mut self.known, theirs) {
            (Known::Dictionary { keys, seen }, DataType::Dictionary(width, _)) => {
                seen.clear();
                let mut keys = std::mem::take(keys);
                keys.truncate(len);
                let nulls = NullBuffer::from_iter(keys.iter().map(Option::is_some));
                let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
                let keys = integers(width, keys.into_iter().map(Option::unwrap_or_default));
                data(theirs, len, vec![keys], vec![values], nulls)
            }
            (Known::Runs { ends, last }, DataType::RunEndEncoded(width, _)) => {
                last.clear();
                let ends = std::mem::take(ends);
                let count = ends.len();
                let buffer = integers(width.data_type(), ends.into_iter());
                let ends = data(width.data_type(), count, vec![buffer], Vec::new(), None)?;
                data(theirs, len, Vec::new(), vec![ends, values.slice(0, count)], None)
            }
            _ => Err(Error::bug("a dictionary is not what its type says")),
        }
    }
}

/// Keys or ends of runs, which were checked to fit.
fn integers(width: &DataType, values: impl Iterator<Item = i64>) -> Buffer {
    match width {
        DataType::Int8 | DataType::UInt8 => Buffer::from_vec(values.map(|value| value as u8).collect()),
        DataType::Int16 | DataType::UInt16 => Buffer::from_vec(values.map(|value| value as u16).collect()),
        DataType::Int32 | DataType::UInt32 => Buffer::from_vec(values.map(|value| value as u32).collect()),
        _ => Buffer::from_vec(values.collect::<Vec<i64>>()),
    }
}
