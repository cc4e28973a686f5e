//! What is in the footers of files that were written, as programs that are not ours see them.

use arrow::array::*;
use arrow::datatypes::*;
use dstream_peers::Readers;
use serde_json::{Value, json};
use std::sync::Arc;

use super::{Parquet, ParquetEncoding};
use crate::target::Encoding;
use crate::testing::{self, Folder, encoded, read, tap};
use dstream_sdk::{Error, ErrorKind, Result};

fn encoding(options: Value) -> Result<ParquetEncoding> {
    testing::encoding(options)
}

fn refused(options: Value) -> Error {
    encoding(options).err().unwrap()
}

/// Even numbers and their names, a float, a truth and a list of each.
fn batch() -> RecordBatch {
    let n: Int64Array = (0..20_000).map(|n| n * 2).collect();
    let name: StringArray = (0..20_000).map(|n| (n % 7 > 0).then(|| format!("name {n}"))).collect();
    let kind: DictionaryArray<Int8Type> = (0..20_000).map(|n| Some(["a", "b"][n % 2])).collect();
    let float: Float64Array = (0..20_000).map(f64::from).collect();
    let truth: BooleanArray = (0..20_000).map(|n| Some(n % 3 == 0)).collect();
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>((0..20_000).map(|n| Some([Some(n)])));
    RecordBatch::try_from_iter_with_nullable([
        ("n", Arc::new(n) as ArrayRef, false),
        ("name", Arc::new(name), true),
        ("kind", Arc::new(kind), true),
        ("float", Arc::new(float), true),
        ("truth", Arc::new(truth), true),
        ("list", Arc::new(list), true),
    ])
    .unwrap()
}

/// The lines of what a peer says.
fn lines(table: dstream_peers::Table) -> Vec<String> {
    let text = |value: Option<String>| value.unwrap_or_else(|| "~".to_owned());
    table.rows.into_iter().map(|row| row.into_iter().map(text).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn pages_are_packed_as_the_user_says_and_others_read_them() {
    let mut readers = Readers::start().unwrap();
    for (options, seen) in [
        (json!({}), "ZSTD"),
        (json!({"compression": "zstd", "compression_level": 22}), "ZSTD"),
        (json!({"compression": "snappy"}), "SNAPPY"),
        (json!({"compression": "lz4"}), "LZ4_RAW"),
        (json!({"compression": "gzip", "compression_level": 9}), "GZIP"),
        (json!({"compression": "brotli", "compression_level": 0}), "BROTLI"),
        (json!({"compression": "none"}), "UNCOMPRESSED"),
    ] {
        let folder = Folder::with("a.parquet", encoded(&encoding(options).unwrap(), &batch()).unwrap());
        let file = folder.path("a.parquet");
        let file = file.to_str().unwrap();
        let codecs = format!("SELECT DISTINCT compression FROM parquet_metadata('{file}')");
        assert_eq!(lines(readers.query(&codecs).unwrap()), [seen]);
        let sums = format!("SELECT sum(n), count(name), max(name), sum(float) FROM '{file}'");
        assert_eq!(lines(readers.query(&sums).unwrap()), ["399980000 17142 name 9999 199990000.0"], "{seen}");
        for column in readers.footer(folder.path("a.parquet").as_path()).unwrap() {
            assert!(
                column.has_statistics && column.has_column_index && column.has_offset_index,
                "{seen}: {column:?}"
            );
        }
        assert_eq!(
            read(&tap::<Parquet>(folder.path("a.parquet"), json!({})), None).unwrap().rows().len(),
            20_000
        );
    }
}

#[test]
fn a_level_that_a_codec_does_not_have_is_refused() {
    for (compression, level, said) in [
        ("zstd", 0, "1 to 22"),
        ("zstd", 23, "1 to 22"),
        ("gzip", 0, "1 to 9"),
        ("gzip", 10, "1 to 9"),
        ("brotli", 12, "0 to 11"),
        ("snappy", 1, "leave out the level"),
        ("lz4", 1, "leave out the level"),
        ("none", 1, "leave out the level"),
    ] {
        let error = refused(json!({"compression": compression, "compression_level": level}));
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.message().contains("`compression_level`"), "{error}");
        assert!(error.hint_text().unwrap().contains(said), "{compression} {level}: {error:?}");
    }
}

#[test]
fn a_bloom_filter_finds_every_value_and_few_others() {
    let mut readers = Readers::start().unwrap();
    for options in [
        json!({"bloom_filters": ["n", "name", "kind"]}),
        json!({"bloom_filters": {"n*": ["n", "name", "kind"], "other": ["nothing"]}, "row_group_rows": 9000}),
    ] {
        let folder = Folder::with("a.parquet", encoded(&encoding(options).unwrap(), &batch()).unwrap());
        let file = folder.path("a.parquet");
        let file = file.to_str().unwrap();
        let having = format!(
            "SELECT DISTINCT path_in_schema FROM parquet_metadata('{file}') WHERE bloom_filter_offset IS NOT NULL ORDER BY 1"
        );
        assert_eq!(lines(readers.query(&having).unwrap()), ["kind", "n", "name"]);
        // As many values have room in 24 KiB, not in the 2 MiB that it begins with.
        let longest = format!("SELECT max(bloom_filter_length) < 70000 FROM parquet_metadata('{file}')");
        assert_eq!(lines(readers.query(&longest).unwrap()), ["true"]);
        let mut excluded = |column: &str, value: String| {
            let probe = format!(
                "SELECT bool_and(bloom_filter_excludes) FROM parquet_bloom_probe('{file}', '{column}', {value})"
            );
            lines(readers.query(&probe).unwrap()) == ["true"]
        };
        let mut others = 0;
        for n in (0..20_000).step_by(500) {
            assert!(!excluded("n", format!("{}::BIGINT", n * 2)), "{n} is there");
            assert!(n % 7 == 0 || !excluded("name", format!("'name {n}'")), "{n} is there");
            others += u32::from(excluded("n", format!("{}::BIGINT", n * 2 + 1)));
        }
        assert!(others > 30, "{others} of 40 are known not to be there");
    }
}

#[test]
fn a_bloom_filter_that_cannot_be_is_refused_before_a_row_is_written() {
    for (options, said) in [
        (json!(["nothing"]), "`nothing`, which the files of the stream do not have"),
        (json!({"orders": ["nothing"]}), "`nothing`, which the files of the stream do not have"),
        (json!(["float"]), "0.0 equals -0.0"),
        (json!(["truth"]), "Parquet has no filter for Boolean"),
        (json!(["list"]), "a filter needs single values"),
    ] {
        let encoding = encoding(json!({ "bloom_filters": options })).unwrap();
        let error = encoding.check("orders", &batch().schema()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.message().contains(said), "{error}");
        assert!(error.hint_text().is_some());
    }
    let of_others = encoding(json!({"bloom_filters": {"customers": ["nothing"]}})).unwrap();
    of_others.check("orders", &batch().schema()).unwrap();
}
