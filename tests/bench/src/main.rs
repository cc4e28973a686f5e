//! `syncs`: how long whole syncs take, beside their peers and the limits of the machine.

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

mod data; // the tables that are moved
mod dstreams; // the program of this repository
mod machine; // what it is, and whether it is quiet
mod measure; // what one command costs
mod output; // the one place that prints
mod python; // the peers
mod report; // figures as Markdown
mod rounds; // everybody takes turns
mod shell; // programs of the set-up
mod workload; // a job, and all that do it
mod workloads; // all of them, by number
mod world; // server, databases, folder

/// Moves tables between files and databases by dstreams, by its peers and by bare COPY, and compares them.
///
/// Exit code 0: every goal is met; 1: one is missed; 2: it could not be measured.
#[derive(Parser)]
#[command(name = "syncs", args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    inner: Option<Inner>,
    #[command(flatten)]
    request: Request,
}

#[derive(clap::Args)]
struct Request {
    /// Which of the workloads there are
    #[arg(value_enum, default_value = "databases")]
    suite: workloads::Suite,
    /// Workloads to run, by number; all of the suite unless given
    #[arg(long, value_delimiter = ',', value_name = "N")]
    only: Vec<u8>,
    /// Times that each contender runs
    #[arg(long, default_value_t = 5, value_name = "N")]
    runs: usize,
    /// Size of the data: 1 is 6 million rows
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    scale: f64,
    /// Seconds that each run waits, at most, for the machine to be quiet
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    patience: u64,
    /// Leave server and data as they are at the end, until this is stopped
    #[arg(long)]
    keep: bool,
    /// Folder of the program `dstreams`
    #[arg(long, value_name = "DIR", default_value = "target/dist/dstreams/bin")]
    dstreams: PathBuf,
    /// Folder for data, peers, configs, logs and results
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    folder: PathBuf,
}

#[derive(Subcommand)]
enum Inner {
    /// The process between this program and a command that is measured
    #[command(hide = true)]
    Measure { figures: PathBuf, command: String },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.inner {
        Some(Inner::Measure { figures, command }) => {
            measure::between(figures, command).map(|code| u8::try_from(code).unwrap_or(1))
        }
        None => run(&args.request).map(|met| u8::from(!met)),
    };
    done.map_or_else(
        |error| {
            output::error(&format!("{error:#}"));
            ExitCode::from(2)
        },
        ExitCode::from,
    )
}

/// Runs all that is asked for, says what it was, and whether all goals are met.
fn run(request: &Request) -> Result<bool> {
    ensure!(request.runs > 0, "`--runs` is at least 1");
    let all = request.suite.numbers();
    let unknown = request.only.iter().find(|number| !all.contains(number));
    ensure!(unknown.is_none(), "there is no workload {} here; there are {all:?}", unknown.unwrap_or(&0));
    let world = world::World::make(&request.folder, &request.dstreams, request.scale, request.suite)?;
    let dstreams = dstreams::Dstreams::prepare(&world)?;
    let (mut results, mut summary) = (Vec::new(), String::new());
    for number in all {
        if request.only.is_empty() || request.only.contains(number) {
            let workload = workloads::make(*number, &world, &dstreams)?;
            let figures =
                rounds::run(&world, &workload, request.runs, Duration::from_secs(request.patience))?;
            results.push((workload, figures));
            // After each: what stops half-way leaves what it has.
            report::save(&world, &results)?;
            summary = report::summary(&world, &dstreams, request, &results)?;
            fs::write(world.folder.join("summary.md"), &summary)?;
        }
    }
    output::line(&summary);
    if request.keep {
        world.keep();
    }
    Ok(results.iter().all(|(workload, figures)| report::missed(workload, figures).is_empty()))
}
