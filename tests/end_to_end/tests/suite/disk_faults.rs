//! The disk is full, or answers an error, at the n-th system call of a kind: the run says so in one error or completes,
//! readers find nothing, the old table or the new one, and the next run completes the job. `DSTREAMS_FULL=1` takes every n.

use dstream_end_to_end::{Run, Sandbox};
use dstream_peers::{Peer, Readers, files};
use serde_json::json;

/// More rows than one commit takes.
const ROWS: usize = 40;
const BATCH_SIZE: usize = 15;

/// Call, error, and the distance between the places that are tried in the usual run.
const FAULTS: [(&str, &str, usize); 9] = [
    ("write", "ENOSPC", 9),
    ("write", "EIO", 13),
    ("fsync", "EIO", 5),
    ("fsync", "ENOSPC", 9),
    ("mkdirat", "ENOSPC", 3),
    ("linkat", "ENOSPC", 2),
    ("linkat", "EIO", 2),
    ("renameat", "EIO", 3),
    ("renameat2", "EIO", 1),
];

/// The exit codes of a run whose disk is full: no room; or a commit of which nobody knows whether it stands, or which
/// stands and has yet to be carried out: its entry in the log was made, and something after that failed.
const FULL: [i32; 2] = [11, 6];
/// Of one whose disk answers an error: the target is not there, its streams were not all written, the state was not.
const BROKEN: [i32; 4] = [3, 6, 7, 11];

/// The file in its n-th version.
fn write_version(sandbox: &Sandbox, version: usize) -> Vec<String> {
    let rows: Vec<String> = (100..100 + ROWS).map(|id| format!("{id},{version}")).collect();
    sandbox.write("files/orders.csv", format!("id,version\n{}\n", rows.join("\n")));
    rows
}

/// What DuckDB, which reads all files that end so, finds in the folder of the table.
fn look(readers: &mut Readers, sandbox: &Sandbox, form: &str) -> Option<Vec<String>> {
    let found = files(&sandbox.path("out/orders"), &format!(".{form}")).expect("listed");
    (!found.is_empty()).then(|| {
        let table = readers.read(Peer::DuckDb, form, &found).expect("whole files");
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let mut rows: Vec<String> =
            table.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join(",")).collect();
        rows.sort();
        rows
    })
}

/// A run with a fault, and where that met it.
struct Met {
    run: Run,
    /// The calls that failed, as they were traced.
    calls: Vec<String>,
}

impl Met {
    /// The fault was one of a disk: the same calls go to pipes, and to what the run says.
    fn is_of_disk(&self) -> bool {
        self.calls.iter().all(|call| call.contains("/out") || call.contains("state.json"))
    }

    /// It completed, or said what is wrong: one error for one fault.
    fn check(&self, error: &str) {
        let codes: &[i32] = if error == "ENOSPC" { &FULL } else { &BROKEN };
        match self.run.code {
            0 => {}
            code if !self.is_of_disk() => assert!(code < 128, "{:?}: {}", self.calls, self.run),
            code => {
                assert!(codes.contains(&code), "{:?}: {}", self.calls, self.run);
                // The n-th call of each thread fails: two threads may meet a fault of their own.
                match self.calls.len() {
                    1 => drop(self.run.fails(code)),
                    _ => assert!(self.run.stderr.contains("error: "), "{}", self.run),
                }
            }
        }
    }
}

/// Runs a sync in which the n-th call of a thread fails.
fn run_with_fault(sandbox: &Sandbox, (call, error): (&str, &str), n: usize, more: &[&str]) -> Met {
    let script = format!(
        "exec strace -f -y -qq -o tmp/trace -e trace={call} -e inject={call}:error={error}:when={n} \"$@\""
    );
    let mut args = vec!["sync", "--tap-config", "tap.json", "--target-config", "target.json"];
    args.extend(["--state", "state.json"]);
    args.extend(more);
    let run = sandbox.run_command(sandbox.by_shell(&script, &args));
    let trace = sandbox.read("tmp/trace");
    let calls = trace.lines().filter(|line| line.contains("(INJECTED)")).map(str::to_owned).collect();
    Met { run, calls }
}

/// Nothing is in the folder of the table but what readers read, and nothing waits to be committed.
fn check_leftovers(sandbox: &Sandbox, form: &str, place: &str) {
    let ending = format!(".{form}");
    let names = sandbox.list("out/orders");
    assert!(names.iter().all(|name| name.ends_with(&ending)), "{place}: {names:?}");
    let notes = sandbox.list("out/_dstreams");
    for notes in notes.iter().filter(|name| *name != "tables") {
        for folder in ["stage", "."] {
            let folder = format!("out/_dstreams/{notes}/{folder}");
            let names = if sandbox.path(&folder).exists() { sandbox.list(&folder) } else { Vec::new() };
            let is_known = |name: &String| ["lock", "log", "stage"].contains(&name.as_str());
            assert!(names.iter().all(is_known), "{place}: `{folder}` has {names:?}");
        }
    }
}

/// A first copy, and one that takes its place, into a disk that fails at every call.
fn fail_at(form: &str) {
    let sandbox = Sandbox::usual();
    let probe = "exec strace -f -qq -o tmp/trace -e trace=none \"$@\"";
    let probe = sandbox.run_command(sandbox.by_shell(probe, &["--version"]));
    if probe.code != 0 {
        println!("skipped: nothing can be traced here: {}", probe.stderr.trim());
        return;
    }
    let is_full = std::env::var_os("DSTREAMS_FULL").is_some();
    let mut readers = Readers::start().expect("DuckDB");
    sandbox.json("tap.json", json!({"name": "shop", "type": "csv", "connection": {"path": "files"}}));
    sandbox.json(
        "target.json",
        json!({"name": "lake", "type": form, "connection": {"path": "out"}, "batch_size": BATCH_SIZE}),
    );
    let (mut met, mut failed) = (0, 0);
    for (call, error, step) in FAULTS {
        for n in (1..).step_by(if is_full { 1 } else { step }) {
            let place = format!("{form}: {call} {n}, {error}");
            for name in sandbox.list(".").iter().filter(|name| name.starts_with("state.")) {
                std::fs::remove_file(sandbox.path(name)).expect("removed");
            }
            let _ = std::fs::remove_dir_all(sandbox.path("out"));
            let mut is_met = false;
            let mut before = None;
            for (version, more) in [(1, &[][..]), (2, &["--full-refresh"])] {
                let new = Some(write_version(&sandbox, version));
                let fault = run_with_fault(&sandbox, (call, error), n, more);
                fault.check(error);
                let found = look(&mut readers, &sandbox, form);
                let is_whole = found == new || found == before && fault.run.code != 0;
                assert!(is_whole, "{place}: version {version}: {found:?}: {:?}: {}", fault.calls, fault.run);
                is_met |= !fault.calls.is_empty();
                met += usize::from(!fault.calls.is_empty());
                failed += usize::from(fault.run.code != 0);
                let more = if fault.run.code == 0 { &[] } else { more };
                sandbox.sync(&[&["--state", "state.json"], more].concat()).ok();
                assert_eq!(look(&mut readers, &sandbox, form), new, "{place}: version {version}, run again");
                check_leftovers(&sandbox, form, &place);
                before = new;
            }
            if !is_met {
                break;
            }
        }
    }
    println!("{form}: {met} runs met a fault, {failed} of them failed");
    assert!(failed > 10, "{failed} of {met}");
}

#[test]
fn a_disk_that_fails_at_any_call_leaves_the_old_files_of_parquet_or_the_new_ones() {
    fail_at("parquet");
}

#[test]
fn a_disk_that_fails_at_any_call_leaves_the_old_json_lines_or_the_new_ones() {
    fail_at("jsonl");
}
