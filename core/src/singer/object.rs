//! A record, or a struct within one: the fields of a JSON object, in whatever order they come.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Fields, SchemaRef};
use dstream_abi::{Error, Result};
use std::collections::{HashMap, HashSet};

use super::builder::Slot;
use super::json::{Cursor, Fault, Parsed};
use super::parse::Scratch;

/// Names of unknown fields that are remembered, so that each is warned of once.
const REMEMBERED_NAMES: usize = 1000;

/// Columns that are filled from JSON objects.
pub(crate) struct Object {
    fields: Fields,
    slots: Vec<Slot>,
    by_name: HashMap<String, usize>,
    /// The row that a column was filled for last, from 1.
    filled: Vec<u64>,
    row: u64,
    unknown: HashSet<String>,
}

impl Object {
    /// # Errors
    /// `Unsupported`: a column of a type that JSON cannot fill.
    pub(crate) fn new(fields: &Fields) -> Result<Object> {
        let slots = fields.iter().map(|field| Slot::new(field)).collect::<Result<Vec<_>>>()?;
        let by_name: HashMap<String, usize> =
            slots.iter().enumerate().map(|(at, slot)| (slot.name.clone(), at)).collect();
        if by_name.len() < slots.len() {
            return Err(Error::unsupported("two fields have one name, which no JSON object can hold"));
        }
        let filled = vec![0; slots.len()];
        Ok(Object { fields: fields.clone(), slots, by_name, filled, row: 0, unknown: HashSet::new() })
    }

    /// Refuses null in these fields, whatever their type says.
    pub(crate) fn require(&mut self, names: &[String]) {
        for slot in self.slots.iter_mut().filter(|slot| names.contains(&slot.name)) {
            slot.nullable = false;
        }
    }

    /// Takes the object at the cursor as one row. A field that is missing is null; one that is unknown is left out,
    /// and said once.
    pub(crate) fn take(&mut self, cursor: &mut Cursor<'_>, scratch: &mut Scratch) -> Parsed<()> {
        let start = cursor.position();
        cursor.begin_object()?;
        self.row += 1;
        let (mut first, mut expected, mut taken) = (true, 0, 0);
        while let Some(name) = cursor.key(first, &mut scratch.text)? {
            first = false;
            // Records of one tap have their fields in one order: no look-up is needed then.
            let found = match self.slots.get(expected) {
                Some(slot) if slot.name == name => Some(expected),
                _ => self.by_name.get(name).copied(),
            };
            let Some(at) = found else {
                self.say_unknown(name);
                cursor.skip()?;
                continue;
            };
            expected = at + 1;
            taken += 1;
            let slot = &mut self.slots[at];
            if std::mem::replace(&mut self.filled[at], self.row) == self.row {
                let mut fault = Fault::value(cursor.position(), "the field stands twice in one object");
                fault.enter(&slot.name);
                return Err(fault);
            }
            if let Err(mut fault) = slot.take(cursor, scratch) {
                fault.enter(&slot.name);
                return Err(fault);
            }
        }
        if taken < self.slots.len() {
            self.fill_missing(start)?;
        }
        Ok(())
    }

    fn fill_missing(&mut self, at: usize) -> Parsed<()> {
        for (slot, filled) in self.slots.iter_mut().zip(&self.filled) {
            if *filled == self.row {
                continue;
            }
            if !slot.nullable {
                let mut fault = Fault::value(at, "the field is missing and cannot be null");
                fault.enter(&slot.name);
                return Err(fault);
            }
            slot.column.null();
        }
        Ok(())
    }

    fn say_unknown(&mut self, name: &str) {
        if self.unknown.len() < REMEMBERED_NAMES && self.unknown.insert(name.to_owned()) {
            tracing::warn!(column = name, "a field that the schema does not name is left out");
        }
    }

    /// A row without object: every field is null, whatever it says of itself.
    pub(crate) fn null(&mut self) {
        for slot in &mut self.slots {
            slot.column.null();
        }
    }

    /// The columns so far; begins anew.
    pub(crate) fn finish(&mut self) -> Result<(Fields, Vec<ArrayRef>)> {
        let columns = self.slots.iter_mut().map(|slot| slot.column.finish()).collect::<Result<_>>()?;
        Ok((self.fields.clone(), columns))
    }

    /// As a batch of `rows` records.
    pub(crate) fn finish_batch(&mut self, schema: &SchemaRef, rows: usize) -> Result<RecordBatch> {
        let (_, columns) = self.finish()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
    }
}
