//! Text to the values of one column, in Arrow buffers.

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BooleanArray, BooleanBufferBuilder, GenericStringArray, NullBufferBuilder,
    OffsetSizeTrait, PrimitiveArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use std::sync::Arc;

use dstream_sdk::{Error, Result};

use crate::csv::Cells;
use crate::number::{exact_decimal, exact_f32, exact_f64, exact_i64, exact_u64};
use crate::{time, types};

/// One column being built.
pub(crate) trait Column: Send {
    /// Takes the value that `text`, which is UTF-8, says; `false`: it says none of this type.
    fn push(&mut self, text: &[u8]) -> bool;
    fn push_null(&mut self);
    /// Takes many with one call; an error is the index of the cell that does not fit.
    fn push_cells(&mut self, cells: &Cells<'_>) -> std::result::Result<(), usize>;
    /// The array of what was pushed; the column is empty again.
    fn finish(&mut self) -> Result<ArrayRef>;
}

/// The one table of how each type is read. `lenient` takes every spelling of a value: the user declared the type.
pub(crate) fn column(field: &arrow::datatypes::Field, lenient: bool) -> Result<Box<dyn Column>> {
    let data_type = field.data_type();
    Ok(match data_type {
        DataType::Utf8 => Box::new(Text::<i32>::new()),
        DataType::LargeUtf8 => Box::new(Text::<i64>::new()),
        DataType::Boolean => {
            Box::new(Bools { values: BooleanBufferBuilder::new(0), nulls: nulls(), lenient })
        }
        DataType::Int8 => signed::<Int8Type>(data_type, lenient),
        DataType::Int16 => signed::<Int16Type>(data_type, lenient),
        DataType::Int32 => signed::<Int32Type>(data_type, lenient),
        DataType::Int64 if !lenient => primitive::<Int64Type, _>(data_type, exact_i64),
        DataType::Int64 => signed::<Int64Type>(data_type, lenient),
        DataType::UInt8 => unsigned::<UInt8Type>(data_type, lenient),
        DataType::UInt16 => unsigned::<UInt16Type>(data_type, lenient),
        DataType::UInt32 => unsigned::<UInt32Type>(data_type, lenient),
        DataType::UInt64 => unsigned::<UInt64Type>(data_type, lenient),
        DataType::Float32 if lenient => primitive::<Float32Type, _>(data_type, parse),
        DataType::Float32 => primitive::<Float32Type, _>(data_type, exact_f32),
        DataType::Float64 if lenient => primitive::<Float64Type, _>(data_type, parse),
        DataType::Float64 => primitive::<Float64Type, _>(data_type, exact_f64),
        &DataType::Decimal128(precision, scale) => primitive::<Decimal128Type, _>(data_type, move |text| {
            exact_decimal(text, precision, scale, lenient)
        }),
        DataType::Date32 => primitive::<Date32Type, _>(data_type, time::date),
        DataType::Timestamp(unit, zone) => {
            let zoned = zone.is_some();
            match unit {
                TimeUnit::Second => timestamps::<TimestampSecondType>(data_type, *unit, zoned),
                TimeUnit::Millisecond => timestamps::<TimestampMillisecondType>(data_type, *unit, zoned),
                TimeUnit::Microsecond => timestamps::<TimestampMicrosecondType>(data_type, *unit, zoned),
                TimeUnit::Nanosecond => timestamps::<TimestampNanosecondType>(data_type, *unit, zoned),
            }
        }
        other => {
            let (column, name) = (field.name(), types::name(other));
            return Err(Error::unsupported(format!("column `{column}` cannot be read as {name}"))
                .hint("give it another type in the catalog, such as text"));
        }
    })
}

fn signed<T: ArrowPrimitiveType>(data_type: &DataType, lenient: bool) -> Box<dyn Column>
where
    T::Native: TryFrom<i64>,
{
    primitive::<T, _>(data_type, move |text| {
        T::Native::try_from(if lenient { parse(text)? } else { exact_i64(text)? }).ok()
    })
}

fn unsigned<T: ArrowPrimitiveType>(data_type: &DataType, lenient: bool) -> Box<dyn Column>
where
    T::Native: TryFrom<u64>,
{
    primitive::<T, _>(data_type, move |text| {
        T::Native::try_from(if lenient { parse(text)? } else { exact_u64(text)? }).ok()
    })
}

fn timestamps<T: ArrowPrimitiveType<Native = i64>>(
    data_type: &DataType,
    unit: TimeUnit,
    zoned: bool,
) -> Box<dyn Column> {
    primitive::<T, _>(data_type, move |text| {
        time::timestamp(text).filter(|read| read.zoned == zoned).and_then(|read| read.in_unit(unit))
    })
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn nulls() -> NullBufferBuilder {
    NullBufferBuilder::new(0)
}

struct Primitive<T: ArrowPrimitiveType, P> {
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
    data_type: DataType,
    parse: P,
}

fn primitive<T, P>(data_type: &DataType, parse: P) -> Box<dyn Column>
where
    T: ArrowPrimitiveType,
    P: Fn(&[u8]) -> Option<T::Native> + Send + 'static,
{
    Box::new(Primitive::<T, P> { values: Vec::new(), nulls: nulls(), data_type: data_type.clone(), parse })
}

impl<T, P> Column for Primitive<T, P>
where
    T: ArrowPrimitiveType,
    P: Fn(&[u8]) -> Option<T::Native> + Send,
{
    #[inline]
    fn push(&mut self, text: &[u8]) -> bool {
        let value = (self.parse)(text);
        self.values.extend(value);
        self.nulls.append_n_non_nulls(usize::from(value.is_some()));
        value.is_some()
    }

    #[inline]
    fn push_null(&mut self) {
        self.values.push(T::Native::default());
        self.nulls.append_null();
    }

    fn push_cells(&mut self, cells: &Cells<'_>) -> std::result::Result<(), usize> {
        self.values.reserve(cells.len());
        cells.feed(self)
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        // The next batch is about as long: it grows its buffer once.
        let next = Vec::with_capacity(self.values.len());
        let mut values = std::mem::replace(&mut self.values, next);
        trim(&mut values);
        let array = PrimitiveArray::<T>::try_new(ScalarBuffer::from(values), self.nulls.finish())?;
        Ok(Arc::new(array.with_data_type(self.data_type.clone())))
    }
}

struct Bools {
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
    lenient: bool,
}

impl Column for Bools {
    #[inline]
    fn push(&mut self, text: &[u8]) -> bool {
        let value = match text {
            b"true" | b"True" | b"TRUE" => true,
            b"false" | b"False" | b"FALSE" => false,
            _ if !self.lenient => return false,
            b"1" | b"t" | b"T" | b"y" | b"Y" => true,
            b"0" | b"f" | b"F" | b"n" | b"N" => false,
            _ if text.eq_ignore_ascii_case(b"yes") || text.eq_ignore_ascii_case(b"true") => true,
            _ if text.eq_ignore_ascii_case(b"no") || text.eq_ignore_ascii_case(b"false") => false,
            _ => return false,
        };
        self.values.append(value);
        self.nulls.append_non_null();
        true
    }

    fn push_null(&mut self) {
        self.values.append(false);
        self.nulls.append_null();
    }

    fn push_cells(&mut self, cells: &Cells<'_>) -> std::result::Result<(), usize> {
        cells.feed(self)
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(BooleanArray::new(self.values.finish(), self.nulls.finish())))
    }
}

struct Text<O> {
    bytes: Vec<u8>,
    ends: Vec<O>,
    nulls: NullBufferBuilder,
}

impl<O: OffsetSizeTrait> Text<O> {
    fn new() -> Text<O> {
        Text { bytes: Vec::new(), ends: vec![O::zero()], nulls: nulls() }
    }
}

impl<O: OffsetSizeTrait> Column for Text<O> {
    #[inline]
    fn push(&mut self, text: &[u8]) -> bool {
        self.bytes.extend_from_slice(text);
        self.ends.push(O::usize_as(self.bytes.len()));
        self.nulls.append_non_null();
        true
    }

    #[inline]
    fn push_null(&mut self) {
        self.ends.push(O::usize_as(self.bytes.len()));
        self.nulls.append_null();
    }

    fn push_cells(&mut self, cells: &Cells<'_>) -> std::result::Result<(), usize> {
        self.ends.reserve(cells.len());
        cells.feed(self)
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let next = Vec::with_capacity(self.bytes.len());
        let mut bytes = std::mem::replace(&mut self.bytes, next);
        trim(&mut bytes);
        let mut next = Vec::with_capacity(self.ends.len());
        next.push(O::zero());
        let mut ends = std::mem::replace(&mut self.ends, next);
        trim(&mut ends);
        let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
        Ok(Arc::new(GenericStringArray::<O>::try_new(ends, bytes.into(), self.nulls.finish())?))
    }
}

/// Gives back what growing by doubling left over: a batch is counted by what its buffers hold.
fn trim<T>(values: &mut Vec<T>) {
    if values.capacity() - values.len() > values.len() / 16 {
        values.shrink_to_fit();
    }
}
