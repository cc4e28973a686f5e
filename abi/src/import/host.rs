//! What the host offers a library: a sink for errors, the log, the cancel flag.

use std::sync::atomic::Ordering;
use tracing::Level;
use tracing::level_filters::LevelFilter;

use crate::context::Native;
use crate::raw::{Ctx, Err, ErrorDesc, HostV1, LogRecord, Status, Str};
use crate::{ABI_MINOR, Error, ErrorKind, LogLevel, Result, panics};

/// Longer texts of a library are cut: an error is a sentence.
const MAX_TEXT_BYTES: usize = 16 << 10;
/// More fields than this are not logged.
const MAX_LOG_FIELDS: usize = 64;

/// The host's table: static, immutable.
pub(crate) static HOST: HostV1 = HostV1 {
    struct_size: size_of::<HostV1>() as u32,
    abi_minor: ABI_MINOR,
    error_set: Some(error_set),
    log_level: Some(log_level),
    log: Some(log),
    is_cancelled: Some(is_cancelled),
};

/// Receives the error of one call.
#[derive(Default)]
pub(crate) struct ErrorSink(Option<Error>);

impl ErrorSink {
    pub(crate) fn as_ptr(&mut self) -> *mut Err {
        std::ptr::from_mut(self).cast()
    }

    /// The outcome of a call: its status, or the error that was described.
    pub(crate) fn outcome(self, status: Status, plugin: &str, call: &str) -> Result<Status> {
        if status.0 >= 0 {
            return Ok(status);
        }
        Err(self.0.filter(|error| !error.message().is_empty()).unwrap_or_else(|| {
            let what = format!("`{call}` of plugin `{plugin}` failed with status {} and no word", status.0);
            Error::new(ErrorKind::from_code(status.0), what)
        }))
    }

    /// As [`ErrorSink::outcome`], of a call that knows no other outcome than `DS_OK`: whoever answers another one has not
    /// said that it is done.
    pub(crate) fn done(self, status: Status, plugin: &str, call: &str) -> Result<()> {
        match self.outcome(status, plugin, call)? {
            Status::OK => Ok(()),
            other => Err(strange(other, plugin, call)),
        }
    }
}

/// A call answered a status that the header does not give it.
pub(crate) fn strange(status: Status, plugin: &str, call: &str) -> Error {
    Error::bug(format!("`{call}` of plugin `{plugin}` answered {}, which means nothing there", status.0))
}

/// Text of a library, whatever it holds: cut, and with every wrong byte replaced.
///
/// # Safety
/// The pointer is null or points to `len` readable bytes (dstream.h, "Borrowed inputs").
unsafe fn lossy(text: Str) -> String {
    // SAFETY: the caller's promise.
    let bytes = unsafe { text.bytes() }.unwrap_or_default();
    let cut = &bytes[..bytes.len().min(MAX_TEXT_BYTES)];
    let mut text = String::from_utf8_lossy(cut).into_owned();
    if cut.len() < bytes.len() {
        text.push('…');
    }
    text
}

unsafe extern "C" fn error_set(err: *mut Err, desc: *const ErrorDesc) {
    let _ = panics::catch(|| {
        // SAFETY: dstream.h, "error_set": desc is valid during the call; only its size is read before it is checked.
        let large_enough = !desc.is_null()
            && unsafe { std::ptr::addr_of!((*desc).struct_size).read() } as usize >= size_of::<ErrorDesc>();
        if err.is_null() || !large_enough {
            return;
        }
        // SAFETY: as above, and it has every field of 1.0.
        let desc = unsafe { &*desc };
        // SAFETY: err is the sink of the call that runs (as_ptr), which nobody else touches until the call returns.
        let sink = unsafe { &mut *err.cast::<ErrorSink>() };
        // SAFETY: dstream.h, "Borrowed inputs".
        let (message, hint, stream) = unsafe { (lossy(desc.message), lossy(desc.hint), lossy(desc.stream)) };
        let mut error = Error::new(ErrorKind::from_code(desc.code.0), message).vendor_code(desc.vendor_code);
        if !hint.is_empty() {
            error = error.hint(hint);
        }
        if !stream.is_empty() {
            error = error.stream(stream);
        }
        if desc.retry_after_ms >= 0 {
            error = error.retry_after_ms(desc.retry_after_ms as u64);
        }
        if desc.flags & crate::raw::ERR_ROW_DATA != 0 {
            error = error.with_row_data();
        }
        sink.0 = Some(error);
    });
}

unsafe extern "C" fn log_level() -> u32 {
    match LevelFilter::current().into_level() {
        None => 0,
        Some(Level::ERROR) => 1,
        Some(Level::WARN) => 2,
        Some(Level::INFO) => 3,
        Some(Level::DEBUG) => 4,
        Some(_) => 5,
    }
}

/// Borrows the context behind the pointer that a library was given.
///
/// # Safety
/// `ctx` is null or was made by [`ctx_ptr`] from a context that is alive (dstream.h, "ds_ctx").
unsafe fn native<'a>(ctx: *const Ctx) -> Option<&'a Native> {
    // SAFETY: the caller's promise.
    unsafe { ctx.cast::<Native>().as_ref() }
}

unsafe extern "C" fn log(ctx: *const Ctx, record: *const LogRecord) {
    let _ = panics::catch(|| {
        // SAFETY: dstream.h, "log": record is valid during the call; only its size is read before it is checked.
        let large_enough = !record.is_null()
            && unsafe { std::ptr::addr_of!((*record).struct_size).read() } as usize >= size_of::<LogRecord>();
        if !large_enough {
            return;
        }
        // SAFETY: as above, and it has every field of 1.0.
        let record = unsafe { &*record };
        let level = match record.level {
            0 | 1 => LogLevel::Error,
            2 => LogLevel::Warn,
            3 => LogLevel::Info,
            4 => LogLevel::Debug,
            _ => LogLevel::Trace,
        };
        // SAFETY: dstream.h, "Borrowed inputs".
        let (target, message, spans) =
            unsafe { (lossy(record.target), lossy(record.message), lossy(record.spans)) };
        let fields = match record.fields.is_null() {
            true => &[],
            // SAFETY: dstream.h, "ds_log_record": n_fields of them, valid during the call.
            false => unsafe {
                std::slice::from_raw_parts(record.fields, record.n_fields.min(MAX_LOG_FIELDS))
            },
        };
        // SAFETY: dstream.h, "Borrowed inputs".
        let fields: Vec<(String, String)> =
            fields.iter().map(|kv| unsafe { (lossy(kv.key), lossy(kv.value)) }).collect();
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        // SAFETY: dstream.h, "ds_ctx": null, or valid until the object that was opened with it is closed.
        match unsafe { native(ctx) } {
            Some(native) => native.span.in_scope(|| log_event(level, &target, &message, &spans, &fields)),
            None => log_event(level, &target, &message, &spans, &fields),
        }
    });
}

unsafe extern "C" fn is_cancelled(ctx: *const Ctx) -> i32 {
    // SAFETY: dstream.h, "ds_ctx": null, or valid until the object that was opened with it is closed.
    i32::from(unsafe { native(ctx) }.is_some_and(|native| native.cancelled.load(Ordering::Relaxed)))
}

/// The pointer under which a library knows `context`. Valid as long as the context is.
pub(crate) fn ctx_ptr(context: &crate::Context) -> Result<*const Ctx> {
    let native =
        context.native().ok_or_else(|| Error::bug("a plugin's context cannot open another plugin"))?;
    Ok(std::sync::Arc::as_ptr(native).cast())
}

/// Emits one record of a plugin into the host's `tracing`.
pub(crate) fn log_event(level: LogLevel, target: &str, message: &str, spans: &str, fields: &[(&str, &str)]) {
    let fields = fields.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ");
    let fields = (!fields.is_empty()).then_some(fields.as_str());
    let spans = (!spans.is_empty()).then_some(spans);
    macro_rules! emit {
        ($level:expr) => {
            tracing::event!(target: "plugin", $level, module = target, spans, fields, "{message}")
        };
    }
    match level {
        LogLevel::Error => emit!(Level::ERROR),
        LogLevel::Warn => emit!(Level::WARN),
        LogLevel::Info => emit!(Level::INFO),
        LogLevel::Debug => emit!(Level::DEBUG),
        LogLevel::Trace => emit!(Level::TRACE),
    }
}
