//! What goes wrong with buckets, by who must act, and without secrets.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use dstream_sdk::{ConnectorConfig, Error, ErrorKind, OpenTarget, Pipeline, Tap, Target};
use serde_json::{Value, json};

use super::{SECRET, Server};
use crate::csv::Csv;
use crate::target::{CsvTarget, ParquetTarget};
use crate::testing::{context, try_tap_with};

/// A bucket of an address where no real server is.
fn config(kind: &str, endpoint: &str, url: &str, options: Value) -> ConnectorConfig {
    let connection = json!({"url": url, "endpoint": endpoint, "allow_http": true});
    let auth = json!({"type": "access_key", "access_key_id": "key", "secret_access_key": SECRET,
        "session_token": "canary-token"});
    let config =
        json!({"name": "n", "type": kind, "connection": connection, "auth": auth, "options": options});
    serde_json::from_value(config).unwrap()
}

#[test]
fn a_bucket_that_there_is_not_is_the_users_to_mend() {
    for server in Server::all() {
        let mut config = server.config("parquet", "", json!({}));
        config.connection["url"] = format!("{}://nowhere/x", server.scheme).into();
        let target = ParquetTarget::open(context(), config.clone()).unwrap();
        assert_eq!(target.check().unwrap_err().kind(), ErrorKind::Config);
        let tap = try_tap_with::<Csv>(config).unwrap();
        assert_eq!(tap.discover().err().unwrap().kind(), ErrorKind::Config);
    }
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
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
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
