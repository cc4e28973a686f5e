//! A library made of C tables without work of their own: the tap hands out an array that exists already, the target counts
//! it and releases it.

use arrow::array::{Array, RecordBatch, StructArray};
use arrow::datatypes::SchemaRef;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use dstream_abi::import::Plugin;
use dstream_abi::raw::*;
use dstream_abi::*;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// The batch that the tap hands out, as raw structs; set before a reader is opened.
static SUPPLY: AtomicPtr<Supply> = AtomicPtr::new(std::ptr::null_mut());
/// What the target was given: records, and the sum of the addresses of the first column's values.
static ROWS: AtomicU64 = AtomicU64::new(0);
static ADDRESSES: AtomicUsize = AtomicUsize::new(0);
/// Of the records, those in windows that are prepared.
static PREPARED: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Supply {
    schema: SchemaRef,
    array: RawArray,
    sizes: Vec<i64>,
    announced: Cell<bool>,
    /// Batches that are left; the tap ends after them.
    left: Cell<u64>,
    /// Whether a bookmark follows each of them.
    has_checkpoints: bool,
    is_checkpoint_due: Cell<bool>,
    /// Keeps the buffers.
    _exported: FFI_ArrowArray,
}

impl Supply {
    /// So many batches of these records, all of them in the same buffers; with bookmarks where they are counted.
    pub(crate) fn new(records: &RecordBatch, batches: Option<u64>) -> Box<Supply> {
        let exported = FFI_ArrowArray::new(&StructArray::from(records.clone()).into_data());
        let mut array: RawArray = unsafe { std::ptr::read(std::ptr::from_ref(&exported).cast()) };
        array.release = Some(nothing_to_release);
        array.private_data = std::ptr::null_mut();
        // As the SDK counts them: nulls, then the type's own.
        let mut sizes = vec![0];
        for column in records.columns() {
            sizes.push(0);
            sizes.extend(column.to_data().buffers().iter().map(|buffer| buffer.len() as i64));
        }
        Box::new(Supply {
            schema: records.schema(),
            array,
            sizes,
            announced: Cell::new(false),
            left: Cell::new(batches.unwrap_or(u64::MAX)),
            has_checkpoints: batches.is_some(),
            is_checkpoint_due: Cell::new(false),
            _exported: exported,
        })
    }

    /// The readers that are opened from now on hand it out; it must outlive them.
    pub(crate) fn offer(&self) {
        SUPPLY.store(std::ptr::from_ref(self).cast_mut(), Ordering::SeqCst);
        ROWS.store(0, Ordering::SeqCst);
        ADDRESSES.store(0, Ordering::SeqCst);
        PREPARED.store(0, Ordering::SeqCst);
    }

    /// Panics unless the target was given this batch so many times, with the values where they are.
    pub(crate) fn check(&self, batches: u64) {
        assert_eq!(ROWS.load(Ordering::SeqCst), batches * self.array.length as u64, "records");
        let sum = first_values(&self.array).wrapping_mul(batches as usize);
        assert_eq!(ADDRESSES.load(Ordering::SeqCst), sum, "the values of the first column moved");
    }
}

/// Where the values of the first column are.
fn first_values(array: &RawArray) -> usize {
    let column = unsafe { &**array.children };
    unsafe { column.buffers.add(1).read() }.addr()
}

unsafe extern "C" fn nothing_to_release(array: *mut RawArray) {
    unsafe { (*array).release = None };
}

unsafe extern "C" fn open_tap(_: *const Ctx, _: *const Str, out: *mut *mut TapObject, _: *mut Err) -> Status {
    unsafe { out.write(std::ptr::dangling_mut()) };
    Status::OK
}
unsafe extern "C" fn open_reader(
    _: *const TapObject,
    _: *const Ctx,
    _: *const Str,
    out: *mut *mut ReaderObject,
    _: *mut Err,
) -> Status {
    unsafe { out.write(SUPPLY.load(Ordering::SeqCst).cast()) };
    Status::OK
}
unsafe extern "C" fn next(reader: *mut ReaderObject, _: i64, out: *mut RawMessage, _: *mut Err) -> Status {
    let (supply, out) = unsafe { (&*reader.cast::<Supply>(), &mut *out) };
    out.schema_version = 1;
    if !supply.announced.replace(true) {
        out.kind = msg::SCHEMA;
        out.schema = FFI_ArrowSchema::try_from(supply.schema.as_ref()).unwrap();
        return Status::OK;
    }
    if supply.is_checkpoint_due.replace(false) {
        let text = r#"{"file":"orders.csv","byte":123456789}"#;
        out.kind = msg::CHECKPOINT;
        (out.bookmark.ptr, out.bookmark.len) = (text.as_ptr(), text.len());
        return Status::OK;
    }
    supply.is_checkpoint_due.set(supply.has_checkpoints);
    if supply.left.get() == 0 {
        return Status::END;
    }
    supply.left.set(supply.left.get() - 1);
    out.kind = msg::BATCH;
    out.buffer_bytes = supply.sizes.as_ptr();
    out.n_buffer_bytes = supply.sizes.len();
    unsafe { std::ptr::copy_nonoverlapping(&supply.array, std::ptr::from_mut(&mut out.array).cast(), 1) };
    Status::OK
}
unsafe extern "C" fn close_reader(_: *mut ReaderObject) {}
unsafe extern "C" fn close_tap(_: *mut TapObject) {}

unsafe extern "C" fn open_target(
    _: *const Ctx,
    _: *const Str,
    out: *mut *mut TargetObject,
    _: *mut Err,
) -> Status {
    unsafe { out.write(std::ptr::dangling_mut()) };
    Status::OK
}
unsafe extern "C" fn open_writer(
    _: *const TargetObject,
    _: *const Ctx,
    _: *const Str,
    out: *mut *mut WriterObject,
    _: *mut Err,
) -> Status {
    unsafe { out.write(std::ptr::dangling_mut()) };
    Status::OK
}
unsafe extern "C" fn write(
    _: *mut WriterObject,
    _: u32,
    _: u32,
    array: *mut RawArray,
    _: *mut Err,
) -> Status {
    let array = unsafe { &mut *array };
    ROWS.fetch_add(array.length as u64, Ordering::Relaxed);
    ADDRESSES.fetch_add(first_values(array), Ordering::Relaxed);
    if let Some(release) = array.release {
        unsafe { release(array) };
    }
    Status::OK
}
unsafe extern "C" fn declare(
    _: *mut WriterObject,
    _: u32,
    _: u32,
    _: *const RawSchema,
    _: *mut Err,
) -> Status {
    Status::OK
}
unsafe extern "C" fn prepare(_: *mut WriterObject, _: u64, out: *mut Buf, _: *mut Err) -> Status {
    // Every window: the host compares with what it handed over.
    let rows = ROWS.load(Ordering::SeqCst) - PREPARED.swap(ROWS.load(Ordering::SeqCst), Ordering::SeqCst);
    unsafe { out.write(Buf::from_string(format!("{{\"rows\":{rows}}}"))) };
    Status::OK
}
unsafe extern "C" fn close_writer(_: *mut WriterObject) {}
unsafe extern "C" fn close_target(_: *mut TargetObject) {}

static TAP: TapV1 = TapV1 {
    struct_size: size_of::<TapV1>() as u32,
    reserved: 0,
    open: Some(open_tap),
    check: None,
    discover: None,
    plan: None,
    open_reader: Some(open_reader),
    next: Some(next),
    close_reader: Some(close_reader),
    close: Some(close_tap),
};
static TARGET: TargetV1 = TargetV1 {
    struct_size: size_of::<TargetV1>() as u32,
    reserved: 0,
    open: Some(open_target),
    check: None,
    begin: None,
    open_writer: Some(open_writer),
    declare: Some(declare),
    write: Some(write),
    prepare: Some(prepare),
    commit: None,
    close_writer: Some(close_writer),
    close: Some(close_target),
};
static CONNECTOR: ConnectorV1 = ConnectorV1 {
    struct_size: size_of::<ConnectorV1>() as u32,
    reserved: 0,
    type_name: Str::new("bench"),
    tap: &TAP,
    target: &TARGET,
};
struct Pointers([*const ConnectorV1; 1]);
unsafe impl Sync for Pointers {}
static CONNECTORS: Pointers = Pointers([&CONNECTOR]);
static PLUGIN: PluginV1 = PluginV1 {
    struct_size: size_of::<PluginV1>() as u32,
    abi_minor: ABI_MINOR,
    abi_draft: ABI_DRAFT,
    reserved: 0,
    manifest_json: Str::new(
        r#"{"id":"bench","version":"1","abi":{"major":1,"minor":0,"draft":1},"sdk":"rust/0","connectors":[{"type":"bench","tap":{"options":{}},"target":{"options":{},"write_modes":[]}}]}"#,
    ),
    connectors: CONNECTORS.0.as_ptr(),
    n_connectors: 1,
    shutdown: None,
    get_extension: None,
};
unsafe extern "C" fn entry(_: *const HostV1, out: *mut *const PluginV1, _: *mut Err) -> Status {
    unsafe { out.write(&PLUGIN) };
    Status::OK
}

/// Enters the library.
pub(crate) fn plugin() -> Plugin {
    unsafe { Plugin::enter(entry, "bench") }.unwrap()
}

pub(crate) fn context() -> Context {
    Context::detached(Arc::new(AtomicBool::new(false)))
}

pub(crate) fn config() -> ConnectorConfig {
    serde_json::from_value(serde_json::json!({ "name": "bench", "type": "bench" })).unwrap()
}
