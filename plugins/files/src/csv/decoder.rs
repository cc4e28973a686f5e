//! Records of the selected columns, as batches.

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::SchemaRef;

use dstream_sdk::{Error, Result};

use super::cells::{Cells, Nulls};
use super::split::{Chunk, split};
use super::starts::find_start;
use super::{Dialect, fault, header};
use crate::columns::{Column, column};
use crate::options::CsvSettings;
use crate::shown::shown;
use crate::tap::{Decode, Decoded, Position, Room, Start, Stop, Window, batch};
use crate::types;

/// Fields that are split off before they are decoded: few enough to stay in the cache between the two.
const CHUNK_FIELDS: usize = 16 << 10;

/// Splits chunks of records, then decodes them column by column; fields of other columns are only passed over.
pub(crate) struct CsvDecoder {
    dialect: Dialect,
    header: bool,
    nulls: Nulls,
    names: Vec<String>,
    schema: SchemaRef,
    /// The selected columns, in the order of the schema, with their place in the file; `None`: all of them are null.
    columns: Vec<Option<(usize, Box<dyn Column>)>>,
    chunk: Chunk,
    bytes_per_row: u64,
}

impl CsvDecoder {
    /// Reads the header. An error if a selected column is not in it, unless the file `is_one_of_many`.
    pub(crate) fn new(
        settings: &CsvSettings,
        schema: SchemaRef,
        is_one_of_many: bool,
        window: &mut Window,
        position: &mut Position,
    ) -> Result<CsvDecoder> {
        let dialect = header::dialect_of(settings, window);
        let names = header::read(window, position, &dialect, settings)?;
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let is_declared = settings.common.types.contains_key(field.name());
            let index = names.iter().position(|name| name == field.name());
            if index.is_none() && !(is_one_of_many && field.is_nullable()) {
                let (place, name) = (shown(window.path()), field.name());
                return Err(Error::schema(format!("`{place}` has no column `{name}` any more"))
                    .hint("run `dstreams discover` again"));
            }
            columns.push(match index {
                Some(index) => Some((index, column(field, is_declared)?)),
                None => None,
            });
        }
        let widths: u64 = schema.fields().iter().map(|field| types::width(field.data_type())).sum();
        let bytes_per_row = widths + (columns.len() as u64).div_ceil(8) + 1;
        let nulls = Nulls::new(&settings.common.null_values);
        let (header, chunk) = (settings.header, Chunk::default());
        Ok(CsvDecoder { dialect, header, nulls, names, schema, columns, chunk, bytes_per_row })
    }

    /// Puts the chunk into the columns. Of several values that do not fit, the first in the file is the error.
    fn append(&mut self, window: &Window) -> Result<()> {
        let mut worst: Option<(usize, usize, bool)> = None;
        for (selected, place) in self.columns.iter_mut().enumerate() {
            let Some((index, column)) = place else { continue };
            let cells = Cells {
                bytes: window.bytes(),
                fields: &self.chunk.fields[*index..],
                stride: self.names.len(),
                nulls: &self.nulls,
                dialect: &self.dialect,
            };
            let null = if self.schema.field(selected).is_nullable() { None } else { cells.find_null() };
            let misfit = column.push_cells(&cells).err();
            for (row, is_null) in
                misfit.map(|row| (row, false)).into_iter().chain(null.map(|row| (row, true)))
            {
                if worst.is_none_or(|(first, ..)| row < first) {
                    worst = Some((row, selected, is_null));
                }
            }
        }
        let Some((row, selected, is_null)) = worst else { return Ok(()) };
        let field = self.schema.field(selected);
        let start = self.chunk.starts[row];
        if is_null {
            let line = window.line_at(start as usize);
            let (place, name) = (shown(window.path()), field.name());
            return Err(Error::data(format!(
                "`{place}` line {line}: column `{name}` is null, the catalog says never"
            ))
            .hint("run `dstreams discover` again"));
        }
        let index = self.columns[selected].as_ref().map_or(0, |(index, _)| *index);
        let cell = self.chunk.fields[row * self.names.len() + index];
        let mut text = Vec::new();
        self.dialect.text_of(cell, window.bytes(), &mut text);
        Err(fault::misfit(window, start, field.name(), field.data_type(), &text))
    }
}

impl Decode for CsvDecoder {
    fn decode(&mut self, window: &mut Window, position: &mut Position, room: Room) -> Result<Decoded> {
        let columns = self.names.len();
        let rows = room.rows.min((CHUNK_FIELDS / columns).max(1));
        let room = Room { rows, bytes_per_row: self.bytes_per_row, ..room };
        let stop = split(&self.dialect, columns, window.bytes(), window.is_last(), room, &mut self.chunk)
            .map_err(|fault| fault::error(window, fault, columns, room.record_bytes))?;
        let rows = self.chunk.starts.len();
        if rows == 0 {
            return Ok(Decoded { rows, bytes: 0, stop });
        }
        fault::check_utf8(window, &self.chunk, &self.names)?;
        self.append(window)?;
        let length = self.chunk.length;
        position.pass(rows, self.chunk.line_end);
        window.consume(length);
        // Another call finds out whether there are more.
        let stop = if stop == Stop::End { Stop::Full } else { stop };
        Ok(Decoded { rows, bytes: length as u64 + rows as u64 * self.bytes_per_row, stop })
    }

    fn finish(&mut self, rows: usize) -> Result<RecordBatch> {
        let fields = self.schema.fields().iter();
        let columns = self.columns.iter_mut().zip(fields).map(|(column, field)| match column {
            Some((_, column)) => column.finish(),
            None => Ok(new_null_array(field.data_type(), rows)),
        });
        let arrays: Vec<ArrayRef> = columns.collect::<Result<_>>()?;
        batch(&self.schema, arrays, rows)
    }

    fn find_start(&self, bytes: &[u8], wanted: usize, is_last: bool) -> Start {
        find_start(&self.dialect, bytes, wanted, is_last)
    }

    fn has_local_starts(&self) -> bool {
        self.dialect.has_local_starts()
    }

    fn fingerprint(&self) -> String {
        self.dialect.fingerprint(self.header)
    }
}
