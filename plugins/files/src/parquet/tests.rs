//! What a file of Parquet may hold, and what is said of one that is damaged.

use arrow::array::*;
use arrow::datatypes::*;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::json;
use std::sync::Arc;

use dstream_sdk::ErrorKind;

use super::Parquet;
use crate::tap::FilesTap;
use crate::testing::{Folder, Random, columns, read, row, tap};

fn parquet(folder: &Folder) -> FilesTap<Parquet> {
    tap(folder.path("a.parquet"), json!({}))
}

/// Numbers and texts in row groups of a hundred.
fn numbers(count: i64) -> Vec<u8> {
    let n: Int64Array = (0..count).collect();
    let text: StringArray = (0..count).map(|n| (n % 3 != 0).then(|| format!("text {}", n % 7))).collect();
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(
        (0..count).map(|n| Some(vec![Some(n as i32); n as usize % 4])),
    );
    let batch = RecordBatch::try_from_iter([
        ("n", Arc::new(n) as ArrayRef),
        ("text", Arc::new(text)),
        ("list", Arc::new(list)),
    ])
    .unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(100))
        .set_compression(Compression::SNAPPY)
        .set_created_by("test".to_owned())
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// A file of one row group, its columns written as Parquet has them.
fn raw(message: &str, mut write: impl FnMut(&mut ColumnWriter<'_>, usize)) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(message).unwrap());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    let mut at = 0;
    while let Some(mut column) = group.next_column().unwrap() {
        write(column.untyped(), at);
        column.close().unwrap();
        at += 1;
    }
    group.close().unwrap();
    file.into_inner().unwrap()
}

#[test]
fn physical_types_of_old_writers_are_read() {
    let content = raw(
        "message m { required int96 at; required fixed_len_byte_array(5) d (DECIMAL(11,2)); required binary b (DECIMAL(5,1)); }",
        |column, _| match column {
            // 2013-01-01 06:00, as days of Julius and nanoseconds.
            ColumnWriter::Int96ColumnWriter(writer) => {
                writer.write_batch(&[int96(2_456_294, 6 * 3600 * 1_000_000_000)], None, None).unwrap();
            }
            ColumnWriter::FixedLenByteArrayColumnWriter(writer) => {
                let value = FixedLenByteArray::from(ByteArray::from(vec![0xff, 0xff, 0xff, 0xff, 0x85]));
                writer.write_batch(&[value], None, None).unwrap();
            }
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                writer.write_batch(&[ByteArray::from(vec![0x7b])], None, None).unwrap();
            }
            _ => panic!("no such column"),
        },
    );
    let folder = Folder::with("a.parquet", content);
    let tap = parquet(&folder);
    assert_eq!(columns(&tap), ["at: timestamp_ns", "d: decimal(11,2)", "b: decimal(5,1)"]);
    assert_eq!(read(&tap, None).unwrap().rows(), [row(&["2013-01-01T06:00:00", "-1.23", "12.3"])]);
}

/// A point in time of 96 bits: nanoseconds of a day of Julius.
fn int96(day: u32, nanos: u64) -> Int96 {
    let mut at = Int96::new();
    at.set_data(nanos as u32, (nanos >> 32) as u32, day);
    at
}

#[test]
fn a_point_in_time_that_nanoseconds_do_not_hold_is_refused_with_its_place() {
    const NOON: u64 = 12 * 3600 * 1_000_000_000;
    let written = |types: &str, days: &[u32], levels: Option<&[i16]>| {
        let values: Vec<Int96> = days.iter().map(|day| int96(*day, NOON)).collect();
        let content = raw(types, |column, _| match column {
            ColumnWriter::Int96ColumnWriter(writer) => {
                let repeated = levels.map(|levels| vec![0; levels.len()]);
                writer.write_batch(&values, levels, repeated.as_deref()).unwrap();
            }
            _ => panic!("no such column"),
        });
        Folder::with("a.parquet", content)
    };
    // 1677-09-21, 2262-04-11 and the days beyond; 9999-12-31, which stands for "never".
    for day in [2_333_836, 2_547_339] {
        let folder = written("message m { required int96 at; }", &[day], None);
        read(&parquet(&folder), None).unwrap();
    }
    for day in [0, 2_333_835, 2_547_340, 5_373_484, u32::MAX] {
        for (types, days, levels, place) in [
            ("message m { required int96 at; }", vec![2_456_294, day], None, "`at`, 1 rows after"),
            ("message m { optional group g { optional int96 at; } }", vec![day], Some([2]), "`g`, 0 rows"),
            (
                "message m { required group l (LIST) { repeated group list { required int96 element; } } }",
                vec![day],
                Some([1]),
                "`l`, 0 rows",
            ),
        ] {
            let folder = written(types, &days, levels.as_ref().map(|levels| &levels[..]));
            let error = read(&parquet(&folder), None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data, "{day}: {error}");
            assert!(error.message().contains(place), "{day}: {error}");
        }
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_an_error_and_gives_nothing() {
    let whole = numbers(250);
    for end in (0..whole.len()).step_by(7).chain(whole.len() - 40..whole.len()) {
        let folder = Folder::with("a.parquet", &whole[..end]);
        let error = read(&parquet(&folder), None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "cut at {end}: {error}");
        assert!(error.message().contains("a.parquet`"), "{error}");
    }
}

/// The numbers 1, 2 and 3 as pyarrow writes them with `write_page_checksum`.
const WITH_CHECKSUM: &str = "5041523115001524152415fdb789b50e1c15061500150615061c000000020000000601010000000200000003000000\
    1504192c35001806736368656d611502001502250218016e001606191c191c26001c1502192506001918016e15001606165616562608491c1500\
    15001502003c2906192600060000001656160626081656002820706172717565742d6370702d6172726f772076657273696f6e2032362e302e31\
    191c1c0000007a00000050415231";

#[test]
fn a_page_with_another_checksum_than_it_says_is_an_error() {
    let byte = |at: usize| u8::from_str_radix(&WITH_CHECKSUM[at..at + 2], 16).unwrap();
    let mut content: Vec<u8> = (0..WITH_CHECKSUM.len()).step_by(2).map(byte).collect();
    let folder = Folder::with("a.parquet", &content);
    assert_eq!(read(&parquet(&folder), None).unwrap().rows(), [row(&["1"]), row(&["2"]), row(&["3"])]);
    content[35] = 7;
    folder.write("a.parquet", &content);
    let error = read(&parquet(&folder), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(
        error.message().contains("a.parquet` is damaged") && error.message().contains("checksum"),
        "{error}"
    );
}

#[test]
fn a_bit_that_is_another_gives_values_or_an_error_of_the_file() {
    let whole = numbers(250);
    let mut random = Random::new();
    let mut errors = 0;
    for _ in 0..400 {
        let mut content = whole.clone();
        let (at, bit) = (random.below(content.len()), random.below(8));
        content[at] ^= 1 << bit;
        let folder = Folder::with("a.parquet", &content);
        if let Err(error) = read(&parquet(&folder), None) {
            assert!(
                matches!(error.kind(), ErrorKind::Data | ErrorKind::Unsupported | ErrorKind::Schema),
                "bit {bit} of byte {at}: {error}"
            );
            errors += 1;
        }
    }
    assert!(errors > 100, "{errors} errors");
}
