//! Everybody takes turns, so that what the machine does in one minute is no one's fault.

use anyhow::{Context, Result};
use std::path::PathBuf;
use std::time::Duration;

use crate::machine;
use crate::measure::{self, Cost};
use crate::output::line;
use crate::workload::{Contender, Workload};
use crate::world::World;

/// One run of one contender.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) cost: Cost,
    /// Seconds of processor time of the server, all its processes.
    pub(crate) server: f64,
    /// Cores that were busy with something else meanwhile.
    pub(crate) others: f64,
    /// The machine was quiet before it.
    pub(crate) quiet: bool,
}

/// What became of a contender.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) runs: Vec<Run>,
    /// Why it was not started again.
    pub(crate) failure: Option<String>,
}

/// That of every contender, in their order.
pub(crate) type Figures = Vec<Outcome>;

/// Runs a workload: A B C A B C …
pub(crate) fn run(world: &World, workload: &Workload, runs: usize, patience: Duration) -> Result<Figures> {
    line(&format!("\n== {}. {}", workload.number, workload.title));
    line(&format!("cd {}; . ./env.sh", world.folder.display()));
    for contender in &workload.contenders {
        line(&format!("# {}\n{}", contender.name, contender.command));
    }
    let mut figures: Figures = vec![Outcome::default(); workload.contenders.len()];
    for round in 1..=runs {
        for (contender, outcome) in workload.contenders.iter().zip(&mut figures) {
            if outcome.failure.is_some() {
                continue;
            }
            contender.reset(world).with_context(|| format!("before `{}`", contender.name))?;
            let quiet = machine::wait_until_quiet(patience)?;
            match one(world, workload, contender, quiet) {
                Ok(run) => {
                    line(&format!("{round}  {:<44} {}", contender.name, shown(&run)));
                    outcome.runs.push(run);
                }
                // The others are measured all the same.
                Err(error) => {
                    line(&format!("{round}  {:<44} failed: {error:#}", contender.name));
                    outcome.failure = Some(format!("{error:#}"));
                }
            }
        }
    }
    Ok(figures)
}

fn shown(run: &Run) -> String {
    let Run { cost, server, others, quiet } = run;
    format!(
        "{:>7.2} s  cpu {:>6.2}  server {server:>6.2}  {:>5.0} MiB  others {others:.2}{}",
        cost.wall,
        cost.processor,
        cost.peak,
        if *quiet { "" } else { "  (the machine did not become quiet)" },
    )
}

fn one(world: &World, workload: &Workload, contender: &Contender, quiet: bool) -> Result<Run> {
    let log = log(world, workload, contender);
    let (busy, server) = (machine::busy_seconds()?, world.server_seconds()?);
    let cost = measure::run(&contender.command, &world.folder, &world.env, &log)?;
    let server = world.server_seconds()? - server;
    let others = (machine::busy_seconds()? - busy - server - cost.processor).max(0.0) / cost.wall;
    contender.check(world, &log)?;
    Ok(Run { cost, server, others, quiet })
}

fn log(world: &World, workload: &Workload, contender: &Contender) -> PathBuf {
    let name: String =
        contender.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    world.folder.join("logs").join(format!("{}-{name}.log", workload.number))
}
