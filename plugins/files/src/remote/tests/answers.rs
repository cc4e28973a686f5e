//! Answers that are lost behind what was done, and answers that say that nobody knows.

use std::io::Write;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use dstream_sdk::{ErrorKind, OpenTarget, ReadRequest, Selection, Tap, WriteMode};
use serde_json::json;

use super::relay::{Fault, Relay};
use super::{Server, numbers, read_files, write};
use crate::csv::Csv;
use crate::parquet::Parquet;
use crate::store::{Objects, Store};
use crate::target::ParquetTarget;
use crate::testing::context;

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

#[test]
fn readers_that_begin_together_share_one_listing() {
    let server = Server::s3();
    let bucket = server.bucket();
    (0..150).for_each(|n| super::put(&bucket, &format!("d/s/{n}.csv"), "a\n1\n"));
    let relay = Relay::of(&server, "NONE", "", Fault::End, 0);
    let mut config = server.config("csv", "d", json!({}));
    config.connection["endpoint"] = relay.endpoint.clone().into();
    let tap = crate::testing::try_tap_with::<Csv>(config).unwrap();
    let stream = crate::testing::selected(&tap.discover().unwrap(), "s");
    let selection = Selection { streams: vec![stream.clone()], ..Selection::default() };
    let listings = || relay.asked.lock().unwrap().iter().filter(|line| line.contains("list-type=2")).count();
    let before = listings();
    let partitions = tap.plan(&selection).unwrap();
    for partition in partitions {
        let request = ReadRequest {
            partition,
            streams: vec![stream.clone()],
            bookmark: None,
            max_batch_rows: NonZeroUsize::MIN,
            max_batch_bytes: NonZeroU64::MIN,
        };
        tap.open_reader(context(), request).unwrap();
    }
    assert_eq!(listings(), before + 1);
    tap.plan(&selection).unwrap();
    assert_eq!(listings(), before + 2, "a plan looks anew");
}
