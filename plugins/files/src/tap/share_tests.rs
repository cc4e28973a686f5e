//! Streams that are read in parts: every record is in one of them, now and when the file has grown.

use serde_json::json;
use std::time::Duration;

use dstream_sdk::{Bookmark, ErrorKind, Message, Next, Partition, ReadRequest, Result, SelectedStream, Tap};

use super::share::Share;
use super::{FilesTap, Format};
use crate::testing::{Folder, Random, Row, context, rows, selected};

/// Records of one part from a bookmark on, each batch with the bookmark behind it.
fn read_part<F: Format>(
    tap: &FilesTap<F>,
    stream: &SelectedStream,
    share: Share,
    bookmark: Option<Bookmark>,
    batch_rows: usize,
) -> Result<(Vec<Vec<Row>>, Vec<Bookmark>)> {
    let partition =
        Partition { data: serde_json::to_value(share).unwrap(), ..Partition::whole(&stream.name) };
    let request = ReadRequest {
        partition,
        streams: vec![stream.clone()],
        bookmark,
        max_batch_rows: batch_rows.try_into().unwrap(),
        max_batch_bytes: (1 << 20).try_into().unwrap(),
    };
    let mut reader = tap.open_reader(context(), request)?;
    let (mut batches, mut bookmarks) = (Vec::new(), Vec::new());
    loop {
        match reader.next(Duration::from_secs(60))? {
            Next::Message(Message::Batch { batch, .. }) => batches.push(rows(&batch.into_records()?)),
            Next::Message(Message::Checkpoint { bookmark }) => bookmarks.push(bookmark),
            Next::End => return Ok((batches, bookmarks)),
            _ => {}
        }
    }
}

/// Records of one of `parts` parts.
pub(crate) fn rows_of_part<F: Format>(
    tap: &FilesTap<F>,
    stream: &SelectedStream,
    part: u64,
    parts: u64,
) -> Result<Vec<Row>> {
    let share = Share { part, parts, piece_bytes: 1000 };
    read_part(tap, stream, share, None, 1000).map(|(batches, _)| batches.concat())
}

fn all_parts<F: Format>(
    tap: &FilesTap<F>,
    stream: &SelectedStream,
    parts: u64,
    piece_bytes: u64,
    from: &[Option<Bookmark>],
) -> Result<(Vec<Row>, Vec<Option<Bookmark>>)> {
    let (mut all, mut last) = (Vec::new(), Vec::new());
    tap.plan_anew()?;
    for (part, from) in (0..parts).zip(from) {
        let share = Share { part, parts, piece_bytes };
        let (batches, mut bookmarks) = read_part(tap, stream, share, from.clone(), 1000)?;
        all.extend(batches.concat());
        last.push(bookmarks.pop());
    }
    Ok((all, last))
}

/// Records whose first column numbers them; texts with everything that could be taken for the end of a record.
fn random_csv(random: &mut Random, end: &str, first: usize, count: usize) -> String {
    let mut content = String::new();
    for n in first..first + count {
        let text =
            random.one_of(&["", "x", "\"a\nb\"", "\"\r\n,\"\"\n\"", "a\"b", "\"\"\"\n\"", "\u{e4}", "\"\""]);
        let long = "y".repeat(if random.below(12) == 0 { random.below(300) } else { 0 });
        content.push_str(&format!("{n},{}{end}", if long.is_empty() { text } else { &long }));
        if random.below(10) == 0 {
            content.push_str(end);
        }
    }
    content
}

fn numbers(rows: &[Row]) -> Vec<usize> {
    let mut numbers: Vec<usize> = rows.iter().map(|row| row[0].as_ref().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn every_record_is_in_one_part_also_of_a_file_that_grows() {
    let mut random = Random::new();
    for round in 0..150 {
        let end = random.one_of(&["\n", "\r\n", "\r"]);
        let count = random.below(80);
        let folder = Folder::with("a.csv", ["n,text", end, &random_csv(&mut random, end, 0, count)].concat());
        let tap = folder.csv("a.csv", json!({"infer": "none"}));
        let stream = selected(&tap.discover().unwrap(), "a");
        let (parts, piece_bytes) = (1 + random.below(4) as u64, 1 + random.below(200) as u64);
        let mut from = vec![None; parts as usize];
        let (mut found, mut written) = (Vec::new(), count);
        for _ in 0..3 {
            let (rows, last) = all_parts(&tap, &stream, parts, piece_bytes, &from).unwrap();
            found.extend(rows);
            assert_eq!(
                numbers(&found),
                (0..written).collect::<Vec<_>>(),
                "round {round}: {parts} of {piece_bytes}"
            );
            from = last;
            let more = random.below(60);
            folder.append("a.csv", random_csv(&mut random, end, written, more));
            written += more;
        }
    }
}

#[test]
fn reading_on_in_a_part_gives_exactly_the_rest_of_it() {
    let mut random = Random::new();
    for _ in 0..40 {
        let folder = Folder::with("a.csv", "n,text\n".to_owned() + &random_csv(&mut random, "\n", 0, 60));
        let tap = folder.csv("a.csv", json!({"infer": "none"}));
        let stream = selected(&tap.discover().unwrap(), "a");
        let share =
            Share { part: random.below(2) as u64, parts: 2, piece_bytes: 1 + random.below(200) as u64 };
        let rows_at_once = 1 + random.below(9);
        let (batches, bookmarks) = read_part(&tap, &stream, share, None, rows_at_once).unwrap();
        for (done, bookmark) in bookmarks.iter().enumerate() {
            let rest = read_part(&tap, &stream, share, Some(bookmark.clone()), rows_at_once).unwrap();
            assert_eq!(rest.0.concat(), batches.get(done + 1..).unwrap_or_default().concat());
        }
    }
}

#[test]
fn lines_of_json_are_shared_out_as_well() {
    let mut random = Random::new();
    for _ in 0..60 {
        let count = 1 + random.below(80);
        let line = |n: usize| format!("{{\"n\": {n}, \"t\": \"{}\"}}\r\n", "z".repeat(n % 37));
        let folder = Folder::with("a.jsonl", (0..count).map(line).collect::<String>());
        let tap = folder.jsonl("a.jsonl", json!({}));
        let stream = selected(&tap.discover().unwrap(), "a");
        let (parts, piece_bytes) = (1 + random.below(4) as u64, 1 + random.below(100) as u64);
        let from = vec![None; parts as usize];
        let (rows, _) = all_parts(&tap, &stream, parts, piece_bytes, &from).unwrap();
        assert_eq!(numbers(&rows), (0..count).collect::<Vec<_>>());
    }
}

#[test]
fn a_part_that_began_amid_the_file_names_the_line_of_the_file() {
    // Longer than what a window keeps, so that most of it was never in the one of the part.
    for end in ["\n", "\r\n"] {
        let mut content: String =
            (0..60_000).map(|n| format!("{{\"n\":{n:06},\"t\":{n}}}{end}").replace(":0", ":10")).collect();
        content.push_str(&format!("{{\"n\":\"x\",\"t\":1}}{end}"));
        let folder = Folder::with("a.jsonl", content);
        let tap = folder.jsonl("a.jsonl", json!({"types": {"n": "int64", "t": "int64"}}));
        let stream = selected(&tap.discover().unwrap(), "a");
        let errors = (0..2).filter_map(|part| rows_of_part(&tap, &stream, part, 2).err());
        let errors: Vec<String> = errors.map(|error| error.message().to_owned()).collect();
        let [error] = &errors[..] else { panic!("{errors:?}") };
        assert!(error.contains("a.jsonl` line 60001: column `n`"), "{error}");
    }
}

#[test]
fn a_file_that_is_looked_at_in_pieces_has_the_same_columns() {
    let mut random = Random::new();
    for _ in 0..40 {
        let value =
            |random: &mut Random| random.one_of(&["1", "2.5", "x", "", "2024-01-01", "\"a\nb\""]).to_owned();
        let one = value(&mut random);
        let mut content = "a,b\n".to_owned();
        for n in 0..200 {
            let b = if n == 150 { value(&mut random) } else { one.clone() };
            content.push_str(&format!("{n},{b}\n"));
        }
        let folder = Folder::with("a.csv", &content);
        let mut tap = folder.csv("a.csv", json!({}));
        let whole = tap.discover().unwrap();
        tap.piece_bytes = 1 + random.below(300) as u64;
        assert_eq!(tap.discover().unwrap(), whole, "{content}");
    }
}

#[test]
fn a_packed_file_is_in_one_part_as_a_whole() {
    let folder = Folder::with("a.csv.gz", {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, b"n,text\n0,x\n1,y\n2,z\n").unwrap();
        encoder.finish().unwrap()
    });
    let tap = folder.csv("", json!({}));
    let stream = selected(&tap.discover().unwrap(), "a");
    let (rows, _) = all_parts(&tap, &stream, 3, 4, &[None, None, None]).unwrap();
    assert_eq!(numbers(&rows), [0, 1, 2]);
}

#[test]
fn the_files_of_a_folder_are_one_stream_that_new_files_belong_to() {
    let folder = Folder::new();
    for n in 0..20 {
        folder.write(&format!("orders/{n}.csv"), format!("n,a\n{n},x\n"));
    }
    let tap = folder.csv("", json!({}));
    let stream = selected(&tap.discover().unwrap(), "orders");
    let (rows, from) = all_parts(&tap, &stream, 3, 1000, &[None, None, None]).unwrap();
    assert_eq!(numbers(&rows), (0..20).collect::<Vec<_>>());
    // Nothing new; then a file more, one that has grown, and one that lost a column.
    assert_eq!(all_parts(&tap, &stream, 3, 1000, &from).unwrap().0.len(), 0);
    folder.write("orders/new.csv", "n\n100\n");
    folder.append("orders/7.csv", "107,y\n");
    let (rows, _) = all_parts(&tap, &stream, 3, 1000, &from).unwrap();
    assert_eq!(numbers(&rows), [100, 107]);
    assert!(rows.contains(&vec![Some("100".to_owned()), None]), "{rows:?}");
}

#[test]
fn folders_of_partitions_are_columns() {
    let folder = Folder::new();
    folder.write("sales/year=2013/city=K%C3%B6ln/a.csv", "n\n1\n");
    folder.write("sales/year=2014/city=__HIVE_DEFAULT_PARTITION__/a.csv", "n\n2\n");
    folder.write("sales/year=2014/_temporary/a.csv", "n\n9\n");
    for path in ["", "sales"] {
        let tap = folder.csv(path, json!({}));
        let catalog = tap.discover().unwrap();
        assert_eq!(
            crate::testing::columns(&tap),
            ["n: int64", "year: int64", "city: text"],
            "columns of files, then those of folders"
        );
        let (rows, _) = all_parts(&tap, &selected(&catalog, "sales"), 1, 1000, &[None]).unwrap();
        let row = |values: [Option<&str>; 3]| values.map(|value| value.map(str::to_owned)).to_vec();
        assert_eq!(
            rows,
            [row([Some("1"), Some("2013"), Some("Köln")]), row([Some("2"), Some("2014"), None])]
        );
    }
    folder.write("sales/year=2015/city=x/a.csv", "n,year\n3,1\n");
    let error = folder.csv("sales", json!({})).discover().unwrap_err();
    assert!(error.message().contains("the column `year` is in the files and in the names"), "{error}");
}

#[test]
fn parts_of_a_file_that_was_written_anew_between_them_are_refused() {
    let content = |first: usize| {
        let lines: String = (first..first + 200).map(|n| format!("{n:06}\n")).collect();
        format!("n\n{lines}")
    };
    let folder = Folder::with("a.csv", content(0));
    let tap = folder.csv("a.csv", json!({}));
    let stream = selected(&tap.discover().unwrap(), "a");
    tap.plan_anew().unwrap();
    let first = rows_of_part(&tap, &stream, 0, 2).unwrap();
    folder.write("a.csv", content(0) + "000200\n");
    let second = rows_of_part(&tap, &stream, 1, 2).unwrap();
    assert_eq!(first.len() + second.len(), 201, "what was appended makes no difference");
    for (name, changed) in [("other rows", content(500)), ("fewer rows", "n\n1\n".to_owned())] {
        folder.write("a.csv", content(0));
        tap.plan_anew().unwrap();
        rows_of_part(&tap, &stream, 0, 2).unwrap();
        folder.write("a.csv", changed);
        let error = rows_of_part(&tap, &stream, 1, 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{name}: {error}");
        assert!(error.message().contains("written anew while parts of it were read"), "{name}: {error}");
    }
}
