//! Every command and option, as the manual has them.

use dstream_end_to_end::{Database, Sandbox};
use serde_json::json;

use crate::catalogs::shop;
use crate::nyc::nyc;

#[test]
fn the_quick_start_works_word_for_word() {
    let sandbox = nyc(json!({}));
    // The configs of the example point to the folder in which the manual's reader stands.
    for config in ["tap-config.json", "target-config.json"] {
        let text = std::fs::read(dstream_end_to_end::example(config)).expect("the example is there");
        sandbox.write(&format!("examples/{config}"), text);
    }
    std::fs::rename(sandbox.path("nyc"), sandbox.path("examples/nycflights")).expect("moved");
    let words = |line: &str| {
        let args: Vec<&str> = line.split_whitespace().filter(|word| *word != "\\").skip(1).collect();
        sandbox.run(&args).ok()
    };
    words("dstreams discover -c examples/tap-config.json -o catalog.json");
    words(
        "dstreams sync \\
           --tap-config examples/tap-config.json \\
           --target-config examples/target-config.json \\
           --catalog catalog.json \\
           --state state.json",
    );
    let synced = Database::open(&sandbox.path("nycflights.db")).content();
    words("dstreams tap -c examples/tap-config.json --catalog catalog.json -o data.jsonl");
    std::fs::remove_file(sandbox.path("nycflights.db")).expect("removed");
    words("dstreams target -c examples/target-config.json -i data.jsonl");
    let piped = Database::open(&sandbox.path("nycflights.db")).content();
    assert_eq!(synced.keys().collect::<Vec<_>>(), piped.keys().collect::<Vec<_>>());
    assert!(synced == piped, "the tables differ");
}

#[test]
fn discover_writes_catalog_json_and_every_option_of_tap_and_target_is_taken() {
    let sandbox = shop();
    let run = sandbox.run(&["-v", "discover", "-c", "tap.json"]).ok();
    assert!(run.stderr.contains("3 of 3 streams selected, written to catalog.json"), "{run}");
    let catalog = sandbox.read("catalog.json");
    assert_eq!(sandbox.run(&["discover", "--config", "tap.json", "--output", "-"]).ok().stdout, catalog);

    let run = sandbox.run(&["tap", "-c", "tap.json", "--catalog", "catalog.json", "-o", "output.jsonl"]).ok();
    assert_eq!(run.stdout, "");
    let messages = sandbox.read("output.jsonl");
    let count = |kind: &str| {
        messages.lines().filter(|line| line.starts_with(&format!("{{\"type\":\"{kind}\""))).count()
    };
    assert_eq!((count("SCHEMA"), count("RECORD")), (3, 150));
    let state = messages.lines().rfind(|line| line.starts_with("{\"type\":\"STATE\"")).expect("a state");
    let state: serde_json::Value = serde_json::from_str(state).expect("JSON");

    // What the target prints is what the next tap takes.
    let run =
        sandbox.run(&["target", "-c", "target.json", "--input", "output.jsonl", "--state", "kept.json"]).ok();
    let printed: serde_json::Value =
        serde_json::from_str(run.stdout.lines().last().unwrap_or_default()).expect("a state");
    assert_eq!(printed, state["value"]);
    assert_eq!(sandbox.read_json("kept.json"), printed);
    let args = [
        "tap",
        "--config",
        "tap.json",
        "--catalog",
        "catalog.json",
        "--state",
        "kept.json",
        "--output",
        "rest.jsonl",
    ];
    sandbox.run(&args).ok();
    assert!(!sandbox.read("rest.jsonl").contains("RECORD"), "there is nothing more");
}

#[test]
fn state_files_are_viewed_cleared_and_set() {
    let sandbox = shop();
    sandbox.sync(&["--state", "state.json"]).ok();
    let view = || sandbox.run(&["state", "view", "state.json"]).ok().stdout;
    let shown: serde_json::Value = serde_json::from_str(&view()).expect("JSON");
    assert_eq!(shown["bookmarks"]["users"]["bookmark"], json!({"row": 50}));
    sandbox.run(&["state", "set", "state.json", "users", "{\"updated_at\":\"2024-01-01\"}"]).ok();
    assert!(view().contains("2024-01-01"));
    sandbox.run(&["state", "clear", "state.json"]).ok();
    let shown: serde_json::Value = serde_json::from_str(&view()).expect("JSON");
    assert_eq!(shown["bookmarks"], json!({}));

    let error = sandbox.run(&["state", "set", "state.json", "users", "2024-01-01"]).fails(3);
    assert!(error.contains("is not JSON") && error.contains("quotes of its own"), "{error}");
    let error = sandbox.run(&["state", "view", "none.json"]).fails(3);
    assert!(error.contains("there is no state file `none.json`"), "{error}");
}

#[test]
fn check_reaches_tap_and_target_and_writes_nothing() {
    let sandbox = nyc(json!({}));
    let before = sandbox.list("");
    let run = sandbox.run(&["check", "-c", "tap.json"]).ok();
    assert_eq!(run.stdout, "the tap `nyc` can be reached\n");
    let run = sandbox.run(&["check", "--config", "target.json", "--as", "target"]).ok();
    assert_eq!(run.stdout, "the target `local` can be reached\n");
    let error = sandbox.run(&["check", "-c", "target.json"]).fails(3);
    assert!(error.contains("`sqlite` is both a tap and a target") && error.contains("--as"), "{error}");
    let error = sandbox.run(&["check", "-c", "target.json", "--as", "tap"]).fails(5);
    assert!(error.contains("there is no file"), "{error}");
    assert_eq!(sandbox.list(""), before);

    sandbox.json("tap.json", json!({"name": "nyc", "type": "csv", "connection": {"path": "nowhere"}}));
    let error = sandbox.run(&["check", "-c", "tap.json", "--as", "tap"]).fails(5);
    assert!(error.contains("nowhere"), "{error}");
    sandbox.json(
        "target.json",
        json!({"name": "l", "type": "sqlite", "connection": {"path": "nowhere/out.db"}}),
    );
    let error = sandbox.run(&["check", "-c", "target.json", "--as", "target"]).fails(6);
    assert!(error.contains("nowhere"), "{error}");
    sandbox.json("tap.json", json!({"name": "made-up", "type": "synthetic"}));
    let error = sandbox.run(&["check", "-c", "tap.json", "--as", "target"]).fails(4);
    assert!(error.contains("`synthetic` is a tap, not a target"), "{error}");
    let now = sandbox.list("");
    assert_eq!(now, before);
}

#[test]
fn help_lists_every_exit_code_and_every_command_explains_itself() {
    let sandbox = Sandbox::new(&[]);
    let help = sandbox.run(&["--help"]).ok().stdout;
    for code in 0..=11 {
        assert!(help.contains(&format!("\n{code:>5}  ")), "{code}: {help}");
    }
    for number in ["130", "143", "129", "141"] {
        assert!(help.contains(number), "{number}");
    }
    for line in [
        "discover",
        "sync",
        "tap",
        "target",
        "check",
        "state",
        "state view",
        "state clear",
        "state set",
        "catalog",
        "catalog view",
        "catalog select",
        "catalog deselect",
        "catalog set",
        "plugin",
        "plugin list",
        "plugin info",
        "plugin verify",
        "completions",
    ] {
        let mut args: Vec<&str> = line.split(' ').collect();
        args.push("--help");
        let run = sandbox.run(&args).ok();
        assert!(run.stdout.contains("Usage: dstreams "), "{run}");
        let command = args[0];
        assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
    }
    assert!(sandbox.run(&["--version"]).ok().stdout.starts_with("dstreams "));
    for wrong in [
        &["frobnicate"][..],
        &["sync"],
        &[],
        &["sync", "--memory", "3 parsecs"],
        &["-q", "-v", "plugin", "list"],
    ] {
        let run = sandbox.run(wrong);
        assert_eq!(run.code, 2, "{run}");
    }
}

#[test]
fn completions_are_there_for_every_shell() {
    let sandbox = Sandbox::new(&[]);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = sandbox.run(&["completions", shell]).ok();
        assert!(run.stdout.contains("dstreams") && run.stdout.contains("deselect"), "{run}");
    }
}

#[test]
fn the_log_is_text_or_json_and_verbose_says_more() {
    let sandbox = shop();
    assert!(!sandbox.sync(&[]).ok().stderr.contains("run begins"));
    let run = sandbox.sync(&["-v"]).ok();
    assert!(run.stderr.contains("run begins") && run.stderr.contains("commit"), "{run}");
    let run = sandbox.sync(&["-vv", "--log-format", "json"]).ok();
    let records: Vec<serde_json::Value> = run
        .stderr
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let begins = records.iter().find(|record| record["message"] == "run begins").expect("a record");
    assert_eq!((&begins["level"], &begins["pipeline"]), (&json!("INFO"), &json!("shop/local")));
}
