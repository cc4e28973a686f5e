//! What an Arrow file may hold, and how it is read in parts and from bookmarks.

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::concat_batches;
use arrow::datatypes::*;
use arrow::ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter};
use arrow::ipc::{CompressionType, MetadataVersion};
use serde_json::json;
use std::sync::Arc;

use dstream_sdk::{ErrorKind, Tap};

use super::Ipc;
use crate::tap::FilesTap;
use crate::testing::{BatchLimits, Folder, WIDE, read, read_as, row, selected, tap};

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

fn codecs() -> [Option<CompressionType>; 3] {
    [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)]
}

#[test]
fn every_type_is_read_as_it_was_written_from_files_and_streams() {
    let batch = every_type();
    for codec in codecs() {
        for (name, content) in [
            ("a.arrow", file(&[batch.clone(), batch.slice(1, 2)], options(codec))),
            ("a.arrows", stream(&[batch.clone(), batch.slice(1, 2)], options(codec))),
        ] {
            let folder = Folder::with(name, content);
            let tap = ipc(&folder, name);
            let found = tap.discover().unwrap().streams.remove(0);
            assert_eq!(
                (found.schema.as_ref(), found.row_count),
                (batch.schema().as_ref(), Some(6)),
                "{name}"
            );
            let read = read(&tap, None).unwrap();
            assert_eq!(read.batches, [batch.clone(), batch.slice(1, 2)], "{name} {codec:?}");
        }
    }
}

#[test]
fn the_content_says_whether_it_is_a_stream() {
    for name in ["a.arrow", "a.arrows", "a.ipc", "a.feather"] {
        for content in [file(&[numbers(0, 3)], options(None)), stream(&[numbers(0, 3)], options(None))] {
            let folder = Folder::with(name, content);
            assert_eq!(read(&ipc(&folder, ""), None).unwrap().batches, [numbers(0, 3)], "{name}");
        }
    }
}

#[test]
fn batches_of_any_size_keep_to_the_limits_and_have_all_rows() {
    let every = every_type();
    let folder = Folder::with("a.arrow", file(std::slice::from_ref(&every), options(None)));
    let tap = ipc(&folder, "a.arrow");
    let wanted = selected(&tap.discover().unwrap(), "a");
    let one_row = BatchLimits { rows: 1, bytes: 1 << 20 };
    let parts = read_as(&tap, wanted, None, one_row).unwrap().batches;
    assert_eq!(parts, (0..4).map(|at| every.slice(at, 1)).collect::<Vec<_>>());

    let whole = numbers(0, 20_000);
    let folder = Folder::with("a.arrow", file(std::slice::from_ref(&whole), options(None)));
    let tap = ipc(&folder, "a.arrow");
    let wanted = selected(&tap.discover().unwrap(), "a");
    for limits in [BatchLimits { rows: 999, bytes: 1 << 20 }, BatchLimits { rows: 1 << 20, bytes: 20_000 }] {
        let read = read_as(&tap, wanted.clone(), None, limits).unwrap();
        assert!(read.batches.len() > 10);
        assert_eq!(concat_batches(&whole.schema(), &read.batches).unwrap(), whole);
    }
}

#[test]
fn only_chosen_columns_are_read_in_the_order_of_the_selection() {
    let batch = every_type();
    let folder =
        Folder::with("a.arrow", file(std::slice::from_ref(&batch), options(Some(CompressionType::ZSTD))));
    let tap = ipc(&folder, "a.arrow");
    for columns in [vec![], vec![52, 0], vec![45, 32, 50], vec![51]] {
        let columns: Vec<usize> = columns.into_iter().filter(|at| *at < batch.num_columns()).collect();
        let mut wanted = selected(&tap.discover().unwrap(), "a");
        let expected = batch.project(&columns).unwrap();
        wanted.schema = expected.schema();
        assert_eq!(read_as(&tap, wanted, None, WIDE).unwrap().batches, [expected]);
    }
}

#[test]
fn a_broken_column_that_nobody_chose_harms_nobody() {
    let whole = file(&[numbers(0, 100)], options(None));
    let mut broken = whole.clone();
    // The texts are not UTF-8 any more.
    let at = whole.windows(8).rposition(|bytes| bytes == b"xxxxxxxx").unwrap();
    broken[at] = 0xff;
    let folder = Folder::with("a.arrow", broken);
    let tap = ipc(&folder, "a.arrow");
    assert_eq!(read(&tap, None).unwrap_err().kind(), ErrorKind::Data);
    let mut wanted = selected(&tap.discover().unwrap(), "a");
    wanted.schema = Arc::new(wanted.schema.project(&[0]).unwrap());
    assert_eq!(read_as(&tap, wanted, None, WIDE).unwrap().rows().len(), 100);
}

/// Words as a dictionary of their own.
fn words(words: &[&str], keys: &[i8]) -> RecordBatch {
    let values = StringArray::from(words.to_vec());
    let column = DictionaryArray::new(Int8Array::from(keys.to_vec()), Arc::new(values));
    RecordBatch::try_from_iter([("w", Arc::new(column) as ArrayRef)]).unwrap()
}

#[test]
fn dictionaries_grow_and_are_replaced() {
    let (first, more, other) =
        (words(&["a", "b"], &[1, 0]), words(&["a", "b", "c"], &[2, 0]), words(&["z"], &[0]));
    let rows = [row(&["b"]), row(&["a"]), row(&["c"]), row(&["a"]), row(&["z"])];
    let delta = || options(None).with_dictionary_handling(DictionaryHandling::Delta);
    for (content, count) in [
        (stream(&[first.clone(), more.clone(), other.clone()], delta()), 5),
        (stream(&[first.clone(), more.clone(), other], options(None)), 5),
        (file(&[first, more], delta()), 4),
    ] {
        let folder = Folder::with("a.arrow", content);
        let tap = ipc(&folder, "a.arrow");
        let all = read(&tap, None).unwrap();
        assert_eq!(all.rows(), rows[..count]);
        for (done, bookmark) in all.bookmarks.iter().enumerate() {
            let rest = read(&tap, Some(bookmark.clone())).unwrap();
            assert_eq!(rest.batches, all.batches.get(done + 1..).unwrap_or_default());
        }
    }
}

#[test]
fn reading_on_from_any_bookmark_gives_exactly_the_rest() {
    let batches = [numbers(0, 10), numbers(10, 1), numbers(11, 0), numbers(11, 25)];
    for content in [file(&batches, options(None)), stream(&batches, options(None))] {
        let folder = Folder::with("a.arrow", content);
        let tap = ipc(&folder, "a.arrow");
        let wanted = selected(&tap.discover().unwrap(), "a");
        let limits = BatchLimits { rows: 4, bytes: 1 << 20 };
        let all = read_as(&tap, wanted.clone(), None, limits).unwrap();
        assert_eq!(concat_batches(&wanted.schema, &all.batches).unwrap().num_rows(), 36);
        for (done, bookmark) in all.bookmarks.iter().enumerate() {
            let rest = read_as(&tap, wanted.clone(), Some(bookmark.clone()), limits).unwrap();
            assert_eq!(rest.batches, all.batches.get(done + 1..).unwrap_or_default());
        }
    }
}

#[test]
fn batches_appended_to_a_stream_are_read_alone_and_another_file_loses_the_bookmark() {
    let without_end = |batches: &[RecordBatch]| {
        let mut content = stream(batches, options(None));
        content.truncate(content.len() - 8);
        content
    };
    let folder = Folder::with("a.arrows", without_end(&[numbers(0, 3), numbers(3, 3)]));
    let tap = ipc(&folder, "a.arrows");
    let bookmark = read(&tap, None).unwrap().bookmarks.pop().unwrap();
    folder.write("a.arrows", without_end(&[numbers(0, 3), numbers(3, 3), numbers(6, 2)]));
    assert_eq!(read(&tap, Some(bookmark.clone())).unwrap().batches, [numbers(6, 2)]);
    for other in [
        without_end(&[numbers(0, 3)]),
        without_end(&[numbers(0, 3), numbers(3, 4), numbers(7, 1)]),
        stream(&[words(&["a"], &[0])], options(None)),
        file(&[numbers(0, 3), numbers(3, 3)], options(None)),
    ] {
        folder.write("a.arrows", other);
        assert_eq!(read(&tap, Some(bookmark.clone())).unwrap_err().kind(), ErrorKind::BookmarkLost);
    }
}

#[test]
fn record_batches_are_shared_out_to_parts() {
    let batches: Vec<RecordBatch> = (0..20).map(|at| numbers(at * 5, 5)).collect();
    for (content, is_cut) in [(file(&batches, options(None)), true), (stream(&batches, options(None)), false)]
    {
        let folder = Folder::with("a.arrow", content);
        let tap = ipc(&folder, "a.arrow");
        let stream = selected(&tap.discover().unwrap(), "a");
        let mut all = Vec::new();
        for part in 0..3 {
            let rows = crate::tap::rows_of_part(&tap, &stream, part, 3).unwrap();
            assert!(!is_cut || (20..=40).contains(&rows.len()), "{} rows", rows.len());
            all.extend(rows.into_iter().map(|row| row[0].clone().unwrap().parse::<i64>().unwrap()));
        }
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }
}

#[test]
fn a_null_where_the_catalog_says_never_is_an_error() {
    let folder = Folder::with("a.arrow", file(&[numbers(0, 5)], options(None)));
    let tap = ipc(&folder, "a.arrow");
    let mut wanted = selected(&tap.discover().unwrap(), "a");
    wanted.schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, false)]));
    let error = read_as(&tap, wanted, None, WIDE).unwrap_err();
    assert!(error.message().contains("a.arrow`: column `text` is null, the catalog says never"), "{error}");
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let one = numbers(0, 2);
    let schema = Schema::new(vec![one.schema().field(0).clone(), one.schema().field(0).clone()]);
    let twice =
        RecordBatch::try_new(schema.into(), vec![one.column(0).clone(), one.column(0).clone()]).unwrap();
    let folder = Folder::with("a.arrow", file(&[twice], options(None)));
    let error = ipc(&folder, "a.arrow").discover().unwrap_err();
    assert!(error.message().contains("two columns with the name `n`"), "{error}");
}
