//! The raw tap: one stream `numbers` with one column `c`, and whatever goes wrong on the way.

use serde_json::json;
use std::collections::VecDeque;
use std::time::Duration;

use dstream_abi::raw::{Buf, Ctx, Err, RawMessage, ReaderObject, Status, Str, TapObject, TapV1, msg};

use crate::arrays::Type;
use crate::cases::{Case, Sizes};
use crate::talk::{Options, log_noise};

pub(crate) static TABLE: TapV1 = TapV1 {
    struct_size: size_of::<TapV1>() as u32,
    reserved: 0,
    open: Some(open),
    check: Some(check),
    discover: Some(discover),
    plan: Some(plan),
    open_reader: Some(open_reader),
    next: Some(next),
    close_reader: Some(close_reader),
    close: Some(close),
};

/// Borrows the options of a tap.
///
/// # Safety
/// `tap` came from `open` and is not closed.
unsafe fn options<'a>(tap: *const TapObject) -> &'a Options {
    // SAFETY: the caller's promise; nobody borrows it mutably.
    unsafe { &*tap.cast::<Options>() }
}

pub(crate) unsafe extern "C" fn open(
    _ctx: *const Ctx,
    config: *const Str,
    out: *mut *mut TapObject,
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

unsafe extern "C" fn check(tap: *const TapObject, err: *mut Err) -> Status {
    // SAFETY: the host calls with a tap that is open.
    unsafe { options(tap) }.fail("check", err).err().unwrap_or(Status::OK)
}

unsafe extern "C" fn discover(tap: *const TapObject, out: *mut Buf, err: *mut Err) -> Status {
    // SAFETY: the host calls with a tap that is open.
    let options = unsafe { options(tap) };
    if let Err(status) = options.fail("discover", err) {
        return status;
    }
    let column = match options.number("malformed") {
        Some(number) => Case::catalog_column(number as usize),
        None => json!({ "name": "c", "format": "i" }),
    };
    let catalog = json!({ "streams": [{
        "name": "numbers",
        "schema": { "fields": [column] },
        "replication_methods": ["FULL_TABLE", "INCREMENTAL"],
    }] });
    // SAFETY: dstream.h, "discover": out is a writable, empty ds_buf.
    unsafe { options.answer("discover", catalog.to_string(), out) }
}

unsafe extern "C" fn plan(
    tap: *const TapObject,
    _selection: *const Str,
    out: *mut Buf,
    err: *mut Err,
) -> Status {
    // SAFETY: the host calls with a tap that is open.
    let options = unsafe { options(tap) };
    if let Err(status) = options.fail("plan", err) {
        return status;
    }
    let partitions = json!([{ "id": "numbers", "streams": ["numbers"] }]);
    // SAFETY: dstream.h, "plan": out is a writable, empty ds_buf.
    unsafe { options.answer("plan", partitions.to_string(), out) }
}

/// One message to come.
enum Step {
    Unknown { flags: u32 },
    Schema,
    Batch,
    Checkpoint,
    StreamEnd,
}

struct Reader {
    options: Options,
    ctx: *const Ctx,
    steps: VecDeque<Step>,
    sizes: Vec<i64>,
}

impl Reader {
    fn case(&self) -> Case {
        self.options.number("malformed").map_or_else(Case::numbers, |number| Case::new(number as usize))
    }

    fn bookmark(&self) -> String {
        match self.options.number("bookmark_bytes") {
            _ if self.options.text("not_json") == Some("next") => "{ no bookmark".to_owned(),
            Some(bytes) => format!("\"{}\"", "b".repeat((bytes - 2).max(0) as usize)),
            None => "4".to_owned(),
        }
    }

    fn fill(&mut self, out: &mut RawMessage, step: Step) {
        out.stream = self.options.number("stream_index").unwrap_or(0) as u32;
        out.schema_version = self.options.number("schema_version").unwrap_or(1) as u32;
        match step {
            Step::Unknown { flags } => (out.kind, out.flags) = (99, flags),
            Step::Schema => {
                out.kind = msg::SCHEMA;
                out.schema = Type::schema(self.case().columns);
            }
            Step::Batch => {
                let case = self.case();
                let (array, mut sizes) = case.batch.build();
                match case.sizes {
                    Sizes::Honest | Sizes::Missing => {}
                    Sizes::OneLess => drop(sizes.pop()),
                    Sizes::OneMore => sizes.push(0),
                    Sizes::BelowZero => sizes.iter_mut().for_each(|size| *size = -1),
                }
                self.sizes = sizes;
                out.kind = msg::BATCH;
                out.array = array;
                if case.sizes != Sizes::Missing {
                    (out.buffer_bytes, out.n_buffer_bytes) = (self.sizes.as_ptr(), self.sizes.len());
                }
            }
            Step::Checkpoint => {
                out.kind = msg::CHECKPOINT;
                out.bookmark = Buf::from_string(self.bookmark());
            }
            Step::StreamEnd => out.kind = msg::STREAM_END,
        }
    }
}

unsafe extern "C" fn open_reader(
    tap: *const TapObject,
    ctx: *const Ctx,
    request: *const Str,
    out: *mut *mut ReaderObject,
    err: *mut Err,
) -> Status {
    // SAFETY: the host calls with a tap that is open.
    let options = unsafe { options(tap) }.clone();
    if let Err(status) = options.fail("open_reader", err) {
        return status;
    }
    if options.text("null_object") == Some("open_reader") {
        return Status::OK;
    }
    // SAFETY: dstream.h, "Borrowed inputs".
    let request = unsafe { request.as_ref() }
        // SAFETY: as above.
        .and_then(|text| unsafe { text.bytes() })
        .and_then(|text| serde_json::from_slice::<serde_json::Value>(text).ok())
        .unwrap_or_default();
    let mut steps = VecDeque::from([Step::Schema]);
    // A bookmark is there: all of it was read before.
    if request["bookmark"].is_null() {
        steps.extend([Step::Batch, Step::Checkpoint]);
    }
    steps.push_back(Step::StreamEnd);
    if options.is_set("batch_before_schema") {
        steps.push_front(Step::Batch);
    }
    match options.text("unknown_message") {
        Some("ignorable") => steps.push_front(Step::Unknown { flags: msg::IGNORABLE }),
        Some(_) => steps.push_front(Step::Unknown { flags: 0 }),
        None => {}
    }
    let reader = Reader { options, ctx, steps, sizes: Vec::new() };
    // SAFETY: dstream.h, "open_reader": out points to one writable pointer.
    unsafe { out.write(Box::into_raw(Box::new(reader)).cast()) };
    Status::OK
}

unsafe extern "C" fn next(
    reader: *mut ReaderObject,
    _timeout_ms: i64,
    out: *mut RawMessage,
    err: *mut Err,
) -> Status {
    // SAFETY: the host makes one call per reader at a time (dstream.h, "Threads").
    let reader = unsafe { &mut *reader.cast::<Reader>() };
    if let Err(status) = reader.options.fail("next", err) {
        return status;
    }
    if let Some(records) = reader.options.number("logs") {
        log_noise(reader.ctx, records);
    }
    if let Some(status) = reader.options.number("strange_status") {
        return Status(status as i32);
    }
    if let Some(ms) = reader.options.number("ignores_cancel") {
        std::thread::sleep(Duration::from_millis(ms as u64));
    }
    let Some(step) = reader.steps.pop_front() else { return Status::END };
    // SAFETY: dstream.h, "next": out points to a zeroed ds_message.
    reader.fill(unsafe { &mut *out }, step);
    Status::OK
}

unsafe extern "C" fn close_reader(reader: *mut ReaderObject) {
    // SAFETY: dstream.h, "close_reader": called once with a reader that `open_reader` made.
    drop(unsafe { Box::from_raw(reader.cast::<Reader>()) });
}

unsafe extern "C" fn close(tap: *mut TapObject) {
    // SAFETY: dstream.h, "close": called once with a tap that `open` made.
    drop(unsafe { Box::from_raw(tap.cast::<Options>()) });
}
