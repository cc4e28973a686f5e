//! The one way into plugin code: an error becomes a status with a description, a panic becomes `Bug`.

use std::cell::Cell;

use crate::raw::{self, Status, Str};
use crate::{Context, Error, Result, context, panics};

/// Runs plugin code for one call of the host.
///
/// `poisoned` is the instance's mark: after a panic the instance answers every call with `Bug`.
pub(crate) fn guard(
    context: Option<&Context>,
    poisoned: &Cell<bool>,
    err: *mut raw::Err,
    f: impl FnOnce() -> Result<Status>,
) -> Status {
    let outcome = if poisoned.get() {
        Err(Error::bug("called again after a panic: the object may only be closed"))
    } else {
        match panics::catch(|| match context {
            Some(context) => context.enter(f),
            None => f(),
        }) {
            Ok(outcome) => outcome,
            Err(panic) => {
                poisoned.set(true);
                Err(Error::bug(format!("the plugin panicked: {panic}")))
            }
        }
    };
    match outcome {
        Ok(status) => status,
        Err(error) => {
            describe(&error, err);
            Status(error.kind().code())
        }
    }
}

/// Runs plugin code that has nobody to tell: a close.
pub(crate) fn guard_close(context: &Context, f: impl FnOnce()) {
    if let Err(panic) = panics::catch(|| context.enter(f)) {
        context.log(
            crate::LogLevel::Error,
            module_path!(),
            "the plugin panicked in close",
            "",
            &[("panic", &panic)],
        );
    }
    context.close();
}

fn describe(error: &Error, err: *mut raw::Err) {
    let Some(error_set) = context::host().and_then(|host| host.error_set) else { return };
    let message = error.message();
    let desc = raw::ErrorDesc {
        struct_size: size_of::<raw::ErrorDesc>() as u32,
        flags: if error.has_row_data() { raw::ERR_ROW_DATA } else { 0 },
        code: Status(error.kind().code()),
        vendor_code: error.vendor(),
        retry_after_ms: error.retry_after().map_or(-1, |ms| ms.min(i64::MAX as u64) as i64),
        message: Str::new(&message),
        hint: Str::new(error.hint_text().unwrap_or_default()),
        stream: Str::new(error.stream_name().unwrap_or_default()),
    };
    // SAFETY: dstream.h, "error_set": copies; err is null or the sink of the call that is running.
    unsafe { error_set(err, &desc) };
}

/// Borrows a document of the host for the call.
///
/// # Safety
/// `text` is null or points to a `ds_str` that is valid for `'a`.
pub(crate) unsafe fn text<'a>(text: *const Str, what: &str) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { text.as_ref() }
        // SAFETY: dstream.h, "Borrowed inputs are valid during the call".
        .and_then(|text| unsafe { text.bytes() })
        .ok_or_else(|| Error::bug(format!("the host gave no {what}")))?;
    std::str::from_utf8(bytes).map_err(|_| Error::bug(format!("the host's {what} is not UTF-8")))
}

/// Reads a JSON document of the host.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn document<T: serde::de::DeserializeOwned>(from: *const Str, what: &str) -> Result<T> {
    // SAFETY: the caller's promise.
    let text = unsafe { text(from, what) }?;
    serde_json::from_str(text)
        .map_err(|error| Error::bug(format!("the host's {what} cannot be read: {error}")))
}

/// Hands a JSON document to the host.
///
/// # Safety
/// `out` points to a writable `ds_buf` that holds nothing.
pub(crate) unsafe fn answer(out: *mut raw::Buf, value: &impl serde::Serialize) -> Result<Status> {
    let text = serde_json::to_string(value)
        .map_err(|error| Error::bug(format!("an answer is not JSON: {error}")))?;
    // SAFETY: the caller's promise; the buffer there is empty, so nothing is left behind.
    unsafe { out.write(raw::Buf::from_string(text)) };
    Ok(Status::OK)
}
