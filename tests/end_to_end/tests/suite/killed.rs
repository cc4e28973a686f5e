//! Killed at its n-th system call of a kind: what can be seen then is nothing, the old table or the new one, and the next
//! run completes the job. `DSTREAMS_FULL=1` takes every n.

use dstream_end_to_end::{Database, Sandbox};
use dstream_peers::{Peer, Readers, files};
use dstream_postgres_server::Server;
use serde_json::json;
use std::cell::RefCell;

/// More rows than one commit takes.
const ROWS: usize = 60;
const BATCH_SIZE: usize = 5;
/// Of calls that are many some are enough for each day.
const STEP: usize = 7;

/// Everything that leaves a trace on a disk.
const DISK: [(&str, usize); 7] = [
    ("pwrite64", STEP),
    ("write", 1),
    ("fsync", 1),
    ("ftruncate", 1),
    ("rename", 1),
    ("linkat", 1),
    ("unlink", 1),
];
/// The same where names are looked up beneath a folder.
const FOLDER: [(&str, usize); 7] = [
    ("write", STEP),
    ("fsync", 4),
    ("mkdirat", 2),
    ("renameat", 3),
    ("renameat2", 1),
    ("linkat", 2),
    ("unlinkat", 4),
];
/// What goes to a server, and what is heard of it: a COMMIT that was sent and not answered among others.
const NETWORK: [(&str, usize); 4] =
    [("sendto", STEP / 2), ("recvfrom", 4 * STEP), ("fsync", 2), ("rename", 1)];

/// The content of the table, if it is there.
type Look<'a> = &'a dyn Fn(&Sandbox) -> Option<Vec<String>>;

/// The file in its n-th version: other rows each time, and columns that come and go.
fn write_version(sandbox: &Sandbox, version: usize) -> Vec<String> {
    let extra = |text: String| if version.is_multiple_of(2) { text } else { String::new() };
    let mut content = format!("id,version{}\n", extra(",extra".to_owned()));
    let mut rows = Vec::new();
    for id in 100..100 + ROWS {
        let row = format!("{id},{version}{}", extra(format!(",x{id}")));
        content.push_str(&format!("{row}\n"));
        rows.push(row.replace(',', "|"));
    }
    sandbox.write("files/orders.csv", content);
    rows
}

/// Runs a sync that is killed at its n-th call of a thread; says whether it was.
fn is_killed(sandbox: &Sandbox, call: &str, n: usize, more: &[&str]) -> bool {
    let script = format!(
        "exec strace -f -qq -o tmp/trace -e trace={call} -e inject={call}:signal=KILL:when={n} \"$@\""
    );
    let mut args = vec!["sync", "--tap-config", "tap.json", "--target-config", "target.json"];
    args.extend(["--state", "state.json"]);
    args.extend(more);
    let run = sandbox.run_command(sandbox.by_shell(&script, &args));
    assert!([0, 137].contains(&run.code), "{call} {n}: {run}");
    run.code == 137
}

/// Kills a first copy and one that takes its place, at every call.
fn kill_at(sandbox: &Sandbox, calls: &[(&str, usize)], begin_anew: &dyn Fn(&Sandbox, usize), look: Look<'_>) {
    let probe = "exec strace -f -qq -o tmp/trace -e trace=none \"$@\"";
    let probe = sandbox.run_command(sandbox.by_shell(probe, &["--version"]));
    if probe.code != 0 {
        println!("skipped: nothing can be traced here: {}", probe.stderr.trim());
        return;
    }
    let is_full = std::env::var_os("DSTREAMS_FULL").is_some();
    sandbox.json("tap.json", json!({"name": "shop", "type": "csv", "connection": {"path": "files"}}));
    let (mut kills, mut seen_new, mut places) = (0, 0, 0);
    for (call, step) in calls {
        for n in (1..).step_by(if is_full { 1 } else { *step }) {
            places += 1;
            begin_anew(sandbox, places);
            let old = write_version(sandbox, 1);
            let first = is_killed(sandbox, call, n, &[]);
            if let Some(found) = look(sandbox) {
                assert_eq!(found, old, "{call} {n}: of a first copy");
            }
            sandbox.sync(&["--state", "state.json"]).ok();
            assert_eq!(look(sandbox).as_ref(), Some(&old), "{call} {n}: once after a first copy");

            let new = write_version(sandbox, 2);
            let second = is_killed(sandbox, call, n, &["--full-refresh"]);
            let found = look(sandbox);
            assert!([Some(&old), Some(&new)].contains(&found.as_ref()), "{call} {n}: {found:?}");
            seen_new += usize::from(found.as_ref() == Some(&new));
            sandbox.sync(&["--state", "state.json", "--full-refresh"]).ok();
            assert_eq!(look(sandbox).as_ref(), Some(&new), "{call} {n}: once after another copy");
            kills += usize::from(first) + usize::from(second);
            if !first && !second {
                break;
            }
        }
    }
    println!("{kills} kills; {seen_new} times the new table was there already");
    assert!(kills > 40, "{kills}");
}

#[test]
fn killed_at_any_call_of_a_copy_into_sqlite_it_leaves_the_old_table_or_the_new_one() {
    let begin_anew = |sandbox: &Sandbox, _: usize| {
        for name in
            sandbox.list(".").iter().filter(|name| name.starts_with("out.") || name.starts_with("state."))
        {
            std::fs::remove_file(sandbox.path(name)).expect("removed");
        }
    };
    let look = |sandbox: &Sandbox| {
        let path = sandbox.path("out.db");
        let is_there = path.exists() && Database::open_to_repair(&path).tables() == ["orders"];
        is_there.then(|| {
            let text = |row: &Vec<dstream_end_to_end::Value>| -> Vec<String> {
                row.iter()
                    .map(|value| match value {
                        dstream_end_to_end::Value::Integer(number) => number.to_string(),
                        dstream_end_to_end::Value::Text(text) => text.clone(),
                        other => format!("{other:?}"),
                    })
                    .collect()
            };
            let rows = Database::open(&path).rows("SELECT * FROM orders ORDER BY id");
            rows.iter().map(|row| text(row).join("|")).collect()
        })
    };
    let sandbox = Sandbox::usual();
    sandbox.json(
        "target.json",
        json!({
            "name": "local", "type": "sqlite", "connection": {"path": "out.db"}, "batch_size": BATCH_SIZE,
        }),
    );
    kill_at(&sandbox, &DISK, &begin_anew, &look);
}

#[test]
fn killed_at_any_call_of_a_copy_into_postgres_it_leaves_the_old_table_or_the_new_one() {
    let database = Server::shared().database("killed");
    let begin_anew = |sandbox: &Sandbox, place: usize| {
        for name in sandbox.list(".").iter().filter(|name| name.starts_with("state.")) {
            std::fs::remove_file(sandbox.path(name)).expect("removed");
        }
        database.psql(&format!("DROP SCHEMA IF EXISTS s{} CASCADE", place - 1)).expect("dropped");
        sandbox.json("target.json", json!({
            "name": "db", "type": "postgres", "batch_size": BATCH_SIZE, "options": {"schema": format!("s{place}")},
            "connection": {"host": database.host(), "port": database.port(), "database": database.name()},
            "auth": {"type": "basic", "username": database.user(), "password": "none"},
        }));
    };
    let look = |sandbox: &Sandbox| {
        let schema =
            sandbox.read_json("target.json")["options"]["schema"].as_str().expect("a name").to_owned();
        let exists = format!("SELECT to_regclass('{schema}.orders') IS NOT NULL");
        let is_there = database.psql(&exists).expect("asked").trim() == "t";
        is_there.then(|| {
            let rows = database.psql(&format!("SELECT * FROM {schema}.orders ORDER BY id")).expect("read");
            rows.lines().map(str::to_owned).collect()
        })
    };
    let sandbox = Sandbox::new(&["files", "postgres"]);
    kill_at(&sandbox, &NETWORK, &begin_anew, &look);
}

/// What DuckDB, which reads all files that end so, finds in the folder of the table.
fn kill_files(form: &str) {
    let readers = RefCell::new(Readers::start().expect("DuckDB"));
    let begin_anew = |sandbox: &Sandbox, _: usize| {
        for name in sandbox.list(".").iter().filter(|name| name.starts_with("state.")) {
            std::fs::remove_file(sandbox.path(name)).expect("removed");
        }
        let _ = std::fs::remove_dir_all(sandbox.path("out"));
    };
    let look = |sandbox: &Sandbox| {
        let found = files(&sandbox.path("out/orders"), &format!(".{form}")).expect("listed");
        (!found.is_empty()).then(|| {
            let table = readers.borrow_mut().read(Peer::DuckDb, form, &found).expect("whole files");
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            let mut rows: Vec<String> =
                table.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")).collect();
            rows.sort();
            rows
        })
    };
    let sandbox = Sandbox::usual();
    sandbox.json(
        "target.json",
        json!({"name": "lake", "type": form, "connection": {"path": "out"}, "batch_size": BATCH_SIZE}),
    );
    kill_at(&sandbox, &FOLDER, &begin_anew, &look);
}

#[test]
fn killed_at_any_call_of_a_copy_into_parquet_it_leaves_the_old_table_or_the_new_one() {
    kill_files("parquet");
}
