//! The records: a number and a word each.

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use dstream_abi::Result;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

/// The columns of every stream.
pub(crate) fn schema() -> SchemaRef {
    let id = Field::new("id", DataType::Int64, false);
    Arc::new(Schema::new(vec![id, Field::new("word", DataType::Utf8, true)]))
}

/// Memory of a column that can be written to after it was handed out.
pub(crate) struct Shared(NonNull<i64>, usize);

// SAFETY: it is written to by its one owner, when a reader is closed.
unsafe impl Send for Shared {}

impl Shared {
    /// What no library may do: overwrites what others hold. The memory itself stays.
    pub(crate) fn overwrite(&self) {
        // SAFETY: the memory is leaked by `shared`, so it is there; that others look at it is the fault.
        unsafe { std::ptr::write_bytes(self.0.as_ptr(), 0, self.1) };
    }
}

/// The numbers in memory that can be written to later.
pub(crate) fn shared(ids: Range<i64>) -> (Int64Array, Shared) {
    let ids: &'static mut [i64] = Box::leak(ids.collect::<Vec<_>>().into_boxed_slice());
    let (pointer, count) = (NonNull::from(&mut *ids).cast::<i64>(), ids.len());
    let bytes = NonNull::cast::<u8>(pointer);
    // SAFETY: the memory is leaked: it outlives every buffer.
    let buffer = unsafe { Buffer::from_custom_allocation(bytes, count * size_of::<i64>(), Arc::new(())) };
    (Int64Array::new(ScalarBuffer::new(buffer, 0, count), None), Shared(pointer, count))
}

/// The word of a number.
pub(crate) fn word(id: i64) -> Option<String> {
    (id % 7 != 3).then(|| format!("word {id}"))
}

/// The columns of a selection, by name; a name that is not known gives ones.
pub(crate) fn batch(schema: &SchemaRef, ids: Int64Array) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| -> ArrayRef {
        match field.name().as_str() {
            "id" => Arc::new(ids.clone()),
            "word" => Arc::new(StringArray::from_iter(ids.iter().map(|id| word(id.unwrap_or_default())))),
            _ => Arc::new(Int64Array::from(vec![1; ids.len()])),
        }
    };
    let columns = schema.fields().iter().map(column).collect();
    // A null where none may be is one of the faults: the field is declared so that arrow-rs lets it pass.
    let nullable = |field: &Arc<Field>| Arc::new(field.as_ref().clone().with_nullable(true));
    let loose = Schema::new(schema.fields().iter().map(nullable).collect::<Vec<_>>());
    Ok(RecordBatch::try_new(Arc::new(loose), columns)?)
}
