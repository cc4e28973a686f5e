//! `dstreams plugin test`, by the binary.

mod kit;

use kit::{install, library_file, run, run_to};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// A folder with the libraries that are named, in `plugins`.
fn world(libraries: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("temp folder");
    std::fs::create_dir(folder.path().join("plugins")).expect("made");
    for library in libraries {
        install(&library_file(library), &folder.path().join("plugins"));
    }
    folder
}

fn plugin(library: &str) -> String {
    let file = library_file(library);
    format!("plugins/{}", file.file_name().expect("a name").to_string_lossy())
}

fn write(folder: &Path, name: &str, config: &Value) {
    std::fs::write(folder.join(name), config.to_string()).expect("written");
}

fn lines_of<'a>(stdout: &'a str, word: &str) -> Vec<&'a str> {
    stdout.lines().filter_map(|line| line.strip_prefix(&format!("  {word}  "))).collect()
}

#[test]
fn a_plugin_is_held_to_its_promises_and_the_rest_is_left_out_with_a_reason() {
    let folder = world(&["files"]);
    std::fs::create_dir(folder.path().join("data")).expect("made");
    std::fs::write(folder.path().join("data/a.csv"), "id,word\n1,a\n2,\n3,\"\"\n").expect("written");
    write(folder.path(), "csv.json", &json!({ "type": "csv", "connection": { "path": "data" } }));
    let args = ["plugin", "test", &plugin("files"), "-c", "csv.json", "--seed", "7"];
    let stdout = run_to(folder.path(), &args, 0);
    assert!(stdout.starts_with("tap csv\n  pass  the-manifest-is-well-formed\n"), "{stdout}");
    assert!(
        stdout.contains("\n  pass  reading-on-gives-exactly-the-rest: read on from 8 bookmarks\n"),
        "{stdout}"
    );
    assert!(stdout.contains("\ntap jsonl\n"), "{stdout}");
    assert!(stdout.contains("\n  skip  check-passes: no config was given\n"), "{stdout}");
    assert_eq!(lines_of(&stdout, "FAIL"), [""; 0]);
    assert!(stdout.ends_with("; seed 7\n"), "{stdout}");
}

#[test]
fn a_connector_that_needs_nothing_is_tested_without_a_config() {
    let folder = world(&["synthetic"]);
    let args = ["plugin", "test", &plugin("synthetic"), "--case", "check-passes", "--case", "epochs-rise"];
    let stdout = run_to(folder.path(), &args, 0);
    let wanted = "tap synthetic\n  pass  check-passes\ntarget blackhole\n  pass  check-passes\n  skip  epochs-rise: \
                  `transactional` is not claimed\n2 passed, 0 failed, 1 skipped; seed ";
    assert!(stdout.starts_with(wanted), "{stdout}");
}

#[test]
fn a_crash_is_one_failed_case() {
    let folder = world(&["faulty"]);
    let options = json!({ "fault": "aborts_when_closed_early" });
    let config = json!({ "type": "astray", "connection": { "path": folder.path() }, "options": options });
    write(folder.path(), "astray.json", &config);
    let stdout = run_to(folder.path(), &["plugin", "test", &plugin("faulty"), "-c", "astray.json"], 4);
    let tap = stdout.split("tap astray\n").nth(1).and_then(|rest| rest.split("\nt").next()).expect(&stdout);
    let failed = lines_of(tap, "FAIL");
    let [crash] = failed[..] else { panic!("{stdout}") };
    assert!(
        crash.starts_with("a-reader-can-be-closed-at-any-moment: the process ended with signal"),
        "{crash}"
    );
    assert!(lines_of(tap, "pass").len() > 20, "{stdout}");
}

#[test]
fn a_broken_promise_says_which_one_and_how() {
    let folder = world(&["faulty"]);
    let options = json!({ "fault": "skips_after_bookmark" });
    let config = json!({ "type": "astray", "connection": { "path": folder.path() }, "options": options });
    write(folder.path(), "astray.json", &config);
    let case = "reading-on-gives-exactly-the-rest";
    let args = ["plugin", "test", &plugin("faulty"), "-c", "astray.json", "--case", case];
    let stdout = run_to(folder.path(), &args, 4);
    let wanted = "reading-on-gives-exactly-the-rest: reading partition `numbers` (INCREMENTAL) from the bookmark \
                  {\"next\":4}: record 1 has `5` in column `id`, wanted is `4`";
    assert_eq!(lines_of(&stdout, "FAIL"), [wanted]);
}

#[test]
fn every_case_is_listed_with_its_promise() {
    let folder = world(&[]);
    let stdout = run_to(folder.path(), &["plugin", "test", "--list"], 0);
    for role in [dstream_conformance::Role::Tap, dstream_conformance::Role::Target] {
        for case in dstream_conformance::cases(role) {
            assert!(stdout.contains(&format!("\n  {}: {}\n", case.name, case.promise)), "{}", case.name);
        }
    }
    assert!(stdout.contains("      where there is: a config, the claim `exact`\n"), "{stdout}");
}

#[test]
fn what_cannot_be_tested_is_refused_before_anything_runs() {
    let folder = world(&["files"]);
    write(folder.path(), "other.json", &json!({ "type": "cvs" }));
    let file = plugin("files");
    for (args, code, wanted) in [
        (vec!["plugin", "test", &file, "--case", "check-pases"], 3, "did you mean `check-passes`?"),
        (vec!["plugin", "test", &file, "-c", "other.json"], 3, "the plugin has no connector `cvs`"),
        (vec!["plugin", "test", "nowhere.so"], 4, "nowhere.so"),
        (vec!["plugin", "test"], 2, "<FILE>"),
    ] {
        let output = run(folder.path(), &args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(wanted), "{args:?}: {stderr}");
        assert_eq!(output.stdout, b"", "{args:?}");
    }
}
