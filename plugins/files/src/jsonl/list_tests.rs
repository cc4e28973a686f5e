//! Lists of objects, and objects over several lines.

use serde_json::json;

use dstream_sdk::{Error, ErrorKind};

use crate::testing::{BatchLimits, Folder, Random, Row, read, read_as, row, selected};
use dstream_sdk::Tap;

fn rows_of(content: impl AsRef<[u8]>) -> Vec<Row> {
    read(&Folder::with("a.json", content).jsonl("", json!({})), None).unwrap().rows()
}

fn error_of(content: impl AsRef<[u8]>) -> Error {
    read(&Folder::with("a.json", content).jsonl("", json!({})), None).unwrap_err()
}

#[test]
fn the_objects_of_a_list_are_records_however_it_is_written() {
    let rows = [row(&["1", "x]}"]), row(&["2", "\"{["])];
    for content in [
        r#"[{"a":1,"b":"x]}"},{"a":2,"b":"\"{["}]"#,
        "[\n  {\n    \"a\": 1,\n    \"b\": \"x]}\"\n  },\r\n  {\n    \"a\": 2,\n    \"b\": \"\\\"{[\"\n  }\n]\n",
        "\u{feff} \n[ {\"a\":1, \"b\":\"x]}\"}\n\n,{\"b\":\"\\\"{[\", \"a\":2} ] \r\n",
        "{\n\"a\": 1, \"b\": \"x]}\"}\n{\"a\": 2, \"b\": \"\\\"{[\"}",
        "{\"a\": 1,\n\"b\": \"x]}\"} {\"a\": 2, \"b\": \"\\\"{[\"}",
        "{\n\"a\": 1, \"b\": \"x]}\"}{\n\"a\": 2,\n\"b\": \"\\\"{[\"}\n\n",
    ] {
        assert_eq!(rows_of(content), rows, "{content}");
    }
}

#[test]
fn nested_lists_and_objects_stay_inside_of_their_record() {
    let content = "[{\"l\": [[1], [2, 3]], \"o\": {\"p\": [{}]}},\n{\"l\": [], \"o\": {\"p\": []}}]";
    assert_eq!(rows_of(content).len(), 2);
}

#[test]
fn two_objects_in_one_line_are_no_record() {
    for content in ["{\"a\":1} {\"a\":2}", "{\"a\":1}{\"a\":2}\n", "{\"a\":1} x\n{\"a\":2}\n"] {
        assert!(error_of(content).message().contains("the end of the line was expected"), "{content}");
    }
}

#[test]
fn an_empty_list_has_no_columns() {
    for content in ["[]", " [ \n ] \n"] {
        assert!(error_of(content).message().contains("a.json` is empty"), "{content}");
    }
}

#[test]
fn what_is_wrong_with_a_list_is_said_with_line_and_byte() {
    for (content, message) in [
        ("[{\"a\":1}] x", "line 1, byte 11: the end of the file was expected, `x` was found"),
        ("[{\"a\":1}]\n[{\"a\":2}]", "line 2, byte 1: the end of the file was expected, `[` was found"),
        ("[{\"a\":1}\n{\"a\":2}]", "line 2, byte 1: `,` or `]` was expected, `{` was found"),
        ("[{\"a\":1},]", "line 1, byte 10: an object was expected, `]` was found"),
        ("[,{\"a\":1}]", "line 1, byte 2: an object was expected, `,` was found"),
        ("[\n{\"a\":1},\n3]", "line 3, byte 1: an object was expected, `3` was found"),
        ("[\n{\"a\":1},\n{\"a\"\n 1}]", "line 4, byte 2: `:` was expected, `1` was found"),
        ("[{\"a\":1}", "line 1, byte 9: `,` or `]` was expected, the end of the file was found"),
        ("[{\"a\":1},\n", "line 2, byte 1: an object was expected, the end of the file was found"),
        (
            "[{\"a\":1},\n{\"a\":",
            "line 2, byte 6: the end of an object was expected, the end of the file was found",
        ),
        ("[", "line 1, byte 2: an object or `]` was expected, the end of the file was found"),
        (
            "{\n\"a\":1}\n{\"a\":",
            "line 3, byte 6: the end of an object was expected, the end of the file was found",
        ),
        ("{\n\"a\":1}\n,{\"a\":2}", "line 3, byte 1: an object was expected, `,` was found"),
        ("{\n\"a\":1}\nx", "line 3, byte 1: an object was expected, `x` was found"),
    ] {
        let error = error_of(content);
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().ends_with(message), "{content}: {error}");
    }
}

#[test]
fn a_fault_far_on_in_a_long_line_is_found() {
    let content: String =
        (0..100_000).map(|n| format!("{}{{\"n\":{n}}}", if n == 0 { "[" } else { "," })).collect();
    let bytes = content.len();
    let error = error_of(content + ";");
    assert!(
        error.message().contains(&format!("line 1, byte {} of the file: `,` or `]`", bytes + 1)),
        "{error}"
    );
}

#[test]
fn a_list_that_is_cut_anywhere_is_an_error() {
    let content = "[{\"a\": \"x\\\"\"},\n {\"a\": \"y\", \"b\": [1, {}]}\n]";
    for end in 1..content.len() {
        assert_eq!(error_of(&content[..end]).kind(), ErrorKind::Data, "cut at {end}");
    }
}

#[test]
fn depth_and_size_are_limited_as_those_of_lines_are() {
    let deep = |depth: usize| format!("[{{\"a\": {}{}}}]", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(rows_of(deep(100)).len(), 1);
    assert!(error_of(deep(128)).message().contains("nested deeper than 128"));
    assert!(error_of(deep(1_000_000)).message().contains("nested deeper than 128"));
    let long = format!("[{{\"a\": \"{}\"}}]", "x".repeat(2_000_000));
    let folder = Folder::with("a.json", long);
    let error = folder.jsonl("", json!({"max_record_bytes": 1000})).discover().unwrap_err();
    assert!(error.message().contains("has more than 1000 bytes"), "{error}");
    // An open quote takes the rest of the file.
    let open = format!("[{{\"a\": \"{}", "x\n".repeat(2_000_000));
    let folder = Folder::with("a.json", open);
    assert_eq!(
        folder.jsonl("", json!({"max_record_bytes": 1000})).discover().unwrap_err().kind(),
        ErrorKind::Data
    );
}

/// Records in one of three notations, which a file keeps to.
fn random_list(random: &mut Random, is_list: bool, count: usize) -> String {
    let mut content = if is_list { "[ ".to_owned() } else { "{\n\"n\": -1, \"t\": \"\"}\n".to_owned() };
    for n in 0..count {
        let text = random.one_of(&["", "]", "}", "{", "\\\"", "\\\\", ",", "\u{e4}", "\\n"]);
        let long = "y".repeat(if random.below(8) == 0 { random.below(3000) } else { 0 });
        let space = random.one_of(&["", " ", "\n", "\r\n  "]);
        let between = match (is_list, n) {
            (true, 0) => "",
            (true, _) => ",",
            (false, _) => "",
        };
        content.push_str(&format!(
            "{between}{space}{{{space}\"n\": {n},{space}\"t\": \"{text}{long}\"{space}}}{space}"
        ));
    }
    content
}

#[test]
fn reading_on_from_any_bookmark_gives_exactly_the_rest() {
    let mut random = Random::new();
    for round in 0..40 {
        let is_list = round % 2 == 0;
        let count = 1 + random.below(120);
        let content = random_list(&mut random, is_list, count) + if is_list { "]" } else { "" };
        let folder = Folder::with("a.json", &content);
        let tap = folder.jsonl("", json!({}));
        let stream = selected(&tap.discover().unwrap(), "a");
        let limits = BatchLimits { rows: 1 + random.below(30), bytes: 1 << 20 };
        let all = read_as(&tap, stream.clone(), None, limits).unwrap();
        assert_eq!(all.rows().len(), count + usize::from(!is_list));
        for (done, bookmark) in all.bookmarks.iter().enumerate() {
            let rest = read_as(&tap, stream.clone(), Some(bookmark.clone()), limits).unwrap();
            let expected: Vec<Row> =
                all.batches.iter().skip(done + 1).flat_map(crate::testing::rows).collect();
            assert_eq!(rest.rows(), expected);
        }
    }
}

#[test]
fn objects_added_to_a_list_are_read_alone() {
    let folder = Folder::with("a.json", "[{\"a\": 1},\n{\"a\": 2}\n]\n");
    let tap = folder.jsonl("", json!({}));
    let stream = selected(&tap.discover().unwrap(), "a");
    let limits = BatchLimits { rows: 100, bytes: 1 << 20 };
    let bookmark = read_as(&tap, stream.clone(), None, limits).unwrap().bookmarks.pop().unwrap();
    folder.write("a.json", "[{\"a\": 1},\n{\"a\": 2},\n{\"a\": 3}]");
    let rest = read_as(&tap, stream.clone(), Some(bookmark.clone()), limits).unwrap();
    assert_eq!(rest.rows(), [row(&["3"])]);
    // Lines are not what the bookmark was made of.
    folder.write("a.json", "{\"a\": 1}\n{\"a\": 2}\n{\"a\": 3}\n");
    let error = read_as(&tap, stream, Some(bookmark), limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BookmarkLost);
}

#[test]
fn a_list_is_in_one_part_as_a_whole() {
    let content: String =
        (0..500).map(|n| format!("{}{{\"n\": {n}}}\n", if n == 0 { "[" } else { "," })).collect();
    let folder = Folder::with("a.json", content + "]");
    let tap = folder.jsonl("", json!({}));
    let stream = selected(&tap.discover().unwrap(), "a");
    let counts: Vec<usize> =
        (0..3).map(|part| crate::tap::rows_of_part(&tap, &stream, part, 3).unwrap().len()).collect();
    assert_eq!((counts.iter().sum::<usize>(), counts.iter().max()), (500, Some(&500)));
}
