//! `bench` and `chaos`: programs of the workspace.

use anyhow::{Result, bail};
use std::process::ExitCode;

use crate::shell::program;
use crate::{dist, startup};

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

/// Runs the kill campaign on the release binary and plugins; with `--bug` and `--bugs`, on ones that can have bugs.
pub(crate) fn chaos(args: &[String]) -> Result<ExitCode> {
    let wants_bugs = args.iter().any(|arg| arg == "--bugs" || arg == "--bug" || arg.starts_with("--bug="));
    // What can have bugs has a folder of its own: nobody shall take it for the real one.
    let how = match wants_bugs {
        true => "--target-dir target/seeded --features dstream-cli/seeded-bugs",
        false => "--release",
    };
    program(&format!("cargo build --workspace {how}")).run()?;
    let cargo = program(&format!("cargo run {how} --workspace --bin chaos --")).args(args);
    Ok(if cargo.try_run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
