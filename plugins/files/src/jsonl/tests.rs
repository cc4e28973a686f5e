//! What a file of JSON lines may hold, and what is said of one that may not.

use serde_json::json;

use dstream_sdk::{Error, ErrorKind, Tap};

use crate::testing::{BatchLimits, Folder, Random, Row, WIDE, columns, read, read_as, row, selected};

fn rows_of(content: impl AsRef<[u8]>) -> Vec<Row> {
    read(&Folder::with("a.jsonl", content).jsonl("a.jsonl", json!({})), None).unwrap().rows()
}

fn columns_of(content: impl AsRef<[u8]>) -> Vec<String> {
    columns(&Folder::with("a.jsonl", content).jsonl("a.jsonl", json!({})))
}

fn error_of(content: impl AsRef<[u8]>) -> Error {
    read(&Folder::with("a.jsonl", content).jsonl("a.jsonl", json!({})), None).unwrap_err()
}

#[test]
fn each_key_is_a_column_with_the_type_that_all_its_values_have() {
    let content = "{\"id\": 1, \"ok\": true, \"name\": \"\u{e4}\\n\", \"f\": 1}\r\n\n \
                   {\"f\": 0.5, \"id\": -2, \"none\": null, \"late\": \"x\"}";
    assert_eq!(
        columns_of(content),
        ["id: int64", "ok: bool", "name: text", "f: float64", "none: text", "late: text"]
    );
    assert_eq!(
        rows_of(content),
        [row(&["1", "true", "\u{e4}\n", "1.0", "~", "~"]), row(&["-2", "~", "~", "0.5", "~", "x"])]
    );
}

#[test]
fn numbers_keep_every_digit() {
    let content = "{\"a\": 9223372036854775808, \"b\": 12345678901234567890.123, \"c\": 9007199254740993}\n\
                   {\"a\": 1, \"b\": 1, \"c\": 1}\n";
    assert_eq!(columns_of(content), ["a: decimal(38,0)", "b: json", "c: int64"]);
    assert_eq!(
        rows_of(content),
        [
            row(&["9223372036854775808", "12345678901234567890.123", "9007199254740993"]),
            row(&["1", "1", "1"])
        ]
    );
}

#[test]
fn objects_and_lists_become_structs_and_lists() {
    let content = "{\"o\": {\"x\": 1, \"y\": [1, 2.5]}, \"l\": [{\"k\": \"v\"}]}\n\
                   {\"o\": {\"y\": [], \"z\": null}, \"l\": null}\n{\"o\": null, \"l\": [null, {\"k\": null}]}\n";
    let folder = Folder::with("a.jsonl", content);
    let tap = folder.jsonl("a.jsonl", json!({}));
    let schema = tap.discover().unwrap().streams[0].schema.clone();
    assert_eq!(
        schema.field(0).data_type().to_string(),
        "Struct(\"x\": Int64, \"y\": List(Float64), \"z\": Utf8)"
    );
    assert_eq!(
        rows_of(content),
        [
            row(&["{x: 1, y: [1.0, 2.5], z: }", "[{k: v}]"]),
            row(&["{x: , y: [], z: }", "~"]),
            row(&["~", "[, {k: }]"])
        ]
    );
}

#[test]
fn values_that_have_nothing_in_common_are_kept_as_json() {
    let content = "{\"a\": 1, \"b\": {}, \"c\": [1], \"d\": true}\n{\"a\": \"1\", \"b\": {}, \"c\": [\"x\"], \"d\": [ ]}\n";
    let schema =
        Folder::with("a.jsonl", content).jsonl("", json!({})).discover().unwrap().streams[0].schema.clone();
    assert_eq!(columns_of(content), ["a: json", "b: json", "c: list", "d: json"]);
    let metadata = schema.field(0).metadata();
    assert_eq!(metadata.get("ARROW:extension:name").map(String::as_str), Some("arrow.json"));
    assert_eq!(rows_of(content), [row(&["1", "{}", "[1]", "true"]), row(&["\"1\"", "{}", "[\"x\"]", "[ ]"])]);
}

#[test]
fn a_declared_type_goes_before_what_is_found() {
    let folder = Folder::with("a.jsonl", "{\"t\": \"2013-01-01T06:00:00Z\", \"n\": \"007\", \"x\": [1]}\n");
    let tap = folder.jsonl("", json!({"types": {"t": "timestamp_utc", "n": "int64", "x": "text"}}));
    assert_eq!(columns(&tap), ["t: timestamp_utc", "n: int64", "x: text"]);
    assert_eq!(read(&tap, None).unwrap().rows(), [row(&["2013-01-01T06:00:00Z", "7", "[1]"])]);
    let tap = folder.jsonl("", json!({"infer": "none", "null_values": ["007"]}));
    assert_eq!(read(&tap, None).unwrap().rows(), [row(&["\"2013-01-01T06:00:00Z\"", "~", "[1]"])]);
}

#[test]
fn a_line_that_is_no_object_names_file_and_line() {
    for (line, why) in [
        ("[1]", "byte 1: an object was expected, a list was found"),
        ("7", "byte 1: an object was expected, another value was found"),
        ("{\"a\": 1", "byte 8: `,` or `}` was expected, the end of the line was found"),
        ("{\"a\": 1} x", "byte 10: the end of the line was expected, `x` was found"),
        ("{\"a\": 01}", "byte 8: `,` or `}` was expected, `1` was found"),
        ("{\"a\": .5}", "byte 7: a value was expected, `.` was found"),
        ("{\"a\": NaN}", "byte 7: a value was expected, `N` was found"),
        ("{'a': 1}", "byte 2: a key in quotes was expected, `'` was found"),
        ("{\"a\": \"x\ty\"}", "byte 9: the end of a text was expected, `\\t` was found"),
        ("{\"a\": \"\\ud800\"}", "byte 8: half of a surrogate pair is no character"),
        ("{\"a\": \"\\ud800\\u0041\"}", "byte 8: half of a surrogate pair is no character"),
        ("{\"a\": \"\\x\"}", "byte 8: there is no such escape in JSON"),
        ("{\"a\": 1, \"b\": 2, \"a\": 3}", "byte 19: the key `a` is there twice"),
        ("{\"a\": {\"b\": 1, \"\\u0062\": 2}}", "the key `\\u0062` is there twice"),
    ] {
        let error = error_of(format!("{{\"a\": 1}}\n\n{line}\n"));
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().contains("a.jsonl` line 3, "), "{error}");
        assert!(error.message().ends_with(why), "{error}");
    }
    assert!(error_of(b"{\"a\": \"\xff\"}").message().ends_with("line 1, byte 8: the byte 0xff is not UTF-8"));
    let many: String = (0..100).map(|n| format!("\"k{}\": 1,", n % 99)).collect();
    assert!(error_of(format!("{{{many} \"z\": 1}}")).message().ends_with("the key `k0` is there twice"));
}

#[test]
fn a_line_may_be_as_long_as_the_user_says_and_no_longer() {
    let folder = Folder::with("a.jsonl", "{\"a\":12}\n{\"a\":123}\n");
    let error = folder.jsonl("", json!({"max_record_bytes": 8})).discover().unwrap_err();
    assert!(error.message().ends_with("a.jsonl`: the record at line 2 has more than 8 bytes"), "{error}");
    folder.jsonl("", json!({"max_record_bytes": 9})).discover().unwrap();
}

#[test]
fn nesting_has_a_limit_and_no_stack_is_lost_to_it() {
    let nested = |depth: usize| format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(columns_of(nested(127)), ["a: list"]);
    assert_eq!(rows_of(nested(127))[0].len(), 1);
    for depth in [128, 100_000] {
        assert!(error_of(nested(depth)).message().ends_with("it is nested deeper than 128"));
    }
}

#[test]
fn a_file_without_keys_is_an_error_that_says_so() {
    assert!(error_of("").message().contains("a.jsonl` is empty"));
    assert!(error_of("\n  \n").message().contains("a.jsonl` is empty"));
    assert!(error_of("{}\n{}\n").message().contains("has no key in any record"));
    assert!(error_of("{\"a\\u0000\": 1}").message().contains("holds NUL"));
}

#[test]
fn text_is_what_it_was_before_it_was_written_as_json() {
    let mut random = Random::new();
    for _ in 0..300 {
        let text: String = (0..random.below(12))
            .map(|_| {
                random.one_of(&[
                    "a",
                    "\"",
                    "\\",
                    "\n",
                    "\t",
                    "\u{8}",
                    "\u{c}",
                    "/",
                    "\u{e4}",
                    "\u{1f600}",
                    "\u{1}",
                    "\u{2028}",
                ])
            })
            .collect();
        let mut line = json!({ "a": text }).to_string();
        if random.below(2) == 0 {
            line =
                line.replace('\u{1f600}', "\\ud83d\\uDE00").replace('\u{e4}', "\\u00e4").replace('/', "\\/");
        }
        assert_eq!(rows_of(&line), [vec![Some(text)]], "{line}");
    }
}

#[test]
fn every_line_that_serde_refuses_is_refused_and_the_others_are_read() {
    let mut random = Random::new();
    for _ in 0..3000 {
        let line: String = (0..random.below(10))
            .map(|_| {
                random.one_of(&[
                    "{", "}", "[", "]", ",", ":", "\"a\"", "1", "-", "0", ".5", "e1", "null", "true", " ",
                    "\\n", "\"",
                ])
            })
            .collect();
        let line = format!("{{\"k\":{line}}}");
        let theirs = serde_json::from_str::<serde_json::Value>(&line).is_ok();
        let folder = Folder::with("a.jsonl", &line);
        let ours = folder.jsonl("", json!({})).discover();
        match ours {
            Ok(_) => assert!(theirs, "{line}"),
            // serde takes the last of two keys, and a float that overflows is its own matter.
            Err(error) => assert!(!theirs || error.message().ends_with("is there twice"), "{line}: {error}"),
        }
    }
}

#[test]
fn a_key_that_came_later_in_a_nested_object_is_a_schema_error() {
    let folder = Folder::with("a.jsonl", "{\"o\": {\"x\": 1}}\n");
    let tap = folder.jsonl("", json!({}));
    let stream = selected(&tap.discover().unwrap(), "a");
    folder.append("a.jsonl", "{\"o\": {\"x\": 1, \"y\": 2}}\n");
    let error = read_as(&tap, stream.clone(), None, WIDE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(
        error.message().ends_with("line 2: column `o` has the key `y`, which the catalog does not know"),
        "{error}"
    );
    folder.write("a.jsonl", "{\"o\": {\"x\": 1.5}}\n");
    let error = read_as(&tap, stream, None, WIDE).unwrap_err();
    assert!(error.message().ends_with("line 1: column `o.x` has `1.5`, which is no int64"), "{error}");
    assert!(error.has_row_data());
}

#[test]
fn reading_on_from_any_bookmark_gives_exactly_the_rest() {
    let mut random = Random::new();
    for _ in 0..10 {
        let mut content = String::new();
        for n in 0..1 + random.below(200) {
            let text = "y".repeat(random.below(300));
            content.push_str(&format!("{{\"n\": {n}, \"l\": [{n}, 2], \"o\": {{\"t\": \"{text}\"}}}}\n"));
            content.push_str(random.one_of(&["", "", "\n", " \r\n"]));
        }
        let folder = Folder::with("a.jsonl", content.trim_end());
        let tap = folder.jsonl("", json!({}));
        let stream = selected(&tap.discover().unwrap(), "a");
        let limits = BatchLimits { rows: 1 + random.below(40), bytes: 3000 };
        let all = read_as(&tap, stream.clone(), None, limits).unwrap();
        for (done, bookmark) in all.bookmarks.iter().enumerate() {
            let rest = read_as(&tap, stream.clone(), Some(bookmark.clone()), limits).unwrap();
            let expected: Vec<Row> =
                all.batches.iter().skip(done + 1).flat_map(crate::testing::rows).collect();
            assert_eq!(rest.rows(), expected);
        }
        let last = all.bookmarks.last().unwrap().clone();
        folder.append("a.jsonl", "\n{\"n\": -1}\n");
        let rest = read_as(&tap, stream, Some(last), WIDE).unwrap();
        assert_eq!(rest.rows(), [row(&["-1", "~", "~"])]);
    }
}
