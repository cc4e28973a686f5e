//! What a column kept, as an Arrow array.

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use std::sync::Arc;

use super::ColumnBuilder;
use super::store::{Store, full};
use crate::{Error, Result};

impl Store {
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
