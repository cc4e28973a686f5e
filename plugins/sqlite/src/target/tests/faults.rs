//! Disks, locks, permissions, other people's files.

use super::kit::*;
use dstream_sdk::*;
use serde_json::json;
use std::path::Path;

fn listing(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn check_and_open_leave_no_trace() {
    let place = place();
    place.target().check().unwrap();
    assert!(listing(place.folder.path()).is_empty());
    place.sql("CREATE TABLE t (x); PRAGMA user_version = 7");
    let before = std::fs::read(&place.path).unwrap();
    place.target().check().unwrap();
    assert_eq!(listing(place.folder.path()), ["out.db"]);
    assert_eq!(std::fs::read(&place.path).unwrap(), before);
}

#[test]
fn check_finds_what_cannot_work() {
    let place = place();
    let check = |path: &Path| target(path, json!({"busy_timeout_ms": 0})).check();
    assert_error(check(&place.folder.path().join("no/such/out.db")), ErrorKind::NotFound, &["no/such"]);
    assert_error(check(place.folder.path()), ErrorKind::Config, &["folder"]);
    let text = place.folder.path().join("notes.txt");
    std::fs::write(&text, "not a database at all, but more than a hundred bytes of text ".repeat(20))
        .unwrap();
    assert_error(check(&text), ErrorKind::Config, &["notes.txt", "not an SQLite database"]);
    let empty = place.folder.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    check(&empty).unwrap();
}

#[test]
fn a_file_that_is_no_database_is_never_overwritten() {
    let place = place();
    let text = "id,name\n1,a\n".repeat(100);
    std::fs::write(&place.path, &text).unwrap();
    let begun = place.target().begin(&Pipeline { pipeline: "p".into(), run: "r".into() });
    assert_error(begun.map(drop), ErrorKind::Config, &["out.db"]);
    assert_eq!(std::fs::read_to_string(&place.path).unwrap(), text);
}

#[test]
fn a_missing_folder_is_named() {
    let place = place();
    let target = target(&place.folder.path().join("no/out.db"), json!({}));
    let begun = target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() });
    assert_error(begun.map(drop), ErrorKind::NotFound, &["no/out.db"]);
}

/// A version of the file format that this SQLite may read and not write: works for every user, root too.
fn make_read_only(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[18] = 3;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_that_may_only_be_read_is_refused_before_anything_is_written() {
    let place = place();
    place.sql("CREATE TABLE t (x)");
    make_read_only(&place.path);
    assert_error(place.target().check(), ErrorKind::Denied, &["out.db", "read-only"]);
    let begun = place.target().begin(&Pipeline { pipeline: "p".into(), run: "r".into() });
    assert_error(begun.map(drop), ErrorKind::Denied, &["out.db", "read-only"]);
}

#[test]
#[cfg(unix)]
fn a_file_without_permission_to_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    place.sql("CREATE TABLE t (x)");
    std::fs::set_permissions(&place.path, std::fs::Permissions::from_mode(0o444)).unwrap();
    if std::fs::OpenOptions::new().append(true).open(&place.path).is_ok() {
        println!("skipped: this user may write to files that nobody may write to");
        return;
    }
    assert_error(place.target().check(), ErrorKind::Denied, &["out.db"]);
}

#[test]
fn a_full_disk_says_so_and_loses_nothing() {
    let place = place();
    let run = place.run();
    run.sync(&plan("t", WriteMode::Append), &[numbers(0..10)]).unwrap();
    for bytes in [u64::MAX, 0] {
        run.target.shared.gate.take(&context()).unwrap().client().limit_pages(20);
        let mut writer = run.writer_with(&[plan("t", WriteMode::Append)], bytes);
        writer.declare(0, 1, numbers(0..0).schema()).unwrap();
        let outcome = (|| {
            for _ in 0..10 {
                writer.write(0, 1, numbers(0..10_000).into())?;
            }
            let prepared = writer.prepare(1)?;
            run.target.commit(&run.commit_of(prepared, "t", 2))
        })();
        assert_error(outcome, ErrorKind::Resource, &["the disk with", "out.db", "is full"]);
        drop(writer);
        assert_eq!(place.count("t"), 10);
        run.target.shared.gate.take(&context()).unwrap().client().limit_pages(1_000_000);
    }
    run.sync(&plan("t", WriteMode::Append), &[numbers(10..20)]).unwrap();
    assert_eq!(place.count("t"), 20);
    assert_eq!(place.run().begun.records[0].sequence, 2);
}

#[test]
fn a_file_in_use_is_waited_for_and_then_named() {
    let place = place();
    let run = place.run();
    let other = rusqlite::Connection::open(&place.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let outcome = run.sync(&plan("t", WriteMode::Append), &[numbers(0..1)]);
    assert_error(outcome, ErrorKind::Unavailable, &["out.db", "is locked by", HOLDER]);
    let begun = place.target().begin(&Pipeline { pipeline: "p".into(), run: "r".into() });
    assert_error(begun.map(drop), ErrorKind::Unavailable, &["out.db"]);
}

#[test]
fn a_damaged_file_is_said_to_be_damaged() {
    let place = place();
    place.run().sync(&plan("t", WriteMode::Append), &[numbers(0..10_000)]).unwrap();
    place.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    let mut bytes = std::fs::read(&place.path).unwrap();
    let start = bytes.len() / 2;
    bytes[4096..start].fill(0x5a);
    std::fs::write(&place.path, bytes).unwrap();
    let begun = place.target().begin(&Pipeline { pipeline: "p".into(), run: "r".into() });
    assert_error(begun.map(drop), ErrorKind::Data, &["out.db", "damaged"]);
}

#[test]
fn a_link_to_a_file_is_followed() {
    #[cfg(unix)]
    {
        let place = place();
        place.sql("CREATE TABLE t (x)");
        let link = place.folder.path().join("link.db");
        std::os::unix::fs::symlink(&place.path, &link).unwrap();
        let target = target(&link, json!({}));
        target.check().unwrap();
        Session::begin(target, "p").sync(&plan("u", WriteMode::Append), &[numbers(0..2)]).unwrap();
        assert_eq!(place.count("u"), 2);
    }
}

#[test]
fn the_options_reach_the_file() {
    for (mode, synchronous, expected) in [("wal", "full", "wal"), ("delete", "normal", "delete")] {
        let place = place();
        let options = json!({"journal_mode": mode, "synchronous": synchronous});
        let run = Session::begin(target(&place.path, options), "p");
        run.sync(&plan("t", WriteMode::Upsert), &[numbers(0..2)]).unwrap();
        assert_eq!(place.rows("PRAGMA journal_mode"), [expected]);
        assert_eq!(place.count("t"), 2);
    }
}

#[test]
fn a_finished_run_leaves_one_file() {
    let place = place();
    for mode in ["wal", "delete"] {
        let run = Session::begin(target(&place.path, json!({"journal_mode": mode})), "p");
        run.sync(&plan("t", WriteMode::Append), &[numbers(0..10_000)]).unwrap();
        drop(run);
        assert_eq!(listing(place.folder.path()), ["out.db"]);
    }
    assert_eq!(place.count("t"), 20_000);
}

#[test]
fn writing_before_begin_is_refused() {
    let place = place();
    let target = place.target();
    assert_error(target.commit(&Commit::default()), ErrorKind::Bug, &["begin"]);
    assert!(listing(place.folder.path()).is_empty());
}

#[test]
fn a_reader_sees_whole_windows_only_and_keeps_nobody_waiting() {
    let place = place();
    let run = place.run();
    run.sync(&plan("t", WriteMode::Append), &[numbers(0..10)]).unwrap();
    let reader = rusqlite::Connection::open(&place.path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
    run.sync(&plan("t", WriteMode::Append), &[numbers(10..20)]).unwrap();
    let seen: i64 = reader.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
    assert_eq!(seen, 10);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(place.count("t"), 20);
}
