//! `bench` and `chaos`: programs of the workspace, built in release.

use anyhow::Result;
use std::process::ExitCode;

use crate::shell::program;

/// Runs the benchmarks; names select.
pub(crate) fn bench(names: &[String]) -> Result<ExitCode> {
    let mut cargo = program("cargo bench --workspace --benches --exclude xtask --features dstream-abi/host");
    if let Some((first, rest)) = names.split_first() {
        cargo = program("cargo bench --package dstream-abi --features host").arg("--bench").arg(first);
        for name in rest {
            cargo = cargo.arg(name);
        }
    }
    cargo.run()?;
    Ok(ExitCode::SUCCESS)
}

/// Runs the kill campaign on the release binary and plugins.
pub(crate) fn chaos(args: &[String]) -> Result<ExitCode> {
    program("cargo build --release").run()?;
    let mut cargo = program("cargo run --release --package dstream-chaos --");
    for arg in args {
        cargo = cargo.arg(arg);
    }
    cargo.run()?;
    Ok(ExitCode::SUCCESS)
}
