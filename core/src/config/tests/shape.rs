//! The file as it was written.

use super::*;

fn file(content: impl AsRef<[u8]>) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tap.json");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn error_of(content: impl AsRef<[u8]>) -> String {
    let (_folder, path) = file(content);
    let message = message(load(&path));
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    message
}

#[test]
fn the_examples_of_the_readme_are_read() {
    let tap = json!({
        "name": "my-tap", "type": "rest-api", "connection": {"url": "https://api.example.com"},
        "auth": {"type": "api_key", "key": "your-key", "header": "X-API-Key"}, "streams": ["users", "orders"]
    });
    let (_folder, path) = file(tap.to_string());
    let written = load(&path).unwrap();
    assert_eq!((written.name(), written.type_name.as_str()), ("my-tap", "rest-api"));
    let manifest = TapManifest { options: Value::Null, ..self::tap() };
    let resolved = written.resolve(Role::Tap(&manifest), &known(&[])).unwrap();
    assert_eq!(resolved.streams, ["users", "orders"]);
    assert_eq!(resolved.config.connection, tap["connection"]);
    assert_eq!(resolved.config.auth, tap["auth"]);

    let target = json!({
        "name": "my-target", "type": "postgres",
        "connection": {"host": "localhost", "port": 5432, "database": "analytics"},
        "auth": {"type": "basic", "username": "user", "password": "pass"}, "batch_size": 1000
    });
    let resolved =
        self::written(target.clone()).unwrap().resolve(Role::Target(&self::target()), &known(&[])).unwrap();
    assert_eq!(resolved.config.connection, target["connection"]);
    assert_eq!(resolved.config.batch_size.unwrap().get(), 1000);
    assert_eq!(resolved.config.options, json!({}));
}

#[test]
fn a_file_that_is_not_json_says_where_and_what_was_found() {
    for (content, expected) in [
        ("{\n  \"type\": \"csv\"\n  \"name\": \"x\"\n}", "in line 3, column 3, found `\"`"),
        ("{\"type\": csv}", "in line 1, column 10, found `c`"),
        ("{\"type\": \"csv\",}", "in line 1, column 16, found `}`"),
        ("{\"type\": \"csv\"", "found the end of the file"),
        ("{\"type\": \"csv\"} x", "in line 1, column 17, found `x`"),
        ("type: csv", "in line 1, column 2, found `y`"),
        ("", "is empty"),
        (" \n", "is empty"),
        ("[1]", "must hold an object, found a list"),
        ("{\"type\": \"a\", \"type\": \"b\"}", "key `type` stands twice"),
        ("{\"options\": {\"a\": 1, \"a\": 1}}", "key `a` stands twice"),
    ] {
        let message = error_of(content);
        assert!(message.contains(expected), "{content}: {message}");
    }
    assert!(error_of(b"{\"type\": \"\xff\"}").contains("is not UTF-8: byte 10"));
}

#[test]
fn limits_hold_before_anything_is_parsed() {
    let deep = format!("{{\"options\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(error_of(deep).contains("recursion limit"));
    assert!(error_of(vec![b' '; (1 << 20) + 1]).contains("larger than 1048576 bytes"));
}

#[test]
fn a_byte_order_mark_is_no_error() {
    let (_folder, path) = file(b"\xef\xbb\xbf{\"type\": \"csv\"}");
    assert_eq!(load(&path).unwrap().type_name, "csv");
}

#[test]
fn a_missing_file_is_named_from_the_root() {
    let error = message(load(std::path::Path::new("no-such-folder/tap.json")));
    let path = std::env::current_dir().unwrap().join("no-such-folder/tap.json");
    assert!(error.contains(path.to_str().unwrap()) && error.contains("does not exist"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    assert!(message(load(folder.path())).contains("is a folder"));
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    for (config, expected) in [
        (
            json!({"type": "csv", "conection": {}}),
            "`conection` is not known here, the nearest known key is `connection`",
        ),
        (json!({"type": "csv", "batchsize": 1}), "nearest known key is `batch_size`"),
        (json!({"type": "csv", "$schema": "x"}), "`$schema` is not known here"),
        (json!({"type": "csv", "delimiter": ";"}), "stands under `options`"),
    ] {
        let message = message(written(config));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn wrong_types_name_the_key_and_both_types() {
    for (config, expected) in [
        (json!({"type": 1}), "`type` must be text, found a number"),
        (json!({}), "`type` is missing"),
        (json!({"type": ""}), "`type` is empty"),
        (json!({"type": "${env:T}"}), "`type` takes no reference"),
        (json!({"type": "csv", "name": []}), "`name` must be text, found a list"),
        (json!({"type": "csv", "name": " "}), "`name` is empty"),
        (json!({"type": "csv", "connection": "x"}), "`connection` must be an object, found text"),
        (json!({"type": "csv", "auth": true}), "`auth` must be an object, found true or false"),
        (json!({"type": "csv", "options": []}), "`options` must be an object, found a list"),
        (json!({"type": "csv", "streams": "a"}), "`streams` must be a list, found text"),
        (json!({"type": "csv", "streams": ["a", 1]}), "`streams[1]` must be text, found a number"),
        (json!({"type": "csv", "streams": []}), "`streams` is an empty list"),
        (
            json!({"type": "csv", "batch_size": "many"}),
            "`batch_size` must be a whole number above 0, found text",
        ),
        (json!({"type": "csv", "batch_size": 0}), "found 0"),
        (json!({"type": "csv", "batch_size": -1}), "found -1"),
        (json!({"type": "csv", "batch_size": 1.5}), "found 1.5"),
        (json!({"type": "csv", "require": "exactlyonce"}), "did you mean `exactly_once`?"),
        (json!({"type": "csv", "require": true}), "`require` must be text, found true or false"),
    ] {
        let message = message(written(config.clone()));
        assert!(message.contains(expected), "{config}: {message}");
    }
    assert!(written(json!({"type": "csv", "require": "exactly_once"})).unwrap().require_exactly_once);
}

#[test]
fn debug_shows_no_value() {
    let config = json!({"type": "csv", "auth": {"type": "bearer", "token": "canary"}, "options": {"folder": "canary"},
        "connection": {"url": "https://u:canary@h"}});
    let debug = format!("{:?} {:?}", written(config.clone()).unwrap(), resolve(config, &[]).unwrap());
    assert!(!debug.contains("canary"), "{debug}");
}
