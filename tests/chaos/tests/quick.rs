//! The campaigns in the test run, on what cargo has built.
#![allow(clippy::print_stdout)] // seeds and figures

use anyhow::Result;
use dstream_chaos::campaign::{Request, run};
use dstream_chaos::figures::Figures;
use dstream_chaos::pair::Pair;
use dstream_chaos::subject::Subject;

fn campaign(request: Request) -> Result<Figures> {
    let built = Subject::built_folder()?;
    let subject =
        Subject::new(&built.join(format!("dstreams{}", std::env::consts::EXE_SUFFIX)), &built, None)?;
    run(&subject, request)
}

fn kills(pair: Pair, kills: u64) -> Figures {
    let request = Request { pair, seed: 20_240_229, kills, until_violation: false };
    println!("cargo xtask chaos --pair {pair} --runs {} --seed {}", request.kills, request.seed);
    let figures = campaign(request).expect("the campaign can be carried out");
    println!("{figures}");
    assert!(figures.verdict.is_clean(), "{figures}");
    assert!(figures.kills >= kills);
    figures
}

fn fifty_kills(pair: Pair) {
    kills(pair, 50);
}

/// Files are read while they are written.
fn thirty_kills_beside_a_reader(pair: Pair) {
    let figures = kills(pair, 30);
    assert!(figures.looks > figures.kills, "{figures}");
}

#[test]
fn fifty_kills_from_files_to_sqlite_lose_double_and_alter_nothing() {
    fifty_kills(Pair::CsvSqlite);
}

#[test]
fn fifty_kills_from_postgres_to_postgres_lose_double_and_alter_nothing() {
    fifty_kills(Pair::PgPgUpsert);
}

#[test]
fn fifty_kills_while_rows_are_appended_lose_double_and_alter_nothing() {
    fifty_kills(Pair::PgPgAppend);
}

#[test]
fn fifty_kills_from_postgres_to_sqlite_lose_double_and_alter_nothing() {
    fifty_kills(Pair::PgSqlite);
}

#[test]
fn fifty_kills_from_sqlite_to_postgres_lose_double_and_alter_nothing() {
    fifty_kills(Pair::SqlitePg);
}

#[test]
fn fifty_kills_from_files_to_postgres_lose_double_and_alter_nothing() {
    fifty_kills(Pair::CsvPg);
}

#[test]
fn thirty_kills_from_files_to_parquet_lose_double_and_alter_nothing() {
    thirty_kills_beside_a_reader(Pair::CsvParquet);
}

#[test]
fn thirty_kills_from_files_to_json_lines_lose_double_and_alter_nothing() {
    thirty_kills_beside_a_reader(Pair::CsvJsonl);
}

#[test]
fn thirty_kills_from_files_to_objects_lose_double_and_alter_nothing() {
    thirty_kills_beside_a_reader(Pair::ParquetS3);
}
