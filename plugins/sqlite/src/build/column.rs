//! One column being built: takes cells of SQLite, or pieces of JSON where it is part of a nested one.

use arrow::array::NullBufferBuilder;
use arrow::datatypes::{DataType, Field};
use dstream_sdk::{Result, Why};
use rusqlite::types::ValueRef;

use super::values::Values;
use crate::json_text::Scanner;

/// Why a value was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is none of the column's type.
    Value(Why),
    /// The batch has no room for it: dictionaries and runs have few keys. It fits into the next one.
    Full,
}

impl From<Why> for Refused {
    fn from(why: Why) -> Refused {
        Refused::Value(why)
    }
}

/// A value that SQLite keeps as another class than the type asks for.
pub(super) const CLASS: Refused = Refused::Value("");
/// A number that the type has no room for.
pub(super) const RANGE: Refused = Refused::Value("a number outside of the range of the type");

/// How a column of text takes what is no text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TextForm {
    /// Not at all.
    #[default]
    Strict,
    /// Numbers as their digits.
    Any,
    /// It must be JSON; SQLite may have made a number of it.
    Json,
}

/// One column being built. A value that is refused may leave a part of itself behind, which no row shows.
pub(crate) struct Column {
    pub(super) field: Field,
    pub(super) nulls: NullBufferBuilder,
    pub(super) values: Values,
    /// Bytes of a value, besides those that SQLite stores of it.
    width: u64,
}

impl Column {
    /// # Errors
    /// `Unsupported`: a type that cannot be read.
    pub(crate) fn new(field: &Field, form: TextForm) -> Result<Column> {
        Ok(Column {
            field: field.clone(),
            nulls: NullBufferBuilder::new(0),
            values: Values::new(field.data_type(), form)?,
            width: width(field.data_type()),
        })
    }

    /// About as many bytes as the value takes in a batch; rather more than less.
    #[inline]
    pub(crate) fn bytes_of(&self, cell: ValueRef<'_>) -> u64 {
        let stored = match cell {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() as u64,
            _ => return self.width,
        };
        match &self.values {
            // A number of JSON may be as short as one digit.
            Values::Nested(_) => self.width + stored * 8,
            _ => self.width + stored,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Appends a value as SQLite stores it.
    ///
    /// # Errors
    /// As the variants of [`Refused`] say.
    #[inline]
    pub(crate) fn append(&mut self, cell: ValueRef<'_>) -> Result<(), Refused> {
        if let Values::Distinct(distinct) = &mut self.values {
            distinct.append_cell(cell, self.field.is_nullable())?;
        } else if let ValueRef::Null = cell {
            return self.append_null();
        } else {
            self.values.append_cell(cell)?;
        }
        self.nulls.append_non_null();
        Ok(())
    }

    /// Appends the next value of a JSON text.
    pub(super) fn append_json(&mut self, scan: &mut Scanner<'_>) -> Result<(), Refused> {
        if let Values::Distinct(distinct) = &mut self.values {
            distinct.append_json(scan, self.field.is_nullable())?;
        } else if scan.takes_word("null") {
            return self.append_null();
        } else {
            self.values.append_json(scan)?;
        }
        self.nulls.append_non_null();
        Ok(())
    }

    fn append_null(&mut self) -> Result<(), Refused> {
        if !self.field.is_nullable() {
            return Err(Refused::Value("NULL, which the column does not take"));
        }
        self.append_hidden()
    }

    /// Appends what nobody sees: a null, or anything where the column takes none.
    pub(super) fn append_hidden(&mut self) -> Result<(), Refused> {
        self.values.append_hidden(self.field.is_nullable())?;
        // Unions, runs and the type null have no nulls of their own.
        match self.field.is_nullable() && self.values.has_nulls() {
            true => self.nulls.append_null(),
            false => self.nulls.append_non_null(),
        }
        Ok(())
    }

    /// The first row whose text is not UTF-8.
    pub(crate) fn find_no_text(&self) -> Option<usize> {
        let Values::Text(texts, _) = &self.values else { return None };
        // A batch of plain text is looked at once, and not row by row.
        if texts.data.is_ascii() {
            return None;
        }
        texts.offsets.windows(2).position(|ends| {
            let text = texts.data.get(ends[0] as usize..ends[1] as usize);
            text.is_none_or(|text| std::str::from_utf8(text).is_err())
        })
    }
}

fn width(theirs: &DataType) -> u64 {
    match theirs {
        DataType::Boolean => 1,
        DataType::Utf8 | DataType::Binary => 5,
        DataType::Utf8View | DataType::BinaryView => 17,
        DataType::FixedSizeBinary(_) => 1,
        other => other.primitive_width().unwrap_or(8) as u64 + 1,
    }
}
