//! `chaos`: runs the kill campaign and prints its figures.

use anyhow::Result;
use clap::Parser;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use dstream_chaos::campaign::{self, Figures, Request};
use dstream_chaos::subject::Subject;

/// Kills a sync at random moments and counts what is lost, doubled or altered.
///
/// Exit code 0: nothing; 1: something; 2: the campaign could not be carried out.
#[derive(Parser)]
#[command(name = "chaos")]
struct Args {
    /// Kills
    #[arg(long, default_value_t = 50)]
    runs: u64,
    /// Number that files and moments follow from; random unless given
    #[arg(long)]
    seed: Option<u64>,
    /// Bug to be found; the binary must be built with the feature `seeded-bugs`
    #[arg(long, value_name = "NAME")]
    bug: Option<String>,
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
        Ok(figures) if figures.verdict.is_clean() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr().lock(), "error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<Figures> {
    let built = Subject::built_folder()?;
    let name = format!("dstreams{}", std::env::consts::EXE_SUFFIX);
    let binary = args.binary.clone().unwrap_or_else(|| built.join(name));
    let subject = Subject::new(&binary, args.plugins.as_ref().unwrap_or(&built), args.bug.as_deref())?;
    let seed = args.seed.unwrap_or_else(|| RandomState::new().hash_one(std::process::id()) >> 32);
    let bug = args.bug.as_ref().map_or_else(String::new, |bug| format!(" --bug {bug}"));
    let mut out = io::stdout().lock();
    writeln!(out, "seed {seed}; again: cargo xtask chaos --runs {} --seed {seed}{bug}", args.runs)?;
    let request = Request { seed, kills: args.runs, until_violation: args.until_violation };
    let figures = campaign::run(&subject, request)?;
    show(&mut out, &figures)?;
    Ok(figures)
}

fn show(out: &mut impl Write, figures: &Figures) -> io::Result<()> {
    for finding in &figures.verdict.findings {
        writeln!(out, "  {finding}")?;
    }
    for folder in &figures.kept {
        writeln!(out, "  kept: {}", folder.display())?;
    }
    let Figures { kills, completed, worlds, rows, took, verdict, .. } = figures;
    let seconds = took.as_secs_f64();
    writeln!(
        out,
        "{kills} kills in {seconds:.1} s ({:.0} a minute), {completed} completed syncs in {worlds} databases, {rows} \
         rows compared",
        *kills as f64 * 60.0 / seconds
    )?;
    writeln!(out, "{verdict}")
}
