//! Dictionaries and runs: a value is kept once, and known again by what SQLite or JSON says of it.

use arrow::datatypes::{DataType, Field};
use dstream_sdk::{Error, Result};
use rusqlite::types::ValueRef;
use std::collections::HashMap;

use super::column::{Column, Refused, TextForm};
use crate::json_text::Scanner;

/// The values of a dictionary or of a run-end encoded column.
pub(super) struct Distinct {
    pub(super) values: Column,
    /// The largest key, or the largest end of a run.
    limit: i64,
    pub(super) known: Known,
    /// The value that is being looked for; kept for its room.
    wanted: Vec<u8>,
}

pub(super) enum Known {
    /// The key of each row, and of each value. No key: null.
    Dictionary { keys: Vec<Option<i64>>, seen: HashMap<Box<[u8]>, i64> },
    /// Where each run ends, and the value of the last one.
    Runs { ends: Vec<i64>, last: Vec<u8> },
}

impl Distinct {
    /// # Errors
    /// `Unsupported`: the values cannot be read.
    pub(super) fn new(theirs: &DataType) -> Result<Distinct> {
        let (field, width, known) = match theirs {
            DataType::Dictionary(keys, values) => {
                let known = Known::Dictionary { keys: Vec::new(), seen: HashMap::new() };
                // A null is a missing key, never a value.
                (Field::new("", values.as_ref().clone(), false), keys.as_ref(), known)
            }
            DataType::RunEndEncoded(ends, values) => {
                let known = Known::Runs { ends: Vec::new(), last: Vec::new() };
                (values.as_ref().clone(), ends.data_type(), known)
            }
            other => return Err(Error::bug(format!("{other} is neither dictionary nor runs"))),
        };
        let limit = match width {
            DataType::Int8 => i8::MAX.into(),
            DataType::UInt8 => u8::MAX.into(),
            DataType::Int16 => i16::MAX.into(),
            DataType::UInt16 => u16::MAX.into(),
            DataType::Int32 => i32::MAX.into(),
            DataType::UInt32 => u32::MAX.into(),
            _ => i64::MAX,
        };
        let values = Column::new(&field, TextForm::Strict)?;
        Ok(Distinct { values, limit, known, wanted: Vec::new() })
    }

    pub(super) fn append_cell(&mut self, cell: ValueRef<'_>, is_nullable: bool) -> Result<(), Refused> {
        self.wanted.clear();
        match cell {
            ValueRef::Null => return self.append_null(is_nullable),
            ValueRef::Integer(number) => {
                self.wanted.push(b'i');
                self.wanted.extend(number.to_le_bytes());
            }
            ValueRef::Real(number) => {
                self.wanted.push(b'r');
                self.wanted.extend(number.to_le_bytes());
            }
            ValueRef::Text(text) => {
                self.wanted.push(b't');
                self.wanted.extend(text);
            }
            ValueRef::Blob(bytes) => {
                self.wanted.push(b'b');
                self.wanted.extend(bytes);
            }
        }
        self.append(|values| values.append(cell))
    }

    pub(super) fn append_json(&mut self, scan: &mut Scanner<'_>, is_nullable: bool) -> Result<(), Refused> {
        self.wanted.clear();
        if scan.takes_word("null") {
            return self.append_null(is_nullable);
        }
        let value = scan.value()?;
        self.wanted.extend(value.as_bytes());
        self.append(|values| values.append_json(&mut Scanner::new(value)))
    }

    fn append_null(&mut self, is_nullable: bool) -> Result<(), Refused> {
        match is_nullable {
            true => self.append_hidden(true),
            false => Err("NULL, which the column does not take".into()),
        }
    }

    /// A null, or any value where the column takes none: nobody sees it.
    pub(super) fn append_hidden(&mut self, is_nullable: bool) -> Result<(), Refused> {
        self.wanted.clear();
        match &mut self.known {
            Known::Dictionary { keys, .. } if is_nullable => {
                keys.push(None);
                Ok(())
            }
            Known::Dictionary { keys, .. } => {
                if self.values.len() == 0 {
                    self.values.append_hidden()?;
                }
                keys.push(Some(0));
                Ok(())
            }
            Known::Runs { .. } => self.append(Column::append_hidden),
        }
    }

    fn append(&mut self, new: impl FnOnce(&mut Column) -> Result<(), Refused>) -> Result<(), Refused> {
        match &mut self.known {
            Known::Dictionary { keys, seen } => {
                let key = match seen.get(&self.wanted[..]) {
                    Some(key) => *key,
                    None => {
                        let key = self.values.len() as i64;
                        if key > self.limit {
                            return Err(Refused::Full);
                        }
                        new(&mut self.values)?;
                        seen.insert(self.wanted.as_slice().into(), key);
                        key
                    }
                };
                keys.push(Some(key));
            }
            Known::Runs { ends, last } => {
                let end = ends.last().map_or(1, |end| end + 1);
                if end > self.limit {
                    return Err(Refused::Full);
                }
                match ends.last_mut() {
                    Some(last_end) if *last == self.wanted => *last_end = end,
                    _ => {
                        new(&mut self.values)?;
                        ends.push(end);
                        last.clone_from(&self.wanted);
                    }
                }
            }
        }
        Ok(())
    }
}
