//! The target's table.

use arrow::datatypes::{Schema, SchemaRef};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use super::gate::{answer, document, guard, guard_close};
use super::tap::host;
use crate::raw::{
    self, ArrowArray, ArrowSchema, Buf, Ctx, Err, RawArray, RawSchema, Status, Str, TargetObject, TargetV1,
    WriterObject,
};
use crate::{Batch, Context, Error, OpenTarget, Target, Writer};

/// The table of C functions for `T`.
pub const fn target_table<T: OpenTarget>() -> TargetV1 {
    TargetV1 {
        struct_size: size_of::<TargetV1>() as u32,
        reserved: 0,
        open: Some(open::<T>),
        check: Some(check),
        begin: Some(begin),
        open_writer: Some(open_writer),
        declare: Some(declare),
        write: Some(write),
        prepare: Some(prepare),
        commit: Some(commit),
        close_writer: Some(close_writer),
        close: Some(close),
    }
}

struct OpenedTarget {
    target: Box<dyn Target>,
    context: Context,
    host: &'static raw::HostV1,
}

struct OpenedWriter {
    writer: Box<dyn Writer>,
    context: Context,
    poisoned: Cell<bool>,
    schemas: HashMap<(u32, u32), SchemaRef>,
}

unsafe extern "C" fn open<T: OpenTarget>(
    ctx: *const Ctx,
    config: *const Str,
    out: *mut *mut TargetObject,
    err: *mut Err,
) -> Status {
    guard(None, &Cell::new(false), err, || {
        super::plugin::started();
        let host = host()?;
        let context = Context::foreign(host, ctx);
        // SAFETY: dstream.h, "Borrowed inputs".
        let config = unsafe { document(config, "config") }?;
        let target = context.enter(|| T::open(context.clone(), config))?;
        let opened = Box::new(OpenedTarget { target: Box::new(target), context, host });
        // SAFETY: dstream.h, "open": out points to one writable pointer.
        unsafe { out.write(Box::into_raw(opened).cast()) };
        Ok(Status::OK)
    })
}

/// Borrows the target of a call.
///
/// # Safety
/// `target` came from `open` and is not closed.
unsafe fn opened<'a>(target: *const TargetObject) -> &'a OpenedTarget {
    // SAFETY: the caller's promise; a const self is only ever borrowed shared (dstream.h, "Threads").
    unsafe { &*target.cast::<OpenedTarget>() }
}

unsafe extern "C" fn check(target: *const TargetObject, err: *mut Err) -> Status {
    // SAFETY: dstream.h, "Threads": the host calls with a target that is open.
    let target = unsafe { opened(target) };
    guard(Some(&target.context), &Cell::new(false), err, || target.target.check().map(|()| Status::OK))
}

unsafe extern "C" fn begin(
    target: *const TargetObject,
    pipeline: *const Str,
    out: *mut Buf,
    err: *mut Err,
) -> Status {
    // SAFETY: as in `check`.
    let target = unsafe { opened(target) };
    guard(Some(&target.context), &Cell::new(false), err, || {
        // SAFETY: dstream.h, "Borrowed inputs".
        let pipeline = unsafe { document(pipeline, "pipeline") }?;
        let begun = target.target.begin(&pipeline)?;
        // SAFETY: dstream.h, "begin": out is a writable, empty ds_buf.
        unsafe { answer(out, &begun) }
    })
}

unsafe extern "C" fn commit(target: *const TargetObject, commit: *const Str, err: *mut Err) -> Status {
    // SAFETY: as in `check`.
    let target = unsafe { opened(target) };
    guard(Some(&target.context), &Cell::new(false), err, || {
        // SAFETY: dstream.h, "Borrowed inputs".
        let commit = unsafe { document(commit, "commit") }?;
        target.target.commit(&commit).map(|()| Status::OK)
    })
}

unsafe extern "C" fn open_writer(
    target: *const TargetObject,
    ctx: *const Ctx,
    request: *const Str,
    out: *mut *mut WriterObject,
    err: *mut Err,
) -> Status {
    // SAFETY: as in `check`.
    let target = unsafe { opened(target) };
    let context = Context::foreign(target.host, ctx);
    guard(Some(&context), &Cell::new(false), err, || {
        // SAFETY: dstream.h, "Borrowed inputs".
        let request = unsafe { document(request, "write request") }?;
        let writer = target.target.open_writer(context.clone(), request)?;
        let opened = Box::new(OpenedWriter {
            writer,
            context: context.clone(),
            poisoned: Cell::new(false),
            schemas: HashMap::new(),
        });
        // SAFETY: dstream.h, "open_writer": out points to one writable pointer.
        unsafe { out.write(Box::into_raw(opened).cast()) };
        Ok(Status::OK)
    })
}

/// Borrows the writer of a call.
///
/// # Safety
/// `writer` came from `open_writer`, is not closed, and no other call on it is running.
unsafe fn writing<'a>(writer: *mut WriterObject) -> &'a mut OpenedWriter {
    // SAFETY: the caller's promise (dstream.h, "Threads": one call at a time per writer).
    unsafe { &mut *writer.cast::<OpenedWriter>() }
}

unsafe extern "C" fn declare(
    writer: *mut WriterObject,
    stream: u32,
    version: u32,
    schema: *const RawSchema,
    err: *mut Err,
) -> Status {
    // SAFETY: the host makes one call per writer at a time (dstream.h, "Threads").
    let OpenedWriter { writer, context, poisoned, schemas } = unsafe { writing(writer) };
    guard(Some(context), poisoned, err, || {
        // SAFETY: dstream.h, "declare": schema is borrowed and valid during the call.
        let schema = unsafe { schema.cast::<ArrowSchema>().as_ref() }
            .ok_or_else(|| Error::bug("the host gave no schema"))?;
        let schema: SchemaRef = Arc::new(Schema::try_from(schema)?);
        schemas.insert((stream, version), schema.clone());
        writer.declare(stream, version, schema).map(|()| Status::OK)
    })
}

unsafe extern "C" fn write(
    writer: *mut WriterObject,
    stream: u32,
    version: u32,
    array: *mut RawArray,
    err: *mut Err,
) -> Status {
    // SAFETY: dstream.h, "write": always consumed. Taken before anything can fail, dropped wherever that happens.
    let array = unsafe { ArrowArray::from_raw(array.cast()) };
    // SAFETY: the host makes one call per writer at a time (dstream.h, "Threads").
    let OpenedWriter { writer, context, poisoned, schemas } = unsafe { writing(writer) };
    guard(Some(context), poisoned, err, || {
        let schema = schemas.get(&(stream, version)).ok_or_else(|| {
            Error::bug(format!("batch of stream {stream} version {version} before its schema"))
        })?;
        writer.write(stream, version, Batch::from_raw(array, schema.clone(), 0)).map(|()| Status::OK)
    })
}

unsafe extern "C" fn prepare(writer: *mut WriterObject, window: u64, out: *mut Buf, err: *mut Err) -> Status {
    // SAFETY: the host makes one call per writer at a time (dstream.h, "Threads").
    let OpenedWriter { writer, context, poisoned, .. } = unsafe { writing(writer) };
    guard(Some(context), poisoned, err, || {
        let prepared = writer.prepare(window)?;
        // SAFETY: dstream.h, "prepare": out is a writable, empty ds_buf.
        unsafe { answer(out, &prepared) }
    })
}

unsafe extern "C" fn close_writer(writer: *mut WriterObject) {
    // SAFETY: dstream.h, "close_writer": called once with a writer that `open_writer` made.
    let opened = unsafe { Box::from_raw(writer.cast::<OpenedWriter>()) };
    let OpenedWriter { writer, context, .. } = *opened;
    guard_close(&context, move || drop(writer));
}

unsafe extern "C" fn close(target: *mut TargetObject) {
    // SAFETY: dstream.h, "close": called once with a target that `open` made, after its writers are closed.
    let opened = unsafe { Box::from_raw(target.cast::<OpenedTarget>()) };
    let OpenedTarget { target, context, .. } = *opened;
    guard_close(&context, move || drop(target));
}
