//! Arrow's C structs with their fields in the open, for the checks that come before arrow-rs sees them.

use std::ffi::{c_char, c_void};

/// `struct ArrowSchema`.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs)] // the names are those of the C Data Interface
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct RawSchema {
    pub format: *const c_char,
    pub name: *const c_char,
    pub metadata: *const c_char,
    pub flags: i64,
    pub n_children: i64,
    pub children: *mut *mut RawSchema,
    pub dictionary: *mut RawSchema,
    pub release: Option<unsafe extern "C" fn(*mut RawSchema)>,
    pub private_data: *mut c_void,
}

/// `struct ArrowArray`.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs)] // the names are those of the C Data Interface
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct RawArray {
    pub length: i64,
    pub null_count: i64,
    pub offset: i64,
    pub n_buffers: i64,
    pub n_children: i64,
    pub buffers: *mut *const c_void,
    pub children: *mut *mut RawArray,
    pub dictionary: *mut RawArray,
    pub release: Option<unsafe extern "C" fn(*mut RawArray)>,
    pub private_data: *mut c_void,
}

const _: () = assert!(size_of::<RawArray>() == size_of::<super::ArrowArray>());
const _: () = assert!(size_of::<RawSchema>() == size_of::<super::ArrowSchema>());
