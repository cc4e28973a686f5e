//! Objects are read and written as files are, whichever service keeps them.

use std::io::{Read as _, Write as _};

use dstream_sdk::{Bookmark, ErrorKind, OpenTarget, Tap, Target, WriteMode};
use serde_json::{Value, json};

use super::{Server, numbers, put, read_files, write};
use crate::csv::Csv;
use crate::ipc::Ipc;
use crate::jsonl::Jsonl;
use crate::parquet::Parquet;
use crate::store::{Objects, Store};
use crate::tap::Format;
use crate::target::{ArrowTarget, CsvTarget, JsonlTarget, ParquetTarget};
use crate::testing::{context, row};

#[test]
fn what_is_written_into_a_bucket_is_read_again() {
    fn of<T: Target + OpenTarget, F: Format>(server: &Server, kind: &str, options: Value) {
        let target = T::open(context(), server.config(kind, &format!("lake/{kind}"), options)).unwrap();
        target.check().unwrap();
        let whole = numbers(0, 50_000);
        write(&target, &whole.slice(0, 20_000), WriteMode::Append, 1).unwrap();
        write(&target, &whole.slice(20_000, 30_000), WriteMode::Append, 1).unwrap();
        let types = json!({"types": {"n": "int64", "text": "text"}});
        let options = if matches!(kind, "csv" | "jsonl") { types } else { json!({}) };
        let tap = server.tap::<F>(&format!("lake/{kind}"), options).unwrap();
        tap.check().unwrap();
        let (mut found, _) = read_files(&tap, None);
        assert_eq!(found.len(), 50_000, "{kind}");
        found.sort();
        let mut all = crate::testing::rows(&whole);
        all.sort();
        assert!(found == all, "{kind}");
        // Another copy takes their place.
        write(&target, &numbers(5, 9), WriteMode::Overwrite, 2).unwrap();
        assert_eq!(read_files(&tap, None).0.len(), 4, "{kind}");
        let staged = server.bucket().list(&format!("lake/{kind}")).unwrap();
        assert!(staged.iter().all(|seen| !seen.key().contains("/stage/")), "{staged:?}");
    }
    for server in Server::all() {
        of::<ParquetTarget, Parquet>(&server, "parquet", json!({}));
        of::<ArrowTarget, Ipc>(&server, "arrow", json!({}));
        of::<CsvTarget, Csv>(&server, "csv", json!({"compression": "gzip"}));
        of::<JsonlTarget, Jsonl>(&server, "jsonl", json!({}));
    }
}

#[test]
fn a_file_of_many_parts_arrives_whole() {
    for server in Server::all() {
        let bucket = server.bucket();
        let store = Objects::new(bucket.clone()).unwrap();
        let mut random = crate::testing::Random::new();
        for length in [0, 1, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, 27_000_001] {
            let seed = random.below(256);
            let all: Vec<u8> =
                (0..length).map(|at: usize| (at.wrapping_mul(31) >> 7) as u8 ^ seed as u8).collect();
            let name = format!("f{length}");
            let mut staged = store.stage(&name).unwrap();
            all.chunks(1 + random.below(3 << 20)).for_each(|some| staged.write_all(some).unwrap());
            assert_eq!(staged.finish().unwrap(), length as u64);
            let seen = bucket.look(&bucket.key(&name).unwrap()).unwrap().unwrap();
            let mut read = Vec::new();
            crate::input::Object::new(bucket.clone(), seen).read_to_end(&mut read).unwrap();
            assert!(read == all, "{length} bytes");
        }
        // One that is given up is not there.
        let mut staged = store.stage("given-up").unwrap();
        staged.write_all(&vec![0; 20 << 20]).unwrap();
        drop(staged);
        assert_eq!(store.bytes("given-up").unwrap(), None);
    }
}

#[test]
fn a_bucket_is_looked_through_as_a_folder_is() {
    for server in Server::all() {
        let bucket = server.bucket();
        for name in [
            "d/orders.csv",
            "d/2024/a.csv",
            "d/2024/b.csv.gz",
            "d/.hidden.csv",
            "d/_x/c.csv",
            "d/a b%20ü#?.csv",
            "hive/year=2013/a.csv",
            "hive/year=2014/a.csv",
            "dd/x.csv",
        ] {
            put(&bucket, name, "a\n1\n");
        }
        let of = |path: &str, options: Value| -> Vec<(String, Option<u64>)> {
            let catalog = server.tap::<Csv>(path, options).unwrap().discover().unwrap();
            catalog.streams.into_iter().map(|stream| (stream.name, stream.row_count)).collect()
        };
        let stream = |name: &str, rows| (name.to_owned(), Some(rows));
        let d = [stream("2024", 2), stream("a b%20ü#?", 1), stream("orders", 1)];
        assert_eq!(of("d", json!({})), d);
        assert_eq!(of("d/", json!({})), d);
        assert_eq!(of("d/orders.csv", json!({})), [stream("orders", 1)]);
        assert_eq!(of("d/*.csv", json!({})), [stream("a b%20ü#?", 1), stream("orders", 1)]);
        assert_eq!(of("**/o*.csv", json!({})), [stream("orders", 1)]);
        assert_eq!(of("hive", json!({})), [stream("hive", 2)]);
        assert_eq!(of("d", json!({"streams": {"all": "**/*.csv*"}})), [stream("all", 4)]);
        for (path, text) in [("none", "://bucket/none`"), ("d/x*.csv", "no file matches")] {
            let error = server.tap::<Csv>(path, json!({})).unwrap().discover().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(error.message().contains(text), "{error}");
        }
    }
}

#[test]
fn what_is_new_in_a_bucket_is_read_and_what_was_read_is_not() {
    for server in Server::all() {
        let bucket = server.bucket();
        put(&bucket, "in/a.csv", "x\n1\n2\n");
        let read_on = |bookmark: Option<Bookmark>| {
            let tap = server.tap::<Csv>("in", json!({"streams": {"s": "*.csv"}})).unwrap();
            read_files(&tap, bookmark)
        };
        let (rows, bookmark) = read_on(None);
        assert_eq!(rows, [row(&["1"]), row(&["2"])]);
        assert_eq!(read_on(Some(bookmark.clone())).0, Vec::<crate::testing::Row>::new());
        // Written anew with more at its end, and beside it another one.
        put(&bucket, "in/a.csv", "x\n1\n2\n3\n");
        put(&bucket, "in/b.csv", "x\n4\n");
        assert_eq!(read_on(Some(bookmark)).0, [row(&["3"]), row(&["4"])]);
    }
}

#[test]
fn an_object_that_changes_while_it_is_read_is_an_error() {
    for server in Server::all() {
        let bucket = server.bucket();
        let text = |letter: &str| "x\n".to_owned() + &format!("{}\n", letter.repeat(99)).repeat(100_000);
        put(&bucket, "a.csv", text("a"));
        let seen = bucket.look(&bucket.key("a.csv").unwrap()).unwrap().unwrap();
        let mut object = crate::input::Object::new(bucket.clone(), seen);
        let mut bytes = vec![0; 1000];
        object.read_exact(&mut bytes).unwrap();
        put(&bucket, "a.csv", text("b"));
        let error = object.read_to_end(&mut bytes).unwrap_err();
        let error = crate::input::carried(&error).unwrap();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(!bytes.contains(&b'b'), "never a mixture");
    }
}

#[test]
fn an_entry_is_made_once() {
    for server in Server::all() {
        let store = Objects::new(server.bucket()).unwrap();
        assert!(store.create_new("log/1", b"one", "stage").unwrap());
        assert!(!store.create_new("log/1", b"other", "stage").unwrap());
        assert_eq!(store.read("log/1").unwrap().unwrap(), b"one");
        assert_eq!(store.bytes("log/2").unwrap(), None);
        store.remove("log/1").unwrap();
        store.remove("log/1").unwrap();
    }
}
