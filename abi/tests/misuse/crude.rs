//! A library made by hand of C tables: each of its callbacks answers what the test has asked for, on the test's thread.

use dstream_abi::import::Plugin;
use dstream_abi::raw::*;
use dstream_abi::{ABI_DRAFT, ABI_MINOR, Reader, Result};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::ffi::c_void;
use std::sync::Mutex;

use crate::given::{config, context, read_request};

/// What one callback does in place of its work.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// Answers this and does nothing.
    Status(i32),
    /// Describes an error, then answers this.
    Describes(i32, fn(&HostV1, *mut Err)),
    /// Answers with this text.
    Answers(fn() -> Buf),
}

/// Fills one message.
pub(crate) type Step = Box<dyn FnOnce(&mut RawMessage)>;

thread_local! {
    static ROOT: Cell<*const PluginV1> = const { Cell::new(std::ptr::null()) };
    static HOST: Cell<*const HostV1> = const { Cell::new(std::ptr::null()) };
    static ENTRY: Cell<Status> = const { Cell::new(Status::OK) };
    static FAULTS: RefCell<HashMap<&'static str, Fault>> = RefCell::new(HashMap::new());
    static STEPS: RefCell<VecDeque<Step>> = const { RefCell::new(VecDeque::new()) };
    static RELEASED: Cell<u32> = const { Cell::new(0) };
}

/// What tables point to lives as long as the process does, as the contract wants it.
static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());
struct Kept(#[allow(dead_code)] *mut c_void);
// SAFETY: nobody reads it; it is there so that what is kept can be reached.
unsafe impl Send for Kept {}

pub(crate) fn keep<T>(value: T) -> &'static T {
    let kept = Box::leak(Box::new(value));
    KEPT.lock().unwrap().push(Kept(std::ptr::from_mut(kept).cast()));
    kept
}

/// The first `bytes` bytes of a table in memory of just that size, its size field saying so.
pub(crate) fn short<T>(table: &T, bytes: usize) -> *const T {
    let layout = std::alloc::Layout::from_size_align(bytes, align_of::<T>()).unwrap();
    // SAFETY: at least the size field is asked for, so the layout is not empty.
    let short = unsafe { std::alloc::alloc(layout) };
    // SAFETY: both are `bytes` bytes long; the new one overlaps nothing.
    unsafe { std::ptr::copy_nonoverlapping(std::ptr::from_ref(table).cast(), short, bytes) };
    // SAFETY: every table begins with its size.
    unsafe { short.cast::<u32>().write(bytes as u32) };
    KEPT.lock().unwrap().push(Kept(short.cast()));
    short.cast::<T>().cast_const()
}

/// From now on `call` does this.
pub(crate) fn fault(call: &'static str, fault: Fault) {
    FAULTS.with_borrow_mut(|faults| faults.insert(call, fault));
}

/// From now on every callback does its work.
pub(crate) fn mend() {
    FAULTS.with_borrow_mut(HashMap::clear);
    ENTRY.set(Status::OK);
}

pub(crate) fn entry_answers(status: i32) {
    ENTRY.set(Status(status));
}

unsafe extern "C" fn entry(host: *const HostV1, out: *mut *const PluginV1, _: *mut Err) -> Status {
    HOST.set(host);
    // SAFETY: dstream.h, "dstream_plugin_v1": out points to one writable pointer.
    unsafe { out.write(ROOT.get()) };
    ENTRY.get()
}

/// Enters a library with this root.
pub(crate) fn enter(root: *const PluginV1) -> Result<Plugin> {
    ROOT.set(root);
    // SAFETY: the entry of dstream.h; tables are kept until the process ends.
    unsafe { Plugin::enter(entry, "crude") }
}

/// A callback that has nothing to hand out.
fn plain(call: &'static str, err: *mut Err) -> Status {
    let fault = FAULTS.with_borrow(|faults| faults.get(call).copied());
    match fault {
        Some(Fault::Status(status)) => Status(status),
        Some(Fault::Describes(status, describe)) => {
            // SAFETY: dstream.h, "ds_host_v1": valid until the process ends.
            describe(unsafe { &*HOST.get() }, err);
            Status(status)
        }
        Some(Fault::Answers(_)) | None => Status::OK,
    }
}

/// A callback that hands out an object; an address is enough, for nobody looks behind it.
unsafe fn object<T>(call: &'static str, out: *mut *mut T, err: *mut Err) -> Status {
    let is_faulty = FAULTS.with_borrow(|faults| faults.contains_key(call));
    if !is_faulty {
        // SAFETY: dstream.h: out points to one writable pointer.
        unsafe { out.write(std::ptr::dangling_mut()) };
    }
    plain(call, err)
}

/// A callback that answers with a document.
unsafe fn document(call: &'static str, text: &str, out: *mut Buf, err: *mut Err) -> Status {
    let buf = match FAULTS.with_borrow(|faults| faults.get(call).copied()) {
        Some(Fault::Answers(make)) => make(),
        _ => counted(text),
    };
    // SAFETY: dstream.h: out is a writable, empty ds_buf.
    unsafe { out.write(buf) };
    plain(call, err)
}

/// A text that counts its releases.
pub(crate) fn counted(text: &str) -> Buf {
    let text = keep(text.to_owned());
    Buf { ptr: text.as_ptr(), len: text.len(), release: Some(count), private_data: std::ptr::null_mut() }
}

unsafe extern "C" fn count(buf: *mut Buf) {
    // SAFETY: dstream.h, "ds_buf": called with the buffer itself.
    unsafe { (*buf).release = None };
    RELEASED.set(RELEASED.get() + 1);
}

/// Releases since the last time.
pub(crate) fn released() -> u32 {
    RELEASED.take()
}

/// Declares callbacks of a table, each with a body of one expression.
macro_rules! callbacks {
    ($($name:ident($($arg:ident: $type:ty),*) = $body:expr;)*) => {$(
        unsafe extern "C" fn $name($($arg: $type),*) -> Status {
            // SAFETY: the host calls as dstream.h says it does.
            #[allow(unused_unsafe)]
            unsafe { $body }
        }
    )*};
}

callbacks! {
    tap_open(_c: *const Ctx, _s: *const Str, out: *mut *mut TapObject, err: *mut Err) = object("tap open", out, err);
    tap_check(_t: *const TapObject, err: *mut Err) = plain("tap check", err);
    discover(_t: *const TapObject, out: *mut Buf, err: *mut Err) =
        document("discover", r#"{"streams":[]}"#, out, err);
    plan(_t: *const TapObject, _s: *const Str, out: *mut Buf, err: *mut Err) = document("plan", "[]", out, err);
    open_reader(_t: *const TapObject, _c: *const Ctx, _s: *const Str, out: *mut *mut ReaderObject, err: *mut Err) =
        object("open_reader", out, err);
    next(_r: *mut ReaderObject, _ms: i64, out: *mut RawMessage, err: *mut Err) = step(&mut *out, err);
    target_open(_c: *const Ctx, _s: *const Str, out: *mut *mut TargetObject, err: *mut Err) =
        object("target open", out, err);
    target_check(_t: *const TargetObject, err: *mut Err) = plain("target check", err);
    begin(_t: *const TargetObject, _s: *const Str, out: *mut Buf, err: *mut Err) =
        document("begin", r#"{"epoch":1}"#, out, err);
    open_writer(_t: *const TargetObject, _c: *const Ctx, _s: *const Str, out: *mut *mut WriterObject, err: *mut Err) =
        object("open_writer", out, err);
    declare(_w: *mut WriterObject, _s: u32, _v: u32, _schema: *const RawSchema, err: *mut Err) =
        plain("declare", err);
    write(_w: *mut WriterObject, _s: u32, _v: u32, _array: *mut RawArray, err: *mut Err) = plain("write", err);
    prepare(_w: *mut WriterObject, _n: u64, out: *mut Buf, err: *mut Err) =
        document("prepare", r#"{"rows":0}"#, out, err);
    commit(_t: *const TargetObject, _s: *const Str, err: *mut Err) = plain("commit", err);
}

fn step(out: &mut RawMessage, err: *mut Err) -> Status {
    let status = plain("next", err);
    match (status, STEPS.with_borrow_mut(VecDeque::pop_front)) {
        (Status::OK, Some(step)) => step(out),
        (Status::OK, None) => return Status::END,
        _ => {}
    }
    status
}

unsafe extern "C" fn close<T>(_: *mut T) {}

/// A tap's table with every callback.
pub(crate) fn tap_table() -> TapV1 {
    TapV1 {
        struct_size: size_of::<TapV1>() as u32,
        reserved: 0,
        open: Some(tap_open),
        check: Some(tap_check),
        discover: Some(discover),
        plan: Some(plan),
        open_reader: Some(open_reader),
        next: Some(next),
        close_reader: Some(close),
        close: Some(close),
    }
}

/// A target's table with every callback.
pub(crate) fn target_table() -> TargetV1 {
    TargetV1 {
        struct_size: size_of::<TargetV1>() as u32,
        reserved: 0,
        open: Some(target_open),
        check: Some(target_check),
        begin: Some(begin),
        open_writer: Some(open_writer),
        declare: Some(declare),
        write: Some(write),
        prepare: Some(prepare),
        commit: Some(commit),
        close_writer: Some(close),
        close: Some(close),
    }
}

pub(crate) const MANIFEST: &str = r#"{"id":"crude","version":"1","abi":{"major":1,"minor":0,"draft":1},"sdk":"rust/0",
    "connectors":[{"type":"crude","tap":{"options":{}},"target":{"options":{},"write_modes":[]}}]}"#;

/// A connector in both roles, or as its tables have it.
pub(crate) fn connector(type_name: Str, tap: *const TapV1, target: *const TargetV1) -> ConnectorV1 {
    ConnectorV1 { struct_size: size_of::<ConnectorV1>() as u32, reserved: 0, type_name, tap, target }
}

/// A root with these connectors.
pub(crate) fn root(connectors: Vec<*const ConnectorV1>) -> PluginV1 {
    PluginV1 {
        struct_size: size_of::<PluginV1>() as u32,
        abi_minor: ABI_MINOR,
        abi_draft: ABI_DRAFT,
        reserved: 0,
        manifest_json: Str::new(MANIFEST),
        n_connectors: connectors.len(),
        connectors: keep(connectors).as_ptr(),
        shutdown: None,
        get_extension: None,
    }
}

/// The one connector of [`MANIFEST`] with these tables.
pub(crate) fn root_with(tap: *const TapV1, target: *const TargetV1) -> PluginV1 {
    root(vec![keep(connector(Str::new("crude"), tap, target))])
}

/// A library whose tables are whole.
pub(crate) fn whole() -> Plugin {
    enter(keep(root_with(keep(tap_table()), keep(target_table())))).expect("enters")
}

/// A reader that is about to hand out these messages.
pub(crate) fn reader(steps: Vec<Step>) -> Box<dyn Reader> {
    STEPS.set(steps.into());
    let tap = whole().tap("crude", context(), &config()).expect("opens");
    tap.open_reader(context(), read_request()).expect("opens")
}
