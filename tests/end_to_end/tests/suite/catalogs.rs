//! Catalog files: what is selected, how it is kept up to date, and what a second discovery leaves of that.

use dstream_end_to_end::{Database, Sandbox};
use serde_json::json;

use crate::nyc::nyc;

/// A shop with the streams of the manual, made up.
pub(crate) fn shop() -> Sandbox {
    let sandbox = Sandbox::usual();
    let streams = ["users", "orders", "products"].map(|name| json!({"name": name, "rows": 50}));
    sandbox.json(
        "tap.json",
        json!({
            "name": "shop", "type": "synthetic",
            "options": {"streams": streams, "columns": [
                {"name": "created_at", "type": "timestamp"}, {"name": "updated_at", "type": "timestamp"},
                {"name": "total", "type": "decimal"},
            ]},
        }),
    );
    sandbox.json("target.json", json!({"name": "local", "type": "sqlite", "connection": {"path": "out.db"}}));
    sandbox
}

/// The selected streams of a catalog file, by `catalog view`.
fn selected(sandbox: &Sandbox) -> Vec<String> {
    let run = sandbox.run(&["catalog", "view", "catalog.json"]).ok();
    let lines = run.stdout.lines().filter_map(|line| line.strip_prefix("yes"));
    lines.map(|line| line.split_whitespace().next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn streams_and_columns_are_selected_by_name_and_by_glob() {
    let sandbox = shop();
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    let catalog = |args: &[&str]| {
        let mut all = vec!["catalog", args[0], "catalog.json"];
        all.extend(&args[1..]);
        sandbox.run(&all)
    };
    catalog(&["deselect", "products"]).ok();
    assert_eq!(selected(&sandbox), ["users", "orders"]);
    let run = catalog(&["deselect", "*"]).ok();
    assert_eq!(run.stdout, "deselected `users`\ndeselected `orders`\n");
    assert_eq!(selected(&sandbox), [""; 0]);
    catalog(&["select", "users", "orders"]).ok();
    assert_eq!(selected(&sandbox), ["users", "orders"]);
    let run = catalog(&["deselect", "orders.*_at"]).ok();
    assert_eq!(run.stdout, "deselected `orders.created_at`\ndeselected `orders.updated_at`\n");
    let run = catalog(&["view", "orders"]).ok();
    assert!(run.stdout.contains("no        created_at"), "{run}");
    let run = catalog(&["select", "users"]).ok();
    assert!(run.stdout.contains("nothing changed"), "{run}");

    sandbox.sync(&["--catalog", "catalog.json"]).ok();
    let database = Database::open(&sandbox.path("out.db"));
    assert_eq!(database.tables(), ["orders", "users"]);
    let columns =
        |table: &str| database.rows(&format!("SELECT name FROM pragma_table_info('{table}')")).len();
    assert_eq!((columns("orders"), columns("users")), (2, 4));

    for (args, message) in [
        (["select", "user"], "did you mean `users`"),
        (["select", "orders.totl"], "did you mean `total`"),
        (["deselect", "orders.id"], "it is a key"),
    ] {
        let error = catalog(&args).fails(3);
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn how_a_stream_is_kept_up_to_date_is_set_in_the_catalog() {
    let sandbox = nyc(json!({}));
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    let set = |args: &[&str]| {
        let mut all = vec!["catalog", "set", "catalog.json"];
        all.extend(args);
        sandbox.run(&all)
    };
    let run = set(&["airlines", "--replication-method", "FULL_TABLE", "--key", "carrier", "name"]).ok();
    assert_eq!(run.stdout, "`airlines`: FULL_TABLE, key `carrier`, `name`\n");
    set(&["planes", "--key", "tailnum"]).ok();
    let run = sandbox.sync(&["--catalog", "catalog.json", "--explain"]).ok();
    assert!(run.stdout.contains("airlines → airlines (FULL_TABLE, upsert)"), "{run}");
    assert!(run.stdout.contains("planes → planes (INCREMENTAL, upsert)"), "{run}");
    for (args, message) in [
        (&["airlines", "--replication-method", "LOG_BASED"][..], "it offers `INCREMENTAL`, `FULL_TABLE`"),
        (&["airlines", "--key", "carier"], "did you mean `carrier`"),
        (&["airline", "--key", "carrier"], "did you mean `airlines`"),
        (&["airlines", "--replication-key", "name"], "leave out `--replication-key`"),
    ] {
        let error = set(args).fails(3);
        assert!(error.contains(message), "{error}");
    }
    assert_eq!(set(&["airlines"]).code, 2, "nothing to set");
}

#[test]
fn a_second_discovery_keeps_what_the_user_selected_and_set() {
    let sandbox = nyc(json!({}));
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    sandbox.run(&["catalog", "deselect", "catalog.json", "planes", "flights", "airports.l*"]).ok();
    sandbox.run(&["catalog", "set", "catalog.json", "airlines", "--key", "carrier"]).ok();
    std::fs::remove_file(sandbox.path("nyc/weather.csv.gz")).expect("removed");
    sandbox.write("nyc/seats.csv", "id\n1\n");
    let run = sandbox.run(&["discover", "-c", "tap.json"]).ok();
    assert!(run.stderr.contains("kept what was selected and set for 4 streams"), "{run}");
    assert!(run.stderr.contains("new and selected: `seats`; gone: `weather`"), "{run}");
    assert_eq!(selected(&sandbox), ["airlines", "airports", "seats"]);
    let run = sandbox.run(&["catalog", "view", "catalog.json"]).ok();
    assert!(run.stdout.contains("6 of 8") && run.stdout.contains("carrier"), "{run}");
}

#[test]
fn discover_replaces_a_catalog_of_this_tap_and_nothing_else() {
    let sandbox = shop();
    let discover = |output: &str| sandbox.run(&["discover", "-c", "tap.json", "-o", output]);
    let config = sandbox.read("tap.json");
    let error = discover("tap.json").fails(3);
    assert!(error.contains("this is no catalog") && error.contains("--output"), "{error}");
    assert_eq!(sandbox.read("tap.json"), config);
    sandbox.write("notes.txt", "do not lose me");
    discover("notes.txt").fails(3);
    assert_eq!(sandbox.read("notes.txt"), "do not lose me");

    sandbox.write("nyc/a.csv", "id\n1\n");
    sandbox.json("other.json", json!({"name": "files", "type": "csv", "connection": {"path": "nyc"}}));
    discover("catalog.json").ok();
    let before = sandbox.read("catalog.json");
    let error = sandbox.run(&["discover", "-c", "other.json"]).fails(3);
    assert!(error.contains("catalog is that of another tap") && error.contains("--output"), "{error}");
    assert_eq!(sandbox.read("catalog.json"), before);
    // Made by `mktemp`.
    sandbox.write("empty.json", "");
    discover("empty.json").ok();
    assert_eq!(sandbox.read("empty.json"), before);
}
