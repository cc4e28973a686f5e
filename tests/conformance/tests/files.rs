//! Connectors for files keep their promises. What targets wrote is read by programs that are not ours.

mod kit;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use dstream_conformance::{Role, Row};
use dstream_peers::{Peer, Readers};
use kit::{Loaded, assert_all_pass, config, library_file};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::json;
use std::fmt::Write;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

fn write_csv(folder: &Path) {
    let mut orders = "id,word,total,at\n".to_owned();
    for id in 0..150 {
        let word = match id % 5 {
            0 => String::new(),
            1 => format!("\"a, {id}\n\"\"b\"\"\""),
            _ => format!("kůň {id}"),
        };
        let _ =
            writeln!(orders, "{id},{word},{}.{:02},2024-02-{:02}T10:00:00Z", id * 3, id % 100, id % 28 + 1);
    }
    std::fs::write(folder.join("orders.csv"), orders).expect("written");
    std::fs::write(folder.join("empty.csv"), "a,b\n").expect("written");
    std::fs::write(folder.join("codes.tsv"), "code\tname\n007\tx\n\t\n010\t\"y\"\n").expect("written");
}

fn write_jsonl(folder: &Path) {
    let mut events = String::new();
    for id in 0..150 {
        let tags = if id % 3 == 0 { "null".to_owned() } else { format!("[\"a\", \"č{id}\"]") };
        let more =
            if id % 4 == 0 { format!(", \"more\": {{\"x\": {id}, \"y\": null}}") } else { String::new() };
        let _ = writeln!(events, "{{\"id\": {id}, \"tags\": {tags}{more}}}");
    }
    std::fs::write(folder.join("events.jsonl"), events).expect("written");
    std::fs::write(folder.join("one.jsonl"), "{\"only\": 1}").expect("written");
}

#[test]
fn the_tap_csv_keeps_its_promises() {
    let folder = tempfile::tempdir().expect("temp folder");
    write_csv(folder.path());
    let library = Loaded::open(&library_file("files"));
    let options = json!({ "key_properties": { "orders": ["id"] } });
    let subject = library.subject("csv", Role::Tap).with_config(config("csv", Some(folder.path()), options));
    assert_all_pass(&subject, Role::Tap, &[]);
}

#[test]
fn the_tap_jsonl_keeps_its_promises() {
    let folder = tempfile::tempdir().expect("temp folder");
    write_jsonl(folder.path());
    let library = Loaded::open(&library_file("files"));
    let options = json!({ "key_properties": { "events": ["id"] }, "types": { "tags": "text" } });
    let subject =
        library.subject("jsonl", Role::Tap).with_config(config("jsonl", Some(folder.path()), options));
    assert_all_pass(&subject, Role::Tap, &[]);
}

/// Rows in several batches, so that there are places in between.
fn batches() -> Vec<RecordBatch> {
    let batch = |ids: std::ops::Range<i64>| {
        let words = ids.clone().map(|id| (id % 5 > 0).then(|| format!("kůň {id}")));
        let words: ArrayRef = Arc::new(StringArray::from_iter(words));
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
        RecordBatch::try_from_iter_with_nullable([("id", ids, false), ("word", words, true)])
            .expect("a batch")
    };
    vec![batch(0..60), batch(60..61), batch(61..150)]
}

fn write_parquet(folder: &Path) {
    let batches = batches();
    for (name, batches) in [("orders.parquet", &batches[..]), ("empty.parquet", &[])] {
        let file = File::create(folder.join(name)).expect("made");
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(40)).build();
        let schema = self::batches()[0].schema();
        let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).expect("opened");
        batches.iter().for_each(|batch| writer.write(batch).expect("written"));
        writer.close().expect("closed");
    }
}

fn write_arrow(folder: &Path) {
    let batches = batches();
    let make = |name: &str| File::create(folder.join(name)).expect("made");
    let schema = batches[0].schema();
    let mut file = arrow::ipc::writer::FileWriter::try_new(make("orders.arrow"), &schema).expect("opened");
    let mut stream =
        arrow::ipc::writer::StreamWriter::try_new(make("events.arrows"), &schema).expect("opened");
    for batch in &batches {
        file.write(batch).expect("written");
        stream.write(batch).expect("written");
    }
    file.finish().expect("ended");
    stream.finish().expect("ended");
}

#[test]
fn the_tap_parquet_keeps_its_promises() {
    let folder = tempfile::tempdir().expect("temp folder");
    write_parquet(folder.path());
    let library = Loaded::open(&library_file("files"));
    let options = json!({ "key_properties": { "orders": ["id"] } });
    let subject = library.subject("parquet", Role::Tap);
    let subject = subject.with_config(config("parquet", Some(folder.path()), options));
    assert_all_pass(&subject, Role::Tap, &[]);
}

#[test]
fn the_tap_arrow_keeps_its_promises() {
    let folder = tempfile::tempdir().expect("temp folder");
    write_arrow(folder.path());
    let library = Loaded::open(&library_file("files"));
    let options = json!({ "key_properties": { "orders": ["id"] } });
    let subject = library.subject("arrow", Role::Tap);
    let subject = subject.with_config(config("arrow", Some(folder.path()), options));
    assert_all_pass(&subject, Role::Tap, &[]);
}

/// The folder of a table: letters, digits and some marks stay.
fn folder_of(table: &str) -> String {
    let mut name = String::new();
    for (at, byte) in table.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => name.push(char::from(byte)),
            b'.' | b'_' if at > 0 => name.push(char::from(byte)),
            _ => write!(name, "%{byte:02X}").expect("written"),
        }
    }
    name
}

/// What `peer` finds in the files of every table.
fn target_keeps_its_promises(type_name: &str, peer: Peer, options: serde_json::Value) {
    let library = Loaded::open(&library_file("files"));
    let folder = tempfile::tempdir().expect("temp folder");
    let readers = Mutex::new(Readers::start().expect("the peers"));
    let is_one_file = options.get("layout").is_some();
    let rows_of = |table: &str| -> Option<Vec<Row>> {
        let path = folder.path().join(folder_of(table));
        let files = match is_one_file {
            true => vec![folder.path().join(format!("{}.{type_name}", folder_of(table)))],
            false => dstream_peers::files(&path, &format!(".{type_name}")).expect("listed"),
        };
        let files: Vec<_> = files.into_iter().filter(|file| file.exists()).collect();
        if files.is_empty() {
            return None;
        }
        let mut readers = readers.lock().expect("a reader");
        let table = readers.read_columns(peer, type_name, &files, &["id", "word"]).expect("whole files");
        let place = |wanted: &str| table.columns.iter().position(|(name, _)| name == wanted);
        // A file of lines without lines has no columns.
        let (Some(id), Some(word)) = (place("id"), place("word")) else { return Some(Vec::new()) };
        let row = |row: &Vec<Option<String>>| {
            let id = row[id].as_ref().expect("an id").parse().expect("a number");
            (id, row[word].clone())
        };
        Some(table.rows.iter().map(row).collect())
    };
    let subject = library.subject(type_name, Role::Target);
    let subject = subject
        .with_config(config(type_name, Some(folder.path()), options))
        .with_read_back(|table: &str| Ok(rows_of(table)));
    // Rows of files are not replaced one by one: what upserts promise is not claimed.
    assert_all_pass(&subject, Role::Target, &["upsert-keeps-the-newest", "a-null-in-a-key-is-refused"]);
}

#[test]
fn the_target_parquet_keeps_its_promises() {
    target_keeps_its_promises("parquet", Peer::DuckDb, json!({}));
}

#[test]
fn the_target_arrow_keeps_its_promises() {
    target_keeps_its_promises("arrow", Peer::Pyarrow, json!({}));
}

#[test]
fn the_target_csv_keeps_its_promises() {
    target_keeps_its_promises("csv", Peer::DuckDb, json!({}));
    target_keeps_its_promises("csv", Peer::DuckDb, json!({ "layout": "file" }));
}

#[test]
fn the_target_jsonl_keeps_its_promises() {
    target_keeps_its_promises("jsonl", Peer::DuckDb, json!({}));
    target_keeps_its_promises("jsonl", Peer::Polars, json!({ "layout": "file" }));
}
