//! Texts to and from the host: options, answers, errors and log records, none of them as they should be.

use serde_json::Value;

use dstream_abi::raw::{Buf, Ctx, Err, ErrorDesc, Kv, LogRecord, Status, Str};
use dstream_abi::{ConnectorConfig, LogLevel};

use crate::root::host;

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options(Value);

impl Options {
    /// Those of a config.
    ///
    /// # Safety
    /// `config` points to a `ds_str` that is valid during the call.
    pub(crate) unsafe fn read(config: *const Str) -> Options {
        // SAFETY: the caller's promise.
        let text = unsafe { config.as_ref() }
            // SAFETY: dstream.h, "Borrowed inputs".
            .and_then(|text| unsafe { text.bytes() })
            .unwrap_or_default();
        let config: Option<ConnectorConfig> = serde_json::from_slice(text).ok();
        Options(config.map(|config| config.options).unwrap_or_default())
    }

    pub(crate) fn number(&self, key: &str) -> Option<i64> {
        self.0[key].as_i64()
    }

    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.0[key].as_bool() == Some(true)
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0[key].as_str()
    }

    /// Fails the call where that was asked for.
    pub(crate) fn fail(&self, call: &str, err: *mut Err) -> Result<(), Status> {
        if self.text("silent_error") == Some(call) {
            return Err(Status::BUG);
        }
        if self.text("huge_error") == Some(call) {
            describe_at_length(err);
            return Err(Status(-6));
        }
        Ok(())
    }

    /// Answers a call with `text`, or as it was asked for.
    ///
    /// # Safety
    /// `out` points to a writable `ds_buf` that holds nothing.
    pub(crate) unsafe fn answer(&self, call: &str, text: String, out: *mut Buf) -> Status {
        let text = match (self.text("no_answer"), self.text("not_json")) {
            (Some(silent), _) if silent == call => return Status::OK,
            (_, Some(garbled)) if garbled == call => "{ \"this is\": no JSON".to_owned(),
            _ => text,
        };
        // SAFETY: the caller's promise.
        unsafe { out.write(Buf::from_string(text)) };
        Status::OK
    }
}

/// Bytes that are no sentence: NUL, escape codes, no UTF-8, and far too many.
fn noise(bytes: usize) -> Vec<u8> {
    let word = b"it broke\0\x1b[31m\r\n\xff\xfe";
    word.repeat(bytes / word.len() + 1)
}

fn borrowed(bytes: &[u8]) -> Str {
    Str { ptr: bytes.as_ptr(), len: bytes.len() }
}

fn describe_at_length(err: *mut Err) {
    let Some(error_set) = host().and_then(|host| host.error_set) else { return };
    let text = noise(10 << 20);
    let desc = ErrorDesc {
        struct_size: size_of::<ErrorDesc>() as u32,
        flags: u32::MAX,
        code: Status(-6),
        vendor_code: i32::MIN,
        retry_after_ms: i64::MIN,
        message: borrowed(&text),
        hint: borrowed(&text),
        stream: borrowed(&text),
    };
    // SAFETY: dstream.h, "error_set": err is the sink of the call that runs, or null; everything is copied.
    unsafe { error_set(err, &desc) };
}

/// Logs `records` records that nobody wants to read.
pub(crate) fn log_noise(ctx: *const Ctx, records: i64) {
    let Some(log) = host().and_then(|host| host.log) else { return };
    let text = noise(4096);
    let fields = [Kv { key: borrowed(&text[..40]), value: borrowed(&text) }; 1000];
    let record = LogRecord {
        struct_size: size_of::<LogRecord>() as u32,
        level: LogLevel::Warn as u32,
        target: borrowed(&text[..40]),
        message: borrowed(&text),
        spans: Str::NONE,
        fields: fields.as_ptr(),
        n_fields: fields.len(),
    };
    for _ in 0..records {
        // SAFETY: dstream.h, "log": ctx is that of the object of this call; everything is copied.
        unsafe { log(ctx, &record) };
    }
}
