//! Answers that are lost behind what was done, and answers that say that nobody knows.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dstream_sdk::{ErrorKind, OpenTarget, WriteMode};
use serde_json::json;

use super::{Server, numbers, read_files, write};
use crate::parquet::Parquet;
use crate::store::{Objects, Store};
use crate::target::ParquetTarget;
use crate::testing::context;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The server does it, and the connection is reset in place of its answer.
    Reset,
    /// The server does it, and the connection ends in place of its answer.
    End,
    /// The server is not asked: two puts of one key are on their way.
    Conflict,
}

const CONFLICT: &str = "<Error><Code>ConditionalRequestConflict</Code></Error>";

/// Goes between a client and a server; it ends with the test's process.
struct Relay {
    endpoint: String,
    /// Requests that got no answer of the server.
    faults: Arc<AtomicUsize>,
}

impl Relay {
    /// The `count` first requests of this method whose target has `part` in it meet the fault.
    fn of(server: &Server, method: &'static str, part: &'static str, fault: Fault, count: usize) -> Relay {
        let (_, upstream) = server.endpoint.split_once("://").unwrap();
        let (host, path) = upstream.split_once('/').unwrap_or((upstream, ""));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut endpoint = format!("http://{}", listener.local_addr().unwrap());
        if !path.is_empty() {
            endpoint = format!("{endpoint}/{path}");
        }
        let faults = Arc::new(AtomicUsize::new(0));
        let (noted, host) = (faults.clone(), host.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let (noted, host) = (noted.clone(), host.clone());
                let is_hit = move |line: &str| {
                    let is_meant = line.starts_with(method) && line.contains(part);
                    let take = |met: usize| (met < count).then_some(met + 1);
                    is_meant && noted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
                };
                std::thread::spawn(move || pass(client, &host, is_hit, fault));
            }
        });
        Relay { endpoint, faults }
    }
}

/// One request, and its answer: there is no second one on a connection.
fn pass(mut client: TcpStream, host: &str, is_hit: impl Fn(&str) -> bool, fault: Fault) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let (mut line, mut head, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().to_lowercase() {
            end if end.is_empty() => break,
            name if name.starts_with("connection:") => {}
            name => {
                length =
                    name.strip_prefix("content-length:").map_or(length, |text| text.trim().parse().unwrap());
                head += &header;
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let is_hit = is_hit(&line);
    if is_hit && fault == Fault::Conflict {
        let head = format!(
            "HTTP/1.1 409 Conflict\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            CONFLICT.len()
        );
        return client.write_all((head + CONFLICT).as_bytes()).ok();
    }
    let mut server = TcpStream::connect(host).ok()?;
    server.write_all(format!("{line}{head}connection: close\r\n\r\n").as_bytes()).ok()?;
    server.write_all(&body).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    if !is_hit {
        return client.write_all(&answer).ok();
    }
    if fault == Fault::Reset {
        // What is closed with this ends with a reset.
        socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).ok()?;
    }
    None
}

/// The target by way of the relay.
fn target(server: &Server, relay: &Relay) -> ParquetTarget {
    let mut config = server.config("parquet", "lake", json!({}));
    config.connection["endpoint"] = relay.endpoint.clone().into();
    ParquetTarget::open(context(), config).unwrap()
}

fn check_rows(server: &Server, rows: usize) {
    assert_eq!(read_files(&server.tap::<Parquet>("lake", json!({})).unwrap(), None).0.len(), rows);
}

/// Two runs, the first of which meets the faults.
fn check(server: &Server, relay: &Relay) {
    write(&target(server, relay), &numbers(0, 1000), WriteMode::Append, 1).unwrap();
    check_rows(server, 1000);
    write(&target(server, relay), &numbers(0, 10), WriteMode::Append, 1).unwrap();
    check_rows(server, 1010);
}

#[test]
fn an_entry_whose_answer_is_lost_is_known_as_the_runs_own() {
    for fault in [Fault::Reset, Fault::End] {
        for server in Server::all() {
            let relay = Relay::of(&server, "PUT", "/log/", fault, 3);
            check(&server, &relay);
            assert_eq!(relay.faults.load(Ordering::Relaxed), 3, "{fault:?}");
        }
    }
}

#[test]
fn a_conflict_of_two_puts_is_no_entry_that_is_there() {
    let server = Server::s3();
    let relay = Relay::of(&server, "PUT", "/log/", Fault::Conflict, 2);
    check(&server, &relay);
    assert_eq!(relay.faults.load(Ordering::Relaxed), 2);
    // One that never ends is nobody's fault, and nothing was written.
    let relay = Relay::of(&server, "PUT", "/log/", Fault::Conflict, usize::MAX);
    let error = write(&target(&server, &relay), &numbers(0, 1), WriteMode::Append, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    check_rows(&server, 1010);
}

#[test]
fn an_upload_whose_end_is_answered_late_is_there() {
    for fault in [Fault::Reset, Fault::End] {
        let server = Server::s3();
        let relay = Relay::of(&server, "POST", "uploadId=", fault, 1);
        let mut config = server.config("parquet", "lake", json!({}));
        config.connection["endpoint"] = relay.endpoint.clone().into();
        let connection = dstream_sdk::StoreConnection::of(&config).unwrap().unwrap();
        let auth = dstream_sdk::Auth::of(&config).unwrap();
        let address = super::Address::parse(&connection.url).unwrap();
        let bucket = super::Bucket::new(context(), address, &connection, &auth).unwrap();
        let store = Objects::new(Arc::new(bucket)).unwrap();
        let mut staged = store.stage("large").unwrap();
        staged.write_all(&vec![7; 20 << 20]).unwrap();
        assert_eq!(staged.finish().unwrap(), 20 << 20, "{fault:?}");
        assert_eq!(store.bytes("large").unwrap(), Some(20 << 20));
        assert_eq!(relay.faults.load(Ordering::Relaxed), 1);
    }
}
