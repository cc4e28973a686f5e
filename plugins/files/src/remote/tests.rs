//! Buckets of a real server on loopback, and servers that answer what no good one does.

use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use dstream_object_server::{BUCKET, S3Server};
use dstream_sdk::{
    Auth, Bookmark, Commit, CommitRecord, CommitWindow, ConnectorConfig, Error, ErrorKind, OpenTarget,
    Pipeline, ReplicationMethod, Result, StoreConnection, StreamPlan, Tap, Target, WriteMode, WriteRequest,
};
use object_store::{ObjectStoreExt, PutPayload};

use super::{Address, Bucket};
use crate::csv::Csv;
use crate::ipc::Ipc;
use crate::jsonl::Jsonl;
use crate::parquet::Parquet;
use crate::tap::Format;
use crate::target::{ArrowTarget, CsvTarget, JsonlTarget, ParquetTarget};
use crate::testing::{context, read, row, try_tap_with};

const SECRET: &str = "canary+secret/42";

fn auth() -> Value {
    json!({"type": "access_key", "access_key_id": "key", "secret_access_key": SECRET, "session_token": "canary-token"})
}

fn connection(endpoint: &str, url: &str) -> Value {
    json!({"url": url, "endpoint": endpoint, "region": "us-east-1", "allow_http": true})
}

fn config(kind: &str, endpoint: &str, url: &str, options: Value) -> ConnectorConfig {
    let config = json!({
        "name": "n", "type": kind, "connection": connection(endpoint, url), "auth": auth(), "options": options,
    });
    serde_json::from_value(config).unwrap()
}

fn bucket(server: &S3Server) -> Arc<Bucket> {
    let config = config("csv", &server.endpoint(), &format!("s3://{BUCKET}"), json!({}));
    let connection = StoreConnection::of(&config).unwrap().unwrap();
    let address = Address::parse(&connection.url).unwrap();
    Arc::new(Bucket::new(context(), address, &connection, &Auth::of(&config).unwrap()).unwrap())
}

fn put(bucket: &Bucket, name: &str, content: impl AsRef<[u8]>) {
    let (key, content) = (bucket.key(name).unwrap(), PutPayload::from(content.as_ref().to_vec()));
    bucket.ask("writing", name, bucket.client().put(&key, content)).unwrap();
}

fn tap<F: Format>(server: &S3Server, path: &str, options: Value) -> Result<crate::tap::FilesTap<F>> {
    try_tap_with(config("csv", &server.endpoint(), &format!("s3://{BUCKET}/{path}"), options))
}

fn numbers(from: i64, to: i64) -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("n", DataType::Int64, false),
        Field::new("text", DataType::Utf8, true),
    ]);
    let text = StringArray::from_iter((from..to).map(|n| (n % 7 != 0).then(|| format!("text {n}"))));
    let numbers = Int64Array::from_iter_values(from..to);
    RecordBatch::try_new(schema.into(), vec![Arc::new(numbers), Arc::new(text)]).unwrap()
}

/// One run that writes a window and commits it.
fn write<T: Target>(target: &T, batch: &RecordBatch, mode: WriteMode, generation: u64) -> Result<()> {
    let begun =
        target.begin(&Pipeline { pipeline: "p".into(), run: format!("run-{generation}-{}", batch.num_rows()) })?;
    let sequence = begun.records.first().map_or(0, |record| record.sequence) + 1;
    let plan = StreamPlan {
        stream: "numbers".into(),
        table: "numbers".into(),
        write_mode: mode,
        write_mode_is_explicit: true,
        key_properties: Vec::new(),
        replication_method: ReplicationMethod::FullTable,
        generation,
        resumed: false,
    };
    let request = WriteRequest {
        pipeline: "p".into(),
        epoch: begun.epoch,
        partition: "numbers".into(),
        streams: vec![plan.clone()],
        buffer_bytes: 1 << 20,
    };
    let mut writer = target.open_writer(context(), request)?;
    writer.declare(0, 1, batch.schema())?;
    writer.write(0, 1, batch.clone().into())?;
    let window = CommitWindow { window: 1, partition: "numbers".into(), prepared: writer.prepare(1)? };
    let records = vec![CommitRecord { key: "numbers".into(), sequence, value: json!({}) }];
    let publish = if mode == WriteMode::Overwrite { vec![plan] } else { Vec::new() };
    let (pipeline, epoch) = ("p".into(), begun.epoch);
    target.commit(&Commit { pipeline, epoch, windows: vec![window], records, publish })
}

#[test]
fn what_is_written_into_a_bucket_is_read_again() {
    fn of<T: Target + OpenTarget, F: Format>(server: &S3Server, kind: &str, options: Value) {
        let url = format!("s3://{BUCKET}/lake/{kind}");
        let target = T::open(context(), config(kind, &server.endpoint(), &url, options)).unwrap();
        target.check().unwrap();
        let whole = numbers(0, 50_000);
        write(&target, &whole.slice(0, 20_000), WriteMode::Append, 1).unwrap();
        write(&target, &whole.slice(20_000, 30_000), WriteMode::Append, 1).unwrap();
        let text = json!({"types": {"n": "int64", "text": "text"}});
        let options = if matches!(kind, "csv" | "jsonl") { text } else { json!({}) };
        let tap = tap::<F>(server, &format!("lake/{kind}/numbers/*"), options).unwrap();
        let streams = tap.discover().unwrap().streams.len();
        assert!(streams >= 2, "{kind}: {streams}");
        let tap = self::tap::<F>(server, &format!("lake/{kind}"), if matches!(kind, "csv" | "jsonl") {
            json!({"types": {"n": "int64", "text": "text"}})
        } else {
            json!({})
        })
        .unwrap();
        tap.check().unwrap();
        let found = read(&tap, None).unwrap();
        let rows: usize = found.batches.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, 50_000, "{kind}");
        let mut found = found.rows();
        found.sort();
        let mut all = crate::testing::rows(&whole);
        all.sort();
        assert!(found == all, "{kind}");
        // Another copy takes their place.
        write(&target, &numbers(5, 9), WriteMode::Overwrite, 2).unwrap();
        assert_eq!(read(&tap, None).unwrap().rows().len(), 4, "{kind}");
        let staged = bucket(server).list(&format!("lake/{kind}")).unwrap();
        assert!(staged.iter().all(|seen| !seen.key().contains("/stage/")), "{staged:?}");
    }
    let server = S3Server::start().unwrap();
    of::<ParquetTarget, Parquet>(&server, "parquet", json!({}));
    of::<ArrowTarget, Ipc>(&server, "arrow", json!({}));
    of::<CsvTarget, Csv>(&server, "csv", json!({"compression": "gzip"}));
    of::<JsonlTarget, Jsonl>(&server, "jsonl", json!({}));
}

#[test]
fn a_file_of_many_parts_arrives_whole() {
    use crate::store::{Objects, Store};
    let server = S3Server::start().unwrap();
    let bucket = bucket(&server);
    let store = Objects::new(bucket.clone()).unwrap();
    let mut random = crate::testing::Random::new();
    for length in [0, 1, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, 27_000_001] {
        let seed = random.below(256);
        let all: Vec<u8> = (0..length).map(|at: usize| (at.wrapping_mul(31) >> 7) as u8 ^ seed as u8).collect();
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

#[test]
fn a_bucket_is_looked_through_as_a_folder_is() {
    let server = S3Server::start().unwrap();
    let bucket = bucket(&server);
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
        let catalog = tap::<Csv>(&server, path, options).unwrap().discover().unwrap();
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
    for (path, text) in [("none", "there is nothing at `s3://bucket/none`"), ("d/x*.csv", "no file matches")] {
        let error = tap::<Csv>(&server, path, json!({})).unwrap().discover().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.message().contains(text), "{error}");
    }
}

#[test]
fn what_is_new_in_a_bucket_is_read_and_what_was_read_is_not() {
    let server = S3Server::start().unwrap();
    let bucket = bucket(&server);
    put(&bucket, "in/a.csv", "x\n1\n2\n");
    let read_on = |bookmark: Option<Bookmark>| {
        let tap = tap::<Csv>(&server, "in", json!({"streams": {"s": "*.csv"}})).unwrap();
        let found = read(&tap, bookmark).unwrap();
        (found.rows(), found.bookmarks.last().cloned())
    };
    let (rows, bookmark) = read_on(None);
    assert_eq!(rows, [row(&["1"]), row(&["2"])]);
    assert_eq!(read_on(bookmark.clone()).0, Vec::<crate::testing::Row>::new());
    // Written anew with more at its end, and beside it another one.
    put(&bucket, "in/a.csv", "x\n1\n2\n3\n");
    put(&bucket, "in/b.csv", "x\n4\n");
    assert_eq!(read_on(bookmark).0, [row(&["3"]), row(&["4"])]);
}

#[test]
fn an_object_that_changes_while_it_is_read_is_an_error() {
    let server = S3Server::start().unwrap();
    let bucket = bucket(&server);
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

#[test]
fn an_entry_is_made_once() {
    use crate::store::{Objects, Store};
    let server = S3Server::start().unwrap();
    let store = Objects::new(bucket(&server)).unwrap();
    assert!(store.create_new("log/1", b"one").unwrap());
    assert!(!store.create_new("log/1", b"other").unwrap());
    assert_eq!(store.read("log/1").unwrap().unwrap(), b"one");
    assert_eq!(store.bytes("log/2").unwrap(), None);
    store.remove("log/1").unwrap();
    store.remove("log/1").unwrap();
}

#[test]
fn a_bucket_that_there_is_not_is_the_users_to_mend() {
    let server = S3Server::start().unwrap();
    let config = config("parquet", &server.endpoint(), "s3://nowhere/x", json!({}));
    let target = ParquetTarget::open(context(), config.clone()).unwrap();
    assert_eq!(target.check().unwrap_err().kind(), ErrorKind::Config);
    let tap = try_tap_with::<Csv>(config).unwrap();
    assert_eq!(tap.discover().err().unwrap().kind(), ErrorKind::Config);
}

/// A server that answers every request alike, and gives back what it was sent; it ends with the test's process.
fn answering(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = vec![0; 16 << 10];
            let count = stream.read(&mut request).unwrap_or(0);
            let body = format!("you sent {} {SECRET}", String::from_utf8_lossy(&request[..count]));
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    endpoint
}

fn errors_of(endpoint: &str) -> Vec<Error> {
    let config = config("parquet", endpoint, "s3://bucket/x/*.csv", json!({}));
    let target_config = self::config("parquet", endpoint, "s3://bucket/x", json!({}));
    let tap = try_tap_with::<Csv>(config).unwrap();
    let target = ParquetTarget::open(context(), target_config).unwrap();
    let begin = target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() });
    vec![tap.discover().err().unwrap(), target.check().unwrap_err(), begin.err().unwrap()]
}

#[test]
fn errors_say_who_must_act_and_hold_no_secret() {
    for (status, kind) in [
        ("403 Forbidden", ErrorKind::Denied),
        ("401 Unauthorized", ErrorKind::Denied),
        ("400 Bad Request", ErrorKind::Unavailable),
    ] {
        for error in errors_of(&answering(status)) {
            assert_eq!(error.kind(), kind, "{status}: {error}");
            let shown = format!("{error} {error:?} {:?}", error.hint_text());
            assert!(error.hint_text().is_some());
            assert!(!shown.contains(SECRET) && !shown.contains("canary"), "{shown}");
        }
    }
}

#[test]
fn what_cannot_be_in_a_bucket_is_refused_before_anything_is_asked() {
    let open = |url: &str, options: Value| {
        CsvTarget::open(context(), config("csv", "http://127.0.0.1:1", url, options)).err().unwrap()
    };
    for (url, options) in [
        ("s3://b/x", json!({"layout": "file"})),
        ("s3://b/*.csv", json!({})),
        ("s3://b/a/../b", json!({})),
        ("https://h/x", json!({})),
        ("ftp://h/x", json!({})),
    ] {
        let error = open(url, options);
        assert!(matches!(error.kind(), ErrorKind::Config | ErrorKind::Unsupported), "{url}: {error}");
    }
    let mut plain = config("csv", "http://127.0.0.1:1", "s3://b/x", json!({}));
    plain.connection["allow_http"] = json!(false);
    assert!(CsvTarget::open(context(), plain).err().unwrap().message().contains("not encrypted"));
}
