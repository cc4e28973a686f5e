//! The target's table.

use super::{Buf, Ctx, Err, RawArray, RawSchema, Status, Str};

/// `ds_target`: one opened target.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct TargetObject {
    _opaque: [u8; 0],
}

/// `ds_writer`: one partition being written.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct WriterObject {
    _opaque: [u8; 0],
}

/// `ds_target_v1`.
#[repr(C)]
#[derive(Debug)]
#[allow(clippy::type_complexity)] // the signatures stand as in the header
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
#[cfg_attr(feature = "layout", sabi(kind(Prefix(prefix_ref = TargetV1Layout, prefix_fields = TargetV1Prefix))))]
#[cfg_attr(feature = "layout", sabi(missing_field(panic)))]
pub struct TargetV1 {
    /// Size of the struct, in bytes.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Reads the config.
    pub open:
        Option<unsafe extern "C" fn(*const Ctx, *const Str, *mut *mut TargetObject, *mut Err) -> Status>,
    /// Reaches the destination.
    pub check: Option<unsafe extern "C" fn(*const TargetObject, *mut Err) -> Status>,
    /// Fences older runs and says what is durable.
    pub begin: Option<unsafe extern "C" fn(*const TargetObject, *const Str, *mut Buf, *mut Err) -> Status>,
    /// Opens a writer for one partition.
    pub open_writer: Option<
        unsafe extern "C" fn(
            *const TargetObject,
            *const Ctx,
            *const Str,
            *mut *mut WriterObject,
            *mut Err,
        ) -> Status,
    >,
    /// The shape of the batches that follow.
    pub declare:
        Option<unsafe extern "C" fn(*mut WriterObject, u32, u32, *const RawSchema, *mut Err) -> Status>,
    /// Takes one batch.
    pub write: Option<unsafe extern "C" fn(*mut WriterObject, u32, u32, *mut RawArray, *mut Err) -> Status>,
    /// Makes what was written ready for commit.
    pub prepare: Option<unsafe extern "C" fn(*mut WriterObject, u64, *mut Buf, *mut Err) -> Status>,
    /// Makes windows and records visible together.
    pub commit: Option<unsafe extern "C" fn(*const TargetObject, *const Str, *mut Err) -> Status>,
    /// Closes a writer.
    pub close_writer: Option<unsafe extern "C" fn(*mut WriterObject)>,
    /// Closes the target.
    #[cfg_attr(feature = "layout", sabi(last_prefix_field))]
    pub close: Option<unsafe extern "C" fn(*mut TargetObject)>,
}
