//! Where plugins are found, and what is said where none is, or two are.

use dstream_end_to_end::{Sandbox, binary};
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// `dstreams` as it is installed: in `bin`, without a word about plugins.
fn installed(sandbox: &Sandbox, args: &[&str]) -> Command {
    sandbox.folder("bin");
    let program = sandbox.path("bin/dstreams");
    if !program.exists() {
        std::fs::copy(binary(), &program).expect("a copy");
    }
    let mut command = sandbox.program(&program);
    command.args(args);
    command
}

/// From the made-up tap into nothing.
fn configs(sandbox: &Sandbox) {
    sandbox.json("tap.json", json!({"name": "made-up", "type": "synthetic", "options": {"rows": 10}}));
    sandbox.json("target.json", json!({"name": "nothing", "type": "blackhole"}));
}

const SYNC: [&str; 5] = ["sync", "--tap-config", "tap.json", "--target-config", "target.json"];

#[test]
fn a_plugin_is_found_in_every_place_but_the_current_folder() {
    for place in ["flag", "variable", "plugins", "home/dstreams/plugins"] {
        let sandbox = Sandbox::new(&[]);
        std::fs::remove_dir(sandbox.path("plugins")).expect("empty");
        configs(&sandbox);
        let library = sandbox.install("synthetic", place);
        let run = |folder: &str| {
            let mut command = installed(&sandbox, &SYNC);
            match folder {
                "flag" => command.arg("--plugin-dir").arg(sandbox.path("flag")),
                "variable" => command.env("DSTREAMS_PLUGIN_PATH", sandbox.path("variable")),
                _ => &mut command,
            };
            sandbox.run_command(command)
        };
        run(place).ok();
        // The same library in the current folder alone is not found.
        std::fs::rename(
            &library,
            sandbox.path(library.file_name().and_then(|name| name.to_str()).expect("a name")),
        )
        .expect("moved");
        let error = run(place).fails(4);
        assert!(error.contains("no plugin offers the tap `synthetic`"), "{error}");
    }
}

#[test]
fn the_places_are_searched_in_the_documented_order() {
    let sandbox = Sandbox::new(&[]);
    let mut command = installed(&sandbox, &["plugin", "list", "--plugin-dir", "one", "--plugin-dir", "two"]);
    let path = format!("{}:{}", sandbox.path("three").display(), sandbox.path("four").display());
    command.env("DSTREAMS_PLUGIN_PATH", path);
    let run = sandbox.run_command(command).ok();
    let (_, searched) = run.stdout.split_once("Searched:\n").expect("the places");
    let root = sandbox.path("").canonicalize().expect("a path");
    let root = root.display().to_string();
    let root = root.trim_end_matches('/');
    let places: Vec<String> = searched.lines().map(|line| line.trim().replace(root, "")).collect();
    assert_eq!(
        places,
        [
            "`/one` (not there), --plugin-dir",
            "`/two` (not there), --plugin-dir",
            "`/three` (not there), $DSTREAMS_PLUGIN_PATH",
            "`/four` (not there), $DSTREAMS_PLUGIN_PATH",
            "`/plugins` (empty), beside the program",
            "`/home/dstreams/plugins` (not there), the user's",
            "`/usr/local/lib/dstreams/plugins` (not there), the system's",
            "`/usr/lib/dstreams/plugins` (not there), the system's",
        ]
    );
}

#[test]
fn a_type_that_is_not_found_lists_every_place_and_the_nearest_name() {
    let sandbox = Sandbox::new(&["synthetic"]);
    configs(&sandbox);
    sandbox.json("tap.json", json!({"name": "t", "type": "syntetic"}));
    let mut command = installed(&sandbox, &SYNC);
    command.arg("--plugin-dir").arg("more").env("DSTREAMS_PLUGIN_PATH", "relative:/nowhere/at/all");
    let run = sandbox.run_command(command);
    let error = run.fails(4);
    for part in [
        "`syntetic`",
        "/more` (not there)",
        "`/nowhere/at/all` (not there)",
        "/plugins`",
        "/home/dstreams/plugins` (not there)",
        "`/usr/local/lib/dstreams/plugins`",
        "`/usr/lib/dstreams/plugins`",
        "did you mean `synthetic`?",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(run.stderr.contains("`relative` in `$DSTREAMS_PLUGIN_PATH` is not an absolute path"), "{run}");
}

#[test]
fn a_type_that_two_files_provide_is_an_error_that_names_both() {
    let sandbox = Sandbox::new(&["synthetic"]);
    configs(&sandbox);
    let copy = sandbox.install("synthetic", "more");
    let mut args = SYNC.to_vec();
    args.extend(["--plugin-dir", "more"]);
    let error = sandbox.run(&args).fails(4);
    let original = sandbox.path("plugins").join(copy.file_name().expect("a name"));
    for path in [&copy, &original] {
        assert!(error.contains(&path.display().to_string()), "{}: {error}", path.display());
    }
    // One file under two names is one file.
    std::fs::remove_file(&copy).expect("removed");
    std::os::unix::fs::symlink(&original, &copy).expect("a link");
    sandbox.run(&args).ok();
}

#[test]
fn plugins_are_listed_and_described() {
    let sandbox = Sandbox::usual();
    let run = sandbox.run(&["plugin", "list"]).ok();
    let types: Vec<&str> =
        run.stdout.lines().skip(1).map_while(|line| line.split_whitespace().next()).collect();
    assert_eq!(types, ["csv", "jsonl", "parquet", "arrow", "sqlite", "synthetic", "blackhole"]);
    assert!(!run.stdout.contains("Cannot be used"), "{run}");

    let run = sandbox.run(&["plugin", "info", "csv"]).ok();
    let library = sandbox.path("plugins").join(Path::new("libdstream_files.so"));
    for part in [
        "As a tap",
        "delimiter: text",
        "header: true or false, default true",
        "null_values: a list of text, default [\"\"]",
        "The character between two fields.",
        "connection path",
        "ABI       1.0",
        &library.display().to_string(),
        "reading on from a bookmark gives exactly the rest",
    ] {
        assert!(run.stdout.contains(part), "{part}: {run}");
    }
    let run = sandbox.run(&["plugin", "info", "sqlite"]).ok();
    for part in [
        "As a target",
        "write_mode: append | upsert | overwrite",
        "table: text, default \"{table}\"",
        "one transaction",
    ] {
        assert!(run.stdout.contains(part), "{part}: {run}");
    }
    let error = sandbox.run(&["plugin", "info", "sqlit"]).fails(4);
    assert!(error.contains("`sqlit`"), "{error}");
    let run = sandbox.run(&["plugin", "verify", "plugins/libdstream_files.so"]).ok();
    assert!(run.stdout.lines().all(|line| line.starts_with("pass  ")), "{run}");
}
