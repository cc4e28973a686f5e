//! Arrays with children, one per layout, each with buffers of its own.

use arrow::array::*;
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use std::sync::Arc;

use crate::flat::{ROWS, every_third, ints, nulls, texts};

fn item(child: &dyn Array) -> FieldRef {
    Arc::new(Field::new("item", child.data_type().clone(), true))
}

/// Lists of one value, so that a child is as long as its parent.
fn offsets<T: OffsetSizeTrait>() -> OffsetBuffer<T> {
    OffsetBuffer::from_lengths(std::iter::repeat_n(1, ROWS))
}

fn ones<T: OffsetSizeTrait>() -> ScalarBuffer<T> {
    vec![T::usize_as(1); ROWS].into()
}

/// Views in the reverse order of their values.
fn starts<T: OffsetSizeTrait>() -> ScalarBuffer<T> {
    (0..ROWS).rev().map(T::usize_as).collect::<Vec<_>>().into()
}

fn structs() -> StructArray {
    let fields = Fields::from(vec![
        Field::new("number", DataType::Int64, true),
        Field::new("text", DataType::Utf8, true),
    ]);
    StructArray::new(fields, vec![Arc::new(ints()), Arc::new(texts())], Some(nulls()))
}

fn map() -> MapArray {
    let keys = Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| format!("key {row}"))));
    let fields = Fields::from(vec![
        Field::new("keys", DataType::Utf8, false),
        Field::new("values", DataType::Int64, true),
    ]);
    let entries = StructArray::new(fields.clone(), vec![keys, Arc::new(ints())], None);
    let entry = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    MapArray::new(entry, offsets(), entries, Some(nulls()), false)
}

fn union(is_dense: bool) -> UnionArray {
    let fields = UnionFields::from_fields(vec![
        Field::new("number", DataType::Int64, true),
        Field::new("text", DataType::Utf8, true),
    ]);
    let ids: ScalarBuffer<i8> = (0..ROWS).map(|row| (row % 2) as i8).collect::<Vec<_>>().into();
    let dense: ScalarBuffer<i32> = (0..ROWS as i32).map(|row| row / 2).collect::<Vec<_>>().into();
    UnionArray::try_new(fields, ids, is_dense.then_some(dense), vec![Arc::new(ints()), Arc::new(texts())])
        .expect("children as long as the ids")
}

fn dictionary<K: ArrowDictionaryKeyType>() -> DictionaryArray<K> {
    (0..ROWS).map(|row| (!every_third(row)).then_some(["red", "green", "blue"][row % 2])).collect()
}

/// Runs of four.
fn runs<R: RunEndIndexType>(native: impl Fn(usize) -> R::Native) -> RunArray<R> {
    let ends = (0..ROWS.div_ceil(4)).map(|run| native((run * 4 + 4).min(ROWS)));
    let values: StringArray = (0..ROWS.div_ceil(4)).map(|run| Some(format!("run {run}"))).collect();
    RunArray::try_new(&PrimitiveArray::<R>::from_iter_values(ends), &values).expect("a value for each run")
}

/// By name of the stream.
pub(crate) fn columns() -> Vec<(&'static str, ArrayRef)> {
    let (numbers, words) = (ints(), texts());
    let pairs = Int32Array::from_iter_values(0..2 * ROWS as i32);
    let colours = dictionary::<Int16Type>();
    let deep = ListArray::new(item(&structs()), offsets(), Arc::new(structs()), Some(nulls()));
    vec![
        ("list", Arc::new(ListArray::new(item(&words), offsets(), Arc::new(words), Some(nulls())))),
        ("large_list", {
            let child = ints();
            Arc::new(LargeListArray::new(item(&child), offsets(), Arc::new(child), Some(nulls())))
        }),
        ("list_view", {
            let child = texts();
            Arc::new(ListViewArray::new(item(&child), starts(), ones(), Arc::new(child), Some(nulls())))
        }),
        ("large_list_view", {
            let child = ints();
            Arc::new(LargeListViewArray::new(item(&child), starts(), ones(), Arc::new(child), Some(nulls())))
        }),
        (
            "fixed_size_list",
            Arc::new(FixedSizeListArray::new(item(&pairs), 2, Arc::new(pairs), Some(nulls()))),
        ),
        ("struct", Arc::new(structs())),
        ("map", Arc::new(map())),
        ("sparse_union", Arc::new(union(false))),
        ("dense_union", Arc::new(union(true))),
        ("dictionary", Arc::new(dictionary::<Int32Type>())),
        ("dictionary_of_bytes", Arc::new(dictionary::<UInt8Type>())),
        ("run_end_16", Arc::new(runs::<Int16Type>(|end| end as i16))),
        ("run_end_32", Arc::new(runs::<Int32Type>(|end| end as i32))),
        ("run_end_64", Arc::new(runs::<Int64Type>(|end| end as i64))),
        ("run_end_slice", Arc::new(runs::<Int32Type>(|end| end as i32).slice(2, ROWS - 4))),
        ("list_of_dictionary", Arc::new(ListArray::new(item(&colours), offsets(), Arc::new(colours), None))),
        ("list_of_struct", Arc::new(deep)),
        (
            "struct_of_list",
            Arc::new(StructArray::from(vec![(
                Arc::new(Field::new("list", DataType::List(item(&numbers)), true)),
                Arc::new(ListArray::new(item(&numbers), offsets(), Arc::new(numbers), Some(nulls())))
                    as ArrayRef,
            )])),
        ),
    ]
}
