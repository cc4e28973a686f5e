//! What the host offers: errors, logs, cancellation.

use super::{Kv, Status, Str};

/// `ds_err`: the host's sink for the error of one call.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct Err {
    _opaque: [u8; 0],
}

/// `ds_ctx`: run, cancel flag and log span of one object.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct Ctx {
    _opaque: [u8; 0],
}

/// `DS_ERR_HAS_ROW_DATA`: the message quotes values of a record.
pub const ERR_ROW_DATA: u32 = 1;

/// `ds_error_desc`.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct ErrorDesc {
    /// Size of the struct, in bytes.
    pub struct_size: u32,
    /// `DS_ERR_*`.
    pub flags: u32,
    /// One of `DS_E_*`.
    pub code: Status,
    /// The code of the system behind the plugin; 0: none.
    pub vendor_code: i32,
    /// When to try again; -1: not said.
    pub retry_after_ms: i64,
    /// What was wanted, what was found.
    pub message: Str,
    /// What to do next.
    pub hint: Str,
    /// The stream it is about.
    pub stream: Str,
}

/// `ds_log_record`.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct LogRecord {
    /// Size of the struct, in bytes.
    pub struct_size: u32,
    /// One of `DS_LOG_*`.
    pub level: u32,
    /// The module that speaks.
    pub target: Str,
    /// The message.
    pub message: Str,
    /// The spans around it, outermost first.
    pub spans: Str,
    /// Fields of the event.
    pub fields: *const Kv,
    /// Their number.
    pub n_fields: usize,
}

/// `ds_host_v1`.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
#[cfg_attr(feature = "layout", sabi(kind(Prefix(prefix_ref = HostV1Layout, prefix_fields = HostV1Prefix))))]
#[cfg_attr(feature = "layout", sabi(missing_field(panic)))]
pub struct HostV1 {
    /// Size of the struct, in bytes.
    pub struct_size: u32,
    /// The minor version of the host.
    pub abi_minor: u32,
    /// Describes the error of a call.
    pub error_set: Option<unsafe extern "C" fn(*mut Err, *const ErrorDesc)>,
    /// The most verbose level that anybody listens to.
    pub log_level: Option<unsafe extern "C" fn() -> u32>,
    /// Hands one record to the host's log.
    pub log: Option<unsafe extern "C" fn(*const Ctx, *const LogRecord)>,
    /// 1 once the run is to stop.
    #[cfg_attr(feature = "layout", sabi(last_prefix_field))]
    pub is_cancelled: Option<unsafe extern "C" fn(*const Ctx) -> i32>,
}
