//! Arrow files for tests.

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::*;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow::ipc::{CompressionType, MetadataVersion};
use serde_json::json;
use std::sync::Arc;

use super::Ipc;
use crate::tap::FilesTap;
use crate::testing::{Folder, tap};

pub(super) fn options(compression: Option<CompressionType>) -> IpcWriteOptions {
    let options = IpcWriteOptions::try_new(64, false, MetadataVersion::V5).unwrap();
    options.try_with_compression(compression).unwrap()
}

pub(super) fn file(batches: &[RecordBatch], options: IpcWriteOptions) -> Vec<u8> {
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

pub(super) fn stream(batches: &[RecordBatch], options: IpcWriteOptions) -> Vec<u8> {
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

pub(super) fn ipc(folder: &Folder, name: &str) -> FilesTap<Ipc> {
    tap(folder.path(name), json!({}))
}

/// Numbers from `from` on, with a text each.
pub(super) fn numbers(from: i64, count: i64) -> RecordBatch {
    let n: Int64Array = (from..from + count).collect();
    let text: StringArray =
        (from..from + count).map(|n| (n % 3 != 0).then(|| "x".repeat(n as usize % 50))).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("n", Arc::new(n) as ArrayRef, false),
        ("text", Arc::new(text), true),
    ])
    .unwrap()
}

/// A column of every type, with nulls where there can be some.
pub(super) fn every_type() -> RecordBatch {
    let nulls = Some(NullBuffer::from(vec![true, false, true, true]));
    let bytes: Vec<Option<&[u8]>> =
        vec![Some(b"a"), None, Some(b""), Some(b"\xff\x00 and longer than twelve")];
    let texts = vec![Some("a"), None, Some(""), Some("\u{e4} and longer than twelve")];
    let ints = Int32Array::new(vec![1, 0, i32::MIN, i32::MAX].into(), nulls.clone());
    let item = |data_type: DataType| Arc::new(Field::new("item", data_type, true));
    let offsets = OffsetBuffer::new(vec![0, 1, 1, 2, 4].into());
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    let mut add = |column: ArrayRef| columns.push((format!("c{}", columns.len()), column));
    for data_type in [
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Float32,
        DataType::Float64,
        DataType::Date32,
        DataType::Date64,
        DataType::Time32(TimeUnit::Second),
        DataType::Time32(TimeUnit::Millisecond),
        DataType::Time64(TimeUnit::Microsecond),
        DataType::Time64(TimeUnit::Nanosecond),
        DataType::Timestamp(TimeUnit::Second, None),
        DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        DataType::Timestamp(TimeUnit::Microsecond, Some("+02:00".into())),
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Duration(TimeUnit::Second),
        DataType::Duration(TimeUnit::Nanosecond),
        DataType::Decimal32(9, 2),
        DataType::Decimal64(18, -2),
        DataType::Decimal128(38, 38),
        DataType::Decimal256(76, 10),
        DataType::Interval(IntervalUnit::YearMonth),
        DataType::Interval(IntervalUnit::DayTime),
        DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::Float16,
    ] {
        let width = data_type.primitive_width().unwrap();
        let bytes: Vec<u8> = (0..4 * width).map(|at| (at * 37 % 251) as u8).collect();
        let data = ArrayData::builder(data_type).len(4).nulls(nulls.clone()).add_buffer(bytes.into());
        add(make_array(data.align_buffers(true).build().unwrap()));
    }
    add(Arc::new(NullArray::new(4)));
    add(Arc::new(BooleanArray::new(vec![true, false, true, false].into(), nulls.clone())));
    add(Arc::new(StringArray::from(texts.clone())));
    add(Arc::new(LargeStringArray::from(texts.clone())));
    add(Arc::new(StringViewArray::from(texts.clone())));
    add(Arc::new(BinaryArray::from(bytes.clone())));
    add(Arc::new(LargeBinaryArray::from(bytes.clone())));
    add(Arc::new(BinaryViewArray::from(bytes)));
    add(Arc::new(FixedSizeBinaryArray::new(3, b"abcdefghijkl".to_vec().into(), nulls.clone())));
    let list = ListArray::new(item(DataType::Int32), offsets.clone(), Arc::new(ints.clone()), nulls.clone());
    add(Arc::new(list.clone()));
    let large = OffsetBuffer::new(vec![0_i64, 1, 1, 2, 4].into());
    add(Arc::new(LargeListArray::new(
        item(list.data_type().clone()),
        large,
        Arc::new(list.clone()),
        nulls.clone(),
    )));
    let (starts, sizes) = (ScalarBuffer::from(vec![2, 0, 1, 0]), ScalarBuffer::from(vec![2, 0, 1, 4]));
    add(Arc::new(ListViewArray::new(
        item(DataType::Int32),
        starts,
        sizes,
        Arc::new(ints.clone()),
        nulls.clone(),
    )));
    let (starts, sizes) =
        (ScalarBuffer::from(vec![2_i64, 0, 1, 0]), ScalarBuffer::from(vec![2_i64, 0, 1, 4]));
    add(Arc::new(LargeListViewArray::new(
        item(DataType::Int32),
        starts,
        sizes,
        Arc::new(ints.clone()),
        None,
    )));
    let pairs = Int16Array::from(vec![1, 2, 3, 4, 5, 6, 7, 8]);
    add(Arc::new(FixedSizeListArray::new(item(DataType::Int16), 2, Arc::new(pairs), nulls.clone())));
    let fields = Fields::from(vec![
        Field::new("a", DataType::Int32, true),
        Field::new("l", list.data_type().clone(), true),
    ]);
    add(Arc::new(StructArray::new(fields, vec![Arc::new(ints.clone()), Arc::new(list)], nulls.clone())));
    let entries = Fields::from(vec![
        Field::new("keys", DataType::Utf8, false),
        Field::new("values", DataType::Int32, true),
    ]);
    let keys = StringArray::from(vec!["a", "b", "c", "d"]);
    let entries = StructArray::new(entries, vec![Arc::new(keys), Arc::new(ints.clone())], None);
    let field = Arc::new(Field::new("entries", entries.data_type().clone(), false));
    add(Arc::new(MapArray::new(field, offsets, entries, nulls, true)));
    let words = StringArray::from(vec!["x", "y"]);
    let keys = Int8Array::from(vec![Some(1), None, Some(0), Some(1)]);
    add(Arc::new(DictionaryArray::new(keys, Arc::new(words.clone()))));
    add(Arc::new(RunArray::try_new(&Int16Array::from(vec![1, 4]), &words).unwrap()));
    let members = || {
        UnionFields::try_new(
            vec![3, 7],
            vec![Field::new("i", DataType::Int32, true), Field::new("t", DataType::Utf8, true)],
        )
        .unwrap()
    };
    let texts: ArrayRef = Arc::new(StringArray::from(texts));
    let ids = ScalarBuffer::from(vec![3_i8, 7, 7, 3]);
    let sparse =
        UnionArray::try_new(members(), ids.clone(), None, vec![Arc::new(ints.clone()), texts.clone()]);
    add(Arc::new(sparse.unwrap()));
    let offsets = Some(ScalarBuffer::from(vec![0, 0, 1, 1]));
    add(Arc::new(UnionArray::try_new(members(), ids, offsets, vec![Arc::new(ints), texts]).unwrap()));
    let metadata = |name: &str| [("unit".to_owned(), name.to_owned())].into();
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| {
            Field::new(name, column.data_type().clone(), true).with_metadata(metadata(name))
        })
        .collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}
