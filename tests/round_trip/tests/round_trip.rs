//! Random tables through real databases and back: equal in the server's own text, or refused for a listed reason.
//!
//! `DSTREAMS_FULL=1` tries 100,000 tables a route, `DSTREAMS_SEED=n` repeats what a failure printed.

#![allow(clippy::print_stdout)] // seeds and figures

use dstream_end_to_end::{Run, Sandbox};
use dstream_postgres_server::{Database, Server};
use dstream_round_trip::{Route, Table, tables};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tables that one run moves.
const TABLES: usize = 100;

const TYPES: &str = "CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS citext;
    CREATE TYPE mood AS ENUM ('sad', 'it''s \"fine\"', 'happy');
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
    CREATE TYPE point2 AS (x integer, \"the name\" text);";

fn cases() -> usize {
    if std::env::var_os("DSTREAMS_FULL").is_some() { 100_000 } else { 2_000 }
}

fn seed() -> u64 {
    let given = std::env::var("DSTREAMS_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or(20_261_123)
}

#[test]
fn postgres_to_postgres() {
    campaign(Route::Direct);
}

#[test]
fn postgres_to_sqlite_to_postgres() {
    campaign(Route::BySqlite);
}

fn campaign(route: Route) {
    let (mut equal, mut refused) = (0, 0);
    for (batch, seed) in (0..cases().div_ceil(TABLES)).zip(seed()..) {
        let tables = tables(seed, TABLES);
        println!("batch {batch}: DSTREAMS_SEED={seed}");
        let (is_equal, is_refused) = try_all(route, &tables);
        equal += is_equal;
        refused += is_refused;
    }
    println!("{route:?}: {equal} tables came back as they were, {refused} were refused for a listed reason");
    assert!(equal > 5 * refused, "most tables have to get through, or nothing is shown");
}

fn config(database: &Database, options: Value) -> Value {
    let connection = json!({"host": database.host(), "port": database.port(), "database": database.name()});
    let auth = json!({"type": "basic", "username": database.user(), "password": "none"});
    json!({"name": "db", "type": "postgres", "connection": connection, "auth": auth, "options": options})
}

fn try_all(route: Route, tables: &[Table]) -> (usize, usize) {
    let server = Server::shared();
    let (source, sink) = (server.database("rt_source"), server.database("rt_sink"));
    let sandbox = Sandbox::new(&["postgres", "sqlite"]);
    let sql: String = tables.iter().map(Table::sql).collect();
    let file = sandbox.write("source.sql", format!("{TYPES}\n{sql}"));
    source.psql_file(&file).expect("what is drawn is good SQL");
    sink.psql("CREATE EXTENSION hstore; CREATE EXTENSION citext").expect("extensions");
    let mut tap = config(&source, json!({}));
    let target = config(&sink, json!({}));
    let mut failures = Vec::new();
    if route == Route::BySqlite {
        let between = json!({"name": "between", "type": "sqlite", "connection": {"path": "between.db"}});
        failures.push(sync(&sandbox, "first", &tap, &between));
        tap = between;
    }
    failures.push(sync(&sandbox, "last", &tap, &target));
    let (wanted, found) = (digests(&source, tables), digests(&sink, tables));
    let mut refused = 0;
    for table in tables {
        let reasons = table.refusals(route);
        let said: Vec<&str> =
            failures.iter().flat_map(|said| said.get(&table.name)).map(String::as_str).collect();
        if !reasons.is_empty() {
            let is_listed = reasons.iter().any(|reason| said.iter().any(|said| said.contains(reason)));
            assert!(is_listed, "{}\nhas {reasons:?}, and the run says {said:?}", table.sql());
            refused += 1;
            continue;
        }
        assert!(said.is_empty(), "{}\nwas refused: {said:?}", table.sql());
        let (wanted, found) = (&wanted[&table.name], &found[&table.name]);
        assert!(wanted == found, "{}\nwent in as\n{wanted}\nand came out as\n{found}", table.sql());
    }
    (tables.len() - refused, refused)
}

/// Moves everything; answers what was said of each stream that failed.
fn sync(sandbox: &Sandbox, name: &str, tap: &Value, target: &Value) -> BTreeMap<String, String> {
    let file = |part: &str| format!("{name}-{part}.json");
    sandbox.json(&file("tap"), tap.clone());
    sandbox.json(&file("target"), target.clone());
    let (tap, target, report, state) = (file("tap"), file("target"), file("report"), file("state"));
    let run: Run = sandbox.run(&[
        "sync",
        "--tap-config",
        &tap,
        "--target-config",
        &target,
        "--state",
        &state,
        "--report",
        &report,
    ]);
    assert!([0, 7].contains(&run.code), "{run:?}");
    let report = sandbox.read_json(&report);
    let streams = report["streams"].as_array().expect("a report has streams");
    let failed = streams.iter().filter(|stream| stream["status"] == "failed");
    failed
        .map(|stream| {
            let name = stream["stream"].as_str().or(stream["name"].as_str()).expect("a stream has a name");
            (name.rsplit('.').next().unwrap_or(name).to_owned(), stream["error"].to_string())
        })
        .collect()
}

/// Types and rows of every table, as the server writes them.
fn digests(database: &Database, tables: &[Table]) -> BTreeMap<String, String> {
    let of = |table: &Table| {
        format!(
            "SELECT '{0}', coalesce((SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute \
             WHERE attnum > 0 AND NOT attisdropped AND attrelid = '{0}'::regclass), ''), \
             (SELECT coalesce(string_agg(replace(x::text, chr(10), '~'), ' | ' ORDER BY x::text COLLATE \"C\"), '') FROM {0} x)",
            table.name
        )
    };
    let exists = database
        .psql("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace");
    let exists = exists.expect("tables");
    let there: Vec<&str> = exists.lines().collect();
    let queries: Vec<String> =
        tables.iter().filter(|table| there.contains(&table.name.as_str())).map(of).collect();
    let mut digests: BTreeMap<String, String> =
        tables.iter().map(|table| (table.name.clone(), "no table".to_owned())).collect();
    let said = database.psql(&format!("{};", queries.join(";\n"))).expect("digests");
    digests.extend(said.split('\n').filter_map(|line| {
        let (name, rest) = line.split_once('|')?;
        there.contains(&name).then(|| (name.to_owned(), rest.to_owned()))
    }));
    digests
}
