//! `bench` and `chaos`: programs of the workspace.

use anyhow::{Result, bail};
use std::process::ExitCode;

use crate::shell::{program, program_at};
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
    let (build, folder) = match wants_bugs {
        // A folder of its own: nobody shall take it for the real one.
        true => {
            let build = program("cargo build --workspace --features dstream-cli/seeded-bugs --target-dir");
            (build.arg(dist::target().join("seeded")), "seeded/debug")
        }
        false => (program("cargo build --workspace --release"), "release"),
    };
    build.run()?;
    let chaos = format!("chaos{}", std::env::consts::EXE_SUFFIX);
    let campaign = program_at(&dist::target().join(folder).join(chaos)).args(args);
    Ok(if campaign.try_run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
