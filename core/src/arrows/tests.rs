//! Out and in again, bit by bit.

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, UnionArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Field, Schema, UnionFields};
use dstream_abi::{ErrorKind, Result, Target};
use proptest::prelude::*;
use serde_json::json;
use std::io::Cursor;
use std::sync::Arc;

use super::{ArrowsReader, ArrowsTarget};
use crate::singer::Incoming;
use crate::singer::samples::{batch, every_field};
use crate::singer::seed::Seed;
use crate::singer::tests::{Sink, drain, open, plan, record};

fn written(batches: &[RecordBatch]) -> Result<Vec<u8>> {
    let sink = Sink::default();
    let target = ArrowsTarget::new(sink.clone());
    let mut writer = open(&target, vec![plan("s", &[])]);
    writer.declare(0, 1, batches[0].schema())?;
    for batch in batches {
        writer.write(0, 1, batch.clone().into())?;
    }
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(writer.prepare(1)?.rows, rows as u64);
    target.commit(&record("s", 1, json!({"at": 1})))?;
    target.finish()?;
    Ok(sink.bytes())
}

fn read(bytes: &[u8]) -> Result<Vec<Incoming>> {
    drain(&mut ArrowsReader::new(Cursor::new(bytes.to_vec()))?)
}

fn check_round_trip(before: &RecordBatch) {
    let all = read(&written(std::slice::from_ref(before)).unwrap()).unwrap();
    let [Incoming::Schema { schema, .. }, Incoming::Records { records, .. }, Incoming::State(state)] =
        all.as_slice()
    else {
        panic!("{all:?}");
    };
    assert_eq!(*state, json!({"bookmarks": {"s": {"at": 1}}}));
    assert_eq!(schema.schema, before.schema());
    for (at, field) in before.schema().fields().iter().enumerate() {
        assert_eq!(
            records.column(at).to_data(),
            before.column(at).to_data(),
            "{} {}",
            field.name(),
            field.data_type()
        );
    }
}

fn small() -> RecordBatch {
    RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef)]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_type_comes_back_bit_by_bit(seed in any::<u64>(), rows in 1..20usize, skip in 0..3usize) {
        check_round_trip(&batch(every_field(), rows + skip, &mut Seed(seed)).slice(skip, rows));
    }

    #[test]
    fn damage_never_panics_the_caller(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = written(&[small()]).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = read(&bytes);
    }
}

#[test]
fn what_json_cannot_hold_is_kept() {
    let fields = UnionFields::try_new(
        [0, 5],
        [Field::new("i", DataType::Int64, true), Field::new("f", DataType::Float64, true)],
    )
    .unwrap();
    let children: Vec<ArrayRef> =
        vec![Arc::new(Int64Array::from(vec![1, 2])), Arc::new(Float64Array::from(vec![f64::NAN]))];
    let dense = UnionArray::try_new(
        fields,
        ScalarBuffer::from(vec![5i8, 0, 0]),
        Some(ScalarBuffer::from(vec![0, 0, 1])),
        children,
    )
    .unwrap();
    let nan = Float64Array::from(vec![Some(f64::NAN), Some(f64::NEG_INFINITY), None]);
    let columns: Vec<(&str, ArrayRef)> = vec![("u", Arc::new(dense)), ("f", Arc::new(nan))];
    check_round_trip(&RecordBatch::try_from_iter(columns).unwrap());
}

#[test]
fn metadata_of_schema_and_fields_is_kept() {
    let field =
        Field::new("id", DataType::Int64, false).with_metadata([("unit".to_owned(), "m".to_owned())].into());
    let schema = Schema::new_with_metadata(vec![field], [("origin".to_owned(), "test".to_owned())].into());
    check_round_trip(&RecordBatch::try_new(Arc::new(schema), small().columns().to_vec()).unwrap());
}

#[test]
fn a_batch_without_columns_keeps_its_rows() {
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(3));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    let all = read(&written(&[batch]).unwrap()).unwrap();
    assert!(matches!(&all[1], Incoming::Records { records, .. } if records.num_rows() == 3), "{all:?}");
}

#[test]
fn an_input_that_is_cut_anywhere_is_an_error() {
    let whole = written(&[small(), small()]).unwrap();
    assert_eq!(read(&whole).unwrap().len(), 3);
    for len in 0..whole.len() {
        let error = read(&whole[..len]).expect_err("a cut input was taken for whole");
        assert_eq!(error.kind(), ErrorKind::Data, "{len}: {error}");
    }
    let error = read(&[whole.clone(), whole].concat()).unwrap_err();
    assert!(error.message().contains("cannot be"), "{error}");
}

#[test]
fn other_inputs_are_named() {
    let error = read(b"{\"type\": \"SCHEMA\", \"stream\": \"a\"}").unwrap_err();
    assert!(error.message().contains("no Arrow IPC stream"), "{error}");
    let mut encoder = arrow::ipc::writer::StreamEncoder::try_new(&small().schema()).unwrap();
    let mut foreign: Vec<u8> =
        encoder.encode(&small()).unwrap().iter().flat_map(|buffer| buffer.to_vec()).collect();
    foreign.extend(encoder.finish().unwrap().iter().flat_map(|buffer| buffer.to_vec()));
    let error = read(&foreign).unwrap_err();
    assert!(error.message().contains("says nothing of which stream"), "{error}");
}

#[test]
fn streams_that_take_turns_come_back_in_turns() {
    let sink = Sink::default();
    let target = ArrowsTarget::new(sink.clone());
    let mut writer = open(&target, vec![plan("a", &["id"]), plan("b", &[])]);
    for stream in [0, 1] {
        writer.declare(stream, 1, small().schema()).unwrap();
    }
    for stream in [0, 1, 0, 0] {
        writer.write(stream, 1, small().into()).unwrap();
    }
    let wide = batch(vec![Field::new("x", DataType::Int8, true)], 2, &mut Seed(1));
    writer.declare(1, 2, wide.schema()).unwrap();
    writer.write(1, 2, wide.into()).unwrap();
    target.finish().unwrap();
    let all = read(&sink.bytes()).unwrap();
    let order: Vec<(char, usize, usize)> = all
        .iter()
        .map(|message| match message {
            Incoming::Schema { stream, schema } => ('s', *stream, schema.key_properties.len()),
            Incoming::Records { stream, records } => ('r', *stream, records.num_rows()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected =
        [('s', 0, 1), ('s', 1, 0), ('r', 0, 3), ('r', 1, 3), ('r', 0, 6), ('s', 1, 0), ('r', 1, 2)];
    assert_eq!(order, expected);
}
