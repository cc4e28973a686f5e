//! Batches into files of JSON lines.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, SchemaRef};

use super::parse::parse;
use super::tape::{Kind, Tape};
use crate::store::Staged;
use crate::target::{Encode, Encoding, Ended, PackedFile, Packing, check_names, inexact};
use crate::types;
use dstream_sdk::{Appended, Cells, Result, Why, write_json_string};

/// Bytes that are gathered before they go into the file: few enough to stay in the cache.
const PIECE_BYTES: usize = 256 << 10;

/// How files of JSON lines are written.
#[derive(Clone, Debug)]
pub(crate) struct JsonlEncoding {
    pub(crate) packing: Packing,
}

impl Encoding for JsonlEncoding {
    fn ending(&self) -> String {
        format!("jsonl{}", self.packing.ending())
    }

    fn takes_other_columns(&self) -> bool {
        true
    }

    fn check(&self, _stream: &str, schema: &SchemaRef) -> Result<()> {
        check_names(schema.fields())
    }

    fn open(
        &self,
        _stream: &str,
        schema: &SchemaRef,
        file: Box<dyn Staged>,
        _grows: bool,
    ) -> Result<Box<dyn Encode>> {
        let keys = schema.fields().iter().enumerate().map(|(at, field)| {
            let mut key = if at == 0 { b"{".to_vec() } else { b",".to_vec() };
            write_json_string(field.name(), &mut key);
            key.push(b':');
            (key, is_json_text(field))
        });
        let keys = keys.collect();
        let file = PackedFile::new(self.packing, file)?;
        Ok(Box::new(JsonlFile {
            schema: schema.clone(),
            keys,
            file,
            rows: 0,
            piece: Vec::new(),
            tape: Tape::default(),
        }))
    }
}

fn is_json_text(field: &Field) -> bool {
    let is_text =
        |data_type: &DataType| matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let is_text = match field.data_type() {
        DataType::Dictionary(_, values) => is_text(values),
        other => is_text(other),
    };
    is_text && types::is_json(field)
}

struct JsonlFile {
    schema: SchemaRef,
    /// What stands before each value, and whether it is a text that is JSON.
    keys: Vec<(Vec<u8>, bool)>,
    file: PackedFile,
    rows: u64,
    /// Records that are not in the file yet.
    piece: Vec<u8>,
    tape: Tape,
}

impl JsonlFile {
    #[inline]
    fn write_row(&mut self, columns: &[Cells<'_>], row: usize) -> std::result::Result<(), (usize, Why)> {
        let out = &mut self.piece;
        for (at, (cells, (key, is_json))) in columns.iter().zip(&self.keys).enumerate() {
            out.extend_from_slice(key);
            match is_json {
                false => cells.write_json(row, out),
                true => write_embedded(cells, row, &mut self.tape, out),
            }
            .map_err(|why| (at, why))?;
        }
        let end: &[u8] = if columns.is_empty() { b"{}\n" } else { b"}\n" };
        out.extend_from_slice(end);
        Ok(())
    }

    fn write_piece(&mut self) -> Result<()> {
        self.file.write(&self.piece)?;
        self.piece.clear();
        // A long text is no reason to hold its memory from then on.
        self.piece.shrink_to(16 * PIECE_BYTES);
        Ok(())
    }
}

/// A text that is JSON becomes a part of the line, as it is written.
fn write_embedded(
    cells: &Cells<'_>,
    row: usize,
    tape: &mut Tape,
    out: &mut Vec<u8>,
) -> std::result::Result<(), Why> {
    let start = out.len();
    match cells.append(row, true, out)? {
        Appended::Null => out.extend_from_slice(b"null"),
        Appended::Text(text) => {
            let Ok(value) = parse(text.as_bytes(), tape) else {
                return Err("a text that is no JSON, or has a key twice");
            };
            if value.kind() == Kind::Null {
                return Err("the JSON `null`, which readers take for no value");
            }
            out.extend_from_slice(text.as_bytes());
            // Between values only: a text in JSON has no line ends.
            let breaks = out[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r'));
            breaks.for_each(|byte| *byte = b' ');
        }
        // No other form is among the types of text.
        Appended::Whole | Appended::Bytes(_) | Appended::NotFinite(_) => {}
    }
    Ok(())
}

impl Encode for JsonlFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = batch.columns().iter().map(|array| Cells::new(array)).collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            self.write_row(&columns, row)
                .map_err(|(at, why)| inexact(self.schema.field(at).name(), self.rows + row as u64, why))?;
            if self.piece.len() >= PIECE_BYTES {
                self.write_piece()?;
            }
        }
        self.rows += batch.num_rows() as u64;
        self.write_piece()
    }

    fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    fn finish(self: Box<Self>) -> Result<Ended> {
        Ok(Ended { bytes: self.file.finish()?, head: 0 })
    }
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
