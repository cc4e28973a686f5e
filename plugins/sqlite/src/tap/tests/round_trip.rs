//! What the target writes, the tap gives back: the very types and the very bits.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema};
use dstream_sdk::*;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

use super::kit::*;
use super::random::Random;
use crate::target::tests::kit as write;

/// Records of a random schema that follow from a seed.
fn records(seed: u64) -> RecordBatch {
    let mut random = Random(seed);
    let rows = random.below(60);
    let count = 1 + random.below(5);
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for at in 0..count {
        let theirs = random.data_type(3);
        columns.push(random.column(&theirs, true, rows, false));
        let metadata = [("dstream:source_type".to_owned(), format!("type {at}"))];
        fields.push(Field::new(format!("c{at}"), theirs, true).with_metadata(metadata.into()));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).unwrap()
}

/// Whether two values are the same, however Arrow lays them out.
fn is_same(a: &dyn Array, row: usize, b: &dyn Array, other: usize) -> bool {
    use DataType as A;
    let all =
        |a: ArrayRef, b: ArrayRef| a.len() == b.len() && (0..a.len()).all(|row| is_same(&a, row, &b, row));
    if let A::Union(..) = a.data_type() {
        let (a, b) = (a.as_union(), b.as_union());
        let (of_a, of_b) = (a.child(a.type_id(row)), b.child(b.type_id(other)));
        return a.type_id(row) == b.type_id(other)
            && is_same(of_a, a.value_offset(row), of_b, b.value_offset(other));
    }
    if let A::RunEndEncoded(_, values) = a.data_type() {
        let plain = |array: &dyn Array| arrow::compute::cast(array, values.data_type()).unwrap();
        return plain(a).slice(row, 1).to_data() == plain(b).slice(other, 1).to_data();
    }
    if a.is_null(row) || b.is_null(other) {
        return a.is_null(row) && b.is_null(other);
    }
    match a.data_type() {
        A::List(_) => all(a.as_list::<i32>().value(row), b.as_list::<i32>().value(other)),
        A::LargeList(_) => all(a.as_list::<i64>().value(row), b.as_list::<i64>().value(other)),
        A::ListView(_) => all(a.as_list_view::<i32>().value(row), b.as_list_view::<i32>().value(other)),
        A::LargeListView(_) => all(a.as_list_view::<i64>().value(row), b.as_list_view::<i64>().value(other)),
        A::FixedSizeList(..) => all(a.as_fixed_size_list().value(row), b.as_fixed_size_list().value(other)),
        A::Map(..) => all(Arc::new(a.as_map().value(row)), Arc::new(b.as_map().value(other))),
        A::Struct(_) => {
            let members = a.as_struct().columns().iter().zip(b.as_struct().columns());
            members.into_iter().all(|(a, b)| is_same(a, row, b, other))
        }
        _ => a.slice(row, 1).to_data() == b.slice(other, 1).to_data(),
    }
}

fn check(seed: u64, batch_rows: usize) -> Result<(), TestCaseError> {
    let records = records(seed);
    let place = write::place();
    place.run().sync(&write::plan("t", WriteMode::Append), std::slice::from_ref(&records)).unwrap();
    let source = Source { path: place.path, folder: place.folder };
    let stream = source.stream(json!({}), "t");
    prop_assert_eq!(&stream.schema, &records.schema());
    let reading = read(&source.tap(json!({})), &wanted(&stream, None), None, batch_rows).unwrap();
    prop_assert_eq!(reading.rows(), records.num_rows());
    let mut done = 0;
    for batch in &reading.batches {
        let expected = records.slice(done, batch.num_rows());
        done += batch.num_rows();
        for (at, (written, read)) in expected.columns().iter().zip(batch.columns()).enumerate() {
            read.to_data().validate_full().unwrap();
            for row in 0..written.len() {
                prop_assert!(
                    is_same(written, row, read, row),
                    "column {at}, row {row}: {}\nwritten {:?}\nread    {:?}",
                    written.data_type(),
                    written.slice(row, 1),
                    read.slice(row, 1)
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("DSTREAMS_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
    ))]
    #[test]
    fn what_the_target_writes_comes_back_bit_by_bit(seed: u64, batch_rows in 1usize..80) {
        check(seed, batch_rows)?;
    }
}

#[test]
fn metadata_that_changes_leaves_the_type_as_it_is() {
    let place = write::place();
    let plan = write::plan("t", WriteMode::Append);
    let column: ArrayRef = Arc::new(arrow::array::Int32Array::from(vec![1]));
    for said in [None, Some("int4"), Some("integer")] {
        let mut field = Field::new("c", DataType::Int32, true);
        if let Some(said) = said {
            field = field.with_metadata([("dstream:source_type".to_owned(), said.to_owned())].into());
        }
        let schema = Arc::new(Schema::new(vec![field]));
        place.run().sync(&plan, &[RecordBatch::try_new(schema, vec![column.clone()]).unwrap()]).unwrap();
    }
    let source = Source { path: place.path, folder: place.folder };
    let field = source.stream(json!({}), "t").schema.field(0).clone();
    assert_eq!(
        (field.data_type(), field.metadata()["dstream:source_type"].as_str()),
        (&DataType::Int32, "integer")
    );
}
