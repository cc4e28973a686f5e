//! The values of one column, from the bytes of a COPY to an Arrow array.

use arrow::array::*;
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use arrow::error::ArrowError;
use std::collections::HashMap;
use std::sync::Arc;

use super::moment::{date, interval, timestamp};
use super::nested::{ArrayHead, push_lists, push_parts};
use crate::numeric::{self, Why};
use crate::types::Form;

/// One column being filled.
pub(super) struct Column {
    values: Values,
    /// Which values are there; `None`: all so far.
    valid: Option<BooleanBufferBuilder>,
    len: usize,
}

/// The values, one line per layout. A null leaves a value that means nothing.
enum Values {
    Bool(BooleanBufferBuilder),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U32(Vec<u32>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Decimal128(Vec<i128>, u8, i8),
    Decimal256(Vec<i256>, u8, i8),
    NumericText(Bytes),
    Text(Bytes),
    Json(Bytes),
    Binary(Bytes),
    Date(Vec<i32>),
    Time(Vec<i64>),
    Timestamp(Vec<i64>),
    Interval(Vec<IntervalMonthDayNano>),
    Uuid(Vec<u8>),
    Enum(Vec<i32>, Vec<String>, HashMap<Vec<u8>, i32>),
    List(Vec<i32>, Box<Column>),
    /// Lists in lists: how many, the ends of each level from outside in.
    Lists(Vec<Vec<i32>>, Box<Column>),
    Struct(Vec<Column>),
}

/// Values of any length, one behind the other.
struct Bytes {
    ends: Vec<i32>,
    data: Vec<u8>,
}

impl Bytes {
    fn new() -> Bytes {
        Bytes { ends: vec![0], data: Vec::new() }
    }

    fn end(&mut self) -> Result<(), Why> {
        let end = i32::try_from(self.data.len()).map_err(|_| "more than 2 GiB in one batch")?;
        self.ends.push(end);
        Ok(())
    }

    fn push(&mut self, value: &[u8]) -> Result<(), Why> {
        self.data.extend_from_slice(value);
        self.end()
    }

    fn take(&mut self) -> (OffsetBuffer<i32>, Buffer) {
        let ends = std::mem::replace(&mut self.ends, Vec::with_capacity(1));
        let data = std::mem::take(&mut self.data);
        // The next batch is about as large as this one, most of the time.
        self.ends.reserve(room_after(ends.len()));
        self.data.reserve(room_after(data.len()));
        self.ends.push(0);
        (OffsetBuffer::new(ScalarBuffer::from(ends)), Buffer::from_vec(data))
    }
}

impl Column {
    pub(super) fn new(form: &Form, data_type: &DataType) -> Column {
        let values = match (form, data_type) {
            (Form::Bool, _) => Values::Bool(BooleanBufferBuilder::new(0)),
            (Form::Int2, _) => Values::I16(Vec::new()),
            (Form::Int4, _) => Values::I32(Vec::new()),
            (Form::Int8, _) => Values::I64(Vec::new()),
            (Form::Oid, _) => Values::U32(Vec::new()),
            (Form::Float4, _) => Values::F32(Vec::new()),
            (Form::Float8, _) => Values::F64(Vec::new()),
            (Form::Decimal { precision: precision @ ..=38, scale }, _) => {
                Values::Decimal128(Vec::new(), *precision, *scale)
            }
            (Form::Decimal { precision, scale }, _) => Values::Decimal256(Vec::new(), *precision, *scale),
            (Form::NumericText, _) => Values::NumericText(Bytes::new()),
            (Form::Text | Form::Varchar(_), _) => Values::Text(Bytes::new()),
            (Form::Jsonb, _) => Values::Json(Bytes::new()),
            (Form::Bytes, _) => Values::Binary(Bytes::new()),
            (Form::Date, _) => Values::Date(Vec::new()),
            (Form::Time, _) => Values::Time(Vec::new()),
            (Form::Timestamp, _) => Values::Timestamp(Vec::new()),
            (Form::Interval, _) => Values::Interval(Vec::new()),
            (Form::Uuid, _) => Values::Uuid(Vec::new()),
            (Form::Enum(labels), _) => {
                let places = labels.iter().zip(0..).map(|(label, at)| (label.clone().into_bytes(), at));
                Values::Enum(Vec::new(), labels.clone(), places.collect())
            }
            (Form::Array { form, dimensions, .. }, list) => {
                let mut item = list;
                for _ in 0..*dimensions {
                    if let DataType::List(field) = item {
                        item = field.data_type();
                    }
                }
                let items = Box::new(Column::new(form, item));
                match dimensions {
                    0 | 1 => Values::List(vec![0], items),
                    more => Values::Lists(vec![vec![0]; usize::from(*more)], items),
                }
            }
            (Form::Composite(forms), DataType::Struct(fields)) => {
                let parts = forms.iter().zip(fields);
                Values::Struct(parts.map(|((_, form), field)| Column::new(form, field.data_type())).collect())
            }
            (Form::Composite(_), _) => Values::Struct(Vec::new()),
        };
        Column { values, valid: None, len: 0 }
    }

    pub(super) fn push_null(&mut self) {
        match &mut self.values {
            Values::Bool(values) => values.append(false),
            Values::I16(values) => values.push(0),
            Values::I32(values) | Values::Date(values) => values.push(0),
            Values::I64(values) | Values::Time(values) | Values::Timestamp(values) => values.push(0),
            Values::U32(values) => values.push(0),
            Values::F32(values) => values.push(0.0),
            Values::F64(values) => values.push(0.0),
            Values::Decimal128(values, ..) => values.push(0),
            Values::Decimal256(values, ..) => values.push(i256::ZERO),
            Values::NumericText(bytes)
            | Values::Text(bytes)
            | Values::Json(bytes)
            | Values::Binary(bytes) => {
                bytes.ends.push(bytes.ends.last().copied().unwrap_or(0));
            }
            Values::Interval(values) => values.push(IntervalMonthDayNano::ZERO),
            Values::Uuid(values) => values.extend([0; 16]),
            Values::Enum(places, ..) => places.push(0),
            Values::List(ends, _) => ends.push(ends.last().copied().unwrap_or(0)),
            Values::Lists(levels, _) => {
                let outer = &mut levels[0];
                outer.push(outer.last().copied().unwrap_or(0));
            }
            Values::Struct(parts) => parts.iter_mut().for_each(Column::push_null),
        }
        self.valid.get_or_insert_with(|| all_valid(self.len)).append(false);
        self.len += 1;
    }

    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Why> {
        match &mut self.values {
            Values::Bool(values) => values.append(fixed::<1>(bytes)?[0] != 0),
            Values::I16(values) => values.push(i16::from_be_bytes(fixed(bytes)?)),
            Values::I32(values) => values.push(i32::from_be_bytes(fixed(bytes)?)),
            Values::I64(values) => values.push(i64::from_be_bytes(fixed(bytes)?)),
            Values::U32(values) => values.push(u32::from_be_bytes(fixed(bytes)?)),
            Values::F32(values) => values.push(f32::from_be_bytes(fixed(bytes)?)),
            Values::F64(values) => values.push(f64::from_be_bytes(fixed(bytes)?)),
            Values::Decimal128(values, precision, scale) => {
                values.push(numeric::decode_i128(bytes, *precision, *scale)?);
            }
            Values::Decimal256(values, precision, scale) => {
                values.push(numeric::decode_i256(bytes, *precision, *scale)?);
            }
            Values::NumericText(text) => {
                numeric::decode_text(bytes, &mut text.data)?;
                text.end()?;
            }
            Values::Text(text) | Values::Binary(text) => text.push(bytes)?,
            Values::Json(text) => match bytes {
                [1, json @ ..] => text.push(json)?,
                _ => return Err("a jsonb of an unknown version"),
            },
            Values::Date(values) => values.push(date(i32::from_be_bytes(fixed(bytes)?))?),
            Values::Time(values) => values.push(i64::from_be_bytes(fixed(bytes)?)),
            Values::Timestamp(values) => values.push(timestamp(i64::from_be_bytes(fixed(bytes)?))?),
            Values::Interval(values) => values.push(interval(&fixed(bytes)?)?),
            Values::Uuid(values) => values.extend(fixed::<16>(bytes)?),
            Values::Enum(places, _, known) => {
                let place =
                    known.get(bytes).ok_or("a label that the enum got while it was read: run again")?;
                places.push(*place);
            }
            Values::List(ends, items) => {
                let mut array = ArrayHead::read(bytes)?;
                let ([] | [_]) = array.lengths() else {
                    return Err("an array of several dimensions in a column that was declared with one");
                };
                for _ in 0..array.elements {
                    array.push_next(items)?;
                }
                array.end()?;
                ends.push(list_end(items.len)?);
            }
            Values::Lists(levels, items) => push_lists(bytes, levels, items)?,
            Values::Struct(parts) => push_parts(bytes, parts)?,
        }
        if let Some(valid) = &mut self.valid {
            valid.append(true);
        }
        self.len += 1;
        Ok(())
    }

    /// The array, and room for the next one.
    pub(super) fn finish(&mut self, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let nulls = self.valid.take().map(|mut valid| NullBuffer::new(valid.finish()));
        let len = std::mem::take(&mut self.len);
        Ok(match &mut self.values {
            Values::Bool(values) => {
                let values: BooleanBuffer = values.finish();
                Arc::new(BooleanArray::new(values, nulls))
            }
            Values::I16(values) => primitive::<Int16Type>(values, nulls),
            Values::I32(values) => primitive::<Int32Type>(values, nulls),
            Values::I64(values) => primitive::<Int64Type>(values, nulls),
            Values::U32(values) => primitive::<UInt32Type>(values, nulls),
            Values::F32(values) => primitive::<Float32Type>(values, nulls),
            Values::F64(values) => primitive::<Float64Type>(values, nulls),
            Values::Decimal128(values, ..) => typed::<Decimal128Type>(take(values), nulls, data_type),
            Values::Decimal256(values, ..) => typed::<Decimal256Type>(take(values), nulls, data_type),
            Values::NumericText(bytes) | Values::Text(bytes) | Values::Json(bytes) => {
                let (ends, data) = bytes.take();
                Arc::new(StringArray::try_new(ends, data, nulls)?)
            }
            Values::Binary(bytes) => {
                let (ends, data) = bytes.take();
                Arc::new(BinaryArray::try_new(ends, data, nulls)?)
            }
            Values::Date(values) => primitive::<Date32Type>(values, nulls),
            Values::Time(values) => primitive::<Time64MicrosecondType>(values, nulls),
            Values::Timestamp(values) => typed::<TimestampMicrosecondType>(take(values), nulls, data_type),
            Values::Interval(values) => primitive::<IntervalMonthDayNanoType>(values, nulls),
            Values::Uuid(values) => {
                Arc::new(FixedSizeBinaryArray::try_new(16, Buffer::from_vec(take(values)), nulls)?)
            }
            Values::Enum(places, labels, _) => {
                let keys = Int32Array::new(take(places).into(), nulls);
                Arc::new(DictionaryArray::try_new(keys, Arc::new(StringArray::from(labels.clone())))?)
            }
            Values::List(ends, items) => list(data_type, ends, nulls, |item| items.finish(item))?,
            Values::Lists(levels, items) => lists(data_type, levels, nulls, items)?,
            Values::Struct(parts) => {
                let DataType::Struct(fields) = data_type else { return Err(not_its_type()) };
                let columns = parts.iter_mut().zip(fields);
                let columns = columns.map(|(part, field)| part.finish(field.data_type()));
                let columns = columns.collect::<Result<Vec<_>, _>>()?;
                Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, len)?)
            }
        })
    }
}

fn not_its_type() -> ArrowError {
    ArrowError::SchemaError("a column is not of the type that it was made for".to_owned())
}

fn all_valid(len: usize) -> BooleanBufferBuilder {
    let mut valid = BooleanBufferBuilder::new(len + 1024);
    valid.append_n(len, true);
    valid
}

/// The values, and room for as many again.
fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(room_after(values.len()));
    std::mem::replace(values, next)
}

/// Room for a batch after one of this size. A vector that outgrows its room doubles it, and a batch keeps all of it for as
/// long as it lives: a little more at once is a lot less in the end.
fn room_after(len: usize) -> usize {
    len + len / 8
}

fn primitive<T: ArrowPrimitiveType>(values: &mut Vec<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(take(values).into(), nulls))
}

fn typed<T: ArrowPrimitiveType>(
    values: Vec<T::Native>,
    nulls: Option<NullBuffer>,
    data_type: &DataType,
) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls).with_data_type(data_type.clone()))
}

fn list(
    data_type: &DataType,
    ends: &mut Vec<i32>,
    nulls: Option<NullBuffer>,
    items: impl FnOnce(&DataType) -> Result<ArrayRef, ArrowError>,
) -> Result<ArrayRef, ArrowError> {
    let DataType::List(field) = data_type else { return Err(not_its_type()) };
    let ends = std::mem::replace(ends, vec![0]);
    let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
    Ok(Arc::new(ListArray::try_new(field.clone(), ends, items(field.data_type())?, nulls)?))
}

fn lists(
    data_type: &DataType,
    levels: &mut [Vec<i32>],
    nulls: Option<NullBuffer>,
    items: &mut Column,
) -> Result<ArrayRef, ArrowError> {
    match levels {
        [] => items.finish(data_type),
        [outer, inner @ ..] => list(data_type, outer, nulls, |item| lists(item, inner, None, items)),
    }
}

pub(super) fn list_end(len: usize) -> Result<i32, Why> {
    i32::try_from(len).map_err(|_| "more than 2^31 elements in one batch")
}

#[inline]
fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Why> {
    bytes.try_into().map_err(|_| "a value of another length than its type has")
}
