//! `chaos`: runs the campaigns and prints their figures.

use anyhow::Result;
use clap::Parser;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use dstream_chaos::bug::Bug;
use dstream_chaos::campaign::{self, Request};
use dstream_chaos::network;
use dstream_chaos::pair::Pair;
use dstream_chaos::subject::Subject;

/// Kills a sync at random moments and counts what is lost, doubled or altered.
///
/// Exit code 0: nothing; 1: something; 2: the campaign could not be carried out. With `--bug` and `--bugs`: 0: found; 1: not.
#[derive(Parser)]
#[command(name = "chaos")]
struct Args {
    /// Kills; of all pairs together where none is named
    #[arg(long, default_value_t = 50)]
    runs: u64,
    /// What is moved to where; all of them unless given
    #[arg(long)]
    pair: Option<Pair>,
    /// Disturb the network in place of killing
    #[arg(long, conflicts_with_all = ["runs", "pair", "until_violation"])]
    network: bool,
    /// With `--network`: faults
    #[arg(long, default_value_t = 40, requires = "network")]
    faults: u64,
    /// With `--network`: a reset after every 64 KiB, in place of faults that are drawn
    #[arg(long, requires = "network", conflicts_with = "faults")]
    sweep: bool,
    /// Number that records and moments follow from; random unless given
    #[arg(long)]
    seed: Option<u64>,
    /// Bug to be found, by the harness that is made for it; the binary must be built with the feature `seeded-bugs`
    #[arg(long, value_name = "NAME", conflicts_with_all = ["runs", "pair", "network", "until_violation", "bugs"])]
    bug: Option<Bug>,
    /// As `--bug`, for all of them
    #[arg(long, conflicts_with_all = ["runs", "pair", "network", "until_violation"])]
    bugs: bool,
    /// Stop at the first violation
    #[arg(long)]
    until_violation: bool,
    /// The `dstreams` to be killed; beside this program unless given
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Folder of the plugin libraries; that of this program unless given
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr().lock(), "error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether nothing was wrong.
fn run(args: &Args) -> Result<bool> {
    let built = Subject::built_folder()?;
    let name = format!("dstreams{}", std::env::consts::EXE_SUFFIX);
    let binary = args.binary.clone().unwrap_or_else(|| built.join(name));
    let plugins = args.plugins.as_ref().unwrap_or(&built);
    let seed = args.seed.unwrap_or_else(|| RandomState::new().hash_one(std::process::id()) >> 32);
    let bugs = args.bug.map_or(Vec::new(), |bug| vec![bug]);
    let bugs = if args.bugs { Bug::ALL.to_vec() } else { bugs };
    if !bugs.is_empty() {
        return find(&bugs, &binary, plugins, seed);
    }
    let subject = Subject::new(&binary, plugins, None)?;
    let pairs = args.pair.map_or(Pair::ALL.to_vec(), |pair| vec![pair]);
    let kills = args.runs.div_ceil(pairs.len() as u64);
    let mut out = io::stdout().lock();
    if args.network {
        let faults = args.faults;
        let what = if args.sweep { "--sweep".to_owned() } else { format!("--faults {faults}") };
        writeln!(out, "seed {seed}; again: cargo xtask chaos --network {what} --seed {seed}")?;
        let figures = match args.sweep {
            true => network::sweep(&subject, seed)?,
            false => network::run(&subject, network::Request { seed, faults })?,
        };
        writeln!(out, "{figures}")?;
        return Ok(figures.verdict.is_clean());
    }
    let mut is_clean = true;
    for pair in pairs {
        writeln!(
            out,
            "{pair}: seed {seed}; again: cargo xtask chaos --pair {pair} --runs {kills} --seed {seed}"
        )?;
        let request = Request { pair, seed, kills, until_violation: args.until_violation };
        let figures = campaign::run(&subject, request)?;
        writeln!(out, "{figures}")?;
        is_clean &= figures.verdict.is_clean();
    }
    Ok(is_clean)
}

/// Whether each of them was found.
fn find(bugs: &[Bug], binary: &Path, plugins: &Path, seed: u64) -> Result<bool> {
    let mut out = io::stdout().lock();
    let mut all = true;
    for bug in bugs {
        let verdict = bug.hunt(&Subject::new(binary, plugins, Some(*bug))?, seed)?;
        let is_found = bug.shows_in(&verdict) > 0;
        all &= is_found;
        writeln!(
            out,
            "{bug}: {} ({verdict}); again: cargo xtask chaos --bug {bug} --seed {seed}",
            match is_found {
                true => "found",
                false => "NOT FOUND",
            }
        )?;
        if let Some(finding) = verdict.findings.first() {
            writeln!(out, "  {finding}")?;
        }
    }
    Ok(all)
}
