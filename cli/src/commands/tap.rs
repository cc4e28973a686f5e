//! `tap`: from a tap to a file or stdout.

use std::path::PathBuf;

use super::Outcome;
use crate::args::{DataFormat, Globals};
use crate::exit::{During, Phase};
use dstream_core::Error;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Path to tap configuration
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Path to catalog file; without one the tap is asked, and `streams` of its config selects
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Path to state file
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Output file (default: stdout)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What is written (default: singer, or arrow for a file ending in .arrows)
    #[arg(long, value_enum)]
    format: Option<DataFormat>,
}

pub(crate) fn run(args: &Args, _globals: &Globals) -> Outcome {
    let _format = DataFormat::of(args.format, args.output.as_deref());
    let _ = (&args.config, &args.catalog, &args.state);
    Err(Error::unsupported("`tap` has no engine yet")).during(Phase::Config)
}
