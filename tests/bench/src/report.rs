//! Figures as Markdown, and which goals they miss.

use anyhow::Result;
use serde_json::json;
use std::fmt::Write as _;
use std::fs;

use crate::Request;
use crate::dstreams::Dstreams;
use crate::machine;
use crate::rounds::{Figures, Outcome, Run};
use crate::workload::{Goal, Role, Workload};
use crate::world::World;

/// One line a contender.
pub(crate) fn table(workload: &Workload, figures: &Figures) -> String {
    let mut text = format!(
        "\n### {}. {} ({} rows)\n\n| | wall s, median (min..max) | rows/s | CPU s | server CPU s | peak MiB | × limit | others, cores |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        workload.number, workload.title, workload.rows
    );
    let limit = limit(workload, figures);
    for (contender, Outcome { runs, failure }) in workload.contenders.iter().zip(figures) {
        let of = |figure: fn(&Run) -> f64| Spread::of(runs.iter().map(figure));
        let wall = of(|run| run.cost.wall);
        let name = match contender.role {
            Role::Dstreams => format!("**{}**", contender.name),
            Role::Part => format!("({})", contender.name),
            Role::Limit => format!("*{}*", contender.name),
            Role::Peer => contender.name.to_owned(),
        };
        let name = name.replace('|', "\\|");
        if let Some(failure) = failure {
            let failure = failure.lines().next().unwrap_or_default().replace('|', "\\|");
            let _ = writeln!(text, "| {name} | failed: {failure} | | | | | | |");
            continue;
        }
        let _ = writeln!(
            text,
            "| {name} | {:.2} ({:.2}..{:.2}) | {:.0} k | {:.2} | {:.2} | {:.0} | {} | {:.2} |",
            wall.median,
            wall.least,
            wall.most,
            workload.rows as f64 / wall.median / 1e3,
            of(|run| run.cost.processor).median,
            of(|run| run.server).median,
            of(|run| run.cost.peak).most,
            limit.map_or_else(String::new, |limit| format!("{:.2}", wall.median / limit)),
            of(|run| run.others).most,
        );
    }
    for note in &workload.notes {
        let _ = writeln!(text, "\n{note}.");
    }
    for verdict in verdicts(workload, figures) {
        let _ = writeln!(text, "\n{}", verdict.text);
    }
    text
}

/// What is missed, a sentence each.
pub(crate) fn missed(workload: &Workload, figures: &Figures) -> Vec<String> {
    verdicts(workload, figures)
        .into_iter()
        .filter(|verdict| !verdict.met)
        .map(|verdict| verdict.text)
        .collect()
}

struct Verdict {
    met: bool,
    text: String,
}

fn verdicts(workload: &Workload, figures: &Figures) -> Vec<Verdict> {
    let wall = |name: &str| {
        let at = workload.contenders.iter().position(|contender| contender.name == name)?;
        let outcome = figures.get(at)?;
        outcome.failure.is_none().then(|| wall_of(outcome).median)
    };
    let failures = workload.contenders.iter().zip(figures).filter_map(|(contender, outcome)| {
        let failure = outcome.failure.as_ref()?;
        Some(Verdict { met: false, text: format!("**Failed**: {}: {failure}", contender.name) })
    });
    let time = workload.goals.iter().filter_map(|Goal { of, against, at_most }| {
        let ratio = wall(of)? / wall(against)?;
        let met = ratio <= *at_most;
        let sign = sign(met);
        Some(Verdict {
            met,
            text: format!("{sign}: {of} takes {ratio:.2} × {against}; goal ≤ {at_most:.2}."),
        })
    });
    let memory = workload.contenders.iter().zip(figures).filter_map(|(contender, outcome)| {
        let peak = Spread::of(outcome.runs.iter().map(|run| run.cost.peak)).most;
        let (most, met) = (workload.peak, peak < workload.peak);
        (contender.role == Role::Dstreams && outcome.failure.is_none()).then(|| Verdict {
            met,
            text: format!(
                "{}: {} holds {peak:.0} MiB at most; goal < {most} MiB.",
                sign(met),
                contender.name
            ),
        })
    });
    failures.chain(time).chain(memory).collect()
}

fn sign(met: bool) -> &'static str {
    if met { "Met" } else { "**Missed**" }
}

/// The quickest of the limits.
fn limit(workload: &Workload, figures: &Figures) -> Option<f64> {
    let all = workload.contenders.iter().zip(figures);
    all.filter(|(contender, outcome)| contender.role == Role::Limit && outcome.failure.is_none())
        .map(|(_, outcome)| wall_of(outcome).median)
        .min_by(f64::total_cmp)
}

fn wall_of(outcome: &Outcome) -> Spread {
    Spread::of(outcome.runs.iter().map(|run| run.cost.wall))
}

/// Everything, ready for a page.
pub(crate) fn summary(
    world: &World,
    dstreams: &Dstreams,
    request: &Request,
    results: &[(Workload, Figures)],
) -> Result<String> {
    let all: Vec<&Outcome> = results.iter().flat_map(|(_, figures)| figures).collect();
    let runs = all.iter().map(|outcome| outcome.runs.len()).max().unwrap_or_default();
    let loud = all.iter().flat_map(|outcome| &outcome.runs).filter(|run| !run.quiet).count();
    let server = match world.server() {
        Some(_) => {
            let version = world.psql("postgres", "show server_version")?;
            format!("PostgreSQL {version} (fsync on, shared_buffers 2 GB), ")
        }
        None => String::new(),
    };
    let (suite, scale) = (request.suite.name(), request.scale);
    let duckdb = world.python.query(&world.folder, "SELECT version()")?;
    let mut text = format!(
        "\n`cargo xtask bench {suite}`, release, TPC-H scale {scale}, {runs} runs each in turns, row counts and sums \
         checked after each. {}; {server}DuckDB {duckdb}, {}. *Limits* move \
         bytes and do nothing else; CPU is that of the client's processes, peak that of its largest one.\n",
        machine::described(),
        dstreams.version,
    );
    if loud > 0 {
        let _ = writeln!(text, "\n{loud} runs began while others kept the machine busy.");
    }
    results.iter().for_each(|(workload, figures)| text.push_str(&table(workload, figures)));
    Ok(text)
}

/// Every run, for whoever wants to calculate.
pub(crate) fn save(world: &World, results: &[(Workload, Figures)]) -> Result<()> {
    let all: Vec<_> = results
        .iter()
        .flat_map(|(workload, figures)| {
            workload.contenders.iter().zip(figures).map(|(contender, outcome)| {
                json!({
                    "workload": workload.number,
                    "contender": contender.name,
                    "command": contender.command,
                    "runs": outcome.runs.iter().map(as_json).collect::<Vec<_>>(),
                    "failure": outcome.failure,
                })
            })
        })
        .collect();
    fs::write(world.folder.join("results.json"), serde_json::to_string_pretty(&all)?)?;
    Ok(())
}

fn as_json(run: &Run) -> serde_json::Value {
    json!({
        "wall_seconds": run.cost.wall,
        "cpu_seconds": run.cost.processor,
        "server_cpu_seconds": run.server,
        "peak_mib": run.cost.peak,
        "others_cores": run.others,
        "quiet": run.quiet,
    })
}

/// Where the figures of some runs lie.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(figures: impl Iterator<Item = f64>) -> Spread {
        let mut all: Vec<f64> = figures.collect();
        all.sort_by(f64::total_cmp);
        let at = |index: usize| all.get(index).copied().unwrap_or(f64::NAN);
        let last = all.len().saturating_sub(1);
        Spread { least: at(0), median: f64::midpoint(at(last / 2), at(all.len() / 2)), most: at(last) }
    }
}

#[cfg(test)]
mod tests;
