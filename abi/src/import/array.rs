//! The gate for arrays: counts, pointers, lengths and sizes on the raw structs, before arrow-rs sees them; then, where
//! asked for, every value.
//!
//! arrow-rs alone accepts seven of the cases in `tests/faulty` and reads past the end of a buffer: the C Data Interface
//! has no sizes. Ours has.

use arrow::array::Array;
use arrow::array::StructArray;
use arrow::datatypes::{DataType, SchemaRef};
use std::ffi::c_void;

use super::shape::{Layout, Shape};
use crate::raw::{ArrowArray, RawArray};
use crate::{Error, Result, panics};

/// The sizes of the buffers that are not looked at yet.
struct Sizes<'a>(std::slice::Iter<'a, i64>);

impl Sizes<'_> {
    fn next(&mut self) -> Result<u64> {
        let size = self
            .0
            .next()
            .ok_or_else(|| Error::data("buffer_bytes has fewer entries than the batch has buffers"))?;
        u64::try_from(*size).map_err(|_| Error::data(format!("buffer_bytes holds {size}")))
    }
}

/// Looks at a batch per column. Returns the bytes in its buffers.
pub(crate) fn check_structure(array: &ArrowArray, shape: &Shape, sizes: &[i64]) -> Result<u64> {
    let mut left = Sizes(sizes.iter());
    // SAFETY: RawArray mirrors ArrowArray (asserted in raw/arrow_structs.rs); the struct is borrowed from a value.
    let raw = unsafe { &*std::ptr::from_ref(array).cast::<RawArray>() };
    check(raw, shape, &mut left, 0)?;
    if left.0.next().is_some() {
        return Err(Error::data("buffer_bytes has more entries than the batch has buffers"));
    }
    sizes
        .iter()
        .try_fold(0u64, |sum, size| sum.checked_add(*size as u64))
        .ok_or_else(|| Error::data("the sizes in buffer_bytes overflow"))
}

/// A refusal: the column, and what is wrong with it.
#[cold]
fn refuse(shape: &Shape, what: impl std::fmt::Display) -> Error {
    match shape.name.is_empty() {
        true => malformed(what),
        false => malformed(format_args!("column `{}`: {what}", shape.name)),
    }
}

/// The error for a batch that no tap may hand out.
#[cold]
pub(super) fn malformed(what: impl std::fmt::Display) -> Error {
    Error::data(format!("a batch is malformed: {what}"))
        .hint("this is a defect of the plugin: report it to its maker")
}

/// `at_least`: slots that the parent needs.
fn check(array: &RawArray, shape: &Shape, sizes: &mut Sizes<'_>, at_least: u64) -> Result<()> {
    if array.release.is_none() {
        return Err(refuse(shape, "the array is released already"));
    }
    let (Ok(length), Ok(offset)) = (u64::try_from(array.length), u64::try_from(array.offset)) else {
        return Err(refuse(shape, format!("length {} at offset {}", array.length, array.offset)));
    };
    // Far below what would overflow in the sums and products that follow.
    let slots = length.checked_add(offset).filter(|slots| *slots < 1 << 48);
    let Some(slots) = slots else {
        return Err(refuse(shape, format!("length {length} at offset {offset}")));
    };
    if slots < at_least {
        return Err(refuse(shape, format!("{slots} slots where its parent needs {at_least}")));
    }
    if array.null_count < -1 || array.null_count > array.length {
        return Err(refuse(shape, format!("{} nulls in {length} slots", array.null_count)));
    }
    if usize::try_from(array.n_children) != Ok(shape.children.len()) {
        return Err(refuse(
            shape,
            format!("{} children instead of {}", array.n_children, shape.children.len()),
        ));
    }
    if array.n_children > 0 && array.children.is_null() {
        return Err(refuse(shape, "no pointer to its children"));
    }
    if array.dictionary.is_null() == shape.dictionary.is_some() {
        return Err(refuse(shape, "a dictionary where none is declared, or none where one is"));
    }
    check_buffers(array, shape, sizes, slots)?;
    for (at, child_shape) in shape.children.iter().enumerate() {
        let child = child(array, at).ok_or_else(|| refuse(shape, "a null child"))?;
        let needed = match shape.layout {
            Layout::Struct | Layout::SparseUnion => slots,
            Layout::FixedList(width) => {
                slots.checked_mul(width as u64).ok_or_else(|| refuse(shape, "its lists overflow"))?
            }
            Layout::List(width) => last_offset(array, slots, width).unwrap_or(0),
            _ => 0,
        };
        check(child, child_shape, sizes, needed)?;
    }
    if shape.layout == Layout::RunEnds {
        check_runs(array, shape, slots)?;
    }
    if let Some(values) = &shape.dictionary {
        // SAFETY: the C Data Interface: a dictionary lives as long as its array; null was looked at.
        check(unsafe { &*array.dictionary }, values, sizes, 0)?;
    }
    Ok(())
}

fn child(array: &RawArray, at: usize) -> Option<&RawArray> {
    // SAFETY: the C Data Interface: children points to n_children pointers; the count was compared with the schema's.
    let child = unsafe { array.children.add(at).read() };
    // SAFETY: the C Data Interface: each is an array that lives as long as its parent.
    unsafe { child.as_ref() }
}

fn buffer(array: &RawArray, at: usize) -> *const c_void {
    // SAFETY: the C Data Interface: buffers points to n_buffers pointers; the count was compared with the type's.
    unsafe { array.buffers.add(at).read_unaligned() }
}

fn check_buffers(array: &RawArray, shape: &Shape, sizes: &mut Sizes<'_>, slots: u64) -> Result<()> {
    let expected = shape.layout.buffers();
    let actual = usize::try_from(array.n_buffers).unwrap_or(usize::MAX);
    // Views have any number of buffers to point into; a batch with a million of them is a mistake.
    let fits = match shape.layout {
        Layout::Views => (expected..1 << 20).contains(&actual),
        _ => actual == expected,
    };
    if !fits {
        return Err(refuse(shape, format!("{} buffers instead of {expected}", array.n_buffers)));
    }
    if actual > 0 && array.buffers.is_null() {
        return Err(refuse(shape, "no pointer to its buffers"));
    }
    let mut at = 0;
    // The next buffer holds at least `needed` bytes.
    let mut take = |needed: u64| -> Result<(*const c_void, u64)> {
        let (pointer, size) = (buffer(array, at), sizes.next()?);
        if size < needed {
            return Err(refuse(shape, format!("buffer {at} has {size} bytes, {needed} are needed")));
        }
        if pointer.is_null() && size > 0 {
            return Err(refuse(shape, format!("buffer {at} is null and claims {size} bytes")));
        }
        at += 1;
        Ok((pointer, size))
    };
    if shape.layout.has_validity() {
        let (validity, size) = take(0)?;
        if validity.is_null() {
            if array.null_count > 0 {
                return Err(refuse(
                    shape,
                    format!("{} nulls and no buffer that marks them", array.null_count),
                ));
            }
        } else if size < slots.div_ceil(8) {
            return Err(refuse(shape, format!("the nulls of {slots} slots are marked in {size} bytes")));
        } else if !shape.nullable && array.null_count != 0 && count_nulls(array, validity) > 0 {
            return Err(refuse(shape, "a null where none is declared"));
        }
    }
    match shape.layout {
        Layout::Null | Layout::Struct | Layout::FixedList(_) | Layout::RunEnds => {}
        Layout::Fixed(width) => {
            let needed =
                slots.checked_mul(width as u64).ok_or_else(|| refuse(shape, "its values overflow"))?;
            take(needed)?;
        }
        Layout::Bits => {
            take(slots.div_ceil(8))?;
        }
        Layout::List(width) => {
            take((slots + 1) * width as u64)?;
            check_offsets(array, shape, slots, width)?;
        }
        Layout::Bytes(width) => {
            take((slots + 1) * width as u64)?;
            let last = check_offsets(array, shape, slots, width)?;
            take(last)?;
        }
        Layout::ListView(width) => {
            take(slots * width as u64)?;
            take(slots * width as u64)?;
        }
        Layout::SparseUnion => {
            take(slots)?;
        }
        Layout::DenseUnion => {
            take(slots)?;
            take(slots * 4)?;
        }
        Layout::Views => {
            take(slots * 16)?;
            let pointed_into = actual - expected;
            // buffers at most 2^20: on the stack would be too many, and views are rarely split into more than a few
            let mut real = Vec::with_capacity(pointed_into);
            for _ in 0..pointed_into {
                real.push(take(0)?.1);
            }
            let (lengths, _) = take(pointed_into as u64 * 8)?;
            for (at, real) in real.into_iter().enumerate() {
                // SAFETY: the buffer has 8 bytes for each (just compared with its size).
                let claimed = unsafe { lengths.cast::<i64>().add(at).read_unaligned() };
                if u64::try_from(claimed).map_or(true, |claimed| claimed > real) {
                    return Err(refuse(shape, format!("a buffer of {real} bytes claims {claimed}")));
                }
            }
        }
    }
    Ok(())
}

/// The last offset of a list or of bytes: `None` where it is negative.
fn last_offset(array: &RawArray, slots: u64, width: usize) -> Option<u64> {
    u64::try_from(offset_at(array, slots, width)).ok()
}

fn offset_at(array: &RawArray, at: u64, width: usize) -> i64 {
    let offsets = buffer(array, 1);
    match width {
        // SAFETY: the buffer holds slots + 1 offsets of 4 bytes (check_buffers).
        4 => i64::from(unsafe { offsets.cast::<i32>().add(at as usize).read_unaligned() }),
        // SAFETY: the buffer holds slots + 1 offsets of 8 bytes (check_buffers).
        _ => unsafe { offsets.cast::<i64>().add(at as usize).read_unaligned() },
    }
}

/// The first and the last offset; those between are values, looked at by `check_values`.
fn check_offsets(array: &RawArray, shape: &Shape, slots: u64, width: usize) -> Result<u64> {
    let first = offset_at(array, array.offset as u64, width);
    let last = offset_at(array, slots, width);
    match u64::try_from(last) {
        Ok(end) if (0..=last).contains(&first) => Ok(end),
        _ => Err(refuse(shape, format!("offsets from {first} to {last}"))),
    }
}

fn check_runs(array: &RawArray, shape: &Shape, slots: u64) -> Result<()> {
    let (Some(ends), Some(values)) = (child(array, 0), child(array, 1)) else {
        return Err(refuse(shape, "a null child"));
    };
    if ends.length != values.length || ends.null_count > 0 {
        return Err(refuse(shape, format!("{} runs and {} values", ends.length, values.length)));
    }
    let last = match (ends.length, &shape.children[0].layout) {
        (0, _) => 0,
        (runs, Layout::Fixed(width)) => {
            let (data, at) = (buffer(ends, 1), (ends.offset + runs - 1) as usize);
            match width {
                // SAFETY: the child passed check: its buffer holds offset + length values of 2 bytes.
                2 => i64::from(unsafe { data.cast::<i16>().add(at).read_unaligned() }),
                // SAFETY: as above, of 4 bytes.
                4 => i64::from(unsafe { data.cast::<i32>().add(at).read_unaligned() }),
                // SAFETY: as above, of 8 bytes.
                _ => unsafe { data.cast::<i64>().add(at).read_unaligned() },
            }
        }
        _ => return Err(refuse(shape, "run ends that are no integers")),
    };
    match u64::try_from(last) {
        Ok(last) if last >= slots => Ok(()),
        _ => Err(refuse(shape, format!("runs end at {last} of {slots} slots"))),
    }
}

fn count_nulls(array: &RawArray, validity: *const c_void) -> u64 {
    let bytes = ((array.offset + array.length) as usize).div_ceil(8);
    // SAFETY: the buffer holds a bit for every slot (check_buffers).
    let bits = unsafe { std::slice::from_raw_parts(validity.cast::<u8>(), bytes) };
    let is_null = |slot: usize| bits[slot / 8] >> (slot % 8) & 1 == 0;
    (array.offset as usize..(array.offset + array.length) as usize).filter(|slot| is_null(*slot)).count()
        as u64
}

/// Looks at every value of a batch that passed `check_structure`. The null counts that its maker gave are dropped, so
/// that everyone after counts the bits.
pub(crate) fn check_values(array: &mut ArrowArray, schema: &SchemaRef) -> Result<()> {
    // No values to look at; arrow-rs takes an empty slice of text for a malformed one.
    if array.is_empty() {
        return Ok(());
    }
    // SAFETY: RawArray mirrors ArrowArray (asserted in raw/arrow_structs.rs); the borrow is exclusive.
    let raw = unsafe { &mut *std::ptr::from_mut(array).cast::<RawArray>() };
    forget_null_counts(raw, true);
    let shadow = RawArray { release: Some(release_shadow), private_data: std::ptr::null_mut(), ..*raw };
    // SAFETY: RawArray mirrors ArrowArray. The shadow owns nothing: its release does nothing, and it is gone before the
    // array is.
    let shadow = unsafe { std::mem::transmute::<RawArray, ArrowArray>(shadow) };
    let data_type = DataType::Struct(schema.fields().clone());
    let checked = panics::catch(|| {
        // SAFETY: the structure was looked at with the sizes of the buffers (check_structure).
        let data = unsafe { arrow::ffi::from_ffi_and_data_type(shadow, data_type) }?;
        data.validate_full()?;
        let records = StructArray::from(data);
        // Declared without nulls, counted for real.
        for (field, column) in schema.fields().iter().zip(records.columns()) {
            if !field.is_nullable() && column.logical_null_count() > 0 {
                let what = format!("column `{}` has a null where none is declared", field.name());
                return Err(arrow::error::ArrowError::InvalidArgumentError(what));
            }
        }
        Ok(())
    });
    match checked {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(malformed(error)),
        Err(panic) => Err(malformed(panic)),
    }
}

unsafe extern "C" fn release_shadow(array: *mut RawArray) {
    // SAFETY: called once with the shadow; there is nothing to free.
    unsafe { (*array).release = None };
}

fn forget_null_counts(array: &mut RawArray, is_top: bool) {
    // A top struct has none; its count is known to be zero or was counted.
    if !is_top && array.n_buffers > 0 && !buffer(array, 0).is_null() && array.null_count >= 0 {
        array.null_count = -1;
    }
    for at in 0..array.n_children as usize {
        // SAFETY: the C Data Interface: the consumer owns the children with their parent; pointers were looked at.
        let child = unsafe { &mut *array.children.add(at).read() };
        forget_null_counts(child, false);
    }
    // SAFETY: as for the children.
    if let Some(dictionary) = unsafe { array.dictionary.as_mut() } {
        forget_null_counts(dictionary, false);
    }
}
