//! What it costs to hand one batch from a tap to a target across two borders: the host's whole part, beside arrow-rs
//! export plus import, Arrow IPC and JSON lines, in the same run.
//!
//! The tap and the target here are C tables with no work of their own: the tap hands out an array that exists already,
//! the target releases it. What is measured is `next` (call, message, gate), the guard that counts bytes in flight, and
//! `write`.
#![allow(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]
// Every pointer in here comes from the host of this very program, through the calls of dstream.h.
#![allow(clippy::undocumented_unsafe_blocks)]

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::DataType;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use dstream_abi::import::{Plugin, Validation};
use dstream_abi::raw::*;
use dstream_abi::*;
use std::cell::Cell;
use std::ffi::c_void;
use std::hint::black_box;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

thread_local! {
    /// The batch that the tap hands out, as raw structs; set before a reader is opened.
    static SUPPLY: Cell<*const Supply> = const { Cell::new(std::ptr::null()) };
}

struct Supply {
    schema: arrow::datatypes::SchemaRef,
    array: RawArray,
    sizes: Vec<i64>,
    announced: Cell<bool>,
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
    unsafe { out.write(SUPPLY.get().cast_mut().cast()) };
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
    if let Some(release) = array.release {
        unsafe { release(array) };
    }
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
    declare: None,
    write: Some(write),
    prepare: None,
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

/// Half int64, half short text.
fn records(columns: usize, rows: usize) -> RecordBatch {
    let ints: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows as i64).map(|row| row * 7)));
    let texts: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("value {row}"))));
    let columns =
        (0..columns).map(|at| (format!("c{at}"), if at % 2 == 0 { ints.clone() } else { texts.clone() }));
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Median, minimum and maximum of nanoseconds per call.
fn measure(mut call: impl FnMut()) -> (f64, f64, f64) {
    let started = Instant::now();
    let mut calls = 0u32;
    while started.elapsed() < Duration::from_millis(30) {
        call();
        calls += 1;
    }
    let calls = calls.max(1);
    let mut samples: Vec<f64> = (0..15)
        .map(|_| {
            let started = Instant::now();
            (0..calls).for_each(|_| call());
            started.elapsed().as_nanos() as f64 / f64::from(calls)
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    (samples[samples.len() / 2], samples[0], samples[samples.len() - 1])
}

fn host_part(records: &RecordBatch, validation: Validation) -> (f64, f64, f64) {
    let exported = FFI_ArrowArray::new(&StructArray::from(records.clone()).into_data());
    let mut array: RawArray = unsafe { std::ptr::read(std::ptr::from_ref(&exported).cast()) };
    array.release = Some(nothing_to_release);
    array.private_data = std::ptr::null_mut::<c_void>();
    // As the SDK counts them: nulls, then the type's own.
    let mut sizes = vec![0];
    for column in records.columns() {
        sizes.push(0);
        sizes.extend(column.to_data().buffers().iter().map(|buffer| buffer.len() as i64));
    }
    let supply = Supply { schema: records.schema(), array, sizes, announced: Cell::new(false) };
    SUPPLY.set(&supply);
    let plugin = unsafe { Plugin::enter(entry, "bench") }.unwrap();
    plugin.set_validation(validation);
    let context = || Context::detached(Arc::new(AtomicBool::new(false)));
    let config = ConnectorConfig {
        name: "bench".into(),
        type_name: "bench".into(),
        connection: serde_json::Value::Null,
        auth: serde_json::Value::Null,
        options: serde_json::Value::Null,
        batch_size: None,
    };
    let request = ReadRequest {
        partition: Partition::whole("s"),
        streams: vec![],
        bookmark: None,
        max_batch_rows: NonZeroUsize::MIN,
        max_batch_bytes: NonZeroU64::MIN,
    };
    let mut reader =
        plugin.tap("bench", context(), &config).unwrap().open_reader(context(), request).unwrap();
    let request = WriteRequest {
        pipeline: "p".into(),
        epoch: 1,
        partition: "s".into(),
        streams: vec![],
        buffer_bytes: 0,
    };
    let mut writer =
        plugin.target("bench", context(), &config).unwrap().open_writer(context(), request).unwrap();
    let first = reader.next(Duration::ZERO).unwrap();
    assert!(matches!(first, Next::Message(Message::Schema { .. })));
    let in_flight = Arc::new(());
    let cost = measure(|| {
        let Ok(Next::Message(Message::Batch { stream, version, batch, .. })) = reader.next(Duration::ZERO)
        else {
            panic!("the tap of this bench has batches only");
        };
        let batch = batch.with_guard(Box::new(in_flight.clone()));
        writer.write(stream, version, batch).unwrap();
    });
    assert_eq!(Arc::strong_count(&in_flight), 1, "every batch was released");
    drop(exported);
    cost
}

fn export_and_import(records: &RecordBatch) -> (f64, f64, f64) {
    let data_type = DataType::Struct(records.schema().fields().clone());
    measure(|| {
        let array = FFI_ArrowArray::new(&StructArray::from(records.clone()).into_data());
        let data = unsafe { arrow::ffi::from_ffi_and_data_type(array, data_type.clone()) }.unwrap();
        black_box(RecordBatch::from(StructArray::from(data)));
    })
}

fn ipc(records: &RecordBatch) -> (f64, f64, f64) {
    let mut bytes = Vec::new();
    measure(|| {
        bytes.clear();
        let mut writer = arrow::ipc::writer::StreamWriter::try_new(&mut bytes, &records.schema()).unwrap();
        writer.write(records).unwrap();
        writer.finish().unwrap();
        drop(writer);
        let reader = arrow::ipc::reader::StreamReader::try_new(bytes.as_slice(), None).unwrap();
        reader.for_each(|batch| drop(black_box(batch.unwrap())));
    })
}

/// Text out and in, by serde_json: the cheapest form of what a pipe of JSON lines does.
fn json_lines(records: &RecordBatch) -> (f64, f64, f64) {
    let names: Vec<String> = records.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut text = Vec::new();
    measure(|| {
        text.clear();
        for row in 0..records.num_rows() {
            let mut line = serde_json::Map::new();
            for (name, column) in names.iter().zip(records.columns()) {
                let value = match column.as_any().downcast_ref::<Int64Array>() {
                    Some(ints) => ints.value(row).into(),
                    None => column.as_any().downcast_ref::<StringArray>().unwrap().value(row).into(),
                };
                line.insert(name.clone(), value);
            }
            serde_json::to_writer(&mut text, &line).unwrap();
            text.push(b'\n');
        }
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            black_box(serde_json::from_slice::<serde_json::Value>(line).unwrap());
        }
    })
}

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    println!("ns per batch: median (min .. max) of 15 samples; half of the columns int64, half utf8");
    println!(
        "{:>7} {:>9}  {:>24} {:>24} {:>24} {:>24} {:>24}",
        "columns",
        "rows",
        "host, untouched",
        "host, every value",
        "arrow-rs export+import",
        "arrow ipc",
        "json lines"
    );
    for columns in [1, 16, 200] {
        for rows in [1_000, 10_000, 100_000, 1_000_000] {
            let records = records(columns, rows);
            // Text of 200 columns times a million rows would say nothing new and take minutes.
            let small = columns * rows <= 2_000_000;
            let cells = [
                Some(host_part(&records, Validation::Structural)),
                small.then(|| host_part(&records, Validation::Full)),
                Some(export_and_import(&records)),
                small.then(|| ipc(&records)),
                (small && columns * rows <= 200_000).then(|| json_lines(&records)),
            ];
            let text = cells.map(|cell| {
                cell.map_or("-".into(), |(median, min, max)| format!("{median:.0} ({min:.0} .. {max:.0})"))
            });
            println!(
                "{columns:>7} {rows:>9}  {:>24} {:>24} {:>24} {:>24} {:>24}",
                text[0], text[1], text[2], text[3], text[4]
            );
            if quick {
                return;
            }
        }
    }
}
