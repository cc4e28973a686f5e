//! Mirror of `include/dstream.h`, `#[repr(C)]` only. `tests/layout.rs` compares every size and offset with the header.

mod arrow_structs;
mod host;
#[cfg(feature = "layout")]
pub mod layout;
mod small;
mod tap;
mod target;

pub use arrow_structs::{RawArray, RawSchema};
pub use host::{Ctx, ERR_ROW_DATA, Err, ErrorDesc, HostV1, LogRecord};
pub use small::{Buf, Kv, Status, Str};
pub use tap::{RawMessage, ReaderObject, TapObject, TapV1, msg};
pub use target::{TargetObject, TargetV1, WriterObject};

use std::ffi::c_void;

/// Arrow's `struct ArrowArray`, as arrow-rs mirrors it.
pub type ArrowArray = arrow::ffi::FFI_ArrowArray;
/// Arrow's `struct ArrowSchema`, as arrow-rs mirrors it.
pub type ArrowSchema = arrow::ffi::FFI_ArrowSchema;

/// `ds_connector_v1`: one connector of a library, in the roles it has.
#[repr(C)]
#[derive(Debug)]
pub struct ConnectorV1 {
    /// Size of the struct as its maker knows it, in bytes.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The word in the user's config.
    pub type_name: Str,
    /// Null: not a tap.
    pub tap: *const TapV1,
    /// Null: not a target.
    pub target: *const TargetV1,
}

/// `ds_plugin_v1`: the root of a library.
#[repr(C)]
#[derive(Debug)]
pub struct PluginV1 {
    /// Size of the struct as its maker knows it, in bytes.
    pub struct_size: u32,
    /// The minor version the library was built against.
    pub abi_minor: u32,
    /// The draft the library was built against.
    pub abi_draft: u32,
    /// Zero.
    pub reserved: u32,
    /// Byte for byte what stands in the section of the file.
    pub manifest_json: Str,
    /// The connectors.
    pub connectors: *const *const ConnectorV1,
    /// Their number.
    pub n_connectors: usize,
    /// Stops every thread that the library started.
    pub shutdown: Option<unsafe extern "C" fn(i64) -> Status>,
    /// Optional families, by id.
    pub get_extension: Option<unsafe extern "C" fn(*const Str) -> *const c_void>,
}

// SAFETY: both are immutable descriptions with static lifetime (dstream.h, "root"); every pointer in them is to such.
unsafe impl Sync for ConnectorV1 {}
// SAFETY: as above.
unsafe impl Sync for PluginV1 {}

/// The exported function `dstream_plugin_v1`.
pub type EntryV1 = unsafe extern "C" fn(*const HostV1, *mut *const PluginV1, *mut Err) -> Status;
/// The name of the exported function, with its NUL.
pub const ENTRY_V1: &std::ffi::CStr = c"dstream_plugin_v1";

/// Length of the section that holds `json`.
#[doc(hidden)]
pub const fn manifest_len(json: &str) -> usize {
    crate::manifest::HEADER_BYTES + json.len()
}
