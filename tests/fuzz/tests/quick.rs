//! The quick profile: samples with changes. `cargo xtask fuzz` is the full one.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // helpers of tests; seeds

use dstream_fuzz::{Mutation, SAMPLES_OF_CSV, SAMPLES_OF_ENTRIES, SAMPLES_OF_JSON, csv, entry, jsonl};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Files of one test, at most, and how long it takes, at most.
const FILES: u64 = 20_000;
const LIMIT: Duration = Duration::from_secs(10);

/// Calls a harness with made-up files. `DSTREAMS_SEED` repeats the first of them.
fn run(harness: fn(&[u8]), samples: &[&[u8]]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let first = std::env::var("DSTREAMS_SEED").map_or(now, |seed| seed.parse().unwrap());
    samples.iter().for_each(|sample| harness(sample));
    let until = Instant::now() + LIMIT;
    let seeds = (0..FILES).map(|n| first.wrapping_add(n)).take_while(|_| Instant::now() < until);
    for seed in seeds {
        println!("DSTREAMS_SEED={seed}");
        harness(&Mutation::of_seed(seed).next(samples));
    }
}

#[test]
fn csv_gives_the_same_records_however_it_is_read() {
    run(csv, SAMPLES_OF_CSV);
}

#[test]
fn json_gives_the_same_records_however_it_is_read() {
    run(jsonl, SAMPLES_OF_JSON);
}

#[test]
fn an_entry_of_a_log_is_read_as_it_was_written_or_refused() {
    run(entry, SAMPLES_OF_ENTRIES);
}
