//! The examples keep their promises, and records go through them.

mod kit;

use dstream_conformance::{Role, TapReadBack};
use kit::{Loaded, assert_all_pass, config, install, library_file, root, run_to};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

/// Insists that a program ends well.
fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
}

/// The one recipe of an example's Makefile, for a machine that has a C compiler and no `make`.
fn recipe(folder: &Path) -> Command {
    let makefile = std::fs::read_to_string(folder.join("Makefile")).expect("a Makefile");
    let lines: Vec<&str> = makefile.lines().collect();
    let rule = lines.windows(2).find(|pair| pair[1].starts_with("\t$(CC)")).expect("a rule that compiles");
    let target = rule[0].split(':').next().expect("a rule names its target");
    let line = rule[1]
        .trim_start()
        .replace("$(CC)", "cc")
        .replace("$(CFLAGS)", "-O2 -g")
        .replace("$(INCLUDE)", "\"$INCLUDE\"")
        .replace("$@", target);
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(folder).env("INCLUDE", root().join("abi/include"));
    shell
}

/// The libraries in C, built by the recipes of their Makefiles from a copy of their folders: nothing is left in the repository.
fn c_libraries() -> &'static Path {
    static BUILT: OnceLock<TempDir> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().expect("temp folder");
        for example in ["c-tap", "c-target"] {
            let copy = folder.path().join(example);
            std::fs::create_dir(&copy).expect("made");
            for file in
                std::fs::read_dir(root().join("examples").join(example)).expect("the example is there")
            {
                let file = file.expect("an entry").path();
                if file.extension().is_none_or(|ending| ending != "so") {
                    std::fs::copy(&file, copy.join(file.file_name().expect("a name"))).expect("copied");
                }
            }
            succeed(&mut recipe(&copy));
        }
        folder
    });
    built.path()
}

fn c_tap() -> PathBuf {
    c_libraries().join("c-tap/libc_numbers.so")
}

fn c_target() -> PathBuf {
    c_libraries().join("c-target/libc_lines.so")
}

/// The vendor's crate, built as any vendor builds it, where `cargo xtask test vendor` builds it too.
fn vendor() -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let folder = root().join("target/vendor-crate");
    let mut build = Command::new(cargo);
    build.arg("build").arg("--manifest-path").arg(root().join("examples/vendor-crate/Cargo.toml"));
    succeed(build.arg("--target-dir").arg(&folder));
    let name = format!("{}dstream_folder{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    folder.join("debug").join(name)
}

#[test]
fn the_tap_in_c_keeps_its_promises() {
    let library = Loaded::open(&c_tap());
    for rows in [500, 0, 1] {
        let subject = library.subject("c-numbers", Role::Tap);
        let subject = subject.with_config(config("c-numbers", None, json!({ "rows": rows })));
        let without_records: &[&str] = match rows {
            0 => &[
                "looking-leaves-no-trace",
                "a-key-is-read-once",
                "reading-on-gives-the-rest",
                "reading-on-gives-exactly-the-rest",
                "a-strange-bookmark-is-refused",
            ],
            _ => &["looking-leaves-no-trace"],
        };
        assert_all_pass(&subject, Role::Tap, without_records);
    }
}

#[test]
fn the_target_in_c_keeps_its_promises() {
    let folder = tempfile::tempdir().expect("temp folder");
    let (target, files) = (Loaded::open(&c_target()), Loaded::open(&library_file("files")));
    // What it wrote is read by the tap for such files.
    let context = dstream_abi::Context::detached(Arc::new(AtomicBool::new(false)));
    let tap =
        files.plugin().tap("csv", context, &config("csv", Some(folder.path()), Value::Null)).expect("opens");
    let subject = target.subject("c-lines", Role::Target);
    let subject = subject
        .with_config(config("c-lines", Some(folder.path()), json!({})))
        .with_read_back(TapReadBack::new(tap.into()));
    let not_claimed = [
        "bad-options-are-refused",
        "upsert-keeps-the-newest",
        "a-null-in-a-key-is-refused",
        "overwrite-swaps-when-published",
        "records-come-back",
        "a-commit-again-changes-nothing",
        "a-gap-in-sequences-is-refused",
        "epochs-rise",
        "an-older-run-is-fenced",
        "a-run-that-was-taken-over-stays-so",
    ];
    assert_all_pass(&subject, Role::Target, &not_claimed);
}

#[test]
fn the_tap_of_a_vendor_keeps_its_promises() {
    let folder = tempfile::tempdir().expect("temp folder");
    for number in 0..30 {
        std::fs::write(folder.path().join(format!("žlutý {number}.txt")), vec![b'x'; number])
            .expect("written");
    }
    let library = Loaded::open(&vendor());
    let subject = library.subject("folder", Role::Tap);
    let subject = subject.with_config(config("folder", Some(folder.path()), json!({})));
    let not_claimed = [
        "the-end-is-covered",
        "reading-on-gives-the-rest",
        "reading-on-gives-exactly-the-rest",
        "a-strange-bookmark-is-refused",
        "reading-twice-gives-the-same",
    ];
    assert_all_pass(&subject, Role::Tap, &not_claimed);
}

/// A folder with these libraries in `plugins`, and configs of tap and target.
fn world(libraries: &[PathBuf], tap: &Value, target: &Value) -> TempDir {
    let folder = tempfile::tempdir().expect("temp folder");
    std::fs::create_dir(folder.path().join("plugins")).expect("made");
    for library in libraries {
        install(library, &folder.path().join("plugins"));
    }
    write(folder.path(), "tap.json", tap);
    write(folder.path(), "target.json", target);
    folder
}

fn write(folder: &Path, name: &str, config: &Value) {
    std::fs::write(folder.join(name), config.to_string()).expect("written");
}

/// One sync of these, with a state file.
fn sync(folder: &Path) {
    let configs = ["--tap-config", "tap.json", "--target-config", "target.json", "--state", "state.json"];
    let args = [&["--plugin-dir", "plugins", "sync", "--report", "report.json"][..], &configs].concat();
    run_to(folder, &args, 0);
}

/// Records that the last sync moved.
fn moved(folder: &Path) -> u64 {
    let report = std::fs::read(folder.join("report.json")).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    let streams = report["streams"].as_array().expect("streams");
    streams.iter().map(|stream| stream["committed_rows"].as_u64().expect("a number")).sum()
}

/// One text column of the answer to a query.
fn query(file: &Path, sql: &str) -> Vec<String> {
    let database = rusqlite::Connection::open(file).expect("opens");
    let mut query = database.prepare(sql).expect("is SQL");
    let rows = query.query_map([], |row| row.get::<_, Option<String>>(0)).expect("rows");
    rows.map(|row| row.expect("text").unwrap_or_else(|| "null".to_owned())).collect()
}

#[test]
fn numbers_go_from_the_tap_in_c_to_sqlite_and_only_new_ones_again() {
    let tap = |rows: u32| json!({ "name": "n", "type": "c-numbers", "options": { "rows": rows } });
    let target = json!({ "name": "db", "type": "sqlite", "connection": { "path": "out.db" } });
    let world = world(&[c_tap(), library_file("sqlite")], &tap(1000), &target);
    sync(world.path());
    assert_eq!(moved(world.path()), 1000);
    write(world.path(), "tap.json", &tap(1234));
    sync(world.path());
    assert_eq!(moved(world.path()), 234);
    let file = world.path().join("out.db");
    let counts = "SELECT count(*) || ' ' || min(n) || ' ' || max(n) || ' ' || sum(n) FROM numbers";
    assert_eq!(query(&file, counts), ["1234 1 1234 761995"]);
    assert_eq!(
        query(&file, "SELECT word FROM numbers WHERE n BETWEEN 9 AND 15 ORDER BY n"),
        ["fizz", "buzz", "null", "fizz", "null", "null", "fizzbuzz"]
    );
}

#[test]
fn a_list_of_files_goes_from_the_tap_of_a_vendor_to_sqlite() {
    let tap = json!({ "name": "f", "type": "folder", "connection": { "path": "listed" } });
    let options = json!({ "write_mode": "overwrite" });
    let target =
        json!({ "name": "db", "type": "sqlite", "connection": { "path": "out.db" }, "options": options });
    let world = world(&[vendor(), library_file("sqlite")], &tap, &target);
    let listed = world.path().join("listed");
    std::fs::create_dir(&listed).expect("made");
    for name in ["a.txt", "it's.txt", "č.txt"] {
        std::fs::write(listed.join(name), name).expect("written");
    }
    sync(world.path());
    // A copy of the whole each time: what is gone is gone.
    std::fs::remove_file(listed.join("a.txt")).expect("removed");
    sync(world.path());
    let rows = query(&world.path().join("out.db"), "SELECT name || ' ' || bytes FROM files ORDER BY name");
    assert_eq!(rows, ["it's.txt 8", "č.txt 6"]);
}

#[test]
fn lines_go_from_csv_to_the_target_in_c() {
    let tap = json!({ "name": "in", "type": "csv", "connection": { "path": "in" } });
    let options = json!({ "write_mode": "append" });
    let target =
        json!({ "name": "out", "type": "c-lines", "connection": { "path": "out" }, "options": options });
    let world = world(&[c_target(), library_file("files")], &tap, &target);
    for folder in ["in", "out"] {
        std::fs::create_dir(world.path().join(folder)).expect("made");
    }
    let lines = "id,word,x\n1,\"a, \"\"b\"\"\",0.5\n2,,-1.25\n3,\"\",1e300\n4,00ž,\n";
    std::fs::write(world.path().join("in/words.csv"), lines).expect("written");
    sync(world.path());
    sync(world.path());
    let written = std::fs::read_to_string(world.path().join("out/words.csv")).expect("a file");
    assert_eq!(written.replace("1e+300", "1e300"), lines);
    // And what is appended to the source.
    std::fs::write(world.path().join("in/words.csv"), format!("{lines}5,e,2\n")).expect("written");
    sync(world.path());
    let written = std::fs::read_to_string(world.path().join("out/words.csv")).expect("a file");
    assert_eq!(written.replace("1e+300", "1e300"), format!("{lines}5,e,2\n"));
}
