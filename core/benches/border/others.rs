//! The same batch by other ways: through arrow-rs alone, as Arrow IPC, as lines of JSON. Each way gives the records back,
//! and they are compared with those that went in.

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::DataType;
use arrow::ffi::FFI_ArrowArray;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use serde_json::Value;
use std::sync::Arc;

use crate::measure::{Cost, measure};

/// Measures a way, then compares the last of what came out of it.
fn way(records: &RecordBatch, mut call: impl FnMut() -> RecordBatch) -> Cost {
    let (mut last, mut rows, mut calls) = (None, 0, 0);
    let cost = measure(|| {
        // The one before is dropped within the time: so are the batches of the host.
        let out = last.insert(call());
        rows += out.num_rows();
        calls += 1;
    });
    assert_eq!(rows, calls * records.num_rows());
    assert_eq!(last.as_ref().map(RecordBatch::columns), Some(records.columns()));
    cost
}

pub(crate) fn export_and_import(records: &RecordBatch) -> Cost {
    let data_type = DataType::Struct(records.schema().fields().clone());
    way(records, || {
        let array = FFI_ArrowArray::new(&StructArray::from(records.clone()).into_data());
        let data = unsafe { arrow::ffi::from_ffi_and_data_type(array, data_type.clone()) }.unwrap();
        RecordBatch::from(StructArray::from(data))
    })
}

pub(crate) fn ipc(records: &RecordBatch) -> Cost {
    let mut bytes = Vec::new();
    way(records, || {
        bytes.clear();
        let mut writer = StreamWriter::try_new(&mut bytes, &records.schema()).unwrap();
        writer.write(records).unwrap();
        writer.finish().unwrap();
        drop(writer);
        StreamReader::try_new(bytes.as_slice(), None).unwrap().next().unwrap().unwrap()
    })
}

/// Text out and in by serde_json, as a pipe of JSON lines does it, without the pipe.
pub(crate) fn json_lines(records: &RecordBatch) -> Cost {
    let names: Vec<String> = records.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut text = Vec::new();
    way(records, || {
        text.clear();
        for row in 0..records.num_rows() {
            let mut line = serde_json::Map::new();
            for (name, column) in names.iter().zip(records.columns()) {
                let value = match column.as_any().downcast_ref::<Int64Array>() {
                    Some(ints) => ints.value(row).into(),
                    None => column.as_any().downcast_ref::<StringArray>().unwrap().value(row).into(),
                };
                line.insert(name.clone(), value);
            }
            serde_json::to_writer(&mut text, &line).unwrap();
            text.push(b'\n');
        }
        let lines: Vec<Value> = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        let columns = names.iter().zip(records.columns()).map(|(name, column)| -> ArrayRef {
            match column.data_type() {
                DataType::Int64 => {
                    Arc::new(Int64Array::from_iter(lines.iter().map(|line| line[name].as_i64())))
                }
                _ => Arc::new(StringArray::from_iter(lines.iter().map(|line| line[name].as_str()))),
            }
        });
        RecordBatch::try_new(records.schema(), columns.collect()).unwrap()
    })
}
