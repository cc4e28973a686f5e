//! `bench startup`: how long the smallest things take, from the start of the process to its end.

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Output};
use std::time::{Duration, Instant};

use crate::{dist, say};

/// Runs that are measured, after a few that are not.
const RUNS: usize = 100;
const WARM_UP: usize = 5;

/// One thing that is started again and again.
struct Case {
    name: &'static str,
    args: &'static [&'static str],
    /// The median must be below.
    goal: Duration,
    /// What is taken away before each run.
    fresh: &'static [&'static str],
    /// What it has to say, on stdout or stderr.
    says: &'static str,
}

const SYNC: [&str; 3] = ["sync", "--state", "state.json"];

const CASES: [Case; 4] = [
    Case {
        name: "--version",
        args: &["--version"],
        goal: Duration::from_millis(10),
        fresh: &[],
        says: "dstreams ",
    },
    Case {
        name: "csv -> sqlite, new file",
        args: &["--tap-config", "csv.json", "--target-config", "sqlite.json"],
        goal: Duration::from_millis(50),
        fresh: &["state.json", "rows.db", "rows.db-wal", "rows.db-shm"],
        says: "1 rows committed",
    },
    Case {
        name: "csv -> sqlite, nothing new",
        args: &["--tap-config", "csv.json", "--target-config", "sqlite.json"],
        goal: Duration::from_millis(50),
        fresh: &[],
        says: "0 rows committed",
    },
    Case {
        name: "synthetic -> blackhole",
        args: &["--tap-config", "synthetic.json", "--target-config", "blackhole.json"],
        goal: Duration::from_millis(50),
        fresh: &["state.json"],
        says: "1 rows committed",
    },
];

/// Builds the release, measures, and fails where a goal is missed.
pub(crate) fn run() -> Result<ExitCode> {
    let installed = dist::build(&[])?;
    let folder = dist::target().join("startup");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    prepare(&folder)?;
    let binary = installed.join("bin").join(format!("dstreams{EXE_SUFFIX}"));
    say::step(&format!("milliseconds of {RUNS} runs each, one after the other"));
    say::line(&format!("{:<28}{:>8}{:>20}{:>8}", "", "median", "quartiles", "goal"));
    let mut missed = Vec::new();
    // A program of this size that does nothing: what the machine takes for itself.
    show(
        "(a process that does nothing)",
        &measure(|| start(Path::new("true"), &[], &folder), |_| Ok(()))?,
        None,
    );
    for case in &CASES {
        let args: Vec<&str> = match case.args {
            ["--version"] => case.args.to_vec(),
            configs => SYNC.iter().chain(configs).copied().collect(),
        };
        let before = || {
            case.fresh.iter().for_each(|file| drop(fs::remove_file(folder.join(file))));
            start(&binary, &args, &folder)
        };
        let times = measure(before, |output| check(case, output))?;
        show(case.name, &times, Some(case.goal));
        if times[times.len() / 2] >= case.goal {
            missed.push(case.name);
        }
    }
    if !missed.is_empty() {
        bail!("the goal is missed by {}", missed.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

/// One row, and the configs.
fn prepare(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("rows"))?;
    fs::write(folder.join("rows").join("orders.csv"), "id,name\n1,first\n")?;
    let configs = [
        ("csv.json", json!({ "name": "tap", "type": "csv", "connection": { "path": "rows" } })),
        ("sqlite.json", json!({ "name": "target", "type": "sqlite", "connection": { "path": "rows.db" } })),
        ("synthetic.json", json!({ "name": "tap", "type": "synthetic", "options": { "rows": 1 } })),
        ("blackhole.json", json!({ "name": "target", "type": "blackhole" })),
    ];
    for (name, config) in configs {
        fs::write(folder.join(name), config.to_string())?;
    }
    Ok(())
}

/// A process that sees nothing of the user's.
fn start(program: &Path, args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).env_clear().env("HOME", folder);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// The times of all runs, sorted; what was done by each is checked outside of its time.
fn measure(
    mut next: impl FnMut() -> Command,
    check: impl Fn(&Output) -> Result<()>,
) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(RUNS);
    for run in 0..WARM_UP + RUNS {
        let mut command = next();
        let started = Instant::now();
        let output = command.output().with_context(|| format!("{command:?} cannot be started"))?;
        let took = started.elapsed();
        check(&output)?;
        if run >= WARM_UP {
            times.push(took);
        }
    }
    times.sort();
    Ok(times)
}

fn check(case: &Case, output: &Output) -> Result<()> {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(output.status.success(), "{}: {}\n{said}", case.name, output.status);
    ensure!(said.contains(case.says), "{} does not say `{}`:\n{said}", case.name, case.says);
    Ok(())
}

fn show(name: &str, times: &[Duration], goal: Option<Duration>) {
    let at = |part: usize| times[(times.len() - 1) * part / 4].as_secs_f64() * 1e3;
    let quartiles = format!("{:.1} .. {:.1}", at(1), at(3));
    let goal = goal.map_or_else(String::new, |goal| format!("< {}", goal.as_millis()));
    say::line(&format!("{name:<28}{:>8.1}{quartiles:>20}{goal:>8}", at(2)));
}
