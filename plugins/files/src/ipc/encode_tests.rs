//! What is written is read back as it was.

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::*;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use dstream_sdk::Result;

use super::IpcEncoding;
use super::options::Compression;
use super::samples::{every_type, ipc};
use crate::store::Staged;
use crate::target::Encoding;
use crate::testing::{Folder, read};

struct Plain(File);

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Staged for Plain {
    fn bytes(&self) -> u64 {
        self.0.metadata().unwrap().len()
    }

    fn finish(self: Box<Self>) -> Result<u64> {
        Ok(self.0.metadata().unwrap().len())
    }
}

/// Writes batches and reads them back.
fn round_trip(compression: Compression, batches: &[RecordBatch]) -> Vec<RecordBatch> {
    let folder = Folder::new();
    let encoding = IpcEncoding { compression };
    let schema = batches[0].schema();
    encoding.check("n", &schema).unwrap();
    let file = File::create(folder.path("a.arrow")).unwrap();
    let mut writer = encoding.open("n", &schema, Box::new(Plain(file)), false).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    let bytes = writer.finish().unwrap().bytes;
    assert_eq!(bytes, std::fs::metadata(folder.path("a.arrow")).unwrap().len());
    read(&ipc(&folder, "a.arrow"), None).unwrap().batches
}

#[test]
fn every_type_is_read_as_it_was_written() {
    let batch = every_type();
    let columns: Vec<usize> = (0..batch.num_columns())
        .filter(|at| !matches!(batch.column(*at).data_type(), DataType::Dictionary(..)))
        .collect();
    let batch = batch.project(&columns).unwrap();
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
        assert_eq!(
            round_trip(compression, &[batch.clone(), batch.slice(1, 3)]),
            [batch.clone(), batch.slice(1, 3)]
        );
    }
}

#[test]
fn dictionaries_that_change_are_written_as_their_values() {
    let keyed = |words: &[&str], keys: &[i8]| -> RecordBatch {
        let values = Arc::new(StringArray::from(words.to_vec()));
        let column: ArrayRef = Arc::new(DictionaryArray::new(Int8Array::from(keys.to_vec()), values));
        let inside = StructArray::from(vec![(
            Arc::new(Field::new("w", column.data_type().clone(), true)),
            column.clone(),
        )]);
        RecordBatch::try_from_iter([("w", column), ("s", Arc::new(inside) as ArrayRef)]).unwrap()
    };
    let batches = [keyed(&["a", "b"], &[1, 0]), keyed(&["z"], &[0]), keyed(&["b", "a"], &[0])];
    let written = round_trip(Compression::None, &batches);
    for (before, after) in batches.iter().zip(&written) {
        let text = cast(before.column(0), &DataType::Utf8).unwrap();
        assert_eq!(after.column(0), &text);
        assert_eq!(after.column(1).as_struct().column(0), &text);
    }
}

#[test]
fn a_dictionary_inside_of_a_union_is_refused_by_column() {
    let words = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    let fields = UnionFields::try_new(vec![0], vec![Field::new("w", words, true)]).unwrap();
    let column = Field::new("u", DataType::Union(fields, UnionMode::Sparse), true);
    let schema: SchemaRef = Arc::new(Schema::new(vec![column]));
    let error = IpcEncoding { compression: Compression::None }.check("n", &schema).unwrap_err();
    assert!(error.message().starts_with("column `u` has a dictionary inside of"), "{error}");
}
