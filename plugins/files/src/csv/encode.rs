//! Batches into files of comma-separated values.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};

use super::quoting::Quoting;
use crate::store::Staged;
use crate::target::{Encode, Encoding, Ended, PackedFile, Packing, check_names, inexact};
use dstream_sdk::{Appended, Cells, Error, Result, write_base64};

/// Bytes that are gathered before they go into the file: few enough to stay in the cache.
const PIECE_BYTES: usize = 256 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How files of comma-separated values are written.
#[derive(Clone, Debug)]
pub(crate) struct CsvEncoding {
    pub(crate) delimiter: u8,
    /// What is written for null; text like it is put in quotes.
    pub(crate) null: String,
    pub(crate) header: bool,
    pub(crate) line_end: &'static str,
    pub(crate) packing: Packing,
}

impl Encoding for CsvEncoding {
    fn ending(&self) -> String {
        format!("csv{}", self.packing.ending())
    }

    fn dialect(&self) -> String {
        let CsvEncoding { delimiter, null, header, line_end, packing: _ } = self;
        format!("csv {:?} {null:?} {header} {line_end:?}", char::from(*delimiter))
    }

    fn check(&self, _stream: &str, schema: &SchemaRef) -> Result<()> {
        check_names(schema.fields())?;
        if schema.fields().is_empty() {
            return Err(Error::schema("a stream without columns has no form in CSV")
                .hint("select a column of it, or choose the type `jsonl`"));
        }
        let is_no_name = |name: &str| name.is_empty() || name.contains('\0');
        match schema.fields().iter().position(|field| self.header && is_no_name(field.name())) {
            None => Ok(()),
            Some(at) => Err(Error::schema(format!(
                "column {} has the name `{}`, which a header does not give back",
                at + 1,
                schema.field(at).name().escape_debug()
            ))
            .hint("rename it in the source, set `header` to false, or choose the type `jsonl`")),
        }
    }

    fn open(
        &self,
        _stream: &str,
        schema: &SchemaRef,
        file: Box<dyn Staged>,
        grows: bool,
    ) -> Result<Box<dyn Encode>> {
        let mut file = CsvFile {
            columns: schema.fields().iter().map(|field| is_nested(field.data_type())).collect(),
            schema: schema.clone(),
            quoting: Quoting::new(self.delimiter, &self.null),
            delimiter: self.delimiter,
            line_end: self.line_end.as_bytes(),
            file: PackedFile::new(self.packing, file)?,
            head: 0,
            rows: 0,
            piece: Vec::new(),
        };
        if self.header {
            file.write_header()?;
            if grows {
                file.head = file.file.end_part()?;
            }
        }
        Ok(Box::new(file))
    }
}

/// Whether values are written as JSON, which may have delimiters and quotes.
fn is_nested(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_nested(values),
        DataType::RunEndEncoded(_, values) => is_nested(values.data_type()),
        other => other.is_nested(),
    }
}

struct CsvFile {
    schema: SchemaRef,
    /// Whether each is nested.
    columns: Vec<bool>,
    quoting: Quoting,
    delimiter: u8,
    line_end: &'static [u8],
    file: PackedFile,
    head: u64,
    rows: u64,
    /// Records that are not in the file yet.
    piece: Vec<u8>,
}

impl CsvFile {
    fn write_header(&mut self) -> Result<()> {
        for (at, field) in self.schema.fields().iter().enumerate() {
            if at > 0 {
                self.piece.push(self.delimiter);
            }
            self.quoting.text(field.name(), &mut self.piece);
        }
        self.piece.extend_from_slice(self.line_end);
        self.quote_mark();
        self.write_piece()
    }

    /// Readers drop a byte order mark at the beginning of a file: one that belongs to a text is put in quotes.
    fn quote_mark(&mut self) {
        if self.piece.starts_with(BYTE_ORDER_MARK) {
            let is_end = |byte: &u8| *byte == self.delimiter || matches!(byte, b'\r' | b'\n');
            let end = self.piece.iter().position(is_end).unwrap_or(self.piece.len());
            self.piece.insert(end, b'"');
            self.piece.insert(0, b'"');
        }
    }

    fn write_piece(&mut self) -> Result<()> {
        self.file.write(&self.piece)?;
        self.piece.clear();
        // A long text is no reason to hold its memory from then on.
        self.piece.shrink_to(16 * PIECE_BYTES);
        Ok(())
    }
}

/// Appends one record.
#[inline]
fn write_row(
    columns: &[(Cells<'_>, bool)],
    row: usize,
    quoting: &Quoting,
    delimiter: u8,
    out: &mut Vec<u8>,
) -> std::result::Result<(), (usize, dstream_sdk::Why)> {
    for (at, (cells, is_checked)) in columns.iter().enumerate() {
        if at > 0 {
            out.push(delimiter);
        }
        let start = out.len();
        match cells.append(row, false, out).map_err(|why| (at, why))? {
            Appended::Whole => {}
            Appended::Text(text) => {
                quoting.text(text, out);
                continue;
            }
            Appended::Null => {
                quoting.null(out);
                continue;
            }
            Appended::Bytes([]) => out.extend_from_slice(b"\"\""),
            Appended::Bytes(bytes) => write_base64(bytes, out),
            Appended::NotFinite(value) => out.extend_from_slice(match value {
                _ if value.is_nan() => b"NaN",
                _ if value > 0.0 => b"inf",
                _ => b"-inf",
            }),
        }
        if *is_checked {
            quoting.check(start, out);
        }
    }
    Ok(())
}

impl Encode for CsvFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let checks_all = self.quoting.checks_plain();
        let columns = batch.columns().iter().zip(&self.columns);
        let columns: Vec<(Cells<'_>, bool)> = columns
            .map(|(array, is_nested)| Ok((Cells::new(array)?, *is_nested || checks_all)))
            .collect::<Result<_>>()?;
        for row in 0..batch.num_rows() {
            write_row(&columns, row, &self.quoting, self.delimiter, &mut self.piece)
                .map_err(|(at, why)| inexact(self.schema.field(at).name(), self.rows + row as u64, why))?;
            self.piece.extend_from_slice(self.line_end);
            if self.rows == 0 && row == 0 {
                self.quote_mark();
            }
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
        let head = self.head;
        Ok(Ended { bytes: self.file.finish()?, head })
    }
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
