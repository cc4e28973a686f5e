//! Bookmarks: reading on gives exactly the rest, or says that it cannot.

use serde_json::json;
use std::io::Write;

use dstream_sdk::{Bookmark, Error, ErrorKind, Tap};

use crate::testing::{BatchLimits, Folder, Random, Row, WIDE, read_as, row, selected};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).unwrap()
}

fn bzip2(content: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn xz(content: &[u8]) -> Vec<u8> {
    xz_with(content, 1 << 16)
}

fn xz_with(content: &[u8], dictionary: u32) -> Vec<u8> {
    let mut options = lzma_rust2::XzOptions::with_preset(0);
    options.lzma_options.dict_size = dictionary;
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn plain(content: &[u8]) -> Vec<u8> {
    content.to_vec()
}

type Pack = fn(&[u8]) -> Vec<u8>;
const PACKS: [(&str, Pack); 5] =
    [("a.csv", plain), ("a.csv.gz", gzip), ("a.csv.zst", zstd), ("a.csv.bz2", bzip2), ("a.csv.xz", xz)];

/// Every record of the stream `a` from the bookmark on, as text, and the last bookmark.
fn read_on(tap: &impl Tap, bookmark: Option<Bookmark>) -> Result<(Vec<Row>, Bookmark), Error> {
    let stream = selected(&tap.discover()?, "a");
    let mut read = read_as(tap, stream, bookmark, WIDE)?;
    Ok((read.rows(), read.bookmarks.pop().unwrap()))
}

fn lost(tap: &impl Tap, bookmark: &Bookmark) -> Error {
    let error = read_on(tap, Some(bookmark.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BookmarkLost, "{error}");
    assert!(error.hint_text().unwrap().contains("--full-refresh"));
    error
}

/// A file with quoted line ends, empty lines and wide characters.
fn random_csv(random: &mut Random, end: &str) -> String {
    let mut content = ["n,text", end].concat();
    for n in 0..random.below(300) {
        let text = random.one_of(&["", "x", "\"a\nb\"", "\"\r\n\"", "\"\"\"\"", "\u{e4}\u{1f600}", "\"\""]);
        let long = "y".repeat(if random.below(20) == 0 { random.below(5000) } else { 0 });
        let text = if long.is_empty() { text } else { &long };
        content.push_str(&format!("{n},{text}{end}"));
        if random.below(10) == 0 {
            content.push_str(end);
        }
    }
    if random.below(2) == 0 {
        content.truncate(content.len() - end.len());
    }
    content
}

#[test]
fn reading_on_from_any_bookmark_gives_exactly_the_rest() {
    let mut random = Random::new();
    for round in 0..30 {
        let end = random.one_of(&["\n", "\r\n", "\r"]);
        let content = random_csv(&mut random, end);
        let (name, pack) = PACKS[round % PACKS.len()];
        let folder = Folder::with(name, pack(content.as_bytes()));
        let tap = folder.csv(name, json!({"infer": "none"}));
        let stream = selected(&tap.discover().unwrap(), "a");
        let limits = BatchLimits { rows: 1 + random.below(40), bytes: 1 << 20 };
        let all = read_as(&tap, stream.clone(), None, limits).unwrap();
        for (done, bookmark) in all.bookmarks.iter().enumerate() {
            let rest = read_as(&tap, stream.clone(), Some(bookmark.clone()), limits).unwrap();
            let expected: Vec<Row> =
                all.batches.iter().skip(done + 1).flat_map(crate::testing::rows).collect();
            assert_eq!(rest.rows(), expected);
            let last = rest.bookmarks.last().unwrap();
            assert_eq!(last, all.bookmarks.last().unwrap());
        }
    }
}

#[test]
fn records_cut_into_any_two_writes_are_read_once() {
    let mut random = Random::new();
    for round in 0..30 {
        let end = random.one_of(&["\n", "\r\n"]);
        let content = random_csv(&mut random, end);
        let (name, pack) = PACKS[round % PACKS.len()];
        let at = 1 + random.below(content.len());
        let folder = Folder::with(name, pack(&content.as_bytes()[..at]));
        let tap = folder.csv(name, json!({"infer": "none"}));
        // A cut inside of quotes or before the second column is no whole file yet: a clear error, no record.
        let Ok((mut rows, bookmark)) = read_on(&tap, None) else { continue };
        folder.append(name, pack(&content.as_bytes()[at..]));
        match read_on(&tap, Some(bookmark)) {
            Ok((rest, _)) => {
                rows.extend(rest);
                assert_eq!(rows, read_on(&tap, None).unwrap().0, "{content:?} cut at {at}");
            }
            // The cut was in the middle of a record.
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::BookmarkLost | ErrorKind::Schema), "{error}")
            }
        }
    }
}

#[test]
fn a_file_that_did_not_change_has_no_new_records() {
    for (name, pack) in PACKS {
        let folder = Folder::with(name, pack(b"a,b\n1,2\n"));
        let tap = folder.csv(name, json!({}));
        let (rows, bookmark) = read_on(&tap, None).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(read_on(&tap, Some(bookmark.clone())).unwrap(), (vec![], bookmark));
    }
}

#[test]
fn what_was_appended_is_read_alone() {
    for (name, pack) in PACKS {
        let folder = Folder::with(name, pack(b"a,b\n1,2\n"));
        let tap = folder.csv(name, json!({}));
        let (_, bookmark) = read_on(&tap, None).unwrap();
        folder.append(name, pack(b"3,4\n5,6"));
        let (rows, bookmark) = read_on(&tap, Some(bookmark)).unwrap();
        assert_eq!(rows, [row(&["3", "4"]), row(&["5", "6"])]);
        folder.append(name, pack(b"\n7,8\n"));
        assert_eq!(read_on(&tap, Some(bookmark)).unwrap().0, [row(&["7", "8"])]);
    }
}

#[test]
fn records_after_a_header_that_stood_alone_are_read() {
    let folder = Folder::with("a.csv", "a,b");
    let tap = folder.csv("a.csv", json!({}));
    let (_, bookmark) = read_on(&tap, None).unwrap();
    folder.append("a.csv", "\r\n1,2\r\n");
    assert_eq!(read_on(&tap, Some(bookmark)).unwrap().0, [row(&["1", "2"])]);
}

#[test]
fn a_last_line_that_goes_on_loses_the_bookmark() {
    let folder = Folder::with("a.csv", "a,b\n1,2");
    let tap = folder.csv("a.csv", json!({}));
    let (rows, bookmark) = read_on(&tap, None).unwrap();
    assert_eq!(rows, [row(&["1", "2"])]);
    folder.append("a.csv", "3\n");
    assert!(lost(&tap, &bookmark).message().contains("goes on"));
}

#[test]
fn the_second_half_of_a_line_end_is_no_record() {
    // With a single column an empty line would be a null.
    let folder = Folder::with("a.csv", "a\r\n1\r");
    let tap = folder.csv("a.csv", json!({}));
    let (_, bookmark) = read_on(&tap, None).unwrap();
    folder.append("a.csv", "\n2\r\n");
    assert_eq!(read_on(&tap, Some(bookmark)).unwrap().0, [row(&["2"])]);
}

#[test]
fn a_file_that_was_rewritten_loses_the_bookmark() {
    let long: String = (0..50_000).map(|n| format!("{n},{n}\n")).collect();
    for (name, pack) in PACKS {
        let content = format!("a,b\n{long}");
        let folder = Folder::with(name, pack(content.as_bytes()));
        let tap = folder.csv(name, json!({}));
        let (_, bookmark) = read_on(&tap, None).unwrap();
        for (other, why) in [
            (content.replacen("1,1\n", "1,2\n", 1), "its beginning is another"),
            (content.replace("49999,49999", "49999,49998"), "what was read last is no longer there"),
            (content[..content.len() - 12].to_owned(), "it is shorter now"),
            ("a,b\n1,2\n".to_owned(), "it is shorter now"),
        ] {
            folder.write(name, pack(other.as_bytes()));
            let error = lost(&tap, &bookmark);
            assert!(
                error.message().contains(&format!("{name}` was rewritten since the bookmark: {why}")),
                "{error}"
            );
            assert_eq!(error.stream_name(), Some("a"));
        }
        // A change in a column that leaves head and tail alone is not seen: the README says so.
        folder.write(name, pack(content.as_bytes()));
        assert_eq!(read_on(&tap, Some(bookmark)).unwrap().0.len(), 0);
    }
}

#[test]
fn a_bookmark_of_another_dialect_or_of_nobody_is_lost() {
    let folder = Folder::with("a.csv", "a,b\n1,2\n");
    let (_, bookmark) = read_on(&folder.csv("a.csv", json!({})), None).unwrap();
    lost(&folder.csv("a.csv", json!({"delimiter": ";"})), &bookmark);
    lost(&folder.csv("a.csv", json!({"header": false})), &bookmark);
    lost(&folder.csv("a.csv", json!({})), &json!("2024-01-01"));
    let mut newer = bookmark.clone();
    newer["version"] = json!(3);
    lost(&folder.csv("a.csv", json!({})), &newer);
}

#[test]
fn an_error_behind_a_bookmark_names_the_line_of_the_file() {
    let folder = Folder::with("a.csv", "a,b\n1,\"x\ny\"\n");
    let tap = folder.csv("a.csv", json!({}));
    let stream = selected(&tap.discover().unwrap(), "a");
    let (_, bookmark) = read_on(&tap, None).unwrap();
    folder.append("a.csv", "2,z\nthree,z\n");
    let error = read_as(&tap, stream, Some(bookmark), WIDE).unwrap_err();
    assert!(error.message().contains("a.csv` line 5: column `a` has `three`"), "{error}");
}

#[test]
fn a_file_packed_between_runs_is_the_same_file() {
    let folder = Folder::with("a.csv", "a,b\n1,2\n");
    let (_, bookmark) = read_on(&folder.csv("a.csv", json!({})), None).unwrap();
    folder.write("a.csv.gz", gzip(b"a,b\n1,2\n3,4\n"));
    assert_eq!(read_on(&folder.csv("a.csv.gz", json!({})), Some(bookmark)).unwrap().0, [row(&["3", "4"])]);
}

#[test]
fn the_content_says_how_a_file_is_packed() {
    for (_, pack) in PACKS {
        for (name, _) in PACKS {
            let folder = Folder::with(name, pack(b"a,b\n1,2\n"));
            assert_eq!(read_on(&folder.csv("", json!({})), None).unwrap().0, [row(&["1", "2"])], "{name}");
        }
    }
}

#[test]
fn packed_files_of_several_parts_are_read_to_the_end() {
    for (name, pack) in PACKS {
        let parts = [pack(b"a,b\n1,"), pack(b""), pack(b"2\n3,4\n")].concat();
        let folder = Folder::with(name, parts);
        assert_eq!(read_on(&folder.csv(name, json!({})), None).unwrap().0.len(), 2);
    }
}

#[test]
fn a_packed_file_that_is_cut_anywhere_is_an_error() {
    let content = b"a,b\n1,2\n3,4\n";
    for (name, pack) in &PACKS[1..] {
        let first = pack(content);
        let whole = [first.clone(), pack(b"5,6\n")].concat();
        // As long as it may be a text as well, a file is one.
        let first_bytes = if *name == "a.csv.bz2" { 5 } else { 4 };
        for end in first_bytes..whole.len() {
            // Cut between two parts it is a whole file, with fewer parts.
            if end == first.len() {
                continue;
            }
            let folder = Folder::with(name, &whole[..end]);
            let error = read_on(&folder.csv(name, json!({})), None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data, "{name} cut at {end}: {error}");
            assert!(error.message().contains(&format!("{name}` is ")), "{name} cut at {end}: {error}");
        }
    }
}

#[test]
fn what_is_packed_twice_or_damaged_is_an_error() {
    let folder = Folder::with("a.csv.gz", gzip(&gzip(b"a,b\n1,2\n")));
    assert_eq!(read_on(&folder.csv("", json!({})), None).unwrap_err().kind(), ErrorKind::Data);
    let mut damaged = gzip(b"a,b\n1,2\n");
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    folder.write("a.csv.gz", damaged);
    assert!(
        read_on(&folder.csv("", json!({})), None).unwrap_err().message().contains("a.csv.gz` is damaged")
    );
}

#[test]
fn of_a_packed_file_that_is_cut_only_what_is_sound_is_given_and_never_its_end() {
    let content: String =
        "n\n".to_owned() + &(0..60_000).map(|n| format!("{}\n", n * 7919 % 100_003)).collect::<String>();
    for (name, pack) in &PACKS[1..] {
        let packed = pack(content.as_bytes());
        let folder = Folder::with(name, &packed);
        let tap = folder.csv(name, json!({}));
        let stream = selected(&tap.discover().unwrap(), "a");
        folder.write(name, &packed[..packed.len() - 9]);
        let error = read_as(&tap, stream, None, WIDE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().contains("unpacked bytes"), "{error}");
    }
}

#[test]
fn a_packed_file_of_more_bytes_than_allowed_is_an_error() {
    let content = "n\n".to_owned() + &"0\n".repeat(1 << 20);
    for (name, pack) in &PACKS[1..] {
        let folder = Folder::with(name, pack(content.as_bytes()));
        let limited = |limit: u64| folder.csv(name, json!({"max_unpacked_bytes": limit})).discover();
        let error = limited(content.len() as u64 - 1).unwrap_err();
        assert!(error.message().ends_with("has more than 2097153 bytes, unpacked"), "{error}");
        assert!(error.hint_text().unwrap().contains("max_unpacked_bytes"));
        assert_eq!(limited(content.len() as u64).unwrap().streams[0].row_count, Some(1 << 20));
    }
}

#[test]
fn a_dictionary_of_xz_that_takes_too_much_memory_is_refused() {
    let folder = Folder::with("a.csv.xz", xz_with(b"a,b\n1,2\n", 64 << 20));
    folder.csv("", json!({})).discover().unwrap();
    folder.write("a.csv.xz", xz_with(b"a,b\n1,2\n", 256 << 20));
    let error = folder.csv("", json!({})).discover().unwrap_err();
    assert!(error.message().ends_with("needs a dictionary of more than 128 MiB"), "{error}");
}

#[test]
fn a_text_that_begins_like_a_packed_file_is_a_text() {
    let folder = Folder::with("a.csv", "BZh91AY,b\n1,2\n");
    assert_eq!(read_on(&folder.csv("a.csv", json!({})), None).unwrap().0, [row(&["1", "2"])]);
}

#[test]
fn text_in_any_encoding_is_read_and_read_on() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let latin = |text: &str| text.chars().map(|letter| letter as u8).collect::<Vec<u8>>();
    let long: String = (0..50_000).map(|n| format!("{n},\u{e4}\n")).collect();
    for (encoding, encode) in
        [("utf-16", &utf16 as &dyn Fn(&str) -> Vec<u8>), ("latin-1", &latin), ("windows-1252", &latin)]
    {
        let mark = if encoding == "utf-16" { "\u{feff}" } else { "" };
        let content = format!("{mark}n,stra\u{df}e\n{long}");
        for pack in [plain, gzip] {
            let folder = Folder::with("a.csv", pack(&encode(&content)));
            let tap = folder.csv("a.csv", json!({"encoding": encoding}));
            let stream = selected(&tap.discover().unwrap(), "a");
            assert_eq!(stream.schema.field(1).name(), "stra\u{df}e");
            let limits = BatchLimits { rows: 20_000, bytes: 8 << 20 };
            let all = read_as(&tap, stream.clone(), None, limits).unwrap();
            assert_eq!(all.rows().len(), 50_000);
            let rest = read_as(&tap, stream.clone(), Some(all.bookmarks[0].clone()), limits).unwrap();
            assert!(rest.rows() == all.rows()[all.batches[0].num_rows()..]);
            folder.write("a.csv", pack(&encode(&format!("{content}7,\u{fc}\n"))));
            let bookmark = all.bookmarks.last().unwrap();
            let more = read_as(&tap, stream.clone(), Some(bookmark.clone()), limits).unwrap();
            assert_eq!(more.rows(), [row(&["7", "\u{fc}"])]);
            let other =
                folder.csv("a.csv", json!({"encoding": if mark.is_empty() { "utf-8" } else { "utf-16be" }}));
            let error = read_as(&other, stream, Some(bookmark.clone()), limits).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BookmarkLost, "{error}");
        }
    }
}

#[test]
fn an_encoding_that_is_not_that_of_the_file_is_an_error_that_says_what_to_set() {
    let utf16: Vec<u8> = "\u{feff}a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let folder = Folder::with("a.csv", &utf16);
    folder.write("b/a.jsonl", &utf16);
    folder.write("c.csv", gzip(&utf16));
    for error in [
        folder.csv("a.csv", json!({})).discover().unwrap_err(),
        folder.jsonl("b", json!({})).discover().unwrap_err(),
        folder.csv("c.csv", json!({})).discover().unwrap_err(),
    ] {
        assert!(error.message().ends_with("is UTF-16"), "{error}");
        assert!(error.hint_text().unwrap().contains("set `encoding` to `utf-16`"));
    }
    let error = folder.csv("a.csv", json!({"encoding": "utf-16be"})).discover().unwrap_err();
    assert!(error.message().ends_with("a.csv`, byte 1: the byte order mark says another order"), "{error}");
    folder.write("a.csv", b"a\nx\x81\n");
    let error = folder.csv("a.csv", json!({"encoding": "windows-1252"})).discover().unwrap_err();
    assert!(error.message().ends_with("a.csv`, byte 4: 0x81 is no character of windows-1252"), "{error}");
    assert!(folder.csv("a.csv", json!({"encoding": "latin-1"})).discover().is_ok());
}

#[test]
fn full_table_runs_read_from_the_start_and_resume_like_the_others() {
    let folder = Folder::with("a.csv", "a,b\n1,2\n3,4\n");
    let tap = folder.csv("a.csv", json!({}));
    let mut stream = selected(&tap.discover().unwrap(), "a");
    stream.replication_method = dstream_sdk::ReplicationMethod::FullTable;
    let limits = BatchLimits { rows: 1, bytes: 1000 };
    let all = read_as(&tap, stream.clone(), None, limits).unwrap();
    assert_eq!(all.batches.len(), 2);
    let rest = read_as(&tap, stream, Some(all.bookmarks[0].clone()), limits).unwrap();
    assert_eq!(rest.rows(), [row(&["3", "4"])]);
}
