//! Rows a second into a file: `cargo run --release -p dstream-sqlite --example measure -- [rows] [append|upsert]`.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use dstream_sdk::*;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

const BATCH_ROWS: i64 = 65_536;
const WINDOW_BATCHES: i64 = 16;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rows: i64 = arguments.next().map_or(4_000_000, |rows| rows.parse().unwrap());
    let write_mode = match arguments.next().as_deref() {
        Some("upsert") => WriteMode::Upsert,
        _ => WriteMode::Append,
    };
    for buffer_bytes in [0, 16 << 20, u64::MAX] {
        let folder = tempfile::tempdir().unwrap();
        let config = json!({
            "name": "out", "type": "sqlite", "connection": {"path": folder.path().join("out.db")},
        });
        let context = Context::detached(Arc::default());
        let target =
            dstream_sqlite::SqliteTarget::open(context.clone(), serde_json::from_value(config).unwrap())?;
        let begun = target.begin(&Pipeline { pipeline: "p".into(), run: "r".into() })?;
        let plan = StreamPlan {
            stream: "t".into(),
            table: "t".into(),
            write_mode,
            write_mode_is_explicit: false,
            key_properties: vec!["id".into()],
            replication_method: ReplicationMethod::FullTable,
            generation: 1,
            resumed: false,
        };
        let mut writer = target.open_writer(
            context,
            WriteRequest {
                pipeline: "p".into(),
                epoch: begun.epoch,
                partition: "t".into(),
                streams: vec![plan],
                buffer_bytes,
            },
        )?;
        writer.declare(0, 1, batch(0).schema())?;
        let batches: Vec<RecordBatch> = (0..rows / BATCH_ROWS).map(batch).collect();
        let started = Instant::now();
        for (sequence, window) in (1..).zip(batches.chunks(WINDOW_BATCHES as usize)) {
            for batch in window {
                writer.write(0, 1, batch.clone().into())?;
            }
            let prepared = writer.prepare(sequence)?;
            target.commit(&Commit {
                pipeline: "p".into(),
                epoch: begun.epoch,
                windows: vec![CommitWindow { window: sequence, partition: "t".into(), prepared }],
                records: vec![CommitRecord { key: "t".into(), sequence, value: json!(sequence) }],
                publish: vec![],
            })?;
        }
        let seconds = started.elapsed().as_secs_f64();
        println!("{write_mode}, {buffer_bytes} bytes kept: {:.0} rows/s", rows as f64 / seconds);
    }
    Ok(())
}

/// Four narrow columns.
fn batch(number: i64) -> RecordBatch {
    let ids = number * BATCH_ROWS..(number + 1) * BATCH_ROWS;
    let columns: [(&str, ArrayRef); 4] = [
        ("id", Arc::new(Int64Array::from_iter_values(ids.clone()))),
        ("price", Arc::new(Float64Array::from_iter_values(ids.clone().map(|id| id as f64 * 0.25)))),
        (
            "name",
            Arc::new(StringArray::from_iter_values(ids.clone().map(|id| format!("name {}", id % 1000)))),
        ),
        ("count", Arc::new(Int64Array::from_iter_values(ids.map(|id| id % 7)))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}
