//! What an Arrow file may hold, and how it is read in parts and from bookmarks.

use arrow::array::*;
use arrow::compute::concat_batches;
use arrow::datatypes::*;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::DictionaryHandling;
use std::sync::Arc;

use dstream_sdk::{ErrorKind, Tap};

use super::samples::{every_type, file, ipc, numbers, options, stream};
use crate::testing::{BatchLimits, Folder, WIDE, read, read_as, row, selected};

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
