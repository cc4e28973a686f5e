//! `bench` and `chaos`: programs of the workspace.

use anyhow::{Result, bail};
use std::process::ExitCode;

use crate::shell::program;
use crate::{dist, say, startup};

/// Runs the benchmarks that are named, or all of them; options are for `databases`.
pub(crate) fn bench(args: &[String]) -> Result<ExitCode> {
    const ALL: [&str; 4] = ["border", "singer", "startup", "databases"];
    let first_option = args.iter().position(|arg| arg.starts_with('-')).unwrap_or(args.len());
    let (names, options) = args.split_at(first_option);
    if let Some(unknown) = names.iter().find(|name| !ALL.contains(&name.as_str())) {
        bail!("no benchmark `{unknown}`; these are there: {}", ALL.join(", "));
    }
    if let (Some(option), false) = (options.first(), *names == ["databases"]) {
        bail!("`{option}` is an option of `cargo xtask bench databases` alone");
    }
    for name in ALL.into_iter().filter(|name| names.is_empty() || names.iter().any(|wanted| wanted == name)) {
        match name {
            "startup" => drop(startup::run()?),
            "databases" => return databases(options),
            _ => program("cargo bench --package dstream-core --bench").arg(name).run()?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whole syncs with databases, beside their peers: the last of the benchmarks, as it is the one that takes long.
fn databases(options: &[String]) -> Result<ExitCode> {
    let installed = dist::build(&[])?;
    let cargo = program("cargo run --release --package dstream-bench -- --dstreams")
        .arg(installed.join("bin"))
        .arg("--folder")
        .arg(dist::target().join("bench"))
        .args(options);
    Ok(if cargo.try_run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the kill campaign on the release binary and plugins; with `--bug`, on a binary that has the bug, and then
/// succeeds only where the campaign finds violations.
pub(crate) fn chaos(args: &[String]) -> Result<ExitCode> {
    if args.iter().any(|arg| arg == "--bug" || arg.starts_with("--bug=")) {
        return find_bug(args);
    }
    program("cargo build --release").run()?;
    let cargo = program("cargo run --release --package dstream-chaos --").args(args);
    Ok(if cargo.try_run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The binary with the bug has a folder of its own: nobody shall take it for the real one.
fn find_bug(args: &[String]) -> Result<ExitCode> {
    program("cargo build").run()?;
    program("cargo build --target-dir target/seeded --package dstream-cli --features seeded-bugs").run()?;
    let binary = format!("target/seeded/debug/dstreams{}", std::env::consts::EXE_SUFFIX);
    let cargo = program("cargo run --package dstream-chaos -- --binary").arg(binary).args(args);
    match cargo.code()? {
        Some(VIOLATIONS) => {
            say::line("the bug was found, as it has to be");
            Ok(ExitCode::SUCCESS)
        }
        Some(0) => bail!("the campaign did not find the bug: it has no teeth, or too few `--runs`"),
        _ => bail!("the campaign could not be carried out"),
    }
}

/// The exit code of a campaign that found something.
const VIOLATIONS: i32 = 1;
