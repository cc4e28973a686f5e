//! Connections that break: whatever the moment, every record is there once after the next run.

use dstream_fault_proxy::{Break, Direction, Faults, Plan, Proxy};
use dstream_sdk::*;
use serde_json::json;
use std::net::ToSocketAddrs;
use std::time::{Duration, Instant};

use super::kit::*;

fn proxy(place: &Place) -> Proxy {
    let upstream = (place.database.host(), place.database.port()).to_socket_addrs().unwrap().next().unwrap();
    Proxy::start(upstream, Plan::pass()).unwrap()
}

fn url(place: &Place, proxy: &Proxy) -> String {
    let database = &place.database;
    format!("postgres://{}@127.0.0.1:{}/{}", database.user(), proxy.address().port(), database.name())
}

/// As the engine does it: begins, writes the windows that are not stored, and begins anew after an unknown outcome.
fn run_until_done(
    place: &Place,
    proxy: &Proxy,
    mode: WriteMode,
    break_next: impl Fn(usize) -> Plan,
) -> usize {
    let target = target(&url(place, proxy), json!({"timeouts": {"network_ms": 2000, "connect_ms": 2000}}));
    let plan = plan("t", mode);
    let windows = 3;
    for attempt in 0.. {
        proxy.set_plan(Plan::pass());
        let begun = target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() }).unwrap();
        let stored = begun.records.first().map_or(0, |record| record.sequence);
        if stored == windows {
            return attempt;
        }
        proxy.set_plan(break_next(attempt));
        let write = || -> Result<()> {
            let mut writer = target.open_writer(context(), request("p", begun.epoch, &plan, "t"))?;
            writer.declare(0, 1, numbers(0..0).schema())?;
            for window in stored + 1..=windows {
                for part in 0..4 {
                    let first = window as i64 * 100_000 + part * 10_000;
                    writer.write(0, 1, numbers(first..first + 10_000).into())?;
                }
                let prepared = writer.prepare(window)?;
                target.commit(&commit_of("p", begun.epoch, prepared, "t", window))?;
            }
            Ok(())
        };
        match write() {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
        }
    }
    unreachable!("the windows are counted up")
}

#[test]
fn an_answer_to_a_commit_that_is_cut_off_is_found_out_by_the_next_begin() {
    for mode in [WriteMode::Append, WriteMode::Upsert] {
        for how in [Break::Reset, Break::Cut, Break::BlackHole] {
            let place = place();
            let proxy = proxy(&place);
            // The first COMMIT of a writer is that of its table.
            let plan =
                |_| Plan::every(Faults::to_client(Direction::default().before_reply("COMMIT", 2, how)));
            let attempts = run_until_done(&place, &proxy, mode, plan);
            assert_eq!(attempts, 3, "each attempt commits one window, and does not hear of it");
            assert_eq!(place.rows("SELECT count(*), count(DISTINCT id) FROM t"), ["120000|120000"]);
        }
    }
}

#[test]
fn a_reset_anywhere_in_the_rows_leaves_nothing_behind() {
    for mode in [WriteMode::Append, WriteMode::Upsert] {
        let place = place();
        let proxy = proxy(&place);
        let plan = |attempt: usize| match attempt {
            0..12 => {
                let bytes = (attempt as u64 + 1) * (64 << 10) + 1234;
                Plan::every(Faults::to_server(Direction::default().after(bytes, Break::Reset)))
            }
            _ => Plan::pass(),
        };
        run_until_done(&place, &proxy, mode, plan);
        assert_eq!(place.rows("SELECT count(*), count(DISTINCT id) FROM t"), ["120000|120000"]);
    }
}

#[test]
fn a_black_hole_in_the_rows_is_noticed_within_the_limit() {
    let place = place();
    let proxy = proxy(&place);
    let target = target(&url(&place, &proxy), json!({"timeouts": {"network_ms": 500, "connect_ms": 1000}}));
    let begun = target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() }).unwrap();
    let plan = plan("t", WriteMode::Append);
    let mut writer = target.open_writer(context(), request("p", begun.epoch, &plan, "t")).unwrap();
    writer.declare(0, 1, numbers(0..0).schema()).unwrap();
    writer.write(0, 1, numbers(0..1000).into()).unwrap();
    proxy.freeze();
    let started = Instant::now();
    let wrote = (0..10_000).try_for_each(|_| writer.write(0, 1, numbers(0..10_000).into()));
    let error = wrote.and_then(|()| writer.prepare(1).map(drop)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(started.elapsed() < Duration::from_millis(500 + 5000), "{:?}", started.elapsed());
    proxy.thaw();
}
