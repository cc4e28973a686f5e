//! What it costs to hand one batch from a tap to a target across two borders, beside arrow-rs export plus import, Arrow IPC
//! and JSON lines, in the same run. Every figure comes from calls whose results are checked.
#![allow(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]
// Every pointer in here comes from the host of this very program, through the calls of dstream.h.
#![allow(clippy::undocumented_unsafe_blocks)]

mod engine; // the host's part
mod measure; // median and quartiles
mod others; // other ways
mod tables; // a library without work of its own

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use dstream_abi::import::Validation;
use std::sync::Arc;

/// Half int64, half short text.
fn records(columns: usize, rows: usize) -> RecordBatch {
    let ints: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows as i64).map(|row| row * 7)));
    let texts: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("value {row}"))));
    let columns =
        (0..columns).map(|at| (format!("c{at}"), if at % 2 == 0 { ints.clone() } else { texts.clone() }));
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Cells beyond which copying ways take minutes and say nothing new.
const MANY: usize = 20_000_000;
/// The host's whole part at 16 columns.
const GOAL_NS: f64 = 1000.0;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    println!("ns per batch: median (first..third quartile); half of the columns int64, half utf8");
    println!(
        "{:>7} {:>9} {:>22} {:>22} {:>30} {:>26} {:>34} {:>40}",
        "columns",
        "rows",
        "border",
        "in a run",
        "border, every value",
        "arrow-rs export+import",
        "arrow ipc",
        "json lines"
    );
    let mut worst: f64 = 0.0;
    for columns in [1, 16, 200] {
        for rows in [1_000, 10_000, 100_000, 1_000_000] {
            let records = records(columns, rows);
            let cells = columns * rows;
            let border = engine::border(&records, Validation::Structural);
            if columns == 16 {
                worst = worst.max(border.median_ns);
            }
            let run = engine::pipeline(&records, if quick { 100 } else { 100_000 });
            let full = engine::border(&records, Validation::Full);
            let arrow = others::export_and_import(&records);
            let ipc = (cells <= MANY).then(|| others::ipc(&records));
            let json = (cells < MANY).then(|| others::json_lines(&records));
            let text = |cost: Option<measure::Cost>| cost.map_or("-".into(), |cost| cost.to_string());
            println!(
                "{columns:>7} {rows:>9} {border:>22} {run:>22} {full:>30} {arrow:>26} {:>34} {:>40}",
                text(ipc),
                text(json)
            );
            if quick {
                return;
            }
        }
    }
    println!("goal: {GOAL_NS:.0} ns at the border for 16 columns; the worst median there is {worst:.0} ns");
    assert!(worst < GOAL_NS, "the goal is missed");
}
