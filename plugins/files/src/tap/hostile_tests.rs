//! Files that are none, that change while they are read, or that unpack to more than they seem.

use serde_json::json;
use std::io::{Read, Write};
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use dstream_sdk::{Error, ErrorKind, Message, Next, Partition, ReadRequest, Reader, Result, Tap};

use super::{FilesTap, Format};
use crate::csv::Csv;
use crate::jsonl::Jsonl;
use crate::testing::{Folder, Row, context, read, row, rows, selected, tap};

/// A reader of the stream `a` that gives a hundred records at once.
fn reader<F: Format>(tap: &FilesTap<F>) -> Box<dyn Reader> {
    let request = ReadRequest {
        partition: Partition::whole("a"),
        streams: vec![selected(&tap.discover().unwrap(), "a")],
        bookmark: None,
        max_batch_rows: NonZeroUsize::new(100).unwrap(),
        max_batch_bytes: NonZeroU64::new(1 << 20).unwrap(),
    };
    tap.open_reader(context(), request).unwrap()
}

/// The next records, none at the end, and how long the last value of each is.
fn next(reader: &mut Box<dyn Reader>) -> Result<(usize, Vec<usize>)> {
    loop {
        match reader.next(Duration::from_secs(60))? {
            Next::Message(Message::Batch { batch, .. }) => {
                let rows = rows(&batch.into_records()?);
                let length = |row: &Row| row.last().and_then(|value| value.as_ref()).map_or(0, String::len);
                return Ok((rows.len(), rows.iter().map(length).collect()));
            }
            Next::End => return Ok((0, Vec::new())),
            _ => {}
        }
    }
}

fn to_the_end(reader: &mut Box<dyn Reader>) -> Result<usize> {
    let mut all = 0;
    loop {
        match next(reader)? {
            (0, _) => return Ok(all),
            (rows, _) => all += rows,
        }
    }
}

/// More than the window holds at once.
fn long(header: &str, line: impl Fn(usize) -> String) -> String {
    header.to_owned() + &(0..100_000).map(line).collect::<String>()
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_an_error() {
    let content = long("n,t\n", |n| format!("{n},xxxxxxxxxxxxxxxxxxxx\n"));
    // Before and behind what was read, at the end of a line and amid one.
    for left in [1_200_000 + content[1_200_000..].find('\n').unwrap() + 1, 1_200_005, 0] {
        let folder = Folder::with("a.csv", &content);
        let tap = folder.csv("a.csv", json!({}));
        let mut reader = reader(&tap);
        assert_eq!(next(&mut reader).unwrap().0, 100);
        std::fs::OpenOptions::new()
            .write(true)
            .open(folder.path("a.csv"))
            .unwrap()
            .set_len(left as u64)
            .unwrap();
        let error = loop {
            match next(&mut reader) {
                // A record that was cut is never given.
                Ok((_, lengths)) => assert!(lengths.iter().all(|length| *length == 20)),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().contains(&format!("was cut to {left} bytes while it was read")), "{error}");
    }
}

#[test]
fn a_file_that_another_one_takes_the_name_of_is_read_as_it_was() {
    let content = long("n\n", |n| format!("{n}\n"));
    let folder = Folder::with("a.csv", &content);
    let tap = folder.csv("a.csv", json!({}));
    let mut reader = reader(&tap);
    next(&mut reader).unwrap();
    folder.write("b.csv", "n\n7\n");
    std::fs::rename(folder.path("b.csv"), folder.path("a.csv")).unwrap();
    assert_eq!(to_the_end(&mut reader).unwrap(), 99_900);
}

#[test]
fn a_file_that_is_written_anew_while_it_is_read_is_an_error() {
    let content = long("n\n", |n| format!("{n}\n"));
    for other in [content.replacen("1\n", "2\n", 1), content.replace("99999\n", "99998\n")] {
        let folder = Folder::with("a.csv", &content);
        let tap = folder.csv("a.csv", json!({}));
        let mut reader = reader(&tap);
        next(&mut reader).unwrap();
        let is_seen = !other.starts_with(&content[..1000]);
        folder.write("a.csv", &other);
        let outcome = to_the_end(&mut reader);
        match is_seen {
            true => assert!(outcome.unwrap_err().message().contains("was written anew while it was read")),
            // The README says what is not seen.
            false => assert_eq!(outcome.unwrap(), 99_900),
        }
    }
}

#[test]
fn what_is_appended_while_a_file_is_read_is_read_now_or_later() {
    let content = long("n\n", |n| format!("{n}\n"));
    let folder = Folder::with("a.csv", &content);
    let tap = folder.csv("a.csv", json!({}));
    let mut reader = reader(&tap);
    next(&mut reader).unwrap();
    folder.append("a.csv", "1\n2\n");
    assert_eq!(to_the_end(&mut reader).unwrap(), 99_902);
}

fn error_of<T>(result: Result<T>) -> Error {
    result.err().expect("an error")
}

#[test]
fn a_folder_with_the_name_of_a_file_is_a_folder() {
    let folder = Folder::with("x.csv/a.csv", "a\n1\n");
    let names = |tap: FilesTap<Csv>| -> Vec<String> {
        tap.discover().unwrap().streams.into_iter().map(|stream| stream.name).collect()
    };
    assert_eq!(names(folder.csv("", json!({}))), ["x_csv"]);
    assert_eq!(names(folder.csv("x.csv", json!({}))), ["a"]);
    assert_eq!(error_of(folder.csv("*.csv", json!({})).discover()).kind(), ErrorKind::NotFound);
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_is_no_file_and_nobody_waits_for_it() {
    use rustix::fs::{CWD, Mode, mkfifoat};
    let folder = Folder::with("b.csv", "a\n1\n");
    mkfifoat(CWD, folder.path("a.csv"), Mode::RUSR | Mode::WUSR).unwrap();
    let error = error_of(folder.csv("a.csv", json!({})).discover());
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().ends_with("a.csv` is neither a file nor a folder"), "{error}");
    for path in ["", "*.csv"] {
        let error = error_of(folder.csv(path, json!({})).discover());
        assert!(error.message().ends_with("a.csv` is neither a file nor a folder"), "{path}: {error}");
    }
    assert_eq!(read(&folder.csv("b.*", json!({})), None).unwrap().rows(), [row(&["1"])]);
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_or_in_a_circle_are_named() {
    use std::os::unix::fs::symlink;
    for target in ["a.csv", "none.csv"] {
        let folder = Folder::with("b.csv", "a\n1\n");
        symlink(target, folder.path("a.csv")).unwrap();
        for path in ["a.csv", "", "*.csv"] {
            let error = error_of(folder.csv(path, json!({})).discover());
            assert!(error.message().contains("a.csv`"), "{path}: {error}");
            let kind = if target == "a.csv" { ErrorKind::Config } else { ErrorKind::NotFound };
            assert_eq!(error.kind(), kind, "{path}: {error}");
        }
        // One that is no such file harms nobody.
        assert_eq!(read(&folder.csv("b.csv", json!({})), None).unwrap().rows().len(), 1);
        symlink("none", folder.path("c.txt")).unwrap();
        std::fs::remove_file(folder.path("a.csv")).unwrap();
        assert_eq!(read(&folder.csv("", json!({})), None).unwrap().rows().len(), 1);
    }
    // A folder that links to itself is not followed.
    let folder = Folder::with("s/b.csv", "a\n1\n");
    symlink(".", folder.path("s/again")).unwrap();
    assert_eq!(read(&folder.csv("**/*.csv", json!({})), None).unwrap().rows().len(), 1);
    // A link to a file is the file.
    symlink("s/b.csv", folder.path("l.csv")).unwrap();
    assert_eq!(read(&folder.csv("l.csv", json!({})), None).unwrap().rows().len(), 1);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_the_administrators_matter() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::with("a.csv", "a\n1\n");
    std::fs::set_permissions(folder.path("a.csv"), std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(folder.path("a.csv")).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    let tap = folder.csv("a.csv", json!({}));
    for error in [error_of(tap.check()), error_of(tap.discover())] {
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.message().contains("a.csv`"), "{error}");
    }
}

/// Memory that this process has had at most; `None` where the system does not say.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// Memory is counted for the process: it needs one of its own, as cargo-nextest gives.
#[test]
fn a_bomb_is_an_error_before_it_takes_memory() {
    let mut bomb = zstd::Encoder::new(Vec::new(), 1).unwrap();
    std::io::copy(&mut std::io::repeat(b'0').take(1 << 30), &mut bomb).unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let folder = Folder::with("a.csv", [zstd::encode_all(&b"a,b\n"[..], 1).unwrap(), bomb.clone()].concat());
    folder.write("a.jsonl", [zstd::encode_all(&b"{\"a\": \""[..], 1).unwrap(), bomb.clone()].concat());
    folder.write("a.json", [zstd::encode_all(&b"[{\"a\": \""[..], 1).unwrap(), bomb.clone()].concat());
    folder.write("head.csv", bomb);
    let limit = json!({"max_record_bytes": 16 << 20});
    for error in [
        error_of(folder.csv("a.csv", limit.clone()).discover()),
        error_of(folder.csv("head.csv", limit.clone()).discover()),
        error_of(folder.jsonl("a.jsonl", limit.clone()).discover()),
        error_of(folder.jsonl("a.json", limit).discover()),
    ] {
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().ends_with("has more than 16777216 bytes"), "{error}");
    }
    if std::env::var_os("NEXTEST").is_some()
        && let Some(peak) = peak_bytes()
    {
        assert!(peak < 192 << 20, "{} MiB", peak >> 20);
    }
}

#[test]
fn every_kind_of_packing_stops_at_a_damaged_byte() {
    let mut random = crate::testing::Random::new();
    let content = long("n\n", |n| format!("{}\n", n * 7919 % 100_003));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(content.as_bytes()).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(content.as_bytes()).unwrap();
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(0)).unwrap();
    xz.write_all(content.as_bytes()).unwrap();
    for packed in [gzip.finish().unwrap(), bzip2.finish().unwrap(), xz.finish().unwrap()] {
        for _ in 0..20 {
            let mut damaged = packed.clone();
            // Behind the beginning, which names the kind; that of gzip has a time as well.
            let at = 10 + random.below(packed.len() - 10);
            damaged[at] ^= 1 << random.below(8);
            let folder = Folder::with("a.csv", damaged);
            match folder.csv("a.csv", json!({})).discover() {
                Ok(catalog) => assert_eq!(catalog.streams[0].row_count, Some(100_000), "bit of byte {at}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Data, "byte {at}: {error}"),
            }
        }
    }
}

#[test]
fn fields_and_keys_have_no_number_that_breaks_a_reader() {
    // As many columns as there may be names; a record with more fields than memory for offsets is cut by its bytes.
    let wide = format!(
        "{}\n{}\n",
        (0..20_000).map(|n| format!("c{n}")).collect::<Vec<_>>().join(","),
        ",".repeat(19_999)
    );
    let folder = Folder::with("a.csv", wide);
    assert_eq!(folder.csv("a.csv", json!({})).discover().unwrap().streams[0].schema.fields().len(), 20_000);
    let keys = |count: usize| {
        format!("{{{}}}\n", (0..count).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(","))
    };
    folder.write("a.jsonl", keys(10_000));
    assert_eq!(
        folder.jsonl("a.jsonl", json!({})).discover().unwrap().streams[0].schema.fields().len(),
        10_000
    );
    folder.write("a.jsonl", keys(100_000));
    let error = error_of(folder.jsonl("a.jsonl", json!({})).discover());
    assert!(error.message().ends_with("have more than 10000 keys"), "{error}");
    // A number of a million digits stays what it is.
    let digits = "7".repeat(1_000_000);
    folder.write("a.jsonl", format!("{{\"a\": {digits}}}\n"));
    let found = read(&tap::<Jsonl>(folder.path("a.jsonl"), json!({})), None).unwrap().rows();
    assert_eq!(found, [vec![Some(digits)]]);
}
