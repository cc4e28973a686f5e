//! `fuzz`: files that are made up by libFuzzer, which sees what they reach.

use anyhow::{Context, Result, bail};
use std::fs;
use std::process::ExitCode;

use crate::dist;
use crate::say;
use crate::shell::program;

const ALL: [&str; 3] = ["csv", "jsonl", "entry"];
/// Bytes of a file: more take longer and find nothing else.
const MAX_BYTES: u32 = 2048;

/// Runs the harnesses that are named, or all of them, each for so many minutes.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let (mut names, mut minutes) = (Vec::new(), 10);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--minutes" => {
                let given = args.next().context("`--minutes` needs a number")?;
                minutes = given.parse::<u64>().with_context(|| format!("`{given}` is no number"))?;
            }
            name if ALL.contains(&name) => names.push(name),
            other => bail!("no harness `{other}`; these are there: {}", ALL.join(", ")),
        }
    }
    if !program("rustup run nightly cargo --version").exists() {
        say::line("a nightly compiler is not installed yet: this takes some minutes, once");
        program("rustup toolchain install nightly --profile minimal").run()?;
    }
    if !program("cargo fuzz --version").exists() {
        say::line("cargo-fuzz is not installed yet: this takes some minutes, once");
        program("cargo install cargo-fuzz --locked").run()?;
    }
    for name in ALL.into_iter().filter(|name| names.is_empty() || names.contains(name)) {
        // What was found stays: the next run begins with it.
        let corpus = dist::target().join("fuzz/corpus").join(name);
        fs::create_dir_all(&corpus)?;
        program("cargo run --quiet --package dstream-fuzz --").arg(name).arg(&corpus).run()?;
        // The code is safe: a sanitizer would only make it slower.
        program(
            "rustup run nightly cargo fuzz run --fuzz-dir tests/fuzz/libfuzzer --sanitizer none --target-dir",
        )
        .arg(dist::target().join("fuzz/build"))
        .arg(name)
        .arg(&corpus)
        .arg("--")
        .arg(format!("-max_total_time={}", minutes * 60))
        .arg(format!("-max_len={MAX_BYTES}"))
        .arg("-print_final_stats=1")
        .run()?;
        say::line(&format!("{name}: {minutes} minutes without a finding"));
    }
    Ok(ExitCode::SUCCESS)
}
