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

fn fifty_kills(pair: Pair) {
    let request = Request { pair, seed: 20_240_229, kills: 50, until_violation: false };
    println!("cargo xtask chaos --pair {pair} --runs {} --seed {}", request.kills, request.seed);
    let figures = campaign(request).expect("the campaign can be carried out");
    println!("{figures}");
    assert!(figures.verdict.is_clean(), "{figures}");
    assert!(figures.kills >= 50);
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
