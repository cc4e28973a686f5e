//! What is done to this repository: `cargo xtask demo`, `test`, `dist`, `bench`, `chaos`, `fuzz`.

use anyhow::{Result, bail};
use std::process::ExitCode;

mod checks; // the steps of `test`
mod demo; // the main job on real data
mod dispatch; // `bench`, `chaos`: programs of the workspace, in release
mod dist; // a folder that runs anywhere
mod fuzz; // files that are made up
mod packages; // packages of the system that the tests need
mod postgres; // the server that the tests share
mod say; // the one place that prints
mod shell; // programs, and what became of them
mod startup; // how long the smallest things take

const HELP: &str = "\
cargo xtask <COMMAND>

  demo             build dstreams, move real data from CSV into SQLite, show it, move only what is new
  test [STEP…]     every check and test of the repository, set-up included
  dist             target/dist/dstreams: binary, plugins and header, to be copied anywhere
  bench [NAME…]    `border`: the cost of passing a batch; `singer`: of its messages; `startup`: of a process;
                   `databases`, `files`: whole syncs beside their peers (`cargo xtask bench files --help`); `memory`:
                   much data, large fields, many files and streams
  chaos [--pair X] kill a sync at random moments, stop servers under it, and count what is lost or doubled; with
                   `--network` break its connections, with `--bugs` find every bug that is planted
  fuzz [NAME…]     files that are made up, ten minutes (`--minutes N`) for each of `csv`, `jsonl`, `entry`";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    match run(&command, &rest) {
        Ok(code) => code,
        Err(error) => {
            say::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str, rest: &[String]) -> Result<ExitCode> {
    // Every path below is one of the repository.
    std::env::set_current_dir(shell::root())?;
    match command {
        "demo" => demo::run(),
        "test" => checks::run(rest),
        "dist" => dist::run(),
        "bench" => dispatch::bench(rest),
        "chaos" => dispatch::chaos(rest),
        "fuzz" => fuzz::run(rest),
        "" | "help" | "-h" | "--help" => {
            say::line(HELP);
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("no command `{other}`; these are there:\n\n{HELP}"),
    }
}
