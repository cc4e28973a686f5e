//! Runs that overtake each other, sessions that end, servers that stop, users who may not.

use super::kit::*;
use dstream_postgres_server::{Options, Server};
use dstream_sdk::*;
use serde_json::json;

#[test]
fn check_leaves_no_trace() {
    let place = place();
    place.target_with(json!({"schema": "new one"})).check().unwrap();
    place.target().check().unwrap();
    assert!(place.tables().is_empty());
    assert_eq!(place.rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'new one'"), ["0"]);
    assert_eq!(place.rows("SELECT count(*) FROM pg_class WHERE relname LIKE '\\_dstreams%'"), ["0"]);
}

#[test]
fn a_schema_with_any_name_is_made_and_used() {
    let place = place();
    let run = place.run_with(json!({"schema": "it's \"new\""}));
    for mode in [WriteMode::Append, WriteMode::Upsert, WriteMode::Overwrite] {
        run.replace(&plan(&mode.to_string(), mode), &[people(&[(1, "a")])]).unwrap();
    }
    let known = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
                 WHERE nspname = E'it\\'s \"new\"' AND relkind = 'r'";
    assert_eq!(place.rows(known), ["7"]);
    assert!(place.tables().is_empty());
}

/// A role that may log in and nothing else, and its URL.
fn guest(place: &Place) -> (String, String) {
    let name = format!("guest_{}", place.database.name());
    place.sql(&format!("CREATE ROLE {name} LOGIN PASSWORD 'x'; REVOKE ALL ON SCHEMA public FROM public"));
    let url = format!(
        "postgres://{name}:x@{}:{}/{}",
        place.database.host(),
        place.database.port(),
        place.database.name()
    );
    (name, url)
}

#[test]
fn a_user_who_may_not_write_is_told_what_is_missing() {
    let place = place();
    let (name, url) = guest(&place);
    let begin = |options| {
        let target = target(&url, options);
        let checked = target.check();
        let begun = target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() });
        (checked, begun.map(drop))
    };
    let (checked, begun) = begin(json!({}));
    assert_error(checked, ErrorKind::Denied, &[&name, "`public`"]);
    assert_error(begun, ErrorKind::Denied, &["public"]);
    let (checked, begun) = begin(json!({"schema": "mine"}));
    assert_error(checked, ErrorKind::Denied, &[&name, "`mine`"]);
    assert_error(begun, ErrorKind::Denied, &[]);
    // With a schema of its own, that is enough.
    place.sql(&format!("CREATE SCHEMA mine AUTHORIZATION {name}"));
    begin(json!({"schema": "mine"})).1.unwrap();
    Session::begin(target(&url, json!({"schema": "mine"})), "p")
        .sync(&plan("t", WriteMode::Upsert), &[numbers(0..2)])
        .unwrap();
    // One table of many that may not be written: the others are.
    place.sql("CREATE TABLE mine.other (id bigint)");
    let run = Session::begin(target(&url, json!({"schema": "mine"})), "p");
    let plan_of = |table: &str| StreamPlan { write_mode_is_explicit: true, ..plan(table, WriteMode::Append) };
    assert_error(run.sync(&plan_of("other"), &[numbers(0..2)]), ErrorKind::Denied, &["other"]);
    run.sync(&plan_of("t"), &[numbers(2..4)]).unwrap();
    place.sql(&format!("DROP OWNED BY {name} CASCADE; DROP ROLE {name}"));
}

#[test]
fn a_database_that_takes_no_changes_is_said_to_be_one() {
    let place = place();
    place.sql(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", place.database.name()));
    assert_error(place.target().check(), ErrorKind::Denied, &["takes no changes"]);
    let begun = place.target().begin(&Pipeline { pipeline: "p".into(), run: "r".into() });
    assert_error(begun.map(drop), ErrorKind::Denied, &["takes no changes"]);
}

#[test]
fn a_newer_run_ends_the_sessions_of_older_ones() {
    let place = place();
    let old = place.run();
    let upsert = plan("t", WriteMode::Upsert);
    let mut prepared = old.writer(std::slice::from_ref(&upsert));
    prepared.declare(0, 1, numbers(0..0).schema()).unwrap();
    prepared.write(0, 1, numbers(0..10).into()).unwrap();
    // It holds the rows 0 to 9, as a machine that was switched off would for hours.
    let window = prepared.prepare(1).unwrap();
    let mut writing = old.writer(std::slice::from_ref(&upsert));
    writing.declare(0, 1, numbers(0..0).schema()).unwrap();
    writing.write(0, 1, numbers(20..30).into()).unwrap();

    let new = place.run_with(json!({"timeouts": {"lock_ms": 2000}}));
    new.sync(&upsert, &[people(&[(5, "new")])]).unwrap();
    // The old run wakes up, and is told why nothing works any more.
    assert_error(old.target.commit(&old.commit_of(window, "t", 1)), ErrorKind::Fenced, &["took over"]);
    let wrote = (0..1000).try_for_each(|_| writing.write(0, 1, numbers(0..1000).into()));
    let outcome = wrote.and_then(|()| writing.prepare(2).map(drop));
    assert_error(outcome, ErrorKind::Fenced, &["took over"]);
    let mut late = old.writer(std::slice::from_ref(&upsert));
    assert_error(late.declare(0, 1, numbers(0..0).schema()), ErrorKind::Fenced, &["took over"]);
    assert_eq!(place.rows("SELECT * FROM t"), ["5|new"]);
}

#[test]
fn a_run_that_is_fenced_makes_no_table() {
    let place = place();
    let old = place.run();
    let _new = place.run();
    let outcome = old.sync(&plan("t", WriteMode::Append), &[numbers(0..1)]);
    assert_error(outcome, ErrorKind::Fenced, &["took over"]);
    assert!(place.tables().is_empty());
}

#[test]
fn whoever_holds_the_fence_for_another_reason_is_named() {
    let place = place();
    drop(place.run());
    // An administrator's session, not one of ours: it is not ended.
    let mut psql = place.database.command("psql");
    psql.args(["-XAtq"])
        .env("PGAPPNAME", "nosy")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = psql.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"BEGIN; SELECT epoch FROM _dstreams_fence FOR UPDATE;\n").unwrap();
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    let begun = place.target().begin(&Pipeline { pipeline: "p".into(), run: "r".into() });
    let error = begun.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.hint_text().unwrap().contains("`nosy`"), "{error:?}");
    drop(stdin);
    child.wait().unwrap();
    assert_eq!(place.run().begun.epoch, 2);
}

#[test]
fn a_session_that_is_killed_loses_its_window_and_nothing_else() {
    let place = place();
    let run = place.run();
    run.sync(&plan("t", WriteMode::Append), &[numbers(0..5)]).unwrap();
    for is_prepared in [false, true] {
        let mut writer = run.writer(&[plan("t", WriteMode::Append)]);
        writer.declare(0, 1, numbers(0..0).schema()).unwrap();
        writer.write(0, 1, numbers(5..5000).into()).unwrap();
        let prepared = is_prepared.then(|| writer.prepare(1).unwrap());
        place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dstreams out' AND datname = current_database()");
        let outcome = match prepared {
            Some(prepared) => run.target.commit(&run.commit_of(prepared, "t", 2)),
            None => (0..1000)
                .try_for_each(|_| writer.write(0, 1, numbers(0..1000).into()))
                .and_then(|()| writer.prepare(1).map(drop)),
        };
        assert_error(outcome, ErrorKind::Unavailable, &[]);
    }
    assert_eq!(place.count("t"), 5);
    let again = place.run();
    assert_eq!(again.begun.records[0].sequence, 1);
    again.sync(&plan("t", WriteMode::Append), &[numbers(5..10)]).unwrap();
    assert_eq!(place.count("t"), 10);
}

#[test]
fn a_server_that_stops_and_comes_back_has_every_window_once() {
    let server = Server::start(&Options::default()).unwrap();
    let place = Place { database: server.database("stops").unwrap() };
    let append = plan("t", WriteMode::Append);
    let (mut committed, mut unknown) = (0, 0);
    for round in 0..6u64 {
        let run = place.run();
        let known = run.begun.records.first().map_or(0, |record| record.sequence);
        let mut writer = run.writer(std::slice::from_ref(&append));
        writer.declare(0, 1, numbers(0..0).schema()).unwrap();
        let rows = |window: u64| numbers(window as i64 * 100..window as i64 * 100 + 100);
        // One window that is committed, then one that the stop meets in its COPY or before its COMMIT.
        writer.write(0, 1, rows(known).into()).unwrap();
        let prepared = writer.prepare(1).unwrap();
        run.target.commit(&run.commit_of(prepared, "t", known + 1)).unwrap();
        committed += 1;
        writer.write(0, 1, rows(known + 1).into()).unwrap();
        if round % 2 == 0 {
            server.stop_immediate().unwrap();
            assert_error(writer.prepare(2).map(drop), ErrorKind::Unavailable, &[]);
        } else {
            let commit = run.commit_of(writer.prepare(2).unwrap(), "t", known + 2);
            server.stop_immediate().unwrap();
            assert_error(run.target.commit(&commit), ErrorKind::Unavailable, &[]);
            unknown += 1;
        }
        server.restart().unwrap();
    }
    assert_eq!((committed, unknown), (6, 3));
    assert_eq!(place.rows("SELECT count(*), count(DISTINCT id), max(id) FROM t"), ["600|600|599"]);
}
