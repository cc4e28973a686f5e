//! Records on their way: a `RecordBatch`, or an array that crossed the border and nobody has opened yet.

use arrow::array::{Array, ArrayData, RecordBatch, StructArray, layout};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::ffi::FFI_ArrowArray;

use crate::raw::RawArray;
use crate::{Error, Result, panics};

/// Records of one stream with one schema.
///
/// A batch that nobody looks at crosses from library to library as it is: its buffers are moved, never copied.
#[derive(Debug)]
pub struct Batch(Content);

#[derive(Debug)]
enum Content {
    Records(RecordBatch),
    Raw { array: FFI_ArrowArray, schema: SchemaRef, bytes: u64 },
}

impl From<RecordBatch> for Batch {
    fn from(records: RecordBatch) -> Batch {
        Batch(Content::Records(records))
    }
}

impl Batch {
    /// An array that passed the gate, or comes from a host that checked it. `bytes`: the size of its buffers.
    pub(crate) fn from_raw(array: FFI_ArrowArray, schema: SchemaRef, bytes: u64) -> Batch {
        Batch(Content::Raw { array, schema, bytes })
    }

    /// Number of records.
    pub fn rows(&self) -> usize {
        match &self.0 {
            Content::Records(records) => records.num_rows(),
            Content::Raw { array, .. } => array.len(),
        }
    }

    /// Bytes in its buffers; 0 where a plugin was handed it and nobody counted.
    pub fn bytes(&self) -> u64 {
        match &self.0 {
            Content::Records(records) => records.get_array_memory_size() as u64,
            Content::Raw { bytes, .. } => *bytes,
        }
    }

    /// Columns.
    pub fn schema(&self) -> SchemaRef {
        match &self.0 {
            Content::Records(records) => records.schema(),
            Content::Raw { schema, .. } => schema.clone(),
        }
    }

    /// Opens it: the buffers stay where they are.
    ///
    /// # Errors
    /// `Data`: the array does not fit its schema.
    pub fn into_records(self) -> Result<RecordBatch> {
        let (array, schema) = match self.0 {
            Content::Records(records) => return Ok(records),
            Content::Raw { array, schema, .. } => (array, schema),
        };
        let data_type = DataType::Struct(schema.fields().clone());
        // arrow-rs asserts on some arrays that do not fit their type.
        let opened = panics::catch(|| {
            // SAFETY: the array passed the gate of the host (import/gate.rs), or was handed over by the host.
            let data = unsafe { arrow::ffi::from_ffi_and_data_type(array, data_type) }?;
            let records = RecordBatch::from(StructArray::from(data));
            records.with_schema(schema)
        });
        match opened {
            Ok(records) => Ok(records?),
            Err(panic) => Err(Error::data(format!("a batch does not fit its schema: {panic}"))),
        }
    }

    /// A batch of the same records that keeps `guard` until the last of its buffers is released, on whichever side of
    /// the border that happens.
    pub fn with_guard<G: Send + 'static>(self, guard: G) -> Batch {
        let (mut array, schema, bytes) = match self.0 {
            Content::Raw { array, schema, bytes } => (array, schema, bytes),
            Content::Records(records) => {
                let (schema, bytes) = (records.schema(), records.get_array_memory_size() as u64);
                (FFI_ArrowArray::new(&StructArray::from(records).into_data()), schema, bytes)
            }
        };
        guard_release(&mut array, guard);
        Batch(Content::Raw { array, schema, bytes })
    }

    /// The first `rows` records.
    ///
    /// # Errors
    /// As `into_records`.
    pub fn head(self, rows: usize) -> Result<Batch> {
        if rows >= self.rows() {
            return Ok(self);
        }
        Ok(self.into_records()?.slice(0, rows).into())
    }

    /// Hands the array out. For records, `sizes` receives the length of every buffer; an array that came from across
    /// the border leaves it empty.
    pub(crate) fn into_raw(self, sizes: &mut Vec<i64>) -> FFI_ArrowArray {
        sizes.clear();
        match self.0 {
            Content::Raw { array, .. } => array,
            Content::Records(records) => {
                let data = StructArray::from(records).into_data();
                buffer_sizes(&data, sizes);
                FFI_ArrowArray::new(&data)
            }
        }
    }
}

/// The length of every buffer, in the order of `FFI_ArrowArray::new` and of dstream.h, "buffer_bytes".
fn buffer_sizes(data: &ArrayData, sizes: &mut Vec<i64>) {
    let layout = layout(data.data_type());
    if layout.can_contain_null_mask {
        sizes.push(data.nulls().map_or(0, |nulls| {
            // As arrow-rs exports it: the buffer itself, or a copy of the bits that are meant.
            let bytes = match (data.offset() == nulls.offset(), data.offset()) {
                (true, _) => nulls.buffer().len(),
                (false, offset) => (offset + nulls.len()).div_ceil(8),
            };
            bytes as i64
        }));
    }
    sizes.extend(data.buffers().iter().map(|buffer| buffer.len() as i64));
    if layout.variadic {
        sizes.push(((data.buffers().len() - 1) * size_of::<i64>()) as i64);
    }
    for child in data.child_data() {
        buffer_sizes(child, sizes);
    }
}

struct Guarded<G> {
    release: Option<unsafe extern "C" fn(*mut RawArray)>,
    private_data: *mut std::ffi::c_void,
    guard: G,
}

fn guard_release<G: Send + 'static>(array: &mut FFI_ArrowArray, guard: G) {
    let array: *mut RawArray = std::ptr::from_mut(array).cast();
    // SAFETY: RawArray has the layout of FFI_ArrowArray (asserted in raw/arrow_structs.rs), and the borrow is exclusive.
    let array = unsafe { &mut *array };
    let guarded = Guarded { release: array.release, private_data: array.private_data, guard };
    array.private_data = Box::into_raw(Box::new(guarded)).cast();
    array.release = Some(release_guarded::<G>);
}

unsafe extern "C" fn release_guarded<G: Send + 'static>(array: *mut RawArray) {
    // SAFETY: dstream.h, "Who allocates releases": called once with an array that guard_release made.
    let array = unsafe { &mut *array };
    // SAFETY: private_data is the box of guard_release, taken once: release is null afterwards.
    let guarded = unsafe { Box::from_raw(array.private_data.cast::<Guarded<G>>()) };
    array.private_data = guarded.private_data;
    array.release = guarded.release;
    if let Some(release) = guarded.release {
        // SAFETY: the producer's own callback with the struct as the producer left it.
        unsafe { release(array) };
    }
    array.release = None;
    // A guard that panics must not unwind into whoever releases.
    let guard = guarded.guard;
    let _ = panics::catch(move || drop(guard));
}
