//! The tap's table and its message.

use super::{ArrowArray, ArrowSchema, Buf, Ctx, Err, Status, Str};

/// `ds_tap`: one opened tap.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct TapObject {
    _opaque: [u8; 0],
}

/// `ds_reader`: one partition being read.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct ReaderObject {
    _opaque: [u8; 0],
}

/// The kinds and flags of a message.
pub mod msg {
    /// `DS_MSG_SCHEMA`.
    pub const SCHEMA: u32 = 1;
    /// `DS_MSG_BATCH`.
    pub const BATCH: u32 = 2;
    /// `DS_MSG_CHECKPOINT`.
    pub const CHECKPOINT: u32 = 3;
    /// `DS_MSG_STREAM_END`.
    pub const STREAM_END: u32 = 4;
    /// `DS_MSG_IGNORABLE`: a host that does not know the kind may skip the message.
    pub const IGNORABLE: u32 = 1;
}

/// `ds_message`.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct RawMessage {
    /// Size of the struct, in bytes.
    pub struct_size: u32,
    /// One of [`msg`].
    pub kind: u32,
    /// Flags of [`msg`].
    pub flags: u32,
    /// Index into the streams of the partition.
    pub stream: u32,
    /// From 1, rises by one with every schema of the stream.
    pub schema_version: u32,
    /// Zero.
    pub reserved: u32,
    /// Bytes read from the source for this batch.
    pub source_bytes: u64,
    /// The records of a batch.
    #[cfg_attr(feature = "layout", sabi(unsafe_opaque_field))]
    pub array: ArrowArray,
    /// The shape of the batches that follow.
    #[cfg_attr(feature = "layout", sabi(unsafe_opaque_field))]
    pub schema: ArrowSchema,
    /// A JSON value.
    pub bookmark: Buf,
    /// Byte length of every buffer of `array`.
    pub buffer_bytes: *const i64,
    /// Their number.
    pub n_buffer_bytes: usize,
}

/// `ds_tap_v1`.
#[repr(C)]
#[derive(Debug)]
#[allow(clippy::type_complexity)] // the signatures stand as in the header
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
#[cfg_attr(feature = "layout", sabi(kind(Prefix(prefix_ref = TapV1Layout, prefix_fields = TapV1Prefix))))]
#[cfg_attr(feature = "layout", sabi(missing_field(panic)))]
pub struct TapV1 {
    /// Size of the struct, in bytes.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Reads the config.
    pub open: Option<unsafe extern "C" fn(*const Ctx, *const Str, *mut *mut TapObject, *mut Err) -> Status>,
    /// Reaches the source.
    pub check: Option<unsafe extern "C" fn(*const TapObject, *mut Err) -> Status>,
    /// What can be read.
    pub discover: Option<unsafe extern "C" fn(*const TapObject, *mut Buf, *mut Err) -> Status>,
    /// Cuts a selection into partitions.
    pub plan: Option<unsafe extern "C" fn(*const TapObject, *const Str, *mut Buf, *mut Err) -> Status>,
    /// Opens one partition.
    pub open_reader: Option<
        unsafe extern "C" fn(
            *const TapObject,
            *const Ctx,
            *const Str,
            *mut *mut ReaderObject,
            *mut Err,
        ) -> Status,
    >,
    /// The next message.
    pub next: Option<unsafe extern "C" fn(*mut ReaderObject, i64, *mut RawMessage, *mut Err) -> Status>,
    /// Closes a reader.
    pub close_reader: Option<unsafe extern "C" fn(*mut ReaderObject)>,
    /// Closes the tap.
    #[cfg_attr(feature = "layout", sabi(last_prefix_field))]
    pub close: Option<unsafe extern "C" fn(*mut TapObject)>,
}
