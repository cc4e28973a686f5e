//! Who is let in, and what is checked of the server.

use dstream_postgres_server::{CERTIFIED, Options, Server, Tls};
use dstream_sdk::{ErrorKind, Result};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Client, connect};
use crate::testing;

fn server(tls: Tls) -> Server {
    Server::start(&Options { password: Some("hunter2, ž'\\".into()), tls, ..Options::default() }).unwrap()
}

fn at(server: &Server, host: &str) -> Value {
    json!({"host": host, "port": server.address().port, "database": "postgres"})
}

fn basic(username: &str, password: &str) -> Value {
    json!({"type": "basic", "username": username, "password": password})
}

fn who(client: Result<Client>) -> String {
    let sql = "SELECT current_user || ' ' || coalesce((SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()), '-')";
    client.unwrap().query(sql, &[]).unwrap()[0].text(0).to_owned()
}

#[test]
fn a_password_is_proved_and_never_shown() {
    let server = server(Tls::Off);
    let try_with = |auth: Value| connect(at(&server, "127.0.0.1"), auth, json!({}), json!({}));
    assert_eq!(who(try_with(basic("postgres", "hunter2, ž'\\"))), "postgres false");
    for auth in [basic("postgres", "hunter3"), basic("nobody", "hunter3")] {
        let error = try_with(auth).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter") && error.hint_text().is_some(), "{shown}");
    }
    let url = format!("postgresql://postgres@127.0.0.1:{}/postgres", server.address().port);
    let error = connect(json!({"url": url}), Value::Null, json!({}), json!({})).err().unwrap();
    assert!(error.to_string().contains("asks for a password, and none is known"), "{error}");
    let nowhere = json!({"host": "127.0.0.1", "port": server.address().port, "database": "no such"});
    let error = connect(nowhere, basic("postgres", "hunter2, ž'\\"), json!({}), json!({})).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[test]
fn each_sslmode_checks_what_it_says() {
    let server = server(Tls::Required);
    let files = server.certificates().unwrap();
    let auth = || basic("postgres", "hunter2, ž'\\");
    let with = |host: &str, tls: Value| connect(at(&server, host), auth(), tls, json!({}));
    let root = files.root.display().to_string();
    let other = files.other_root.display().to_string();
    for (host, mode, root, is_good) in [
        ("localhost", "verify-full", &root, true),
        ("127.0.0.1", "verify-full", &root, false),
        ("127.0.0.1", "verify-ca", &root, true),
        ("localhost", "verify-full", &other, false),
        ("localhost", "verify-ca", &other, false),
        ("localhost", "require", &other, false),
        ("localhost", "require", &root, true),
    ] {
        let found = with(host, json!({"sslmode": mode, "sslrootcert": root}));
        match is_good {
            true => assert_eq!(who(found), "postgres true", "{host} {mode}"),
            false => assert_eq!(found.err().unwrap().kind(), ErrorKind::Denied, "{host} {mode}"),
        }
    }
    assert_eq!(who(with("127.0.0.1", json!({"sslmode": "require"}))), "postgres true");
    // On this machine that is what happens without a word.
    assert_eq!(who(with("127.0.0.1", json!({}))), "postgres true");
    // The authorities of the system have not signed it.
    let error = with("localhost", json!({"sslmode": "verify-full"})).err().unwrap();
    assert!([ErrorKind::Denied, ErrorKind::Config].contains(&error.kind()), "{error}");
    // Nothing is said in clear to a server that wants TLS.
    let error = with("localhost", json!({"sslmode": "disable"})).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
}

#[test]
fn a_certificate_that_is_not_good_is_told_with_the_host_and_the_reason() {
    let server = server(Tls::Required);
    let files = server.certificates().unwrap();
    let try_with = |host: &str, root: &Path| {
        let tls = json!({"sslmode": "verify-full", "sslrootcert": root.display().to_string()});
        connect(at(&server, host), basic("postgres", "hunter2, ž'\\"), tls, json!({}))
    };
    let said = |host: &str, root: &Path, why: &str| {
        let error = try_with(host, root).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(error.to_string().contains(host), "{error}");
        error.to_string().contains(why)
    };
    assert!(said("127.0.0.1", &files.root, "it is for another host"));
    assert!(said("localhost", &files.other_root, "an authority that is not trusted"));
    std::fs::copy(&files.expired_certificate, &files.server_certificate).unwrap();
    server.database("expired").unwrap().psql("SELECT pg_reload_conf()").unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    // The server reads it a moment later.
    while try_with("localhost", &files.root).is_ok() {
        assert!(Instant::now() < deadline, "the server keeps its certificate");
    }
    assert!(said("localhost", &files.root, "it has expired"));
}

#[test]
fn a_host_that_nobody_knows_is_named() {
    // Two dots: no name server is asked for that.
    let nowhere = json!({"host": "nowhere..example", "port": 5432, "database": "postgres"});
    let error = connect(nowhere, basic("postgres", "x"), json!({}), json!({})).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("the host `nowhere..example` is not known"), "{error}");
}

#[test]
fn a_server_without_tls_is_refused_where_it_is_wanted() {
    let server = server(Tls::Off);
    for mode in ["require", "verify-ca", "verify-full"] {
        let root = json!({"sslmode": mode});
        let found = connect(at(&server, "127.0.0.1"), basic("postgres", "hunter2, ž'\\"), root, json!({}));
        let error = found.err().unwrap();
        assert!(error.to_string().contains("offers no TLS"), "{mode}: {error}");
    }
}

#[test]
fn a_client_certificate_logs_in() {
    let server = server(Tls::Required);
    let files = server.certificates().unwrap();
    let (certificate, key) =
        (files.client_certificate.display().to_string(), files.client_key.display().to_string());
    let url = format!("postgresql://{CERTIFIED}@localhost:{}/postgres", server.address().port);
    let tls = json!({"sslmode": "verify-full", "sslrootcert": files.root.display().to_string(), "sslcert": certificate, "sslkey": key});
    assert_eq!(who(connect(json!({"url": url}), Value::Null, tls, json!({}))), format!("{CERTIFIED} true"));
    let half = json!({"sslmode": "require", "sslcert": certificate});
    let error = connect(json!({"url": url}), Value::Null, half, json!({})).err().unwrap();
    assert!(error.to_string().contains("belong together"), "{error}");
}

#[test]
fn rows_go_both_ways_over_tls() {
    let server = server(Tls::Required);
    let database = server.database("tls").unwrap();
    let connection = json!({"host": "localhost", "port": server.address().port, "database": database.name()});
    let open = || {
        connect(
            connection.clone(),
            basic("postgres", "hunter2, ž'\\"),
            json!({"sslmode": "require"}),
            json!({}),
        )
    };
    let mut client = open().unwrap();
    client
        .run("CREATE TABLE t AS SELECT i, repeat('x', i % 3000) AS word FROM generate_series(1, 20000) i")
        .unwrap();
    let batch = testing::read(&mut client, "t", &[]).unwrap();
    assert_eq!(testing::write_new(&mut open().unwrap(), "again", &batch).unwrap(), 20_000);
    let same = "SELECT count(*) FROM (SELECT * FROM t EXCEPT ALL SELECT * FROM again) x";
    assert_eq!(client.query(same, &[]).unwrap()[0].text(0), "0");
}
