//! One column of a chunk.

use super::Dialect;
use super::split::Field;
use crate::columns::Column;

/// The fields of one column, one after the other.
pub(crate) struct Cells<'a> {
    pub(super) bytes: &'a [u8],
    /// From the first of the column on.
    pub(super) fields: &'a [Field],
    /// The next field of the column is so many further on.
    pub(super) stride: usize,
    pub(super) nulls: &'a Nulls,
    pub(super) dialect: &'a Dialect,
}

impl<'a> Cells<'a> {
    pub(crate) fn len(&self) -> usize {
        self.fields.len().div_ceil(self.stride)
    }

    /// Hands every value to `column`; an error is the index of the cell that does not fit.
    #[inline]
    pub(crate) fn feed(&self, column: &mut impl Column) -> Result<(), usize> {
        let mut unescaped = Vec::new();
        for (row, field) in self.fields.iter().step_by(self.stride).enumerate() {
            let text = field.text(self.bytes);
            let fits = if !field.is_quoted() && self.nulls.has(text) {
                column.push_null();
                true
            } else if field.is_escaped() {
                unescaped.clear();
                self.dialect.unescape(text, &mut unescaped);
                column.push(&unescaped)
            } else {
                column.push(text)
            };
            if !fits {
                return Err(row);
            }
        }
        Ok(())
    }

    /// The index of the first null.
    pub(super) fn find_null(&self) -> Option<usize> {
        let is_null = |field: &Field| !field.is_quoted() && self.nulls.has(field.text(self.bytes));
        self.fields.iter().step_by(self.stride).position(is_null)
    }
}

/// The texts that mean null.
#[derive(Debug)]
pub(crate) struct Nulls {
    texts: Vec<Box<[u8]>>,
    empty: bool,
    /// A bit for each length; the last one is for all longer texts.
    lengths: u64,
}

impl Nulls {
    pub(crate) fn new(texts: &[String]) -> Nulls {
        let mut nulls = Nulls { texts: Vec::new(), empty: false, lengths: 0 };
        for text in texts {
            nulls.empty |= text.is_empty();
            nulls.lengths |= 1 << text.len().min(63);
            nulls.texts.push(text.as_bytes().into());
        }
        nulls
    }

    #[inline]
    pub(crate) fn has(&self, text: &[u8]) -> bool {
        if text.is_empty() {
            return self.empty;
        }
        self.lengths & (1 << text.len().min(63)) != 0 && self.texts.iter().any(|null| **null == *text)
    }
}
