//! The small frozen structs: borrowed text, owned text, status.

use std::ffi::c_void;

/// `ds_str`: borrowed UTF-8 text.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct Str {
    /// First byte; may be null where `len` is 0.
    pub ptr: *const u8,
    /// Length in bytes.
    pub len: usize,
}

impl Str {
    /// No text at all: where a document is optional, there is none.
    pub const NONE: Str = Str { ptr: std::ptr::null(), len: 0 };

    /// Borrows `text`; the result must not outlive it.
    pub const fn new(text: &str) -> Str {
        Str { ptr: text.as_ptr(), len: text.len() }
    }

    /// The bytes, or `None` where the pointer is null or the length is none that memory can have.
    ///
    /// # Safety
    /// `ptr` is null or points to `len` readable bytes that stay valid for `'a`.
    pub unsafe fn bytes<'a>(self) -> Option<&'a [u8]> {
        if self.ptr.is_null() || isize::try_from(self.len).is_err() {
            return None;
        }
        // SAFETY: the caller's promise.
        Some(unsafe { std::slice::from_raw_parts(self.ptr, self.len) })
    }
}

/// `ds_kv`: a key with its value.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct Kv {
    /// Key.
    pub key: Str,
    /// Value.
    pub value: Str,
}

/// `ds_buf`: owned text with the callback that frees it.
#[repr(C)]
#[derive(Debug)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct Buf {
    /// First byte.
    pub ptr: *const u8,
    /// Length in bytes.
    pub len: usize,
    /// Frees it and sets itself to null; null: nothing in it.
    pub release: Option<unsafe extern "C" fn(*mut Buf)>,
    /// The maker's.
    pub private_data: *mut c_void,
}

impl Buf {
    /// An empty buffer.
    pub const EMPTY: Buf =
        Buf { ptr: std::ptr::null(), len: 0, release: None, private_data: std::ptr::null_mut() };

    /// Hands `text` over: whoever holds the buffer releases it.
    pub fn from_string(text: String) -> Buf {
        let text = Box::new(text);
        Buf {
            ptr: text.as_ptr(),
            len: text.len(),
            release: Some(release_string),
            private_data: Box::into_raw(text).cast(),
        }
    }
}

impl Drop for Buf {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: dstream.h, "ds_buf": the receiver calls release once; the callback sets it to null.
            unsafe { release(self) };
        }
    }
}

unsafe extern "C" fn release_string(buf: *mut Buf) {
    // SAFETY: dstream.h, "ds_buf": called once with the buffer that from_string made.
    let buf = unsafe { &mut *buf };
    buf.release = None;
    // SAFETY: private_data came from Box::into_raw in from_string and is taken once.
    drop(unsafe { Box::from_raw(buf.private_data.cast::<String>()) });
}

/// `ds_status`: 0 ok, above 0 another outcome, below 0 an error.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "layout", derive(abi_stable::StableAbi))]
pub struct Status(pub i32);

impl Status {
    /// `DS_OK`.
    pub const OK: Status = Status(0);
    /// `DS_PENDING`.
    pub const PENDING: Status = Status(1);
    /// `DS_END`.
    pub const END: Status = Status(2);
    /// `DS_E_BUG`.
    pub const BUG: Status = Status(-1);
}
