//! Goes between a client and a server: with TLS, or with answers that are lost.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Server;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server does it, and the connection is reset in place of its answer.
    Reset,
    /// The server does it, and the connection ends in place of its answer.
    End,
    /// The server is not asked: two puts of one key are on their way.
    Conflict,
}

const CONFLICT: &str = "<Error><Code>ConditionalRequestConflict</Code></Error>";

/// Ends with the test's process.
pub(super) struct Relay {
    pub(super) endpoint: String,
    /// Requests that got no answer of the server.
    pub(super) faults: Arc<AtomicUsize>,
    /// The first lines of all requests.
    pub(super) asked: Arc<Mutex<Vec<String>>>,
}

type IsHit = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl Relay {
    /// The `count` first requests of this method whose target has `part` in it meet the fault.
    pub(super) fn of(
        server: &Server,
        method: &'static str,
        part: &'static str,
        fault: Fault,
        count: usize,
    ) -> Relay {
        let faults = Arc::new(AtomicUsize::new(0));
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (noted, lines) = (faults.clone(), asked.clone());
        let is_hit: IsHit = Arc::new(move |line: &str| {
            lines.lock().unwrap().push(line.to_owned());
            let is_meant = line.starts_with(method) && line.contains(part);
            let take = |met: usize| (met < count).then_some(met + 1);
            is_meant && noted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
        });
        let endpoint = listen(server, "http", move |client, host| {
            let is_reset = pass(&mut &client, host, &is_hit, fault) == Some(true);
            if is_reset {
                // What is closed with this ends with a reset.
                let _ = socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO));
            }
        });
        Relay { endpoint, faults, asked }
    }

    /// The same server behind TLS.
    pub(super) fn with_tls(server: &Server, config: Arc<ServerConfig>) -> Relay {
        let nothing: IsHit = Arc::new(|_| false);
        let endpoint = listen(server, "https", move |client, host| {
            let Ok(session) = ServerConnection::new(config.clone()) else { return };
            let mut stream = StreamOwned::new(session, client);
            pass(&mut stream, host, &nothing, Fault::End);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        });
        Relay { endpoint, faults: Arc::default(), asked: Arc::default() }
    }
}

/// Each connection gets a thread. Gives the endpoint.
fn listen(server: &Server, scheme: &str, serve: impl Fn(TcpStream, &str) + Send + Sync + 'static) -> String {
    let (_, upstream) = server.endpoint.split_once("://").unwrap();
    let (host, path) = upstream.split_once('/').unwrap_or((upstream, ""));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("{scheme}://{}/{path}", listener.local_addr().unwrap());
    let (host, serve) = (host.to_owned(), Arc::new(serve));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(client) = client else { return };
            let (host, serve) = (host.clone(), serve.clone());
            std::thread::spawn(move || serve(client, &host));
        }
    });
    endpoint.trim_end_matches('/').to_owned()
}

/// One request, and its answer: there is no second one on a connection. Says whether it is to be reset.
fn pass<S: Read + Write>(client: &mut S, host: &str, is_hit: &IsHit, fault: Fault) -> Option<bool> {
    let mut reader = BufReader::new(&mut *client);
    let (mut line, mut head, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().to_lowercase() {
            end if end.is_empty() => break,
            name if name.starts_with("connection:") => {}
            name => {
                let text = name.strip_prefix("content-length:");
                length = text.map_or(length, |text| text.trim().parse().unwrap());
                head += &header;
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    drop(reader);
    let is_hit = is_hit(&line);
    if is_hit && fault == Fault::Conflict {
        let length = CONFLICT.len();
        let head = format!("HTTP/1.1 409 Conflict\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        client.write_all((head + CONFLICT).as_bytes()).ok()?;
        return Some(false);
    }
    let mut server = TcpStream::connect(host).ok()?;
    server.write_all(format!("{line}{head}connection: close\r\n\r\n").as_bytes()).ok()?;
    server.write_all(&body).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    if !is_hit {
        client.write_all(&answer).ok()?;
    }
    Some(is_hit && fault == Fault::Reset)
}
