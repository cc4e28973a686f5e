//! `test`: every check and test of the repository, one step after the other, and a summary.

use anyhow::{Result, bail};
use std::process::ExitCode;
use std::time::Instant;

use crate::postgres::TestServer;
use crate::shell::{Program, program};
use crate::{packages, say};

/// What a step did.
enum Outcome {
    Passed,
    Failed,
    /// With the reason.
    Skipped(String),
}

type Step = (&'static str, fn() -> Result<Outcome>);

/// The quick ones first: what fails often should fail early.
const STEPS: [Step; 9] = [
    ("format", || all(["cargo fmt --all -- --check"])),
    ("clippy", || all(["cargo clippy --workspace --all-targets --all-features -- --deny warnings"])),
    ("deny", deny),
    ("docs", docs),
    ("build", || all(["cargo build --workspace --all-features"])),
    ("tests", tests),
    ("doctests", || all(["cargo test --workspace --all-features --doc"])),
    ("vendor", vendor),
    ("miri", miri),
];

/// Runs the steps that are named, or all of them.
pub(crate) fn run(wanted: &[String]) -> Result<ExitCode> {
    if let Some(unknown) = wanted.iter().find(|name| STEPS.iter().all(|(step, _)| step != name)) {
        let names: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
        bail!("no step `{unknown}`; these are there: {}", names.join(", "));
    }
    let mut summary = Vec::new();
    for (name, step) in STEPS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name))
    {
        say::step(name);
        let start = Instant::now();
        let outcome = step().unwrap_or_else(|error| {
            say::error(&format!("{error:#}"));
            Outcome::Failed
        });
        summary.push((name, outcome, start.elapsed()));
    }
    say::step("summary");
    let mut failed = false;
    for (name, outcome, took) in summary {
        let said = match outcome {
            Outcome::Passed => "passed".to_owned(),
            Outcome::Skipped(reason) => format!("skipped: {reason}"),
            Outcome::Failed => {
                failed = true;
                "FAILED".to_owned()
            }
        };
        say::line(&format!("{name:<10}{:>7.1} s  {said}", took.as_secs_f64()));
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Passes when every one of the programs does; all are run.
fn all<const N: usize>(lines: [&str; N]) -> Result<Outcome> {
    let mut outcome = Outcome::Passed;
    for line in lines {
        outcome = fold(outcome, program(line))?;
    }
    Ok(outcome)
}

fn fold(outcome: Outcome, program: Program) -> Result<Outcome> {
    Ok(if program.try_run()? { outcome } else { Outcome::Failed })
}

/// Licences, sources and the arrows between crates; advisories where their database can be reached.
fn deny() -> Result<Outcome> {
    if !program("cargo deny --version").exists() {
        say::line("cargo-deny is not installed yet: this takes some minutes, once");
        program("cargo install cargo-deny --locked").run()?;
    }
    // A database that cannot be reached is told from a finding first: it fails no change.
    if program("cargo deny --log-level error fetch db").try_run()? {
        return all(["cargo deny --log-level warn check --hide-inclusion-graph --allow unused-wrapper"]);
    }
    say::line("the database of advisories cannot be reached: advisories are NOT checked");
    let rest = "cargo deny --log-level warn check --hide-inclusion-graph --allow unused-wrapper bans licenses sources";
    all([rest])
}

fn docs() -> Result<Outcome> {
    let docs = program("cargo doc --workspace --no-deps --document-private-items");
    fold(Outcome::Passed, docs.env("RUSTDOCFLAGS", "--deny warnings"))
}

/// Every test but those in documentation.
fn tests() -> Result<Outcome> {
    // Tests run the program and the libraries as files, which another build may have replaced since (`chaos --bug`).
    program("cargo build --workspace --all-features").run()?;
    let mut tests = if program("cargo nextest --version").exists() {
        program("cargo nextest run --workspace --all-features --no-fail-fast")
    } else {
        say::line("cargo-nextest is not installed: `cargo test` runs the same tests, more slowly");
        program("cargo test --workspace --all-features --lib --bins --tests --examples --no-fail-fast")
    };
    if cfg!(target_os = "linux") && !program("strace -V").exists() {
        packages::install("strace", "there is no `strace`, which shows what a run writes to disk")?;
    }
    if !program("python3 -c").arg("import ensurepip").exists() {
        packages::install("python3-venv", "there is no `venv` of Python, where the readers of files live")?;
    }
    say::line("pyarrow, DuckDB and Polars are installed into a folder of their own, once");
    let python = dstream_peers::install()?;
    tests = tests.env(dstream_peers::PYTHON, &python.to_string_lossy());
    let server = TestServer::start()?;
    if let Some((name, value)) = server.environment() {
        tests = tests.env(name, &value);
    }
    fold(Outcome::Passed, tests)
}

/// The vendor's crate stands outside of the workspace and sees the SDK alone.
fn vendor() -> Result<Outcome> {
    let manifest = "examples/vendor-crate/Cargo.toml";
    if !std::path::Path::new(manifest).exists() {
        return Ok(Outcome::Skipped(format!("there is no {manifest} yet")));
    }
    fold(
        Outcome::Passed,
        program("cargo test --target-dir target/vendor-crate --manifest-path").arg(manifest),
    )
}

/// Undefined behaviour and leaks where the `unsafe` is: the border, in process, as it should be used and as it should not.
fn miri() -> Result<Outcome> {
    let miri = || program("rustup run nightly cargo miri --version").exists();
    if !miri() {
        if !program("rustup --version").exists() {
            return Ok(Outcome::Skipped("Miri comes with rustup, which is not installed".into()));
        }
        say::line("Miri is not installed yet: rustup fetches it, once");
        let install =
            "rustup toolchain install nightly --profile minimal --component miri --component rust-src";
        if !program(install).try_run()? || !miri() {
            return Ok(Outcome::Skipped(format!("Miri cannot be had here: `{install}` failed")));
        }
    }
    // Without `layout`: what it compares is known at compile time, and Miri takes a minute for it.
    let tests = program("rustup run nightly cargo miri test --package dstream-abi --features host")
        .args(&["--test", "round_trip", "--test", "panics", "--test", "misuse"].map(str::to_owned))
        // Another compiler would throw away what stands in the common folder.
        .args(&["--target-dir", "target/miri"].map(str::to_owned))
        // Miri forbids what a test of memory does not need: clock, files, environment.
        .env("MIRIFLAGS", "-Zmiri-disable-isolation -Zmiri-strict-provenance");
    fold(Outcome::Passed, tests)
}
