//! Arrays and composites: values within a value.

use super::column::{Column, list_end};
use crate::numeric::Why;

/// What comes before the elements of an array.
pub(super) struct ArrayHead<'a> {
    dimensions: [usize; 6],
    n_dimensions: usize,
    pub(super) elements: usize,
    rest: &'a [u8],
}

impl<'a> ArrayHead<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<ArrayHead<'a>, Why> {
        const BROKEN: Why = "an array that is not whole";
        let (head, mut rest) = bytes.split_first_chunk::<12>().ok_or(BROKEN)?;
        let n_dimensions = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let mut found =
            ArrayHead { dimensions: [0; 6], n_dimensions, elements: usize::from(n_dimensions > 0), rest };
        // The server has six at most.
        for dimension in found.dimensions.get_mut(..n_dimensions).ok_or(BROKEN)? {
            let (head, after) = rest.split_first_chunk::<8>().ok_or(BROKEN)?;
            rest = after;
            *dimension = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
            if head[4..] != 1i32.to_be_bytes() {
                return Err("an array that does not begin at 1, which a list cannot say");
            }
            found.elements = found.elements.checked_mul(*dimension).ok_or(BROKEN)?;
        }
        // Every element has four bytes at least: a number that lies makes no loop.
        if found.elements > rest.len() / 4 {
            return Err(BROKEN);
        }
        found.rest = rest;
        Ok(found)
    }

    pub(super) fn lengths(&self) -> &[usize] {
        &self.dimensions[..self.n_dimensions]
    }

    pub(super) fn push_next(&mut self, items: &mut Column) -> Result<(), Why> {
        self.rest = push_item(self.rest, items)?;
        Ok(())
    }

    pub(super) fn end(&self) -> Result<(), Why> {
        match self.rest {
            [] => Ok(()),
            _ => Err("an array with more than its elements"),
        }
    }
}

/// A value with its length before it; answers what comes after it.
fn push_item<'a>(bytes: &'a [u8], into: &mut Column) -> Result<&'a [u8], Why> {
    const BROKEN: Why = "a value that is not whole";
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(BROKEN)?;
    let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
        into.push_null();
        return Ok(rest);
    };
    let (value, rest) = rest.split_at_checked(length).ok_or(BROKEN)?;
    into.push(value)?;
    Ok(rest)
}

pub(super) fn push_lists(bytes: &[u8], levels: &mut [Vec<i32>], items: &mut Column) -> Result<(), Why> {
    let mut array = ArrayHead::read(bytes)?;
    let lengths = array.dimensions;
    if array.n_dimensions != 0 && array.n_dimensions != levels.len() {
        return Err("an array of other dimensions than its column was declared with");
    }
    // How many lists there are on a level is the product of the lengths before it.
    let mut lists = 1;
    for (level, ends) in levels.iter_mut().enumerate() {
        for _ in 0..lists {
            let end = ends.last().copied().unwrap_or(0);
            ends.push(
                end.checked_add(list_end(lengths[level])?).ok_or("more than 2^31 elements in one batch")?,
            );
        }
        lists *= lengths[level];
    }
    for _ in 0..array.elements {
        array.push_next(items)?;
    }
    array.end()
}

pub(super) fn push_parts(bytes: &[u8], parts: &mut [Column]) -> Result<(), Why> {
    const BROKEN: Why = "a composite that is not whole";
    let (count, mut rest) = bytes.split_first_chunk::<4>().ok_or(BROKEN)?;
    if u32::from_be_bytes(*count) as usize != parts.len() {
        return Err("a composite of other parts than its type had when it was asked");
    }
    for part in parts {
        // The number of the part's type comes before it.
        rest = push_item(rest.get(4..).ok_or(BROKEN)?, part)?;
    }
    match rest {
        [] => Ok(()),
        _ => Err(BROKEN),
    }
}
