//! Real files through the targets for files, read by programs that are not ours.

use dstream_peers::{Peer, Readers, files};
use serde_json::json;

use crate::nyc::{STREAMS, file_of, nyc};

/// How many rows of one are not in the other, as DuckDB counts them.
fn rows_beside(readers: &mut Readers, one: &str, other: &str) -> u64 {
    let statement = format!("SELECT count(*) FROM ({one} EXCEPT ALL {other})");
    let table = readers.query(&statement).expect("both can be read");
    table.rows[0][0].as_ref().expect("a number").parse().expect("a number")
}

#[test]
fn the_flights_of_new_york_are_the_same_in_every_form() {
    let mut readers = Readers::start().expect("the peers");
    let sandbox = nyc(json!({}));
    for form in ["parquet", "arrow", "csv", "jsonl"] {
        sandbox.json("target.json", json!({"name": "lake", "type": form, "connection": {"path": form}}));
        sandbox.sync(&["--state", &format!("{form}-state.json")]).ok();
    }
    for stream in STREAMS {
        let source = sandbox.path(&file_of(&sandbox, stream));
        let folder = |form: &str| sandbox.path(form).join(stream);
        let types = readers.query(&format!("DESCRIBE FROM '{}/*.parquet'", folder("parquet").display()));
        let columns: Vec<String> = types
            .expect("described")
            .rows
            .iter()
            .map(|row| {
                let text = |at: usize| row[at].clone().expect("a text");
                format!("CAST(\"{0}\" AS {1}) AS \"{0}\"", text(0), text(1))
            })
            .collect();
        let select = |from: String| format!("SELECT {} FROM {from}", columns.join(", "));
        let source = select(format!("read_csv('{}', nullstr = ['', 'NA'], header = true)", source.display()));
        let rows =
            readers.query(&format!("SELECT count(*) FROM ({source})")).expect("counted").rows[0][0].clone();
        for (form, reader) in [("parquet", "read_parquet"), ("csv", "read_csv"), ("jsonl", "read_ndjson")] {
            let ours = select(format!("{reader}('{}/*.{form}')", folder(form).display()));
            assert_eq!(rows_beside(&mut readers, &source, &ours), 0, "{stream} as {form}: rows are missing");
            assert_eq!(rows_beside(&mut readers, &ours, &source), 0, "{stream} as {form}: rows are more");
        }
        // The others see as many rows, in columns of these names.
        for peer in [Peer::Pyarrow, Peer::Polars] {
            for form in ["parquet", "arrow", "csv", "jsonl"] {
                let found = files(&folder(form), &format!(".{form}")).expect("listed");
                let table = readers.read(peer, form, &found).expect("whole files");
                assert_eq!(Some(table.rows.len().to_string()), rows, "{stream} as {form} by {peer:?}");
                assert_eq!(table.columns.len(), columns.len(), "{stream} as {form} by {peer:?}");
            }
        }
    }
}

#[test]
fn a_second_run_adds_what_is_new_to_every_form() {
    let mut readers = Readers::start().expect("the peers");
    let sandbox = nyc(json!({}));
    for (form, layout) in
        [("parquet", None), ("arrow", None), ("csv", None), ("csv", Some("file")), ("jsonl", Some("file"))]
    {
        let path = format!("{form}-{}", layout.unwrap_or("folder"));
        let options = layout.map_or(json!({}), |layout| json!({ "layout": layout }));
        let target = json!({"name": "lake", "type": form, "connection": {"path": path}, "options": options});
        sandbox.json("target.json", target);
        sandbox.write("nyc/airlines.csv", "carrier,name\nAA,American\nB6,\"Jet, Blue\"\n");
        let state = format!("{path}-state.json");
        sandbox.sync(&["--state", &state]).ok();
        sandbox.sync(&["--state", &state]).ok();
        sandbox.write("nyc/airlines.csv", "carrier,name\nAA,American\nB6,\"Jet, Blue\"\nXX,\n");
        sandbox.sync(&["--state", &state]).ok();
        let found = match layout {
            Some(_) => vec![sandbox.path(&path).join(format!("airlines.{form}"))],
            None => files(&sandbox.path(&path).join("airlines"), &format!(".{form}")).expect("listed"),
        };
        let mut rows = readers.read(Peer::Polars, form, &found).expect("whole files").rows;
        rows.sort();
        let text = |text: &str| Some(text.to_owned());
        let expected =
            [vec![text("AA"), text("American")], vec![text("B6"), text("Jet, Blue")], vec![text("XX"), None]];
        assert_eq!(rows, expected, "{path}");
    }
}
