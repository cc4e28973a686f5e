//! A run that wakes up after a newer one, and two runs at once.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // helpers of tests; seeds and figures
#![cfg(unix)]

use dstream_chaos::fencing::{Request, sleepers, two_at_once};
use dstream_chaos::pair::Pair;
use dstream_chaos::subject::Subject;
use std::time::Duration;

fn subject() -> Subject {
    let built = Subject::built_folder().unwrap();
    Subject::new(&built.join("dstreams"), &built, None).unwrap()
}

fn sleep(pair: Pair, seconds: u64) {
    let request = Request { pair, seed: 20_240_229, trials: 10, limit: Duration::from_secs(seconds) };
    let figures = sleepers(&subject(), request).unwrap();
    println!("{pair}: {figures}");
    assert!(figures.verdict.is_clean(), "{figures}");
    assert!(figures.trials > 0, "{figures}");
}

#[test]
fn a_run_from_files_that_slept_while_another_took_over_commits_nothing() {
    sleep(Pair::CsvPg, 30);
}

#[test]
fn a_run_from_tables_that_slept_while_another_took_over_commits_nothing() {
    sleep(Pair::PgPgUpsert, 30);
}

#[test]
fn a_run_to_objects_that_slept_while_another_took_over_commits_nothing() {
    sleep(Pair::ParquetS3, 15);
}

#[test]
fn of_two_runs_at_once_the_second_says_who_is_at_work() {
    two_at_once(&subject(), Pair::CsvPg, 1).unwrap();
}
