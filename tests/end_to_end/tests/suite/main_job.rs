//! The main job: files of comma-separated values into an SQLite file, and again when there is more.

use dstream_end_to_end::{Database, Sandbox, Value};
use serde_json::json;

use crate::nyc::{STREAMS, file_of, nyc, records, table};

#[test]
fn every_value_of_plain_and_compressed_files_arrives() {
    let sandbox = nyc(json!({}));
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    sandbox.sync(&["--catalog", "catalog.json", "--state", "state.json"]).ok();
    let mut values = 0;
    for stream in STREAMS {
        let (header, wanted) = records(&sandbox, stream);
        let found = table(&sandbox, stream, &header);
        assert_eq!(found.len(), wanted.len(), "{stream}");
        for (number, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
            for ((name, wanted), found) in header.iter().zip(wanted).zip(found) {
                assert!(is_same(wanted, found), "{stream} {number} {name}: `{wanted}` became {found:?}");
                values += 1;
            }
        }
    }
    println!("{values} values compared");
}

/// A value of the file is that of the table.
fn is_same(wanted: &str, found: &Value) -> bool {
    match found {
        Value::Null => wanted.is_empty() || wanted == "NA",
        Value::Integer(number) => wanted == number.to_string(),
        Value::Real(number) => wanted.parse::<f64>().is_ok_and(|wanted| wanted.to_bits() == number.to_bits()),
        Value::Text(text) => {
            let is_time = || wanted.strip_suffix('Z').is_some_and(|time| format!("{time}.000000Z") == *text);
            wanted == text || is_time()
        }
        Value::Blob(_) => false,
    }
}

#[test]
fn a_second_sync_moves_only_what_is_new() {
    let sandbox = nyc(json!({}));
    let report = |more: &[&str]| {
        let mut args = vec!["--state", "state.json", "--report", "report.json"];
        args.extend(more);
        sandbox.sync(&args).ok();
        let report = sandbox.read_json("report.json");
        let streams = report["streams"].as_array().expect("streams").clone();
        let rows = |stream: &serde_json::Value| {
            (stream["stream"].as_str().unwrap_or_default().to_owned(), stream["committed_rows"].as_u64())
        };
        streams.iter().map(rows).filter(|(_, rows)| *rows != Some(0)).collect::<Vec<_>>()
    };
    let first = report(&[]);
    assert_eq!(first.len(), STREAMS.len());
    assert_eq!(report(&[]), []);

    sandbox.append("nyc/airlines.csv", "ZZ,\"Zeppelin, Zürich\"\n");
    sandbox.write("nyc/seats.csv", "id,row\n1,A\n2,B\n");
    assert_eq!(report(&[]), [("airlines".to_owned(), Some(1)), ("seats".to_owned(), Some(2))]);
    let database = Database::open(&sandbox.path("out.db"));
    let last = database.rows("SELECT carrier, name FROM airlines ORDER BY rowid DESC LIMIT 1");
    assert_eq!(last, [[Value::Text("ZZ".into()), Value::Text("Zeppelin, Zürich".into())]]);
    assert_eq!((database.count("airlines"), database.count("seats")), (17, 2));

    // A compressed file grows by a further part.
    let (_, flights) = records(&sandbox, "flights");
    gzip_append(&sandbox, &file_of(&sandbox, "flights"), &format!("{}\n", flights[0].join(",")));
    assert_eq!(report(&[]), [("flights".to_owned(), Some(1))]);
    let count = i64::try_from(flights.len()).expect("a number of rows");
    assert_eq!(Database::open(&sandbox.path("out.db")).count("flights"), count + 1);
}

fn gzip_append(sandbox: &Sandbox, name: &str, text: &str) {
    use std::io::Write;
    let file = std::fs::File::options().append(true).open(sandbox.path(name)).expect("the file is there");
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packed.write_all(text.as_bytes()).expect("a part");
    packed.finish().expect("the end of a part");
}

#[test]
fn without_a_catalog_the_globs_of_the_config_select() {
    let sandbox = nyc(json!({"streams": ["air*", "planes"]}));
    sandbox.sync(&[]).ok();
    let database = Database::open(&sandbox.path("out.db"));
    assert_eq!(database.tables(), ["airlines", "airports", "planes"]);

    let sandbox = nyc(json!({"streams": ["air*", "trains"]}));
    let error = sandbox.sync(&[]).fails(3);
    assert!(error.contains("`trains` names no stream"), "{error}");
    assert!(!sandbox.path("out.db").exists(), "nothing is written");
}

#[test]
fn streams_of_the_command_line_are_taken_of_those_that_are_selected() {
    let sandbox = nyc(json!({}));
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    sandbox.run(&["catalog", "deselect", "catalog.json", "planes", "airports.l*"]).ok();
    sandbox.sync(&["--catalog", "catalog.json", "--streams", "air*"]).ok();
    let database = Database::open(&sandbox.path("out.db"));
    assert_eq!(database.tables(), ["airlines", "airports"]);
    let columns = database.rows("SELECT name FROM pragma_table_info('airports')");
    assert_eq!(columns.len(), 6, "without lat and lon: {columns:?}");
    let error = sandbox.sync(&["--catalog", "catalog.json", "--streams", "planes"]).fails(3);
    assert!(error.contains("`planes` names no stream in what is selected"), "{error}");
}

#[test]
fn a_limit_holds_for_every_stream_and_a_full_refresh_begins_again() {
    let sandbox = nyc(json!({"streams": ["airlines", "airports"]}));
    let counts = || {
        let database = Database::open(&sandbox.path("out.db"));
        (database.count("airlines"), database.count("airports"))
    };
    sandbox.sync(&["--state", "state.json", "--limit", "10"]).ok();
    assert_eq!(counts(), (10, 10));
    let run = sandbox.sync(&["--state", "state.json", "--limit", "10"]).ok();
    assert_eq!(counts(), (16, 20), "the second run goes on where the first ended");
    let ends = |stream: &str, status: &str| {
        run.stderr.lines().any(|line| line.starts_with(stream) && line.trim_end().ends_with(status))
    };
    assert!(ends("airlines", "complete") && ends("airports", "limited"), "{run}");
    sandbox.sync(&["--state", "state.json"]).ok();
    assert_eq!(counts(), (16, 1458));
    let run = sandbox.sync(&["--state", "state.json", "--full-refresh"]).ok();
    assert!(run.stderr.contains("note: `airlines`: starts over, as asked with `--full-refresh`"), "{run}");
    assert_eq!(counts(), (16, 1458), "a copy takes the place of the one before");
    sandbox.sync(&["--state", "state.json"]).ok();
    assert_eq!(counts(), (16, 1458));
}

#[test]
fn the_report_says_what_was_done() {
    let sandbox =
        nyc(json!({"streams": ["airlines"], "options": {"key_properties": {"airlines": ["carrier"]}}}));
    sandbox.sync(&["--report", "report.json"]).ok();
    let report = sandbox.read_json("report.json");
    assert_eq!((&report["pipeline"], &report["interrupted"]), (&json!("nyc/local"), &json!(false)));
    assert_eq!(report["run"].as_str().map(str::len), Some(32));
    assert!(report["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
    let wanted = json!({
        "stream": "airlines", "table": "airlines", "write_mode": "upsert", "generation": 1, "status": "complete",
        "read_rows": 16, "read_bytes": report["streams"][0]["read_bytes"], "committed_rows": 16,
    });
    assert_eq!(report["streams"], json!([wanted]));

    let error = sandbox.sync(&["--report", "no/folder/report.json", "--full-refresh"]).fails(3);
    assert!(error.contains("`no/folder/report.json` cannot be written"), "{error}");
}

#[test]
fn a_summary_is_shown_at_the_end_and_quiet_leaves_it_out() {
    let sandbox = nyc(json!({"streams": ["airlines"]}));
    let run = sandbox.sync(&[]).ok();
    assert_eq!(run.stdout, "");
    let lines: Vec<&str> = run.stderr.lines().collect();
    let words: Vec<Vec<&str>> = lines.iter().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["stream", "table", "mode", "rows", "rows/s", "MB/s", "committed", "status"]);
    assert_eq!(words[1][..4], ["airlines", "airlines", "overwrite", "16"]);
    assert_eq!(words[1][6..], ["16", "complete"]);
    assert!(lines[2].starts_with("16 rows committed in "), "{run}");

    let run = sandbox.sync(&["--quiet"]).ok();
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
}

#[test]
fn explain_promises_and_moves_nothing() {
    let sandbox = nyc(json!({"streams": ["airlines", "airports"]}));
    let run = sandbox.sync(&["--explain", "--state", "state.json"]).ok();
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "airlines → airlines (INCREMENTAL, overwrite the first time, then append)");
    assert!(lines[1].starts_with("  exactly once: the tap reads on exactly"), "{run}");
    assert_eq!(lines[2], "  not seen: records that are changed or deleted after they were read");
    assert_eq!(lines.len(), 6);
    assert!(!sandbox.path("out.db").exists() && !sandbox.path("state.json").exists(), "{run}");
}

#[test]
fn the_way_rows_enter_a_table_is_the_users() {
    let sandbox =
        nyc(json!({"streams": ["airlines"], "options": {"key_properties": {"airlines": ["carrier"]}}}));
    let sync = |mode: &str| {
        sandbox.json(
            "target.json",
            json!({
                "name": "local", "type": "sqlite", "connection": {"path": format!("{mode}.db")},
                "options": {"write_mode": mode},
            }),
        );
        sandbox.sync(&[])
    };
    let names = |mode: &str| {
        let database = Database::open(&sandbox.path(&format!("{mode}.db")));
        (database.count("airlines"), database.number("SELECT count(DISTINCT name) FROM airlines"))
    };
    for mode in ["append", "upsert", "overwrite"] {
        sync(mode).ok();
        assert_eq!(names(mode), (16, 16), "{mode}");
    }
    let text = sandbox.read("nyc/airlines.csv");
    sandbox.write(
        "nyc/airlines.csv",
        text.replace("American Airlines Inc.", "American").replace("VX,Virgin America\n", ""),
    );
    let run = sync("append").ok();
    assert!(run.stderr.contains("those of an earlier copy stay and stand twice"), "{run}");
    assert_eq!(names("append"), (31, 17));
    sync("upsert").ok();
    assert_eq!(names("upsert"), (16, 16), "one is changed, one that is gone stays");
    sync("overwrite").ok();
    assert_eq!(names("overwrite"), (15, 15));

    let error = sync("replace").fails(3);
    assert!(error.contains("`options.write_mode` does not take `replace`"), "{error}");
    assert!(error.contains("`append`, `upsert`, `overwrite`"), "{error}");
    sandbox
        .json("tap.json", json!({"name": "nyc", "type": "csv", "connection": {"path": "nyc/airlines.csv"}}));
    let error = sync("upsert").fails(3);
    assert!(error.contains("upsert needs a key") && error.contains("catalog set"), "{error}");
}

#[test]
fn a_template_names_the_tables_and_two_streams_in_one_are_refused_before_anything_is_written() {
    let sandbox = nyc(json!({"streams": ["air*"]}));
    let sync = |template: &str| {
        sandbox.json("target.json", json!({
            "name": "local", "type": "sqlite", "connection": {"path": "out.db"}, "options": {"table": template},
        }));
        sandbox.sync(&[])
    };
    let error = sync("all").fails(3);
    assert!(error.contains("`airlines` and `airports` would both be written to table `all`"), "{error}");
    assert!(!sandbox.path("out.db").exists());
    let error = sync("{schema}_{table}").fails(3);
    assert!(error.contains("no part before a dot") && error.contains("`{stream}`"), "{error}");
    let error = sync("{tabel}").fails(3);
    assert!(error.contains("no placeholder `{tabel}`"), "{error}");
    assert!(!sandbox.path("out.db").exists());
    sync("raw_{table}_{stream}").ok();
    let tables = Database::open(&sandbox.path("out.db")).tables();
    assert_eq!(tables, ["raw_airlines_airlines", "raw_airports_airports"]);
}

#[test]
fn files_of_two_years_are_two_tables_by_their_whole_names() {
    let sandbox = Sandbox::usual();
    sandbox.write("files/orders.2023.csv", "id\n1\n");
    sandbox.write("files/orders.2024.csv", "id\n1\n2\n");
    sandbox.json("tap.json", json!({"name": "t", "type": "csv", "connection": {"path": "files"}}));
    sandbox.json("target.json", json!({"name": "o", "type": "sqlite", "connection": {"path": "out.db"}}));
    sandbox.sync(&[]).ok();
    let database = Database::open(&sandbox.path("out.db"));
    assert_eq!(database.tables(), ["orders_2023", "orders_2024"]);
    assert_eq!(database.count("orders_2024"), 2);
}

#[test]
fn json_lines_are_moved_as_well() {
    let sandbox = Sandbox::usual();
    sandbox.write(
        "files/events.jsonl",
        "{\"id\": 1, \"tags\": [\"a\", \"b\"], \"at\": \"2024-02-29T12:00:00Z\"}\n{\"id\": 2, \"note\": {\"n\": 1.5}}\n",
    );
    sandbox.json("tap.json", json!({"name": "t", "type": "jsonl", "connection": {"path": "files"}}));
    sandbox.json("target.json", json!({"name": "o", "type": "sqlite", "connection": {"path": "out.db"}}));
    sandbox.sync(&["--state", "state.json"]).ok();
    sandbox.append("files/events.jsonl", "{\"id\": 3, \"tags\": []}\n");
    sandbox.sync(&["--state", "state.json"]).ok();
    let rows =
        Database::open(&sandbox.path("out.db")).rows("SELECT id, tags, at, note FROM events ORDER BY id");
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(
        rows,
        [
            [Value::Integer(1), text("[\"a\",\"b\"]"), text("2024-02-29T12:00:00Z"), Value::Null],
            [Value::Integer(2), Value::Null, Value::Null, text("{\"n\":1.5}")],
            [Value::Integer(3), text("[]"), Value::Null, Value::Null],
        ]
    );
}
