//! The raw target: counts the records and keeps none of them, and whatever goes wrong on the way.

use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dstream_abi::raw::{
    ArrowArray, Buf, Ctx, Err, RawArray, RawSchema, Status, Str, TargetObject, TargetV1, WriterObject,
};

use crate::talk::Options;

pub(crate) static TABLE: TargetV1 = TargetV1 {
    struct_size: size_of::<TargetV1>() as u32,
    reserved: 0,
    open: Some(open),
    check: Some(check),
    begin: Some(begin),
    open_writer: Some(open_writer),
    declare: Some(declare),
    write: Some(write),
    prepare: Some(prepare),
    commit: Some(commit),
    close_writer: Some(close_writer),
    close: Some(close),
};

static EPOCH: AtomicU64 = AtomicU64::new(0);

/// Borrows the options of a target.
///
/// # Safety
/// `target` came from `open` and is not closed.
unsafe fn options<'a>(target: *const TargetObject) -> &'a Options {
    // SAFETY: the caller's promise; nobody borrows it mutably.
    unsafe { &*target.cast::<Options>() }
}

pub(crate) unsafe extern "C" fn open(
    _ctx: *const Ctx,
    config: *const Str,
    out: *mut *mut TargetObject,
    err: *mut Err,
) -> Status {
    // SAFETY: dstream.h, "Borrowed inputs".
    let options = unsafe { Options::read(config) };
    if let Err(status) = options.fail("open", err) {
        return status;
    }
    if options.text("null_object") != Some("open") {
        // SAFETY: dstream.h, "open": out points to one writable pointer.
        unsafe { out.write(Box::into_raw(Box::new(options)).cast()) };
    }
    Status::OK
}

unsafe extern "C" fn check(target: *const TargetObject, err: *mut Err) -> Status {
    // SAFETY: the host calls with a target that is open.
    unsafe { options(target) }.fail("check", err).err().unwrap_or(Status::OK)
}

unsafe extern "C" fn begin(
    target: *const TargetObject,
    _pipeline: *const Str,
    out: *mut Buf,
    err: *mut Err,
) -> Status {
    // SAFETY: the host calls with a target that is open.
    let options = unsafe { options(target) };
    if let Err(status) = options.fail("begin", err) {
        return status;
    }
    let begun = json!({ "epoch": EPOCH.fetch_add(1, Ordering::Relaxed) + 1, "records": [] });
    // SAFETY: dstream.h, "begin": out is a writable, empty ds_buf.
    unsafe { options.answer("begin", begun.to_string(), out) }
}

struct Writer {
    options: Options,
    rows: i64,
}

pub(crate) unsafe extern "C" fn open_writer(
    target: *const TargetObject,
    _ctx: *const Ctx,
    _request: *const Str,
    out: *mut *mut WriterObject,
    err: *mut Err,
) -> Status {
    // SAFETY: the host calls with a target that is open.
    let options = unsafe { options(target) }.clone();
    if let Err(status) = options.fail("open_writer", err) {
        return status;
    }
    if options.text("null_object") != Some("open_writer") {
        // SAFETY: dstream.h, "open_writer": out points to one writable pointer.
        unsafe { out.write(Box::into_raw(Box::new(Writer { options, rows: 0 })).cast()) };
    }
    Status::OK
}

/// Borrows the writer of a call.
///
/// # Safety
/// `writer` came from `open_writer`, is not closed, and no other call on it is running.
unsafe fn writing<'a>(writer: *mut WriterObject) -> &'a mut Writer {
    // SAFETY: the caller's promise (dstream.h, "Threads": one call at a time per writer).
    unsafe { &mut *writer.cast::<Writer>() }
}

unsafe extern "C" fn declare(
    writer: *mut WriterObject,
    _stream: u32,
    _version: u32,
    _schema: *const RawSchema,
    err: *mut Err,
) -> Status {
    // SAFETY: the host makes one call per writer at a time.
    unsafe { writing(writer) }.options.fail("declare", err).err().unwrap_or(Status::OK)
}

unsafe extern "C" fn write(
    writer: *mut WriterObject,
    _stream: u32,
    _version: u32,
    array: *mut RawArray,
    err: *mut Err,
) -> Status {
    // SAFETY: the host makes one call per writer at a time.
    let writer = unsafe { writing(writer) };
    if let Some(ms) = writer.options.number("ignores_cancel") {
        std::thread::sleep(Duration::from_millis(ms as u64));
    }
    if writer.options.is_set("leaves_batch") {
        return Status::OK;
    }
    // SAFETY: dstream.h, "write": always consumed; a RawArray is an ArrowArray.
    let array = unsafe { ArrowArray::from_raw(array.cast()) };
    if let Err(status) = writer.options.fail("write", err) {
        return status;
    }
    writer.rows += array.len() as i64;
    Status::OK
}

unsafe extern "C" fn prepare(
    writer: *mut WriterObject,
    _window: u64,
    out: *mut Buf,
    err: *mut Err,
) -> Status {
    // SAFETY: the host makes one call per writer at a time.
    let Writer { options, rows } = unsafe { writing(writer) };
    if let Err(status) = options.fail("prepare", err) {
        return status;
    }
    let rows = std::mem::take(rows) + options.number("row_count_lie").unwrap_or(0);
    // SAFETY: dstream.h, "prepare": out is a writable, empty ds_buf.
    unsafe { options.answer("prepare", json!({ "rows": rows }).to_string(), out) }
}

unsafe extern "C" fn commit(target: *const TargetObject, _commit: *const Str, err: *mut Err) -> Status {
    // SAFETY: the host calls with a target that is open.
    unsafe { options(target) }.fail("commit", err).err().unwrap_or(Status::OK)
}

pub(crate) unsafe extern "C" fn close_writer(writer: *mut WriterObject) {
    // SAFETY: dstream.h, "close_writer": called once with a writer that `open_writer` made.
    drop(unsafe { Box::from_raw(writer.cast::<Writer>()) });
}

unsafe extern "C" fn close(target: *mut TargetObject) {
    // SAFETY: dstream.h, "close": called once with a target that `open` made.
    drop(unsafe { Box::from_raw(target.cast::<Options>()) });
}
