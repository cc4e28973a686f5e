//! CSV and JSON lines.

use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::reading::{File, Row};

/// What the first bytes choose.
struct Choice<'a> {
    head: [u8; 4],
    content: &'a [u8],
}

impl<'a> Choice<'a> {
    fn of(data: &'a [u8]) -> Option<Choice<'a>> {
        let (head, content) = data.split_first_chunk::<4>()?;
        Some(Choice { head: *head, content })
    }

    fn one_of<'b, T>(&self, byte: usize, shift: u32, values: &'b [T]) -> &'b T {
        &values[usize::from(self.head[byte] >> shift) % values.len()]
    }
}

/// A file of comma-separated values, or of their like.
pub fn csv(data: &[u8]) {
    let Some(choice) = Choice::of(data) else { return };
    let options = json!({
        "delimiter": choice.one_of(0, 0, &[",", ";", "\t", "|"]),
        "quote": choice.one_of(0, 2, &[Some("\""), Some("'"), None, Some("\"")]),
        "escape": choice.one_of(0, 4, &[None, Some("\\"), None, None]),
        "comment": choice.one_of(0, 6, &[None, None, None, Some("#")]),
        "header": choice.one_of(1, 0, &[true, false]),
        "infer": choice.one_of(1, 1, &["full", "none"]),
        "encoding": choice.one_of(1, 2, &["utf-8", "utf-8", "utf-8", "utf-8", "utf-8", "utf-16", "latin-1", "windows-1252"]),
    });
    same_however_it_is_read("csv", &options, &choice);
}

/// A file of JSON: lines, lists, or objects over several lines.
pub fn jsonl(data: &[u8]) {
    let Some(choice) = Choice::of(data) else { return };
    let options = json!({ "infer": choice.one_of(1, 1, &["full", "none"]) });
    let Some(rows) = same_however_it_is_read("jsonl", &options, &choice) else { return };
    // What is read is JSON, as a well-known reader sees it.
    let content = choice.content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(choice.content);
    if is_packed(content) {
        return;
    }
    let is_list = content.trim_ascii_start().starts_with(b"[");
    let objects = match is_list {
        true => serde_json::from_slice::<Vec<IgnoredAny>>(content).map(|list| list.len()),
        false => serde_json::Deserializer::from_slice(content)
            .into_iter::<IgnoredAny>()
            .try_fold(0, |count, value| value.map(|_| count + 1)),
    };
    assert_eq!(rows, objects.expect("what is read is JSON"), "records");
}

fn is_packed(content: &[u8]) -> bool {
    [&b"\x1f\x8b"[..], b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ"]
        .iter()
        .any(|magic| content.starts_with(magic))
}

/// A file is refused, or gives the same records as a whole, in parts, on from every bookmark, and when it has grown. The
/// answer is how many.
fn same_however_it_is_read(type_name: &str, options: &Value, choice: &Choice<'_>) -> Option<usize> {
    let piece_bytes = 1 + u64::from(choice.head[2]);
    let parts = 2 + u64::from(choice.head[3] & 3);
    let batch_rows = 1 + usize::from(choice.head[3] >> 2 & 7);
    let file = File::new(type_name, options, piece_bytes)?;
    file.write(choice.content);
    let stream = file.stream()?;
    let whole = file.read(&stream, (0, 1), batch_rows, None);
    let undivided = File::new(type_name, options, 1 << 40)?.stream().map(|stream| stream.schema);
    assert_eq!(undivided.as_ref(), Some(&stream.schema), "columns depend on where pieces end");

    let in_parts: Result<Vec<Vec<Row>>, _> = (0..parts)
        .map(|part| file.read(&stream, (part, parts), batch_rows, None).map(|(rows, _)| rows))
        .collect();
    let (rows, bookmarks) = match (whole, in_parts) {
        (Ok((rows, bookmarks)), Ok(in_parts)) => {
            assert_eq!(sorted(in_parts.concat()), sorted(rows.clone()), "in {parts} parts of {piece_bytes}");
            (rows, bookmarks)
        }
        (Err(_), Err(_)) => return None,
        (Ok(_), Err(error)) => panic!("only as a whole it is read, in parts: {error}"),
        (Err(error), Ok(_)) => panic!("only in parts it is read, as a whole: {error}"),
    };
    for (before, bookmark) in bookmarks {
        let (rest, _) = file.read(&stream, (0, 1), batch_rows, Some(bookmark)).expect("a bookmark is of use");
        assert_eq!(rest, rows[before..], "on from record {before}");
    }

    let cut = choice.content.len() * usize::from(choice.head[2]) / 256;
    file.write(&choice.content[..cut]);
    if let Ok((first, mut bookmarks)) = file.read(&stream, (0, 1), batch_rows, None)
        && let Some((_, last)) = bookmarks.pop()
    {
        file.write(choice.content);
        // It may be refused: the last record may go on.
        if let Ok((rest, _)) = file.read(&stream, (0, 1), batch_rows, Some(last)) {
            assert_eq!([first, rest].concat(), rows, "grown from byte {cut} on");
        }
    }
    Some(rows.len())
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_unstable();
    rows
}
