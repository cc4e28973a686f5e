//! Where the buffers of an array are, in the order of dstream.h, "buffer_bytes".

use arrow::array::{ArrayData, layout};
use serde_json::{Value, json};

/// The buffers of a batch: its top has none but the one that would mark nulls.
pub(crate) fn of_batch(columns: &[ArrayData]) -> Value {
    let mut buffers = vec![absent()];
    columns.iter().for_each(|column| collect(column, &mut buffers));
    Value::Array(buffers)
}

fn absent() -> Value {
    json!([0, 0])
}

/// A buffer that arrow-rs makes when the array leaves the library: nobody can know its address before.
fn made_on_export() -> Value {
    Value::Null
}

fn collect(data: &ArrayData, buffers: &mut Vec<Value>) {
    let layout = layout(data.data_type());
    if layout.can_contain_null_mask {
        buffers.push(match data.nulls() {
            None => absent(),
            Some(nulls) if data.offset() == nulls.offset() => {
                at(nulls.buffer().as_ptr(), nulls.buffer().len())
            }
            // A slice that starts within a byte of the bitmap: C has no offset for the bitmap alone.
            Some(nulls) if data.offset() != 0 || nulls.offset() % 8 != 0 => made_on_export(),
            Some(nulls) => {
                let bits = nulls.inner().sliced();
                at(bits.as_ptr(), bits.len())
            }
        });
    }
    buffers.extend(data.buffers().iter().map(|buffer| at(buffer.as_ptr(), buffer.len())));
    if layout.variadic {
        buffers.push(made_on_export());
    }
    data.child_data().iter().for_each(|child| collect(child, buffers));
}

fn at(pointer: *const u8, bytes: usize) -> Value {
    json!([pointer.addr(), bytes])
}
