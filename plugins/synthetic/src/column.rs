//! A whole column at once: nothing is done per row that can be done per column.

use arrow::array::*;
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use std::ops::Range;
use std::sync::Arc;

use crate::types::{a, b, item};
use crate::{ColumnSpec, ColumnType, draw};
use dstream_sdk::{Error, Result};

impl ColumnSpec {
    /// The values of a range of rows.
    pub(crate) fn values(&self, rows: Range<u64>) -> Result<ArrayRef> {
        if self.is_key {
            return Ok(Arc::new(Int64Array::from_iter_values(rows.map(|row| row as i64))));
        }
        let share = self.null_share();
        let all = Rows { base: self.base, rows, share };
        let nulls = (share > 0)
            .then(|| NullBuffer::from(BooleanBuffer::collect_bool(all.len(), |at| !all.is_null(at))));
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        Ok(match self.column_type {
            ColumnType::Int64 => all.primitive::<Int64Type>(nulls, |bits| bits as i64),
            ColumnType::Int32 => all.primitive::<Int32Type>(nulls, draw::int32),
            ColumnType::Float64 => all.primitive::<Float64Type>(nulls, draw::float64),
            ColumnType::Date => all.primitive::<Date32Type>(nulls, draw::date),
            ColumnType::Decimal => {
                let values = all.scalars(draw::decimal);
                Arc::new(
                    PrimitiveArray::<Decimal128Type>::new(values, nulls).with_precision_and_scale(18, 4)?,
                )
            }
            ColumnType::Timestamp => {
                let values = all.scalars(draw::timestamp);
                Arc::new(PrimitiveArray::<TimestampMicrosecondType>::new(values, nulls).with_timezone("UTC"))
            }
            ColumnType::Bool => {
                let values = BooleanBuffer::collect_bool(all.len(), |at| all.bits(at) >> 63 == 1);
                Arc::new(BooleanArray::new(values, nulls))
            }
            ColumnType::Utf8 => Arc::new(all.utf8(nulls, draw::utf8)?),
            ColumnType::HardText => Arc::new(all.utf8(nulls, draw::hard_text)?),
            ColumnType::Text => {
                let (offsets, bytes) = all.bytes::<i64>(draw::text)?;
                Arc::new(LargeStringArray::try_new(offsets, bytes, nulls)?)
            }
            ColumnType::Binary => {
                let (offsets, bytes) = all.bytes::<i32>(draw::binary)?;
                Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?)
            }
            ColumnType::Dictionary => {
                let keys = PrimitiveArray::<Int32Type>::new(all.scalars(draw::category), nulls);
                let values =
                    StringArray::from_iter_values((0..draw::CATEGORIES).map(|n| format!("category-{n}")));
                Arc::new(DictionaryArray::try_new(keys, Arc::new(values))?)
            }
            ColumnType::List => {
                let mut offsets = vec![0];
                let mut items: Vec<i64> = Vec::new();
                for at in 0..all.len() {
                    if !all.is_null(at) {
                        let bits = all.bits(at);
                        items.extend((0..draw::list_len(bits)).map(|index| draw::list_item(bits, index)));
                    }
                    offsets.push(i32::try_from(items.len()).map_err(|_| too_large())?);
                }
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(ListArray::try_new(item(), offsets, Arc::new(Int64Array::from(items)), nulls)?)
            }
            ColumnType::Struct => {
                let first = all.primitive::<Int64Type>(None, |bits| bits as i64);
                let second = all.utf8(None, draw::utf8)?;
                Arc::new(StructArray::try_new(vec![a(), b()].into(), vec![first, Arc::new(second)], nulls)?)
            }
        })
    }
}

/// The rows of one column.
struct Rows {
    base: u64,
    rows: Range<u64>,
    share: u64,
}

impl Rows {
    fn len(&self) -> usize {
        (self.rows.end - self.rows.start) as usize
    }

    fn bits(&self, at: usize) -> u64 {
        draw::at(self.base, self.rows.start + at as u64)
    }

    fn is_null(&self, at: usize) -> bool {
        self.share > 0 && draw::is_null(self.bits(at), self.share)
    }

    fn scalars<T: arrow::datatypes::ArrowNativeType>(&self, draw: impl Fn(u64) -> T) -> ScalarBuffer<T> {
        self.rows.clone().map(|row| draw(draw::at(self.base, row))).collect::<Vec<T>>().into()
    }

    fn primitive<T: ArrowPrimitiveType>(
        &self,
        nulls: Option<NullBuffer>,
        draw: impl Fn(u64) -> T::Native,
    ) -> ArrayRef {
        Arc::new(PrimitiveArray::<T>::new(self.scalars(draw), nulls))
    }

    fn utf8(&self, nulls: Option<NullBuffer>, draw: impl Fn(u64, &mut Vec<u8>)) -> Result<StringArray> {
        let (offsets, bytes) = self.bytes::<i32>(draw)?;
        Ok(StringArray::try_new(offsets, bytes, nulls)?)
    }

    /// What `draw` appends for each row; nothing for a null.
    fn bytes<O: OffsetSizeTrait>(
        &self,
        draw: impl Fn(u64, &mut Vec<u8>),
    ) -> Result<(OffsetBuffer<O>, Buffer)> {
        let mut offsets = Vec::with_capacity(self.len() + 1);
        offsets.push(O::default());
        let mut bytes = Vec::with_capacity(self.len() * 16);
        for at in 0..self.len() {
            if !self.is_null(at) {
                draw(self.bits(at), &mut bytes);
            }
            offsets.push(O::from_usize(bytes.len()).ok_or_else(too_large)?);
        }
        Ok((OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from_vec(bytes)))
    }
}

fn too_large() -> Error {
    Error::resource("more than 2 GiB in one column of one batch").hint("lower `batch_rows`")
}
