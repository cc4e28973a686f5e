//! A network that breaks.

use dstream_fault_proxy::{Break, Direction, Faults, Plan, Proxy};
use dstream_postgres_server::Database;
use dstream_sdk::{Context, ErrorKind, Result};
use serde_json::{Value, json};
use std::net::ToSocketAddrs;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Client, connect};
use crate::client::CopyState;
use crate::testing::database;

fn proxy(database: &Database) -> Proxy {
    let upstream = (database.host(), database.port()).to_socket_addrs().unwrap().next().unwrap();
    Proxy::start(upstream, Plan::pass()).unwrap()
}

fn through(proxy: &Proxy, database: &Database, timeouts: Value) -> Result<Client> {
    let connection =
        json!({"host": "127.0.0.1", "port": proxy.address().port(), "database": database.name()});
    let auth = json!({"type": "basic", "username": database.user(), "password": ""});
    connect(connection, auth, json!({}), timeouts)
}

const LONG: &str =
    "COPY (SELECT i, repeat('x', 1000) FROM generate_series(1, 100000) i) TO STDOUT (FORMAT binary)";

fn drain(client: &mut Client) -> Result<u64> {
    let mut rows = 0;
    client.start_copy_out(LONG)?;
    let count = |_: &[u8]| {
        rows += 1;
        Ok(false)
    };
    assert_eq!(client.copy_rows(Duration::MAX, count)?, CopyState::Done);
    Ok(rows)
}

#[test]
fn a_connection_that_breaks_is_unavailable_and_stays_so() {
    let database = database("faults");
    let proxy = proxy(&database);
    for how in [Break::Reset, Break::Cut] {
        proxy.set_plan(Plan::every(Faults::to_client(Direction::default().after(300_000, how))));
        let mut client = through(&proxy, &database, json!({})).unwrap();
        assert_eq!(drain(&mut client).unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(client.is_lost());
        assert_eq!(client.run("SELECT 1").unwrap_err().kind(), ErrorKind::Unavailable);
    }
}

#[test]
fn a_black_hole_is_noticed_within_the_limit_and_a_long_statement_is_not_taken_for_one() {
    let database = database("faults");
    let proxy = proxy(&database);
    // A machine that is busy with other tests lets a session be made within that.
    let timeouts = json!({"network_ms": 1500, "connect_ms": 3000});
    let mut client = through(&proxy, &database, timeouts.clone()).unwrap();
    // More than twice the limit; the server is asked over another session.
    client.run("SELECT pg_sleep(3.2)").unwrap();
    assert!(proxy.counters().connections > 1);
    let begun = Instant::now();
    proxy.freeze();
    let error = client.run("SELECT 1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(begun.elapsed() < Duration::from_millis(1500 + 5000), "{:?}", begun.elapsed());
    // No answer to the first word either.
    let begun = Instant::now();
    assert_eq!(through(&proxy, &database, timeouts).err().unwrap().kind(), ErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_millis(3000 + 5000));
}

#[test]
fn a_server_that_waits_for_what_was_swallowed_is_not_at_work() {
    let database = database("faults");
    let proxy = proxy(&database);
    client_of(&database).run("CREATE TABLE t (i integer)").unwrap();
    // What the client sends ends in a black hole; the way back is open, and so are new connections.
    proxy.set_plan(Plan::first(1, Faults::to_server(Direction::default().after(2_000, Break::BlackHole))));
    let mut client = through(&proxy, &database, json!({"network_ms": 500, "connect_ms": 1000})).unwrap();
    client.start_copy_in("COPY t FROM STDIN").unwrap();
    let begun = Instant::now();
    let sent = client.copy_send(&mut bytes::BytesMut::from("1\n".repeat(2_000).as_str()));
    let error = sent.and_then(|()| client.finish_copy_in()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(begun.elapsed() < Duration::from_millis(500 + 5000), "{:?}", begun.elapsed());
}

#[test]
fn a_black_hole_is_noticed_by_whoever_asks_in_short_turns() {
    let database = database("faults");
    let proxy = proxy(&database);
    proxy.set_plan(Plan::first(1, Faults::to_client(Direction::default().after(300_000, Break::BlackHole))));
    let mut client = through(&proxy, &database, json!({"network_ms": 500, "connect_ms": 1000})).unwrap();
    client.start_copy_out(LONG).unwrap();
    let begun = Instant::now();
    let error = loop {
        match client.copy_rows(Duration::from_millis(20), |_| Ok(false)) {
            Ok(state) => assert_eq!(state, CopyState::Waiting),
            Err(error) => break error,
        }
        assert!(begun.elapsed() < Duration::from_millis(500 + 5000), "{:?}", begun.elapsed());
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

fn client_of(database: &Database) -> Client {
    crate::testing::client(database)
}

#[test]
fn single_bytes_and_slow_ends_change_nothing() {
    let database = database("faults");
    let proxy = proxy(&database);
    let slow = Direction::default().slices(1).slow_close(Duration::from_millis(50));
    proxy.set_plan(Plan::every(Faults::both(slow)));
    let mut client = through(&proxy, &database, json!({})).unwrap();
    let rows = client.query("SELECT i, NULL, repeat('č', 100) FROM generate_series(1, 50) i", &[]).unwrap();
    assert_eq!((rows.len(), rows[49].text(0), rows[49].get(1)), (50, "50", None));
}

#[test]
fn a_far_and_narrow_line_carries_every_row_both_ways() {
    let database = database("faults");
    let proxy = proxy(&database);
    client_of(&database).run("CREATE TABLE t (i integer, word text)").unwrap();
    // 10 kB a second, 50 ms away.
    let narrow = NonZeroU64::new(10_000).unwrap();
    let narrow = Direction::default().latency(Duration::from_millis(50)).bandwidth(narrow);
    proxy.set_plan(Plan::every(Faults::both(narrow)));
    let mut client = through(&proxy, &database, json!({})).unwrap();
    client.start_copy_in("COPY t FROM STDIN").unwrap();
    for i in 0..100 {
        let row = format!("{i}\t{}\n", "x".repeat(80));
        client.copy_send(&mut bytes::BytesMut::from(row.as_str())).unwrap();
    }
    assert_eq!(client.finish_copy_in().unwrap(), 100);
    // All of it takes longer than nothing may come for.
    let mut client = through(&proxy, &database, json!({"network_ms": 700})).unwrap();
    let begun = Instant::now();
    client.start_copy_out("COPY (SELECT * FROM t ORDER BY i) TO STDOUT").unwrap();
    let mut rows = Vec::new();
    let take = |row: &[u8]| {
        rows.push(String::from_utf8_lossy(row).into_owned());
        Ok(false)
    };
    assert_eq!(client.copy_rows(Duration::MAX, take).unwrap(), CopyState::Done);
    let wanted: Vec<_> = (0..100).map(|i| format!("{i}\t{}\n", "x".repeat(80))).collect();
    assert_eq!(rows, wanted);
    assert!(begun.elapsed() > Duration::from_millis(700), "{:?}", begun.elapsed());
}

#[test]
fn a_run_that_is_told_to_stop_waits_for_nothing_and_the_server_stops_too() {
    let database = database("faults");
    let flag = Arc::new(AtomicBool::new(false));
    let settings = crate::testing::settings(&database);
    let mut client = Client::connect(&settings, &Context::detached(flag.clone())).unwrap();
    let pid = client.process_id().to_string();
    let stopper = std::thread::spawn({
        let database_client = client_of(&database);
        move || {
            let mut watcher = database_client;
            let busy = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%pg_sleep%' AND state = 'active'";
            while watcher.query(busy, &[&pid]).unwrap()[0].text(0) == "0" {}
            flag.store(true, Ordering::Relaxed);
            (watcher, pid)
        }
    });
    let begun = Instant::now();
    let error = client.run("SELECT pg_sleep(60)").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    drop(client);
    let (mut watcher, pid) = stopper.join().unwrap();
    let there = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1";
    while watcher.query(there, &[&pid]).unwrap()[0].text(0) != "0" {
        assert!(begun.elapsed() < Duration::from_secs(20), "the server is still at it");
    }
}

#[test]
fn a_server_that_is_too_old_is_refused_by_its_version() {
    let database = database("faults");
    let proxy = proxy(&database);
    let version = client_of(&database).query("SHOW server_version", &[]).unwrap()[0].text(0).to_owned();
    let old = format!("9.{}", "0".repeat(version.len() - 2));
    let find = format!("server_version\0{version}\0");
    let with = format!("server_version\0{old}\0");
    proxy.set_plan(Plan::every(Faults::to_client(Direction::default().replace(find, with))));
    let error = through(&proxy, &database, json!({})).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("has version 9"), "{error}");
}

#[test]
fn a_server_that_talks_while_it_takes_rows_is_listened_to() {
    let database = database("faults");
    let mut client = client_of(&database);
    // A warning for each row: more than fits on the way back while rows are on their way out.
    client
        .run(
            "CREATE TABLE loud (word text); CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN RAISE WARNING ''%'', repeat(''w'', 2000); RETURN NEW; END'; \
             CREATE TRIGGER loud BEFORE INSERT ON loud FOR EACH ROW EXECUTE FUNCTION say()",
        )
        .unwrap();
    client.start_copy_in("COPY loud FROM STDIN").unwrap();
    for _ in 0..20 {
        client
            .copy_send(&mut bytes::BytesMut::from(format!("{}\n", "x".repeat(500)).repeat(500).as_str()))
            .unwrap();
    }
    assert_eq!(client.finish_copy_in().unwrap(), 10_000);
}

#[test]
fn a_copy_that_is_given_up_leaves_the_session_usable() {
    let database = database("faults");
    let mut client = client_of(&database);
    client.run("CREATE TABLE t (i integer)").unwrap();
    client.start_copy_in("COPY t FROM STDIN").unwrap();
    client.copy_send(&mut bytes::BytesMut::from("1\n")).unwrap();
    client.give_up_copy_in().unwrap();
    assert_eq!(client.query("SELECT count(*) FROM t", &[]).unwrap()[0].text(0), "0");
    let error = client.run("SELECT wrong").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema, "{error}");
    assert!(!client.is_in_transaction() && !client.is_lost());
}
