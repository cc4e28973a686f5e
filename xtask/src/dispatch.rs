//! `bench` and `chaos`: programs of the workspace.

use anyhow::{Result, bail};
use std::process::ExitCode;

use crate::shell::{program, program_at};
use crate::{dist, startup};

/// Runs the benchmarks that are named, or all of them; options are for whole syncs.
pub(crate) fn bench(args: &[String]) -> Result<ExitCode> {
    const ALL: [&str; 6] = ["border", "singer", "startup", "databases", "files", "memory"];
    const SYNCS: [&str; 3] = ["databases", "files", "memory"];
    let first_option = args.iter().position(|arg| arg.starts_with('-')).unwrap_or(args.len());
    let (names, options) = args.split_at(first_option);
    if let Some(unknown) = names.iter().find(|name| !ALL.contains(&name.as_str())) {
        bail!("no benchmark `{unknown}`; these are there: {}", ALL.join(", "));
    }
    let has_options = matches!(names, [name] if SYNCS.contains(&name.as_str()));
    if let (Some(option), false) = (options.first(), has_options) {
        bail!("`{option}` is an option of one of {} alone", SYNCS.join(", "));
    }
    let mut met = true;
    for name in ALL.into_iter().filter(|name| names.is_empty() || names.iter().any(|wanted| wanted == name)) {
        match name {
            "startup" => drop(startup::run()?),
            suite if SYNCS.contains(&suite) => met &= syncs(suite, options)?,
            _ => program("cargo bench --package dstream-core --bench").arg(name).run()?,
        }
    }
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whole syncs, beside their peers: the last of the benchmarks, as they take long.
fn syncs(suite: &str, options: &[String]) -> Result<bool> {
    let installed = dist::build(&[])?;
    let cargo = program("cargo run --release --package dstream-bench --")
        .arg(suite)
        .arg("--dstreams")
        .arg(installed.join("bin"))
        .arg("--folder")
        .arg(dist::target().join("bench"))
        .args(options);
    cargo.try_run()
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
