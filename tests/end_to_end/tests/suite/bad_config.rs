//! A config that is wrong gets one clear error with its exit code, and nothing is lost: mended, the same command goes through.

use serde_json::{Value, json};

use crate::shop::{count, orders, sync, tap};

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
