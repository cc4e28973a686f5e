//! The flights of New York City: the example, copied to where a test may change it.

use dstream_end_to_end::{Database, Sandbox, Value, example};
use flate2::read::MultiGzDecoder;
use serde_json::json;
use std::fs::{self, File};
use std::io::Read;

/// The streams of the example.
pub(crate) const STREAMS: [&str; 5] = ["airlines", "airports", "flights", "planes", "weather"];

/// A sandbox with the files in `nyc`, `tap.json` with `more`, and `target.json`.
pub(crate) fn nyc(more: serde_json::Value) -> Sandbox {
    let sandbox = Sandbox::usual();
    let folder = sandbox.folder("nyc");
    for stream in STREAMS {
        let names = [format!("{stream}.csv"), format!("{stream}.csv.gz")];
        let name = names.iter().find(|name| example("nycflights").join(name).exists()).expect("a file");
        fs::copy(example("nycflights").join(name), folder.join(name)).expect("a copy");
    }
    let mut config = json!({
        "name": "nyc", "type": "csv", "connection": {"path": "nyc"}, "options": {"null_values": ["", "NA"]},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        match (config[key].as_object_mut(), value.as_object()) {
            (Some(known), Some(more)) => known.extend(more.clone()),
            _ => config[key] = value.clone(),
        }
    }
    sandbox.json("tap.json", config);
    sandbox.json("target.json", json!({"name": "local", "type": "sqlite", "connection": {"path": "out.db"}}));
    sandbox
}

/// The file of a stream, as a path in the sandbox.
pub(crate) fn file_of(sandbox: &Sandbox, stream: &str) -> String {
    let plain = format!("nyc/{stream}.csv");
    if sandbox.path(&plain).exists() { plain } else { format!("{plain}.gz") }
}

/// The header and the records of a stream's file, as another reader sees them.
pub(crate) fn records(sandbox: &Sandbox, stream: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let name = file_of(sandbox, stream);
    let mut file = File::open(sandbox.path(&name)).expect("the file is there");
    let mut text = String::new();
    match name.ends_with(".gz") {
        true => MultiGzDecoder::new(file).read_to_string(&mut text),
        false => file.read_to_string(&mut text),
    }
    .expect("the file can be read");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let fields = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
    let header = fields(reader.headers().expect("a header"));
    let records = reader.records().map(|record| fields(&record.expect("a record"))).collect();
    (header, records)
}

/// The rows of a stream's table, in the order in which they came.
pub(crate) fn table(sandbox: &Sandbox, stream: &str, columns: &[String]) -> Vec<Vec<Value>> {
    let columns: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    let query = format!("SELECT {} FROM \"{stream}\" ORDER BY rowid", columns.join(", "));
    Database::open(&sandbox.path("out.db")).rows(&query)
}
