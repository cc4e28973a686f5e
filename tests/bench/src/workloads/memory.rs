//! What a run takes in memory where there is much of something: data, bytes in a field, files, streams.

use anyhow::Result;
use serde_json::json;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write};

use crate::dstreams::{Dstreams, LAKE};
use crate::workload::{Check, Contender, Role, Workload};
use crate::world::World;

const TIMES: u64 = 10;
const FIELD_BYTES: usize = 100_000_000;
const FILES: u64 = 10_000;
const ROWS_PER_FILE: u64 = 10;

fn ours(name: &'static str, command: String, check: Check) -> Contender {
    Contender::new(name, Role::Dstreams, command, check)
}

fn workload(number: u8, title: &'static str, rows: u64, peak: f64, contenders: Vec<Contender>) -> Workload {
    Workload { number, title, rows, contenders, peak, goals: Vec::new(), notes: Vec::new() }
}

fn config(
    world: &World,
    name: &str,
    connector: &str,
    path: &str,
    options: serde_json::Value,
) -> Result<String> {
    let file = format!("{name}.json");
    let config =
        json!({ "name": name, "type": connector, "connection": { "path": path }, "options": options });
    fs::write(world.folder.join(&file), format!("{config:#}\n"))?;
    Ok(file)
}

/// The same rows once and ten times: one file, and ten links to it.
pub(crate) fn tenfold(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    let folder = world.folder.join("tenfold/lineitem");
    fs::create_dir_all(&folder)?;
    for number in 0..TIMES {
        let link = folder.join(format!("{number}.csv"));
        if !link.exists() {
            fs::hard_link(world.folder.join(&world.data.lineitem_csv), link)?;
        }
    }
    let options: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(world.folder.join("csv.json"))?)?;
    let ten = config(world, "tenfold", "csv", "tenfold", options["options"].clone())?;
    dstreams.catalog(world, "csv.json", "csv-catalog.json", "lineitem", &[])?;
    dstreams.catalog(world, &ten, "tenfold-catalog.json", "lineitem", &[])?;
    let rows = world.data.lineitem_rows();
    let contenders = vec![
        ours("once", Dstreams::sync("csv.json", "lake.json", "csv-catalog.json"), Check::Committed(rows)),
        ours(
            "ten times",
            Dstreams::sync(&ten, "lake.json", "tenfold-catalog.json"),
            Check::Committed(rows * TIMES),
        ),
    ];
    Ok(workload(11, "CSV → Parquet, once and ten times the rows", rows * TIMES, 400.0, contenders))
}

/// A record with one field that is larger than most files.
pub(crate) fn wide(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    let path = world.folder.join("wide.csv");
    let mut file = BufWriter::new(fs::File::create(path)?);
    file.write_all(b"id,text\n1,small\n2,")?;
    file.write_all(&vec![b'x'; FIELD_BYTES])?;
    file.write_all(b"\n3,small\n")?;
    file.flush()?;
    let tap = config(world, "wide", "csv", "wide.csv", json!({}))?;
    dstreams.catalog(world, &tap, "wide-catalog.json", "wide", &[])?;
    let json_lines = config(world, "lake-jsonl", "jsonl", LAKE, json!({}))?;
    let arrived = |ending: &str| {
        let read = match ending {
            "csv" => format!("read_csv('{LAKE}/wide/*.csv', max_line_size=200000000)"),
            "jsonl" => format!("read_json('{LAKE}/wide/*.jsonl', maximum_object_size=200000000)"),
            _ => format!("'{LAKE}/wide/*.{ending}'"),
        };
        Check::Files(format!("SELECT count(*), max(length(text)) FROM {read}"), format!("3|{FIELD_BYTES}"))
    };
    let to = |target: &str| Dstreams::sync(&tap, target, "wide-catalog.json");
    let in_sqlite = Check::Sqlite(
        "select count(*) || '|' || max(length(text)) from wide".to_owned(),
        format!("3|{FIELD_BYTES}"),
    );
    let contenders = vec![
        ours("into Parquet", to("lake.json"), arrived("parquet")),
        ours("into CSV", to("lake-csv.json"), arrived("csv")),
        ours("into JSON lines", to(&json_lines), arrived("jsonl")),
        ours("into SQLite", to("sqlite.json"), in_sqlite),
    ];
    Ok(workload(12, "A field of 100 MB", 3, 500.0, contenders))
}

/// Small files, all with the same columns.
fn small_files(world: &World, folder: &str) -> Result<()> {
    let folder = world.folder.join(folder);
    fs::create_dir_all(&folder)?;
    for file in 0..FILES {
        let mut content = "id,name,at\n".to_owned();
        for row in 0..ROWS_PER_FILE {
            writeln!(content, "{},name {file} {row},2024-01-{:02}", file * ROWS_PER_FILE + row, row + 1)?;
        }
        fs::write(folder.join(format!("f{file:05}.csv")), content)?;
    }
    Ok(())
}

/// Rows and ids of all small files.
fn all_small(files: &str) -> Check {
    let rows = FILES * ROWS_PER_FILE;
    let expected = format!("{rows}|{}", rows * (rows - 1) / 2);
    Check::Files(format!("SELECT count(*), sum(id) FROM '{files}'"), expected)
}

/// Many small files of one stream, and the same again, when nothing is new.
pub(crate) fn many_files(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    small_files(world, "many/small")?;
    let tap = config(world, "many", "csv", "many", json!({}))?;
    dstreams.catalog(world, &tap, "many-catalog.json", "small", &[])?;
    let sync = Dstreams::sync(&tap, "lake.json", "many-catalog.json");
    let contenders = vec![
        ours("first run", sync.clone(), all_small(&format!("{LAKE}/small/*.parquet"))),
        ours("first run, and one without news", format!("{sync} && {sync}"), Check::Committed(0)),
    ];
    Ok(workload(13, "10,000 small files", FILES * ROWS_PER_FILE, 400.0, contenders))
}

/// As many streams.
pub(crate) fn many_streams(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    small_files(world, "streams")?;
    let tap = config(world, "streams", "csv", "streams", json!({}))?;
    dstreams.catalog(world, &tap, "streams-catalog.json", "*", &[])?;
    let sync = Dstreams::sync(&tap, "lake.json", "streams-catalog.json");
    let contenders = vec![
        ours("first run", sync.clone(), all_small(&format!("{LAKE}/*/*.parquet"))),
        ours("first run, and one without news", format!("{sync} && {sync}"), Check::Committed(0)),
    ];
    Ok(workload(14, "10,000 streams", FILES * ROWS_PER_FILE, 300.0, contenders))
}
