//! What a column keeps until its batch is finished: one line per Arrow type.

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use std::sync::Arc;

use super::ColumnBuilder;
use super::number::Number;
use crate::{Error, Result};

/// Offsets of `utf8` and `binary` are 32 bits.
const LIMIT_BYTES: usize = i32::MAX as usize;

/// The values of one column.
#[derive(Debug)]
pub(super) enum Store {
    Null(usize),
    Bool(BooleanBuilder),
    Int8(Int8Builder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    UInt8(UInt8Builder),
    UInt16(UInt16Builder),
    UInt32(UInt32Builder),
    UInt64(UInt64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal128(Decimal128Builder, u8, i8),
    Decimal256(Decimal256Builder, u8, i8),
    Date32(Date32Builder),
    Date64(Date64Builder),
    TimestampS(TimestampSecondBuilder),
    TimestampMs(TimestampMillisecondBuilder),
    TimestampUs(TimestampMicrosecondBuilder),
    TimestampNs(TimestampNanosecondBuilder),
    Time32S(Time32SecondBuilder),
    Time32Ms(Time32MillisecondBuilder),
    Time64Us(Time64MicrosecondBuilder),
    Time64Ns(Time64NanosecondBuilder),
    Utf8(StringBuilder),
    LargeUtf8(LargeStringBuilder),
    Utf8View(StringViewBuilder),
    Binary(BinaryBuilder),
    LargeBinary(LargeBinaryBuilder),
    FixedBinary(FixedSizeBinaryBuilder, usize),
    List { item: Box<ColumnBuilder>, ends: Vec<i64>, valid: Vec<bool> },
    Struct { children: Vec<ColumnBuilder>, valid: Vec<bool> },
}

impl Store {
    pub(super) fn new(data_type: &DataType) -> Result<Store> {
        Ok(match data_type {
            DataType::Null => Store::Null(0),
            DataType::Boolean => Store::Bool(BooleanBuilder::new()),
            DataType::Int8 => Store::Int8(Int8Builder::new()),
            DataType::Int16 => Store::Int16(Int16Builder::new()),
            DataType::Int32 => Store::Int32(Int32Builder::new()),
            DataType::Int64 => Store::Int64(Int64Builder::new()),
            DataType::UInt8 => Store::UInt8(UInt8Builder::new()),
            DataType::UInt16 => Store::UInt16(UInt16Builder::new()),
            DataType::UInt32 => Store::UInt32(UInt32Builder::new()),
            DataType::UInt64 => Store::UInt64(UInt64Builder::new()),
            DataType::Float32 => Store::Float32(Float32Builder::new()),
            DataType::Float64 => Store::Float64(Float64Builder::new()),
            DataType::Decimal128(precision, scale) => {
                Store::Decimal128(Decimal128Builder::new(), *precision, *scale)
            }
            DataType::Decimal256(precision, scale) => {
                Store::Decimal256(Decimal256Builder::new(), *precision, *scale)
            }
            DataType::Date32 => Store::Date32(Date32Builder::new()),
            DataType::Date64 => Store::Date64(Date64Builder::new()),
            DataType::Timestamp(TimeUnit::Second, _) => Store::TimestampS(TimestampSecondBuilder::new()),
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                Store::TimestampMs(TimestampMillisecondBuilder::new())
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Store::TimestampUs(TimestampMicrosecondBuilder::new())
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                Store::TimestampNs(TimestampNanosecondBuilder::new())
            }
            DataType::Time32(TimeUnit::Second) => Store::Time32S(Time32SecondBuilder::new()),
            DataType::Time32(TimeUnit::Millisecond) => Store::Time32Ms(Time32MillisecondBuilder::new()),
            DataType::Time64(TimeUnit::Microsecond) => Store::Time64Us(Time64MicrosecondBuilder::new()),
            DataType::Time64(TimeUnit::Nanosecond) => Store::Time64Ns(Time64NanosecondBuilder::new()),
            DataType::Utf8 => Store::Utf8(StringBuilder::new()),
            DataType::LargeUtf8 => Store::LargeUtf8(LargeStringBuilder::new()),
            DataType::Utf8View => Store::Utf8View(StringViewBuilder::new()),
            DataType::Binary => Store::Binary(BinaryBuilder::new()),
            DataType::LargeBinary => Store::LargeBinary(LargeBinaryBuilder::new()),
            DataType::FixedSizeBinary(size) => Store::FixedBinary(
                FixedSizeBinaryBuilder::new(*size),
                usize::try_from(*size).unwrap_or_default(),
            ),
            DataType::List(item) | DataType::LargeList(item) => {
                Store::List { item: Box::new(ColumnBuilder::new(item)?), ends: Vec::new(), valid: Vec::new() }
            }
            DataType::Struct(fields) => Store::Struct {
                children: fields.iter().map(|field| ColumnBuilder::new(field)).collect::<Result<_>>()?,
                valid: Vec::new(),
            },
            other => return Err(Error::unsupported(format!("{other} cannot be built row by row"))),
        })
    }

    pub(super) fn append_null(&mut self) -> Result<()> {
        match self {
            Store::Null(len) => *len += 1,
            Store::Bool(builder) => builder.append_null(),
            Store::Int8(builder) => builder.append_null(),
            Store::Int16(builder) => builder.append_null(),
            Store::Int32(builder) => builder.append_null(),
            Store::Int64(builder) => builder.append_null(),
            Store::UInt8(builder) => builder.append_null(),
            Store::UInt16(builder) => builder.append_null(),
            Store::UInt32(builder) => builder.append_null(),
            Store::UInt64(builder) => builder.append_null(),
            Store::Float32(builder) => builder.append_null(),
            Store::Float64(builder) => builder.append_null(),
            Store::Decimal128(builder, ..) => builder.append_null(),
            Store::Decimal256(builder, ..) => builder.append_null(),
            Store::Date32(builder) => builder.append_null(),
            Store::Date64(builder) => builder.append_null(),
            Store::TimestampS(builder) => builder.append_null(),
            Store::TimestampMs(builder) => builder.append_null(),
            Store::TimestampUs(builder) => builder.append_null(),
            Store::TimestampNs(builder) => builder.append_null(),
            Store::Time32S(builder) => builder.append_null(),
            Store::Time32Ms(builder) => builder.append_null(),
            Store::Time64Us(builder) => builder.append_null(),
            Store::Time64Ns(builder) => builder.append_null(),
            Store::Utf8(builder) => builder.append_null(),
            Store::LargeUtf8(builder) => builder.append_null(),
            Store::Utf8View(builder) => builder.append_null(),
            Store::Binary(builder) => builder.append_null(),
            Store::LargeBinary(builder) => builder.append_null(),
            Store::FixedBinary(builder, _) => builder.append_null(),
            Store::List { item, ends, valid } => {
                ends.push(item.len() as i64);
                valid.push(false);
            }
            Store::Struct { children, valid } => {
                children.iter_mut().try_for_each(ColumnBuilder::append_default)?;
                valid.push(false);
            }
        }
        Ok(())
    }

    /// Appends the number where it fits exactly; `false`: it does not.
    pub(super) fn append_number(&mut self, number: &Number) -> bool {
        /// Appends the integer where the type has it.
        macro_rules! int {
            ($builder:ident) => {
                match number.int().and_then(|value| value.try_into().ok()) {
                    Some(value) => $builder.append_value(value),
                    None => return false,
                }
            };
        }
        match self {
            Store::Int8(builder) => int!(builder),
            Store::Int16(builder) => int!(builder),
            Store::Int32(builder) => int!(builder),
            Store::Int64(builder) => int!(builder),
            Store::UInt8(builder) => int!(builder),
            Store::UInt16(builder) => int!(builder),
            Store::UInt32(builder) => int!(builder),
            Store::UInt64(builder) => int!(builder),
            Store::Float64(builder) => match number.float() {
                Some(value) => builder.append_value(value),
                None => return false,
            },
            Store::Float32(builder) => match number.float().map(|value| (value, value as f32)) {
                Some((value, narrow)) if f64::from(narrow) == value || value.is_nan() => {
                    builder.append_value(narrow)
                }
                _ => return false,
            },
            Store::Decimal128(builder, precision, scale) => {
                match number.decimal(*precision, *scale).and_then(|value| value.to_i128()) {
                    Some(value) => builder.append_value(value),
                    None => return false,
                }
            }
            Store::Decimal256(builder, precision, scale) => match number.decimal(*precision, *scale) {
                Some(value) => builder.append_value(value),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// Appends a count of the column's own unit of time; `false`: it does not fit.
    pub(super) fn append_count(&mut self, count: i64) -> bool {
        match self {
            Store::TimestampS(builder) => builder.append_value(count),
            Store::TimestampMs(builder) => builder.append_value(count),
            Store::TimestampUs(builder) => builder.append_value(count),
            Store::TimestampNs(builder) => builder.append_value(count),
            Store::Time64Us(builder) => builder.append_value(count),
            Store::Time64Ns(builder) => builder.append_value(count),
            Store::Time32S(builder) => match count.try_into() {
                Ok(count) => builder.append_value(count),
                Err(_) => return false,
            },
            Store::Time32Ms(builder) => match count.try_into() {
                Ok(count) => builder.append_value(count),
                Err(_) => return false,
            },
            _ => return false,
        }
        true
    }

    /// Appends text; `None`: the column holds none.
    pub(super) fn append_str(&mut self, value: &str) -> Option<Result<()>> {
        match self {
            Store::Utf8(builder) => {
                if let Err(full) = check_room(builder.values_slice().len(), value.len()) {
                    return Some(Err(full));
                }
                builder.append_value(value);
            }
            Store::LargeUtf8(builder) => builder.append_value(value),
            Store::Utf8View(builder) => {
                if let Err(full) = check_room(0, value.len()) {
                    return Some(Err(full));
                }
                builder.append_value(value);
            }
            _ => return None,
        }
        Some(Ok(()))
    }

    /// Appends bytes; `None`: the column holds none.
    pub(super) fn append_bytes(&mut self, value: &[u8]) -> Option<Result<()>> {
        match self {
            Store::Binary(builder) => {
                if let Err(full) = check_room(builder.values_slice().len(), value.len()) {
                    return Some(Err(full));
                }
                builder.append_value(value);
            }
            Store::LargeBinary(builder) => builder.append_value(value),
            Store::FixedBinary(builder, size) if value.len() == *size => {
                return Some(builder.append_value(value).map_err(Error::from));
            }
            _ => return None,
        }
        Some(Ok(()))
    }

    /// Bytes that every value has.
    pub(super) fn fixed_bytes(&self) -> usize {
        match self {
            Store::Null(_) => 0,
            Store::Bool(_) | Store::Int8(_) | Store::UInt8(_) | Store::Struct { .. } => 1,
            Store::Int16(_) | Store::UInt16(_) => 2,
            Store::Int32(_) | Store::UInt32(_) | Store::Float32(_) | Store::Date32(_) => 4,
            Store::Time32S(_) | Store::Time32Ms(_) | Store::Utf8(_) | Store::Binary(_) => 4,
            Store::Decimal128(..) | Store::Utf8View(_) => 16,
            Store::Decimal256(..) => 32,
            Store::FixedBinary(_, size) => *size,
            _ => 8,
        }
    }

    /// Hands out the array; `data_type` adds what the builders do not know: zones, precisions, field names.
    pub(super) fn finish(&mut self, data_type: &DataType) -> Result<ArrayRef> {
        let zone = || match data_type {
            DataType::Timestamp(_, zone) => zone.clone(),
            _ => None,
        };
        Ok(match self {
            Store::Null(len) => Arc::new(NullArray::new(std::mem::take(len))),
            Store::Bool(builder) => Arc::new(builder.finish()),
            Store::Int8(builder) => Arc::new(builder.finish()),
            Store::Int16(builder) => Arc::new(builder.finish()),
            Store::Int32(builder) => Arc::new(builder.finish()),
            Store::Int64(builder) => Arc::new(builder.finish()),
            Store::UInt8(builder) => Arc::new(builder.finish()),
            Store::UInt16(builder) => Arc::new(builder.finish()),
            Store::UInt32(builder) => Arc::new(builder.finish()),
            Store::UInt64(builder) => Arc::new(builder.finish()),
            Store::Float32(builder) => Arc::new(builder.finish()),
            Store::Float64(builder) => Arc::new(builder.finish()),
            Store::Decimal128(builder, precision, scale) => {
                Arc::new(builder.finish().with_precision_and_scale(*precision, *scale)?)
            }
            Store::Decimal256(builder, precision, scale) => {
                Arc::new(builder.finish().with_precision_and_scale(*precision, *scale)?)
            }
            Store::Date32(builder) => Arc::new(builder.finish()),
            Store::Date64(builder) => Arc::new(builder.finish()),
            Store::TimestampS(builder) => Arc::new(builder.finish().with_timezone_opt(zone())),
            Store::TimestampMs(builder) => Arc::new(builder.finish().with_timezone_opt(zone())),
            Store::TimestampUs(builder) => Arc::new(builder.finish().with_timezone_opt(zone())),
            Store::TimestampNs(builder) => Arc::new(builder.finish().with_timezone_opt(zone())),
            Store::Time32S(builder) => Arc::new(builder.finish()),
            Store::Time32Ms(builder) => Arc::new(builder.finish()),
            Store::Time64Us(builder) => Arc::new(builder.finish()),
            Store::Time64Ns(builder) => Arc::new(builder.finish()),
            Store::Utf8(builder) => Arc::new(builder.finish()),
            Store::LargeUtf8(builder) => Arc::new(builder.finish()),
            Store::Utf8View(builder) => Arc::new(builder.finish()),
            Store::Binary(builder) => Arc::new(builder.finish()),
            Store::LargeBinary(builder) => Arc::new(builder.finish()),
            Store::FixedBinary(builder, _) => Arc::new(builder.finish()),
            Store::List { item, ends, valid } => {
                let nulls = nulls(std::mem::take(valid));
                let ends = std::mem::take(ends);
                let values = item.finish()?;
                match data_type {
                    DataType::List(field) => {
                        let offsets = std::iter::once(Ok(0))
                            .chain(ends.iter().map(|end| i32::try_from(*end)))
                            .collect::<Result<Vec<i32>, _>>()
                            .map_err(|_| full())?;
                        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                        Arc::new(ListArray::try_new(field.clone(), offsets, values, nulls)?)
                    }
                    DataType::LargeList(field) => {
                        let offsets: Vec<i64> = std::iter::once(0).chain(ends).collect();
                        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                        Arc::new(LargeListArray::try_new(field.clone(), offsets, values, nulls)?)
                    }
                    other => return Err(Error::bug(format!("a list was built for {other}"))),
                }
            }
            Store::Struct { children, valid } => {
                let valid = std::mem::take(valid);
                let DataType::Struct(fields) = data_type else {
                    return Err(Error::bug(format!("a struct was built for {data_type}")));
                };
                let arrays = children.iter_mut().map(ColumnBuilder::finish).collect::<Result<Vec<_>>>()?;
                let len = valid.len();
                let nulls = nulls(valid);
                Arc::new(StructArray::try_new_with_length(fields.clone(), arrays, nulls, len)?)
            }
        })
    }
}

fn nulls(valid: Vec<bool>) -> Option<NullBuffer> {
    Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0)
}

fn check_room(there: usize, more: usize) -> Result<()> {
    match there.checked_add(more) {
        Some(bytes) if bytes <= LIMIT_BYTES => Ok(()),
        _ => Err(full()),
    }
}

fn full() -> Error {
    Error::resource("more than 2 GiB in one column of one batch")
        .hint("lower `batch_size`, or use a large type")
}
