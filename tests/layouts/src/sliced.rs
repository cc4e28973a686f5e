//! The same tap, whose columns are cut by `offset` and `length` of the C struct, as libraries in other languages do it:
//! arrow-rs moves pointers where it can.

use dstream_abi::export::tap_table;
use dstream_abi::raw::{Err, RawArray, RawMessage, ReaderObject, Status, TapV1, msg};

use crate::tap::Layouts;

/// What the tap in Rust is, but for `next`.
static WHOLE: TapV1 = tap_table::<Layouts>();

pub(crate) static TABLE: TapV1 = TapV1 { next: Some(next), ..tap_table::<Layouts>() };

unsafe extern "C" fn next(
    reader: *mut ReaderObject,
    timeout_ms: i64,
    out: *mut RawMessage,
    err: *mut Err,
) -> Status {
    let Some(whole) = WHOLE.next else { return Status::BUG };
    // SAFETY: the host's own call, handed on.
    let status = unsafe { whole(reader, timeout_ms, out, err) };
    // SAFETY: dstream.h, "next": out points to one message, which `whole` has filled.
    let message = unsafe { &mut *out };
    if status == Status::OK && message.kind == msg::BATCH {
        // SAFETY: RawArray mirrors ArrowArray (asserted where it is defined).
        let batch = unsafe { &mut *std::ptr::from_mut(&mut message.array).cast::<RawArray>() };
        for at in 0..batch.n_children as usize {
            // SAFETY: the C Data Interface: children points to n_children pointers.
            let column = unsafe { batch.children.add(at).read() };
            // SAFETY: the C Data Interface: each is an array of its own, and this library made it.
            let column = unsafe { &mut *column };
            column.offset += CUT;
            column.length -= 2 * CUT;
            // Of what is left nobody has counted the nulls.
            let has_nulls = column.null_count > 0 && column.n_buffers > 0;
            column.null_count = if has_nulls { -1 } else { column.null_count.min(column.length) };
        }
        batch.length -= 2 * CUT;
    }
    status
}

/// Records that are cut off at both ends.
const CUT: i64 = 3;
