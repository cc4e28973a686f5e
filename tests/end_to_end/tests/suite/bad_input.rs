//! What is wrong gets one clear error with its exit code, and nothing is lost: mended, the same command goes through.

use dstream_end_to_end::{Database, Run, Sandbox};
use serde_json::{Value, json};

/// Three orders, and configs that are right.
fn orders() -> Sandbox {
    let sandbox = Sandbox::usual();
    sandbox.write("files/orders.csv", "id,city\n1,Bern\n2,Rome\n3,Oslo\n");
    tap(&sandbox, json!({}));
    target(&sandbox, json!({}));
    sandbox
}

fn tap(sandbox: &Sandbox, more: Value) {
    let config = json!({"name": "shop", "type": "csv", "connection": {"path": "files"}});
    sandbox.json("tap.json", with(config, more));
}

fn target(sandbox: &Sandbox, more: Value) {
    let config = json!({"name": "local", "type": "sqlite", "connection": {"path": "out.db"}});
    sandbox.json("target.json", with(config, more));
}

fn with(mut config: Value, more: Value) -> Value {
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config
}

fn sync(sandbox: &Sandbox) -> Run {
    sandbox.sync(&["--state", "state.json"])
}

fn count(sandbox: &Sandbox) -> i64 {
    Database::open(&sandbox.path("out.db")).count("orders")
}

/// One way to get it wrong: what the tap's config has, the exit code, and what the error says.
fn wrong_config(more: Value, code: i32, says: &[&str]) {
    let sandbox = orders();
    sync(&sandbox).ok();
    sandbox.append("files/orders.csv", "4,Paris\n");
    let before = sandbox.list("");
    tap(&sandbox, more.clone());
    let error = sync(&sandbox).fails(code);
    for part in says {
        assert!(error.contains(part), "{more}: `{part}` is not in: {error}");
    }
    assert_eq!(sandbox.list(""), before, "{more}");
    tap(&sandbox, json!({}));
    sync(&sandbox).ok();
    assert_eq!(count(&sandbox), 4, "{more}");
}

#[test]
fn an_unknown_type_or_key_names_the_nearest() {
    wrong_config(json!({"type": "cvs"}), 4, &["no plugin offers the tap `cvs`", "did you mean `csv`?"]);
    wrong_config(
        json!({"conection": {}}),
        3,
        &["`conection`", "nearest known key is `connection`", "tap.json"],
    );
    wrong_config(
        json!({"options": {"delimeter": ";"}}),
        3,
        &["`options.delimeter`", "nearest known option is `delimiter`"],
    );
    wrong_config(json!({"connection": {"pth": "files"}}), 3, &["`connection.pth`", "`path`"]);
}

#[test]
fn a_value_of_the_wrong_type_says_what_is_wanted() {
    wrong_config(
        json!({"options": {"header": "yes"}}),
        3,
        &["`options.header` must be true or false, found text"],
    );
    wrong_config(
        json!({"options": {"null_values": "NA"}}),
        3,
        &["`options.null_values` must be a list, found text"],
    );
    wrong_config(json!({"connection": {"path": 7}}), 3, &["`connection.path` must be text, found a number"]);
    wrong_config(json!({"connection": "files"}), 3, &["`connection` must be an object, found text"]);
    wrong_config(
        json!({"batch_size": "many"}),
        3,
        &["`batch_size` must be a whole number above 0, found text"],
    );
    wrong_config(json!({"streams": "orders"}), 3, &["`streams` must be a list, found text"]);
}

#[test]
fn a_secret_that_is_missing_names_its_variable_or_file() {
    wrong_config(
        json!({"options": {"null_values": ["${env:NO_SUCH_TOKEN}"]}}),
        3,
        &["environment variable `NO_SUCH_TOKEN`", "set `NO_SUCH_TOKEN`"],
    );
    wrong_config(json!({"options": {"null_values": ["${file:no-such-secret}"]}}), 3, &["no-such-secret"]);
}

#[test]
fn a_config_that_is_not_json_or_not_there_is_said_to_be_that() {
    let sandbox = orders();
    let right = sandbox.read("tap.json");
    for text in ["{\"name\": \"shop\", ", "", "name = shop", "[]", "{'name': 'shop'}"] {
        sandbox.write("tap.json", text);
        let error = sync(&sandbox).fails(3);
        assert!(error.contains("tap.json"), "{error}");
    }
    std::fs::remove_file(sandbox.path("tap.json")).expect("removed");
    let error = sync(&sandbox).fails(3);
    assert!(error.contains("tap.json` does not exist"), "{error}");
    let error = sandbox.sync(&["--catalog", "none.json"]).fails(3);
    assert!(error.contains("does not exist"), "{error}");
    sandbox.write("tap.json", right);
    let error = sandbox.sync(&["--catalog", "none.json"]).fails(3);
    assert!(error.contains("none.json` does not exist"), "{error}");
    sync(&sandbox).ok();
}

#[test]
fn a_file_that_is_missing_empty_or_has_a_name_twice_is_named() {
    for (content, code, says) in [
        (None, 5, "has no file that ends in .csv"),
        (Some(""), 5, "orders.csv` is empty"),
        (Some("id,city,id\n1,Bern,2\n"), 5, "names `id` twice: columns 1 and 3"),
    ] {
        let sandbox = orders();
        let right = sandbox.read("files/orders.csv");
        match content {
            Some(content) => drop(sandbox.write("files/orders.csv", content)),
            None => std::fs::remove_file(sandbox.path("files/orders.csv")).expect("removed"),
        }
        let error = sync(&sandbox).fails(code);
        assert!(error.contains(says), "{error}");
        sandbox.write("files/orders.csv", right);
        sync(&sandbox).ok();
        assert_eq!(count(&sandbox), 3);
    }
}

#[test]
fn a_bad_row_names_file_line_and_column_and_what_stands_before_it_is_kept() {
    let sandbox = orders();
    target(&sandbox, json!({"batch_size": 2}));
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    let args = ["--catalog", "catalog.json", "--state", "state.json"];
    sandbox.sync(&args).ok();
    let good = format!("{}4,Lima\n5,Kyiv\n", sandbox.read("files/orders.csv"));
    for (row, says) in [
        ("six,Quito\n", "line 7: column `id` has `six`, which is no int64"),
        ("6,Quito,Peru\n", "line 7 has 3 fields, the file has 2 columns"),
        ("6,\"Quito\" x\n", "line 7"),
    ] {
        sandbox.write("files/orders.csv", format!("{good}{row}"));
        let error = sandbox.sync(&args).fails(10);
        assert!(error.starts_with("stream `orders`: `files/orders.csv` "), "{error}");
        assert!(error.contains(says), "{error}");
        assert_eq!(count(&sandbox), 5, "what stands before the row is committed, once");
    }
    sandbox.write("files/orders.csv", format!("{good}6,Quito\n"));
    sandbox.sync(&args).ok();
    assert_eq!(count(&sandbox), 6);
    // Without a catalog the row is found before anything is moved.
    sandbox.append("files/orders.csv", "seven,Riga,x\n");
    let error = sync(&sandbox).fails(5);
    assert!(error.contains("line 8 has 3 fields"), "{error}");
    assert_eq!(count(&sandbox), 6);
}

#[test]
fn one_bad_file_does_not_stop_the_others() {
    let sandbox = orders();
    sandbox.write("files/users.csv", "id\n1\n2\n");
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    sandbox.append("files/orders.csv", "four,Paris\n");
    let args = ["--catalog", "catalog.json", "--state", "state.json", "--report", "report.json"];
    let error = sandbox.sync(&args).fails(7);
    assert!(error.contains("stream `orders`"), "{error}");
    assert_eq!(Database::open(&sandbox.path("out.db")).count("users"), 2);
    let status: Vec<Value> = sandbox.read_json("report.json")["streams"]
        .as_array()
        .expect("streams")
        .iter()
        .map(|stream| stream["status"].clone())
        .collect();
    assert_eq!(status, ["failed", "complete"]);
    sandbox.write("files/orders.csv", sandbox.read("files/orders.csv").replace("four", "4"));
    sandbox.sync(&args).ok();
    assert_eq!((count(&sandbox), Database::open(&sandbox.path("out.db")).count("users")), (4, 2));
}

#[test]
fn the_catalog_of_another_tap_is_refused() {
    let sandbox = orders();
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    for more in [json!({"name": "other"}), json!({"type": "jsonl"})] {
        tap(&sandbox, more);
        let error = sandbox.sync(&["--catalog", "catalog.json"]).fails(3);
        assert!(
            error.contains("the catalog is that of another tap: it was discovered from `shop` of type `csv`"),
            "{error}"
        );
        assert!(!sandbox.path("out.db").exists());
    }
    tap(&sandbox, json!({}));
    sandbox.sync(&["--catalog", "catalog.json"]).ok();
    sandbox.write("catalog.json", "{\"streams\": 7}");
    let error = sandbox.sync(&["--catalog", "catalog.json"]).fails(3);
    assert!(error.contains("`streams` must be a list"), "{error}");
}

#[test]
fn a_place_that_no_database_can_stand_at_is_refused_and_left_as_it_is() {
    let sandbox = orders();
    sandbox.write("plain.txt", "do not lose me");
    for (path, code, says) in [
        ("plain.txt/out.db", 6, "plain.txt/out.db"),
        ("nowhere/out.db", 6, "there is no folder"),
        ("plain.txt", 3, "not an SQLite database"),
        ("files", 6, "cannot be opened"),
    ] {
        target(&sandbox, json!({"connection": {"path": path}}));
        let error = sync(&sandbox).fails(code);
        assert!(error.contains(says), "{path}: {error}");
        assert_eq!(sandbox.read("plain.txt"), "do not lose me");
        assert!(!sandbox.path("state.json").exists(), "{path}");
    }
    target(&sandbox, json!({}));
    sync(&sandbox).ok();
    assert_eq!(count(&sandbox), 3);
    let error = sandbox.sync(&["--state", "nowhere/state.json"]).fails(3);
    assert!(error.contains("there is no folder `nowhere`"), "{error}");
}

#[test]
fn a_destination_that_may_only_be_read_is_refused_and_goes_on_once_it_may_be_written() {
    let sandbox = orders();
    sandbox.folder("out");
    target(&sandbox, json!({"connection": {"path": "out/out.db"}}));
    sync(&sandbox).ok();
    sandbox.append("files/orders.csv", "4,Paris\n");
    sandbox.set_mode("out/out.db", 0o444);
    sandbox.set_mode("out", 0o555);
    if std::fs::write(sandbox.path("out/probe"), "").is_ok() {
        println!("skipped: this user may write where nobody may (root)");
        return;
    }
    let error = sync(&sandbox).fails(6);
    sandbox.set_mode("out", 0o755);
    sandbox.set_mode("out/out.db", 0o644);
    assert!(error.contains("out.db"), "{error}");
    sync(&sandbox).ok();
    assert_eq!(Database::open(&sandbox.path("out/out.db")).count("orders"), 4);
}

/// A stream that is larger than the place there is for it, in several commits.
fn large() -> Sandbox {
    let sandbox = Sandbox::usual();
    sandbox.json(
        "tap.json",
        json!({
            "name": "made-up", "type": "synthetic",
            "options": {"rows": 20_000, "columns": [{"name": "text", "type": "text"}], "batch_rows": 500},
        }),
    );
    target(&sandbox, json!({"batch_size": 500}));
    sandbox
}

const LARGE: [&str; 7] =
    ["sync", "--tap-config", "tap.json", "--target-config", "target.json", "--state", "state.json"];

fn check_large(sandbox: &Sandbox, path: &str) {
    let database = Database::open(&sandbox.path(path));
    let query = "SELECT count(*) FROM synthetic WHERE length(text) >= 200 AND id BETWEEN 0 AND 19999";
    assert_eq!(
        (database.number(query), database.number("SELECT count(DISTINCT id) FROM synthetic")),
        (20_000, 20_000)
    );
}

#[test]
fn a_file_that_may_not_grow_is_one_error_and_the_next_run_goes_on() {
    let sandbox = large();
    // As many blocks as a fifth of the records need; without the signal, a write fails as on a full disk.
    let limited = "trap '' XFSZ; ulimit -f 8192; exec \"$@\"";
    let run = sandbox.run_command(sandbox.by_shell(limited, &LARGE));
    let error = run.fails(6);
    assert!(error.contains("synthetic") || error.contains("commit"), "{error}");
    sandbox.run(&LARGE).ok();
    check_large(&sandbox, "out.db");
}

#[test]
fn a_full_disk_is_one_error_with_11_and_the_next_run_goes_on() {
    let sandbox = large();
    sandbox.folder("disk");
    target(&sandbox, json!({"batch_size": 500, "connection": {"path": "disk/out.db"}}));
    let probe = sandbox.program(std::path::Path::new("/bin/sh"));
    let mut probe = probe;
    probe.args(["-c", "unshare -rm mount -t tmpfs -o size=8m none disk"]);
    let probe = sandbox.run_command(probe);
    if probe.code != 0 {
        println!("skipped: no small disk can be made here: {}", probe.stderr.trim());
        return;
    }
    // What is on the small disk is gone with it: it is copied out, to where there is room.
    let script = "unshare -rm sh -c 'mount -t tmpfs -o size=8m none disk || exit 99; \"$@\"; code=$?; \
                  mkdir kept && cp disk/* kept/ && exit $code' sh \"$@\"";
    let mut args = vec!["--allow-insecure-plugins"];
    args.extend(LARGE);
    let run = sandbox.run_command(sandbox.by_shell(script, &args));
    let error = run.fails(11);
    assert!(error.contains("stream `synthetic`") && error.contains("is full"), "{error}");
    assert!(error.contains("free space and run again"), "{error}");
    std::fs::remove_dir(sandbox.path("disk")).expect("empty again");
    std::fs::rename(sandbox.path("kept"), sandbox.path("disk")).expect("moved");
    let committed = Database::open(&sandbox.path("disk/out.db")).count("synthetic");
    assert!(committed > 0 && committed < 20_000, "{committed}");
    println!("{committed} rows fitted");
    sandbox.run(&LARGE).ok();
    check_large(&sandbox, "disk/out.db");
}

#[test]
fn an_output_that_is_full_is_one_error_with_11() {
    let sandbox = large();
    sandbox.json("tap.json", json!({
        "name": "made-up", "type": "synthetic",
        "options": {"streams": [{"name": "a"}, {"name": "b"}, {"name": "c"}], "rows": 20_000, "columns": 2},
    }));
    for args in [&["tap", "-c", "tap.json"][..], &["tap", "-c", "tap.json", "--format", "arrow"]] {
        let error = sandbox.run_command(sandbox.by_shell("exec \"$@\" > /dev/full", args)).fails(11);
        assert!(error.contains("the output cannot be written"), "{error}");
    }
}

#[test]
fn no_output_shows_a_secret() {
    let secret = "correct-horse-7";
    let sandbox = orders();
    sandbox.write("token", format!("{secret}\n"));
    sandbox.set_mode("token", 0o600);
    sandbox.append("files/orders.csv", &format!("4,{secret}\n"));
    let catalog = sandbox.run(&["discover", "-c", "tap.json"]);
    catalog.ok();
    let broken = format!("{secret},x\n");
    let run = |name: &str, args: &[&str]| {
        let mut command = sandbox.command(args);
        command.env("TOKEN", secret);
        let run = sandbox.run_command(command);
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{name}: {run}");
        run
    };
    let all = [
        "sync",
        "--tap-config",
        "tap.json",
        "--target-config",
        "target.json",
        "--report",
        "report.json",
        "-vv",
    ];
    for reference in ["${env:TOKEN}", "${file:token}"] {
        tap(&sandbox, json!({"options": {"null_values": ["", reference]}}));
        run("sync", &all).ok();
        run("check", &["check", "-c", "tap.json", "-vv", "--log-format", "json"]).ok();
        run("a wrong option", &["plugin", "info", "csv"]).ok();
        assert!(!sandbox.read("report.json").contains(secret));
        // Where the secret is itself what is wrong.
        tap(&sandbox, json!({"options": {"delimiter": reference}}));
        run("delimiter", &all).fails(3);
        tap(&sandbox, json!({"options": {"types": {"id": reference}}}));
        run("types", &all).fails(3);
        tap(&sandbox, json!({"options": {"header": reference}}));
        run("header", &all).fails(3);
        tap(&sandbox, json!({"auth": {"type": "bearer", "token": reference}}));
        run("auth", &all).fails(3);
        tap(&sandbox, json!({"auth": {"type": "basic", "username": "me", "password": reference}}));
        run("auth", &all).fails(3);
        tap(&sandbox, json!({"connection": {"url": format!("https://me:{reference}@example.com")}}));
        run("url", &all).fails(3);
    }
    // In a record that does not fit.
    tap(&sandbox, json!({"options": {"null_values": ["", "${env:TOKEN}"], "types": {"id": "int64"}}}));
    sandbox.write("files/orders.csv", format!("id,city\nx{broken}"));
    let error = run("a bad row", &all).fails_without_hint(10).0;
    assert!(error.contains("***"), "{error}");
    // Written out, as it should not be.
    tap(&sandbox, json!({"auth": {"type": "bearer", "token": secret}}));
    run("in clear", &all).fails(3);
}
