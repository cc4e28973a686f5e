//! The tap's table.

use std::cell::Cell;
use std::time::Duration;

use super::gate::{answer, document, guard, guard_close};
use crate::raw::{self, Buf, Ctx, Err, RawMessage, ReaderObject, Status, Str, TapObject, TapV1, msg};
use crate::{Context, Error, Message, Next, OpenTap, Reader, Result, Tap, context};

/// The table of C functions for `T`.
pub const fn tap_table<T: OpenTap>() -> TapV1 {
    TapV1 {
        struct_size: size_of::<TapV1>() as u32,
        reserved: 0,
        open: Some(open::<T>),
        check: Some(check),
        discover: Some(discover),
        plan: Some(plan),
        open_reader: Some(open_reader),
        next: Some(next),
        close_reader: Some(close_reader),
        close: Some(close),
    }
}

struct OpenedTap {
    tap: Box<dyn Tap>,
    context: Context,
    host: &'static raw::HostV1,
}

struct OpenedReader {
    reader: Box<dyn Reader>,
    context: Context,
    poisoned: Cell<bool>,
    sizes: Vec<i64>,
}

/// The host that this library was entered with.
pub(crate) fn host() -> Result<&'static raw::HostV1> {
    context::host().ok_or_else(|| Error::bug("the library was not entered through dstream_plugin_v1"))
}

unsafe extern "C" fn open<T: OpenTap>(
    ctx: *const Ctx,
    config: *const Str,
    out: *mut *mut TapObject,
    err: *mut Err,
) -> Status {
    guard(None, &Cell::new(false), err, || {
        super::plugin::started();
        let host = host()?;
        let context = Context::foreign(host, ctx);
        // SAFETY: dstream.h, "Borrowed inputs".
        let config = unsafe { document(config, "config") }?;
        let tap = context.enter(|| T::open(context.clone(), config))?;
        let opened = Box::new(OpenedTap { tap: Box::new(tap), context, host });
        // SAFETY: dstream.h, "open": out points to one writable pointer.
        unsafe { out.write(Box::into_raw(opened).cast()) };
        Ok(Status::OK)
    })
}

/// Borrows the tap of a call.
///
/// # Safety
/// `tap` came from `open` and is not closed.
unsafe fn opened<'a>(tap: *const TapObject) -> &'a OpenedTap {
    // SAFETY: the caller's promise; a const self is only ever borrowed shared (dstream.h, "Threads").
    unsafe { &*tap.cast::<OpenedTap>() }
}

unsafe extern "C" fn check(tap: *const TapObject, err: *mut Err) -> Status {
    // SAFETY: dstream.h, "Threads": the host calls with a tap that is open.
    let tap = unsafe { opened(tap) };
    guard(Some(&tap.context), &Cell::new(false), err, || tap.tap.check().map(|()| Status::OK))
}

unsafe extern "C" fn discover(tap: *const TapObject, out: *mut Buf, err: *mut Err) -> Status {
    // SAFETY: as in `check`.
    let tap = unsafe { opened(tap) };
    guard(Some(&tap.context), &Cell::new(false), err, || {
        let catalog = tap.tap.discover()?;
        // SAFETY: dstream.h, "discover": out is a writable, empty ds_buf.
        unsafe { answer(out, &catalog) }
    })
}

unsafe extern "C" fn plan(
    tap: *const TapObject,
    selection: *const Str,
    out: *mut Buf,
    err: *mut Err,
) -> Status {
    // SAFETY: as in `check`.
    let tap = unsafe { opened(tap) };
    guard(Some(&tap.context), &Cell::new(false), err, || {
        // SAFETY: dstream.h, "Borrowed inputs".
        let selection = unsafe { document(selection, "selection") }?;
        let partitions = tap.tap.plan(&selection)?;
        // SAFETY: dstream.h, "plan": out is a writable, empty ds_buf.
        unsafe { answer(out, &partitions) }
    })
}

unsafe extern "C" fn open_reader(
    tap: *const TapObject,
    ctx: *const Ctx,
    request: *const Str,
    out: *mut *mut ReaderObject,
    err: *mut Err,
) -> Status {
    // SAFETY: as in `check`.
    let tap = unsafe { opened(tap) };
    let context = Context::foreign(tap.host, ctx);
    guard(Some(&context), &Cell::new(false), err, || {
        // SAFETY: dstream.h, "Borrowed inputs".
        let request = unsafe { document(request, "read request") }?;
        let reader = tap.tap.open_reader(context.clone(), request)?;
        let context = context.clone();
        let opened =
            Box::new(OpenedReader { reader, context, poisoned: Cell::new(false), sizes: Vec::new() });
        // SAFETY: dstream.h, "open_reader": out points to one writable pointer.
        unsafe { out.write(Box::into_raw(opened).cast()) };
        Ok(Status::OK)
    })
}

unsafe extern "C" fn next(
    reader: *mut ReaderObject,
    timeout_ms: i64,
    out: *mut RawMessage,
    err: *mut Err,
) -> Status {
    // SAFETY: `reader` came from `open_reader`, and the host makes one call per reader at a time (dstream.h, "Threads").
    let opened = unsafe { &mut *reader.cast::<OpenedReader>() };
    let OpenedReader { reader, context, poisoned, sizes } = opened;
    guard(Some(context), poisoned, err, || {
        let message = match reader.next(Duration::from_millis(timeout_ms.max(0) as u64))? {
            Next::Message(message) => message,
            Next::Pending => return Ok(Status::PENDING),
            Next::End => return Ok(Status::END),
        };
        // SAFETY: dstream.h, "next": out points to a zeroed ds_message of this version or a later one.
        let out = unsafe { &mut *out };
        fill(out, message, sizes)?;
        Ok(Status::OK)
    })
}

/// Writes `message` into the host's struct. `sizes` stays with the reader until the next call.
fn fill(out: &mut RawMessage, message: Message, sizes: &mut Vec<i64>) -> Result<()> {
    match message {
        Message::Schema { stream, version, schema } => {
            out.schema = raw::ArrowSchema::try_from(schema.as_ref())?;
            (out.kind, out.stream, out.schema_version) = (msg::SCHEMA, stream, version);
        }
        Message::Batch { stream, version, batch, source_bytes } => {
            out.array = batch.into_raw(sizes);
            out.buffer_bytes = sizes.as_ptr();
            out.n_buffer_bytes = sizes.len();
            out.source_bytes = source_bytes;
            (out.kind, out.stream, out.schema_version) = (msg::BATCH, stream, version);
        }
        Message::Checkpoint { bookmark } => {
            out.bookmark = Buf::from_string(bookmark.to_string());
            out.kind = msg::CHECKPOINT;
        }
        Message::StreamEnd { stream } => {
            (out.kind, out.stream) = (msg::STREAM_END, stream);
        }
    }
    Ok(())
}

unsafe extern "C" fn close_reader(reader: *mut ReaderObject) {
    // SAFETY: dstream.h, "close_reader": called once with a reader that `open_reader` made.
    let opened = unsafe { Box::from_raw(reader.cast::<OpenedReader>()) };
    let OpenedReader { reader, context, .. } = *opened;
    guard_close(&context, move || drop(reader));
}

unsafe extern "C" fn close(tap: *mut TapObject) {
    // SAFETY: dstream.h, "close": called once with a tap that `open` made, after its readers are closed.
    let opened = unsafe { Box::from_raw(tap.cast::<OpenedTap>()) };
    let OpenedTap { tap, context, .. } = *opened;
    guard_close(&context, move || drop(tap));
}
