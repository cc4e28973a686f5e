//! Which files become streams, and what is said where none can.

use serde_json::json;

use dstream_sdk::{Error, ErrorKind, ReplicationMethod, Result, Selection, Tap};

use crate::csv::Csv;
use crate::testing::{Folder, context, read, row, selected, tap, try_tap};

const RECORDS: &str = "a,b\n1,2\n";

fn streams(tap: &impl Tap) -> Vec<String> {
    tap.discover().unwrap().streams.into_iter().map(|stream| stream.name).collect()
}

fn error_of<T>(result: Result<T>) -> Error {
    result.err().expect("an error")
}

#[test]
fn a_folder_gives_a_stream_for_each_of_its_files() {
    let folder = Folder::new();
    for name in [
        "orders.csv",
        "Users.CSV",
        "x.2024.csv",
        "t.tsv",
        ".hidden.csv",
        "read.me",
        "sub/deep.csv",
        "l.jsonl",
    ] {
        folder.write(name, RECORDS.replace(',', if name == "t.tsv" { "\t" } else { "," }));
    }
    assert_eq!(streams(&folder.csv("", json!({}))), ["Users", "orders", "sub", "t", "x_2024"]);
}

#[test]
fn a_glob_gives_a_stream_for_each_file_it_matches() {
    let folder = Folder::new();
    for name in ["a/x.csv", "a/y.csv", "a/n.txt", "a/.h.csv", "b/c/z.csv", "b/.h/w.csv", "v.csv"] {
        folder.write(name, RECORDS);
    }
    assert_eq!(streams(&folder.csv("a/*.csv", json!({}))), ["x", "y"]);
    assert_eq!(streams(&folder.csv("*.csv", json!({}))), ["v"]);
    assert_eq!(streams(&folder.csv("**/*.csv", json!({}))), ["v", "x", "y", "z"]);
    assert_eq!(streams(&folder.csv("./{a,b}//**", json!({}))), ["x", "y", "z"]);
    assert_eq!(streams(&folder.csv("a/n.*", json!({}))), ["n_txt"]);
}

#[test]
fn a_file_is_taken_by_its_whole_name_before_that_is_a_glob() {
    let folder = Folder::new();
    folder.write("a[1].csv", RECORDS);
    folder.write("a1.csv", RECORDS);
    assert_eq!(streams(&folder.csv("a[1].csv", json!({}))), ["a[1]"]);
    assert_eq!(streams(&folder.csv("a[12].csv", json!({}))), ["a1"]);
}

#[test]
fn names_with_spaces_and_line_ends_are_names() {
    let folder = Folder::new();
    folder.write("a b\n\"c\".csv", RECORDS);
    let tap = folder.csv("", json!({}));
    assert_eq!(streams(&tap), ["a b\n\"c\""]);
    assert_eq!(read(&tap, None).unwrap().rows(), [row(&["1", "2"])]);
    folder.write("a b\n\"c\".csv", "");
    assert!(error_of(tap.discover()).message().contains("a b\\n\"c\".csv` is empty"));
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf8_is_an_error_that_shows_it() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::with("a.csv", RECORDS);
    std::fs::write(folder.path("").join(std::ffi::OsStr::from_bytes(b"caf\xe9.csv")), RECORDS).unwrap();
    let error = error_of(folder.csv("", json!({})).discover());
    assert!(error.message().contains("caf\u{fffd}.csv` is not UTF-8"), "{error}");
}

#[test]
fn two_files_for_one_stream_are_both_named() {
    let folder = Folder::new();
    folder.write("orders.csv", RECORDS);
    folder.write("orders.csv.gz", RECORDS);
    let error = error_of(folder.csv("", json!({})).discover());
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.message().contains("orders.csv` and `") && error.message().ends_with("orders.csv.gz`"),
        "{error}"
    );
    folder.write("a/x.csv", RECORDS);
    folder.write("b/x.csv", RECORDS);
    let error = error_of(folder.csv("*/*", json!({})).check());
    assert!(error.message().contains("a/x.csv` and `") && error.message().ends_with("b/x.csv`"), "{error}");
}

/// The part before a dot is the schema of a stream, and the table has the part after it.
#[test]
fn no_part_of_a_files_name_is_taken_for_a_schema() {
    let folder = Folder::new();
    folder.write("orders.2023.csv", RECORDS);
    folder.write("orders.2024.csv.gz", RECORDS);
    assert_eq!(streams(&folder.csv("", json!({}))), ["orders_2023", "orders_2024"]);
    folder.write("orders_2024.csv", RECORDS);
    let error = error_of(folder.csv("", json!({})).discover());
    assert!(error.message().starts_with("the stream `orders_2024` is in two files"), "{error}");
}

#[test]
fn what_is_not_there_is_named_by_its_whole_path() {
    let folder = Folder::with("x/a.txt", RECORDS);
    let whole = folder.path("").to_str().unwrap().to_owned();
    for path in ["none.csv", "none/*.csv", "x", "x/*.csv"] {
        let error = error_of(folder.csv(path, json!({})).check());
        assert_eq!(error.kind(), ErrorKind::NotFound, "{path}");
        assert!(error.message().contains(&whole), "{error}");
    }
    let error = error_of(folder.csv("x", json!({})).check());
    assert!(error.message().ends_with("has no file that ends in .csv or .tsv"), "{error}");
}

#[test]
fn check_reaches_the_files_and_reads_no_record() {
    let folder = Folder::with("a.csv", "broken,\"");
    folder.csv("", json!({})).check().unwrap();
    assert!(folder.csv("", json!({})).discover().is_err());
}

#[test]
fn a_connection_without_path_says_how_to_write_one() {
    for connection in [json!(null), json!({}), json!({"path": ""})] {
        let error = error_of(try_tap::<Csv>(connection, json!({})));
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.hint_text().unwrap().contains("a folder or a glob"), "{error}");
    }
}

#[test]
fn options_that_cannot_be_meant_are_refused() {
    for options in [
        json!({"delimeter": ";"}),
        json!({"delimiter": "ab"}),
        json!({"delimiter": "\n"}),
        json!({"delimiter": "\u{e4}"}),
        json!({"delimiter": "\""}),
        json!({"comment": ",", "quote": null}),
        json!({"types": {"a": "string"}}),
        json!({"infer": "sample"}),
        json!({"max_record_bytes": 0}),
        json!({"key_properties": {"[": ["a"]}}),
    ] {
        let error = error_of(try_tap::<Csv>(json!({"path": "x"}), options.clone()));
        assert_eq!(error.kind(), ErrorKind::Config, "{options}");
    }
    try_tap::<Csv>(json!({"path": "x"}), json!({"escape": "\""})).unwrap();
}

#[test]
fn declared_keys_are_those_of_the_stream() {
    let folder = Folder::new();
    folder.write("orders.csv", RECORDS);
    folder.write("users.csv", RECORDS);
    let keys = |options: serde_json::Value| -> Result<Vec<Vec<String>>> {
        let catalog = folder.csv("", json!({"key_properties": options})).discover()?;
        Ok(catalog.streams.into_iter().map(|stream| stream.key_properties).collect())
    };
    assert_eq!(keys(json!({"*": ["a"], "users": ["a", "b"]})).unwrap(), [vec!["a"], vec!["a", "b"]]);
    assert!(keys(json!({"users": ["c"]})).unwrap_err().message().contains("names `c`, which is no column"));
    assert!(
        keys(json!({"user": ["a"]})).unwrap_err().message().contains("the stream `user`, which there is not")
    );
    assert!(keys(json!({"u*": ["a"], "*s": ["b"]})).unwrap_err().message().contains("two globs"));
}

#[test]
fn a_stream_is_followed_by_its_position_or_read_again() {
    let folder = Folder::with("a.csv", RECORDS);
    let stream = folder.csv("", json!({})).discover().unwrap().streams.remove(0);
    assert_eq!(stream.replication_methods, [ReplicationMethod::Incremental, ReplicationMethod::FullTable]);
    assert!(stream.replication_keys.is_empty());
    assert_eq!(stream.row_count, Some(1));
}

#[test]
fn a_selected_stream_whose_file_is_gone_is_a_schema_error() {
    let folder = Folder::with("a.csv", RECORDS);
    folder.write("b.csv", RECORDS);
    let tap = folder.csv("", json!({}));
    let selection =
        Selection { streams: vec![selected(&tap.discover().unwrap(), "b")], ..Selection::default() };
    assert_eq!(tap.plan(&selection).unwrap()[0].id, "b");
    std::fs::remove_file(folder.path("b.csv")).unwrap();
    let error = error_of(tap.plan(&selection));
    assert_eq!((error.kind(), error.stream_name()), (ErrorKind::Schema, Some("b")));
}

#[test]
fn a_cancelled_run_ends_the_reader() {
    use std::sync::{Arc, atomic::AtomicBool};
    let folder = Folder::with("a.csv", RECORDS);
    let tap = tap::<Csv>(folder.path("a.csv"), json!({}));
    let stream = selected(&tap.discover().unwrap(), "a");
    let cancelled = Arc::new(AtomicBool::new(false));
    let request = dstream_sdk::ReadRequest {
        partition: dstream_sdk::Partition::whole("a"),
        streams: vec![stream],
        bookmark: None,
        max_batch_rows: 10.try_into().unwrap(),
        max_batch_bytes: 1000.try_into().unwrap(),
    };
    let mut reader = tap.open_reader(dstream_sdk::Context::detached(cancelled.clone()), request).unwrap();
    reader.next(std::time::Duration::ZERO).unwrap();
    cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(reader.next(std::time::Duration::ZERO).unwrap_err().kind(), ErrorKind::Cancelled);
    let _ = context();
}
