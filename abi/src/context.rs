//! What an object may ask of the run it belongs to: whether to stop, and where its log goes.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, RwLock};

use crate::raw;

/// Severity of a log record; the numbers are those of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum LogLevel {
    /// Data or run lost.
    Error = 1,
    /// Recovered.
    Warn = 2,
    /// What an operator asked for.
    Info = 3,
    /// Per batch.
    Debug = 4,
    /// More.
    Trace = 5,
}

/// The run as one object sees it. Cheap to clone; a clone outlives its object: it then reports a cancelled run and drops
/// what is logged.
#[derive(Clone)]
pub struct Context(Inner);

#[derive(Clone)]
enum Inner {
    Native(Arc<Native>),
    Foreign(Arc<Foreign>),
}

/// The context of an object that lives in the same library as whoever opened it.
pub(crate) struct Native {
    pub(crate) cancelled: Arc<AtomicBool>,
    #[cfg(feature = "host")]
    pub(crate) span: tracing::Span,
}

/// The context of an object whose host is across the border.
pub(crate) struct Foreign {
    host: &'static raw::HostV1,
    /// Null once the object is closed; the lock keeps a close from overtaking a call.
    ctx: RwLock<CtxPtr>,
}

struct CtxPtr(*const raw::Ctx);
// SAFETY: dstream.h, "ds_host_v1": every function of the host may be called with it from any thread.
unsafe impl Send for CtxPtr {}
// SAFETY: as above.
unsafe impl Sync for CtxPtr {}

static HOST: OnceLock<&'static raw::HostV1> = OnceLock::new();

thread_local! {
    static CURRENT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

impl Context {
    /// A context that belongs to no host: stops when `cancelled` turns true, keeps no log.
    pub fn detached(cancelled: Arc<AtomicBool>) -> Context {
        Context(Inner::Native(Arc::new(Native {
            cancelled,
            #[cfg(feature = "host")]
            span: tracing::Span::none(),
        })))
    }

    /// The host's context: log records of the object appear inside of `span`.
    #[cfg(feature = "host")]
    pub fn new(cancelled: Arc<AtomicBool>, span: tracing::Span) -> Context {
        Context(Inner::Native(Arc::new(Native { cancelled, span })))
    }

    pub(crate) fn foreign(host: &'static raw::HostV1, ctx: *const raw::Ctx) -> Context {
        Context(Inner::Foreign(Arc::new(Foreign { host, ctx: RwLock::new(CtxPtr(ctx)) })))
    }

    #[cfg(feature = "host")]
    pub(crate) fn native(&self) -> Option<&Arc<Native>> {
        match &self.0 {
            Inner::Native(native) => Some(native),
            Inner::Foreign(_) => None,
        }
    }

    /// Ends the life of a foreign context: the host frees it after this returns.
    pub(crate) fn close(&self) {
        if let Inner::Foreign(foreign) = &self.0 {
            foreign.ctx.write().unwrap_or_else(|poison| poison.into_inner()).0 = std::ptr::null();
        }
    }

    /// Whether the run is to stop. Look at it at least every 100 ms of waiting, and return `Cancelled`.
    pub fn is_cancelled(&self) -> bool {
        match &self.0 {
            Inner::Native(native) => native.cancelled.load(Ordering::Relaxed),
            Inner::Foreign(foreign) => {
                let ctx = foreign.ctx.read().unwrap_or_else(|poison| poison.into_inner());
                match (ctx.0.is_null(), foreign.host.is_cancelled) {
                    (true, _) => true,
                    (false, None) => false,
                    // SAFETY: dstream.h, "ds_ctx": valid until the object is closed, and close() waits for this lock.
                    (false, Some(is_cancelled)) => unsafe { is_cancelled(ctx.0) != 0 },
                }
            }
        }
    }

    /// Hands one record to the host's log, under this object. Fields and spans are text already.
    pub fn log(&self, level: LogLevel, target: &str, message: &str, spans: &str, fields: &[(&str, &str)]) {
        match &self.0 {
            Inner::Native(_native) => {
                #[cfg(feature = "host")]
                _native.span.in_scope(|| crate::import::log_event(level, target, message, spans, fields));
            }
            Inner::Foreign(foreign) => {
                let ctx = foreign.ctx.read().unwrap_or_else(|poison| poison.into_inner());
                send(foreign.host, ctx.0, level, target, message, spans, fields);
            }
        }
    }

    /// The context of the call that runs on this thread, if the host made one.
    pub fn current() -> Option<Context> {
        CURRENT.with(|current| current.try_borrow().ok().and_then(|context| context.clone()))
    }

    /// Makes this the context of the thread while `f` runs; for tasks that go on outside of a call.
    pub fn enter<T>(&self, f: impl FnOnce() -> T) -> T {
        struct Restore(Option<Context>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.with(|current| *current.borrow_mut() = self.0.take());
            }
        }
        let _restore = Restore(CURRENT.with(|current| current.borrow_mut().replace(self.clone())));
        f()
    }
}

/// Hands one record of the library, outside of any object, to the host.
pub fn log_of_library(level: LogLevel, target: &str, message: &str, spans: &str, fields: &[(&str, &str)]) {
    if let Some(host) = HOST.get() {
        send(host, std::ptr::null(), level, target, message, spans, fields);
    }
}

/// The most verbose level that the host listens to; 0: none, or there is no host.
pub fn host_log_level() -> u32 {
    match HOST.get().and_then(|host| host.log_level) {
        // SAFETY: dstream.h, "ds_host_v1": callable from any thread, valid until the process ends.
        Some(log_level) => unsafe { log_level() },
        None => 0,
    }
}

/// Remembers the host of this library; the first one stays.
pub(crate) fn set_host(host: &'static raw::HostV1) {
    HOST.get_or_init(|| host);
}

pub(crate) fn host() -> Option<&'static raw::HostV1> {
    HOST.get().copied()
}

fn send(
    host: &raw::HostV1,
    ctx: *const raw::Ctx,
    level: LogLevel,
    target: &str,
    message: &str,
    spans: &str,
    fields: &[(&str, &str)],
) {
    let Some(log) = host.log else { return };
    let fields: Vec<raw::Kv> = fields
        .iter()
        .map(|(key, value)| raw::Kv { key: raw::Str::new(key), value: raw::Str::new(value) })
        .collect();
    let record = raw::LogRecord {
        struct_size: size_of::<raw::LogRecord>() as u32,
        level: level as u32,
        target: raw::Str::new(target),
        message: raw::Str::new(message),
        spans: raw::Str::new(spans),
        fields: fields.as_ptr(),
        n_fields: fields.len(),
    };
    // SAFETY: dstream.h, "ds_host_v1": any thread, copies what it is given; ctx is null or alive (see the callers).
    unsafe { log(ctx, &record) };
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}
